/** `create`, `apply` and `replace`: documents into the datastore, one after the other. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Datastore } from '../../datastore/datastore.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Resource } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { documentsIn, duplicatesIn, type FileFlags, type GivenDocument, pathsOf } from './documents.ts';
import { CommandFailure, failedToExecute, InvalidDocument, type Operation } from './failure.ts';
import { type ChangeFlags, passGate } from './gate.ts';
import { readGiven } from './given.ts';
import { type DatastoreFlags, openForVerb } from './open.ts';
import { storedIn } from './plan.ts';
import { refusedByOthers } from './refused-by-others.ts';
import { DONE, type Outcome, report } from './report.ts';
import { inPlaceOf } from './stored-as.ts';
import { stepsOf, type WriteVerb, wantedOf } from './write-steps.ts';

export interface WriteFlags extends DatastoreFlags, FileFlags, ChangeFlags {
  readonly skipExists?: boolean;
  readonly namespace?: string;
}

/** How often a document without a version is tried on what others wrote meanwhile, and how long in between. */
const UPDATE_TRIES = 5;
const UPDATE_PAUSE_MS = 1_000;

/** @throws CommandFailure with what was not written */
export async function runWrite(verb: WriteVerb, flags: WriteFlags, program: ProgramName): Promise<void> {
  let datastore: Datastore | undefined;
  try {
    const texts = readGiven(pathsOf(flags), flags.recursive === true);
    datastore = await openForVerb(flags, program);
    const documents = documentsIn(texts, datastore.type, program);
    if (documents.length === 0) {
      if (flags.skipEmpty === true) return;
      throw new CommandFailure(`no resources specified in file ${pathsOf(flags).join(', ')}`);
    }
    // calicoctl writes what is valid; here one mistake stops all before anything is written.
    if (program === 'calico-rr') {
      const twice = duplicatesIn(documents);
      if (twice !== undefined) throw twice;
      const invalid = documents.flatMap(refused);
      if (invalid.length > 0) return report(verb, invalid, program);
    }
    const stored = storedIn(datastore);
    const skipExists = flags.skipExists === true;
    const steps = await stepsOf(documents, verb, stored, { type: datastore.type, skipExists });
    if (!(await passGate(steps, datastore, { flags, program, done: DONE[verb] }, stored))) return;
    const outcomes: Outcome[] = [];
    for (const document of documents) outcomes.push(await writeOne(datastore, verb, document, skipExists));
    report(verb, outcomes, program);
  } catch (error) {
    throw failedToExecute(error, program);
  } finally {
    await datastore?.close();
  }
}

/** The outcome of a document that is not valid. */
function refused(document: GivenDocument): readonly Outcome[] {
  const { kind, name, invalid, faults } = document;
  if (invalid === undefined) return [];
  return [{ kind, name, operation: 'Create', error: new InvalidDocument(invalid, faults) }];
}

async function writeOne(
  datastore: Datastore,
  verb: WriteVerb,
  document: GivenDocument,
  skipExists: boolean,
): Promise<Outcome> {
  const { kind, name } = document;
  const wanted = wantedOf(document, datastore.type);
  if (wanted instanceof InvalidDocument) return { kind, name, operation: 'Create', error: wanted };
  let operation: Operation = 'Create';
  try {
    const others = storedIn(datastore);
    const before = kind === 'IPPool' ? await others.get(kind, name) : undefined;
    // What is there already is no reason for create to look further.
    const refused =
      before !== undefined && verb === 'create' ? undefined : await refusedByOthers(wanted, before, others);
    if (refused !== undefined) throw refused;
    if (verb !== 'replace') {
      const { resourceVersion, ...metadata } = wanted.metadata;
      try {
        // calicoctl refuses to create what has a version; apply goes on to update it.
        if (resourceVersion === undefined || verb === 'create') {
          await datastore.create({ ...wanted, metadata });
          return { kind, name, operation };
        }
      } catch (error) {
        if (verb === 'create') {
          if (skipExists && isCode(error, 'E_EXISTS')) return { kind, name, operation, skipped: true };
          throw error;
        }
        if (!isCode(error, 'E_EXISTS') && !isCode(error, 'E_READ_ONLY')) throw error;
      }
    }
    operation = 'Update';
    await update(datastore, wanted);
    return { kind, name, operation };
  } catch (error) {
    return { kind, name, operation, error };
  }
}

/** With a version: that one or a conflict. Without: whatever is there now, tried again where others win. */
async function update(datastore: Datastore, wanted: Resource): Promise<void> {
  const { kind, metadata } = wanted;
  for (let tries = 1; ; tries += 1) {
    const stored = await datastore.get(kind, metadata.name);
    try {
      await datastore.update(inPlaceOf(stored, wanted));
      return;
    } catch (error) {
      const again = metadata.resourceVersion === undefined && tries < UPDATE_TRIES;
      if (!isCode(error, 'E_CONFLICT') || !again) throw error;
      await delay(UPDATE_PAUSE_MS);
    }
  }
}

function isCode(error: unknown, code: CalicoRrError['code']): boolean {
  return error instanceof CalicoRrError && error.code === code;
}
