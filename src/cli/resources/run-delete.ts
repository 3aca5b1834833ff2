/** `delete`: resources by name, or those that files name. */
import type { Datastore, DatastoreType } from '../../datastore/datastore.ts';
import { conflict, notFound } from '../../datastore/write-errors.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import { namesOfPeers, type ScopeFlags, scopeOf } from '../older/scoped-peers.ts';
import type { ProgramName } from '../program-name.ts';
import type { FileFlags } from './documents.ts';
import { failedToExecute } from './failure.ts';
import { type ChangeFlags, passGate } from './gate.ts';
import { type GivenText, readGiven } from './given.ts';
import { type Identity, identitiesIn } from './identities.ts';
import { kindOf } from './kinds.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { type Step, type Stored, storedIn } from './plan.ts';
import { type Outcome, report } from './report.ts';
import { refuseNamespace } from './run-get.ts';
import { refusedDelete } from './unwritable.ts';

export interface DeleteFlags extends DatastoreFlags, FileFlags, ChangeFlags, ScopeFlags {
  readonly skipNotExists?: boolean;
  readonly namespace?: string;
}

/** @throws CommandFailure with what was not deleted */
export async function runDelete(
  kindWord: string | undefined,
  names: readonly string[],
  flags: DeleteFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const asked = wantedOf(kindWord, names, flags);
    const inScope = scopeOf(asked.is === 'files' ? undefined : asked.kind, flags);
    const datastore = await openForVerb(flags, program);
    try {
      const wanted = await identitiesOf(asked, inScope, datastore);
      const stored = storedIn(datastore);
      const steps: Step[] = [];
      for (const one of wanted) steps.push(await stepOf(one, stored, datastore.type, flags));
      if (!(await passGate(steps, datastore, { flags, program, done: 'deleted' }, stored))) return;
      const outcomes: Outcome[] = [];
      for (const { kind, name, resourceVersion } of wanted) {
        const outcome = { kind, name, operation: 'Delete' as const };
        try {
          await datastore.delete(kind, name, resourceVersion === undefined ? {} : { resourceVersion });
          outcomes.push(outcome);
        } catch (error) {
          const missing = error instanceof CalicoRrError && error.code === 'E_NOT_FOUND';
          const skipped = missing && flags.skipNotExists === true;
          outcomes.push(skipped ? { ...outcome, skipped } : { ...outcome, error });
        }
      }
      report('delete', outcomes, program);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

async function identitiesOf(
  asked: Asked,
  inScope: ((peer: Resource) => boolean) | undefined,
  datastore: Datastore,
): Promise<readonly Identity[]> {
  if (asked.is === 'files') return identitiesIn(asked.texts, datastore.type);
  const { kind, names } = asked;
  const found = inScope === undefined ? names : await namesOfPeers(names, inScope, datastore);
  return found.map((name) => ({ kind, name }));
}

async function stepOf(
  { kind, name, resourceVersion }: Identity,
  stored: Stored,
  type: DatastoreType,
  { skipNotExists }: DeleteFlags,
): Promise<Step> {
  const fail = (error: unknown): Step => ({ kind, name, does: 'fail', error, operation: 'Delete' });
  const refused = await refusedDelete(kind, name, type);
  if (refused !== undefined) return fail(refused);
  try {
    const before = await stored.get(kind, name);
    if (before === undefined)
      return skipNotExists === true ? { kind, name, does: 'skip' } : fail(notFound(kind, name));
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
      return fail(conflict(kind, name));
  } catch (error) {
    // What is broken can be deleted all the same.
    if (!(error instanceof CalicoRrError) || error.code !== 'E_INVALID_RESOURCE') return fail(error);
  }
  return { kind, name, does: 'delete' };
}

type Asked =
  | { readonly is: 'named'; readonly kind: Kind; readonly names: readonly string[] }
  | { readonly is: 'files'; readonly texts: readonly GivenText[] };

function wantedOf(kindWord: string | undefined, names: readonly string[], flags: DeleteFlags): Asked {
  if (flags.filename !== undefined && flags.filename.length > 0) {
    if (kindWord !== undefined)
      throw new CalicoRrError('E_USAGE', 'a kind and -f are both given.', { hint: 'Give one of them.' });
    return { is: 'files', texts: readGiven(flags.filename, flags.recursive === true) };
  }
  const [word = '', name] = (kindWord ?? '').split('/');
  const all = name === undefined ? names : [name, ...names];
  if (kindWord === undefined || all.length === 0)
    throw new CalicoRrError('E_USAGE', 'nothing to delete is named: give a kind and names, or -f FILE.', {
      hint: 'Such as: delete bgppeer tor-1.',
    });
  const { kind } = kindOf(word);
  refuseNamespace(kind, flags.namespace);
  return { is: 'named', kind, names: all };
}
