/** What each document would do to what is stored, as `create`, `apply` and `replace` do it. */
import type { DatastoreType } from '../../datastore/datastore.ts';
import { conflict, exists, notFound } from '../../datastore/write-errors.ts';
import type { Resource } from '../../model/resource.ts';
import type { GivenDocument } from './documents.ts';
import { InvalidDocument } from './failure.ts';
import type { Step, Stored } from './plan.ts';
import { type Others, refusedByOthers } from './refused-by-others.ts';
import { asStored, inPlaceOf } from './stored-as.ts';
import { refusedWrite } from './unwritable.ts';

export type WriteVerb = 'create' | 'apply' | 'replace';

export interface WriteOptions {
  readonly type: DatastoreType;
  readonly skipExists: boolean;
}

/** Several documents on one resource build on each other. */
export async function stepsOf(
  documents: readonly GivenDocument[],
  verb: WriteVerb,
  stored: Stored,
  options: WriteOptions,
): Promise<readonly Step[]> {
  const written = new Map<string, Resource>();
  const steps: Step[] = [];
  for (const document of documents) {
    const { kind, name } = document;
    const wanted = wantedOf(document, options.type);
    if (wanted instanceof InvalidDocument) {
      steps.push({ kind, name, does: 'fail', error: wanted, operation: 'Create' });
      continue;
    }
    const step = await stepOf(wanted, verb, options, withWritten(stored, written));
    if (step.does === 'put') written.set(`${kind}/${name}`, step.after);
    steps.push(step);
  }
  return steps;
}

/** What is stored once the documents before have been written. */
function withWritten(stored: Stored, written: ReadonlyMap<string, Resource>): Others {
  return {
    get: async (kind, name) => written.get(`${kind}/${name}`) ?? stored.get(kind, name),
    async list(kind) {
      const { resources } = await stored.list(kind);
      const others = resources.filter(({ metadata }) => !written.has(`${kind}/${metadata.name}`));
      return { resources: [...others, ...[...written.values()].filter((one) => one.kind === kind)] };
    },
  };
}

/** What a document asks for, as it would be stored new. */
export function wantedOf(document: GivenDocument, type: DatastoreType): Resource | InvalidDocument {
  const { resource, invalid = '', faults } = document;
  return resource === undefined ? new InvalidDocument(invalid, faults) : asStored(resource, type);
}

async function stepOf(
  wanted: Resource,
  verb: WriteVerb,
  { type, skipExists }: WriteOptions,
  others: Others,
): Promise<Step> {
  const { kind, metadata } = wanted;
  const { name, resourceVersion } = metadata;
  const fail = (error: unknown, operation: 'Create' | 'Update'): Step => {
    return { kind, name, does: 'fail', error, operation };
  };
  let before: Resource | undefined;
  try {
    before = await others.get(kind, name);
    if (before === undefined || verb !== 'create') {
      const refused = await refusedByOthers(wanted, before, others);
      if (refused !== undefined) return fail(refused, before === undefined ? 'Create' : 'Update');
    }
  } catch (error) {
    return fail(error, 'Update');
  }
  if (before === undefined) {
    if (verb === 'replace') return fail(notFound(kind, name), 'Update');
    const refused = await refusedWrite(wanted, 'Create', type);
    // What cannot be created is replaced by apply, and there is nothing to replace.
    if (refused !== undefined)
      return verb === 'apply' && type === 'kubernetes'
        ? fail(notFound(kind, name), 'Update')
        : fail(refused, 'Create');
    return { kind, name, does: 'put', before, after: wanted };
  }
  if (verb === 'create')
    return skipExists ? { kind, name, does: 'skip' } : fail(exists(kind, name), 'Create');
  if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion)
    return fail(conflict(kind, name), 'Update');
  return replacing(before, inPlaceOf(before, wanted), type);
}

/** One resource in the place of another state of it. */
export async function replacing(before: Resource, after: Resource, type: DatastoreType): Promise<Step> {
  const { kind, metadata } = after;
  const what = { kind, name: metadata.name };
  const error = await refusedWrite(after, 'Update', type);
  return error === undefined
    ? { ...what, does: 'put', before, after }
    : { ...what, does: 'fail', error, operation: 'Update' };
}
