/** Everything in a datastore that sessions depend on. */
import type { Datastore } from '../datastore/datastore.ts';
import type { Listing } from '../model/change.ts';
import { KINDS, type Kind } from '../model/resource.ts';

const READ_KINDS: readonly Kind[] = Object.keys(KINDS).filter(
  (kind): kind is Kind => Object.hasOwn(KINDS, kind) && kind !== 'RouteReflectorStatus',
);

export async function listCluster(datastore: Pick<Datastore, 'list'>): Promise<Listing> {
  const listings = await Promise.all(READ_KINDS.map((kind) => datastore.list(kind)));
  return {
    resources: listings.flatMap(({ resources }) => resources),
    broken: listings.flatMap(({ broken }) => broken),
    warnings: listings.flatMap(({ warnings }) => warnings),
  };
}
