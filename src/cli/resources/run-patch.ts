/** `patch`: a part of one resource, in one of three patch types, on what is stored at that moment. */
import { isDeepStrictEqual } from 'node:util';
import type { DatastoreType } from '../../datastore/datastore.ts';
import { readResource, storedForm } from '../../datastore/resource-json.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import type { Json, Kind, Resource } from '../../model/resource.ts';
import { validateResource } from '../../model/validate.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, calicoText, failedToExecute, hintsOf, withHints } from './failure.ts';
import { validationText } from './faults.ts';
import { type ChangeFlags, passGate } from './gate.ts';
import { kindOf } from './kinds.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { type Patch, readPatch, readPatchType } from './patching.ts';
import { storedIn } from './plan.ts';
import { refusedByOthers } from './refused-by-others.ts';
import { refuseNamespace } from './run-get.ts';
import { asStored } from './stored-as.ts';
import { replacing } from './write-steps.ts';

export interface PatchFlags extends DatastoreFlags, ChangeFlags {
  readonly patch?: string;
  readonly type?: string;
  readonly namespace?: string;
}

/** Others may write meanwhile (kubelets do all the time); the patch is made anew on what they wrote. */
const TRIES = 10;

/** @throws CommandFailure */
export async function runPatch(
  kindWord: string,
  name: string,
  flags: PatchFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const { kind } = kindOf(kindWord);
    refuseNamespace(kind, flags.namespace);
    if (flags.patch === undefined)
      throw new CalicoRrError('E_USAGE', 'there is no patch.', { hint: 'Give it with -p.' });
    const patch = readPatch(flags.patch, readPatchType(flags.type));
    const datastore = await openForVerb(flags, program);
    try {
      for (let tries = 1; ; tries += 1) {
        const stored = await datastore.get(kind, name);
        try {
          const patched = asStored(patchedWith(stored, patch), datastore.type);
          refuseNewErrors(stored, patched, datastore.type);
          // Filters that are gone since are not this patch's fault.
          if (kind !== 'BGPPeer' || !isDeepStrictEqual(stored.spec.filters, patched.spec.filters)) {
            const refused = await refusedByOthers(patched, stored, storedIn(datastore));
            if (refused !== undefined) throw refused;
          }
          // What was agreed to once is not asked again because somebody else wrote at that moment.
          if (tries === 1) {
            const step = await replacing(stored, patched, datastore.type);
            if (!(await passGate([step], datastore, { flags, program, done: 'patched' }))) return;
          }
          await datastore.update(patched);
          break;
        } catch (error) {
          const lost = error instanceof CalicoRrError && error.code === 'E_CONFLICT';
          if (!lost || tries >= TRIES) throw error;
        }
      }
      process.stdout.write(`Successfully patched 1 '${kind}' resource\n`);
    } catch (error) {
      throw hit(error, kind, name, program);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

/** The resource as the patch leaves it; kind, name and version are not the patch's to change. */
function patchedWith(stored: Resource, patch: Patch): Resource {
  const { kind, metadata } = stored;
  const document = patch(storedForm(stored));
  refuseAnother(document, stored);
  const read = readResource(kind, metadata.name, document, metadata.resourceVersion);
  if (read.ok) return read.resource;
  throw new CalicoRrError('E_INVALID_RESOURCE', read.fault.message, {
    ...(read.fault.hint === undefined ? {} : { hint: read.fault.hint }),
  });
}

/** A patch that gives it another name or kind would say that it was patched, and nothing would have changed. */
function refuseAnother(document: Json, { kind, metadata }: Resource): void {
  if (!isJsonObject(document)) return;
  const name = isJsonObject(document.metadata) ? document.metadata.name : undefined;
  const changed =
    name !== undefined && name !== metadata.name
      ? 'metadata.name'
      : document.kind !== undefined && document.kind !== kind
        ? 'kind'
        : undefined;
  if (changed === undefined) return;
  throw new CalicoRrError(
    'E_INVALID_RESOURCE',
    `the patch changes ${changed}, which a resource keeps for life`,
    {
      hint: 'Create it anew under that name (get -o yaml --export shows it), and delete this one.',
    },
  );
}

/** What was wrong with the resource before is not the patch's fault, and is no reason to leave it so. */
function refuseNewErrors(stored: Resource, patched: Resource, type: DatastoreType): void {
  const options = { strict: true, names: type === 'etcdv2' ? ('keys' as const) : ('v3' as const) };
  const errorsOf = (resource: Resource): readonly Problem[] =>
    validateResource(resource, options).filter(({ severity }) => severity === 'error');
  const known = new Set(errorsOf(stored).map(({ code, field, message }) => `${code} ${field} ${message}`));
  const found = errorsOf(patched).filter(
    ({ code, field, message }) => !known.has(`${code} ${field} ${message}`),
  );
  if (found.length === 0) return;
  const document: Json = JSON.parse(JSON.stringify(patched));
  const hints = found.flatMap(({ hint }) => (hint === undefined ? [] : [hint]));
  throw new CalicoRrError(
    'E_INVALID_RESOURCE',
    validationText(found, isJsonObject(document) ? document : {}),
    {
      ...(hints.length === 0 ? {} : { hint: hints.join('\n') }),
    },
  );
}

function hit(error: unknown, kind: Kind, name: string, program: ProgramName): unknown {
  if (!(error instanceof CalicoRrError)) return error;
  const text = `Hit error: ${calicoText(error, kind, name, 'Update')}`;
  return new CommandFailure(withHints(text, hintsOf([error], program)), 1, error);
}
