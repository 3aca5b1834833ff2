/** One resource read, changed and written, for the verbs of older calicoctls, which change one field at a time. */
import type { Datastore } from '../../datastore/datastore.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { type JsonObject, KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { type Asking, passGate } from '../resources/gate.ts';

/** Others may write meanwhile; the change is made anew on what they wrote. */
const TRIES = 10;

/**
 * Sets fields of a spec, in a resource made for it where there is none; null takes a field out. What it takes is asked
 * about first.
 * @throws E_CONFLICT where others keep winning, CommandFailure where nobody agrees, and what the datastore throws
 */
export async function setFields(
  datastore: Datastore,
  { kind, name }: { readonly kind: Kind; readonly name: string },
  fields: JsonObject,
  asking: Asking,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const before = await findResource(datastore, kind, name);
    const merged = Object.entries({ ...before?.spec, ...fields }).filter(([, value]) => value !== null);
    const spec = Object.fromEntries(merged);
    const after = { ...(before ?? { apiVersion: KINDS[kind], kind, metadata: { name } }), spec };
    // What was agreed to once is not asked again because somebody else wrote at that moment.
    if (tries === 1 && !(await passGate([{ kind, name, does: 'put', before, after }], datastore, asking)))
      return;
    try {
      if (before !== undefined) await datastore.update(after);
      else await datastore.create(after);
      return;
    } catch (error) {
      const lost =
        error instanceof CalicoRrError && (error.code === 'E_CONFLICT' || error.code === 'E_EXISTS');
      if (!lost || tries >= TRIES) throw error;
    }
  }
}

/** The resource, or undefined where there is none. */
export async function findResource(
  datastore: Datastore,
  kind: Kind,
  name: string,
): Promise<Resource | undefined> {
  try {
    return await datastore.get(kind, name);
  } catch (error) {
    if (error instanceof CalicoRrError && error.code === 'E_NOT_FOUND') return undefined;
    throw error;
  }
}
