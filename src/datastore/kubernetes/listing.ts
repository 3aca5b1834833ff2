/**
 * Listing a collection (Kubernetes API concepts, "Resource versions", "Retrieving large results sets in chunks").
 *
 * The first list asks for any version (`resourceVersion=0`): the server answers from its cache and etcd hears nothing
 * of it, which matters when a hundred reflectors start. Such a list may be old, so a list after a gap asks for one
 * not older than what was seen, without a limit, which would send it past the cache. Who wants the truth asks etcd
 * (no resourceVersion), in pages; a page token that expired on the way means starting over in one piece.
 */
import { isJsonObject } from '../../model/json.ts';
import { type ApiCollection, type Collection, type Meaning, nameIn } from './collection.ts';
import type { Connection, Query } from './connection.ts';
import { ApiRefusal } from './failure.ts';
import { type ListEnvelope, readList } from './list-stream.ts';

const PAGE = 500;

/** `any`: from the cache. `since`: not older than what was seen. `etcd`: the truth, in pages. `whole`: in one piece. */
export type ListMode = 'any' | 'since' | 'etcd' | 'whole';

export interface ListOptions {
  readonly mode: ListMode;
  /** For `since`; empty where nothing was seen yet. */
  readonly version: string;
  readonly signal: AbortSignal;
}

/**
 * @param onObject called with each object's name and what it stands for
 * @returns the version of the list
 * @throws ApiRefusal, or what the connection throws
 */
export async function listCollection<Meant>(
  connection: Connection,
  collection: ApiCollection<Meant>,
  { mode, version, signal }: ListOptions,
  onObject: (name: string, meanings: readonly Meant[]) => void,
): Promise<string> {
  let token = '';
  for (;;) {
    const query = listQuery(mode, version, token);
    const page = await getPage(connection, collection, query, signal, onObject);
    if (page.continueToken === '') return page.resourceVersion;
    token = page.continueToken;
  }
}

/** All that etcd has now. @throws as `listCollection` does */
export async function listTruth(
  connection: Connection,
  collection: Collection,
  signal: AbortSignal,
): Promise<readonly Meaning[]> {
  for (const mode of ['etcd', 'whole'] as const) {
    const found: Meaning[] = [];
    try {
      await listCollection(connection, collection, { mode, version: '', signal }, (_name, meanings) =>
        found.push(...meanings),
      );
      return found;
    } catch (error) {
      if (mode === 'whole' || !(error instanceof ApiRefusal) || !error.isExpired) throw error;
    }
  }
  return [];
}

/** The version at which etcd is now. */
export async function etcdVersion<Meant>(
  connection: Connection,
  collection: ApiCollection<Meant>,
  signal: AbortSignal,
): Promise<string> {
  return (await getPage(connection, collection, { limit: 1 }, signal, () => undefined)).resourceVersion;
}

async function getPage<Meant>(
  connection: Connection,
  collection: ApiCollection<Meant>,
  query: Query,
  signal: AbortSignal,
  onObject: (name: string, meanings: readonly Meant[]) => void,
): Promise<ListEnvelope> {
  const body = await connection.stream(
    {
      method: 'GET',
      path: collection.path,
      query: { ...selector(collection), ...query },
      signal,
      ...(collection.acceptList === undefined ? {} : { accept: collection.acceptList }),
    },
    connection.patience.piece,
  );
  return readList(body, (item) => {
    if (isJsonObject(item)) onObject(nameIn(collection, item), collection.decode(item));
  });
}

function listQuery(mode: ListMode, version: string, token: string): Query {
  if (token !== '') return { limit: PAGE, continue: token };
  switch (mode) {
    case 'any':
      return { limit: PAGE, resourceVersion: '0' };
    case 'since':
      return version === ''
        ? { limit: PAGE, resourceVersion: '0' }
        : { resourceVersion: version, resourceVersionMatch: 'NotOlderThan' };
    case 'etcd':
      return { limit: PAGE };
    case 'whole':
      return {};
    default:
      return mode satisfies never;
  }
}

export function selector(collection: Pick<Collection, 'fieldSelector'>): Query {
  return collection.fieldSelector === undefined ? {} : { fieldSelector: collection.fieldSelector };
}
