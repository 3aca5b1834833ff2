/**
 * The datastore of Calico v0 to v2.6: etcd's v2 API, with the keys of keys.ts. Etcd 3.4 still serves it with
 * `--enable-v2=true`; etcd 3.6 no longer does.
 */
import type { Datastore } from '../datastore.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import { REFLECTOR_PREFIX } from '../reflector-half.ts';
import type { EtcdV2Client } from './api.ts';
import { createEtcdV2Client } from './client.ts';
import { NoV2ApiError } from './failure.ts';
import { BGP, GLOBAL, HOST, keyOfPath, pathsOfKind } from './keys.ts';
import { createKeyspace, listingOf } from './keyspace.ts';
import { createEtcdV2Store } from './store.ts';
import { watchEtcdV2 } from './watch.ts';

/** Opens nothing yet: the first request does, and a watch waits for a server that is not there. */
export function openEtcdV2(settings: EtcdSettings): Datastore {
  const client = createEtcdV2Client(settings);
  const store = createEtcdV2Store(client);
  const closing = new AbortController();
  return {
    type: 'etcdv2',
    location: client.location,
    async list(kind) {
      const keyspace = createKeyspace([kind]);
      for (const path of pathsOfKind(kind)) {
        const { node } = await client.list(keyOfPath(path));
        keyspace.replace(path, node);
      }
      return listingOf(keyspace.take());
    },
    get: store.get,
    create: store.create,
    update: store.update,
    patch: store.patch,
    delete: store.delete,
    async *watch(kinds, { signal }) {
      const ending = new AbortController();
      const end = (): void => ending.abort();
      for (const source of [signal, closing.signal]) {
        source.addEventListener('abort', end);
        if (source.aborted) end();
      }
      try {
        yield* watchEtcdV2(client, kinds, ending.signal);
      } finally {
        for (const source of [signal, closing.signal]) source.removeEventListener('abort', end);
      }
    },
    close() {
      closing.abort();
      return client.close();
    },
  };
}

/** Directories of which one that is not empty means Calico's data. What reflectors report of themselves does not. */
const CALICO_DIRECTORIES = [
  ...[GLOBAL, HOST, [...BGP, 'rr_v4'], [...BGP, 'rr_v6']].map(keyOfPath),
  '/calico/v1',
  '/calico/ipam/v2',
] as const;

/**
 * Whether Calico keeps, or once kept, its data in the v2 keyspace. A server without a v2 API has none.
 * @throws E_DATASTORE_UNREACHABLE, E_DATASTORE_TLS, E_DATASTORE_AUTH
 */
export function hasCalicoDataV2(settings: EtcdSettings): Promise<boolean> {
  return asking(settings, false, async (client) => {
    for (const key of CALICO_DIRECTORIES) {
      const { node } = await client.get(key);
      if (node !== undefined && node.nodes.length > 0) return true;
    }
    return false;
  });
}

/**
 * The reflector entries in the v2 keyspace, for the warning that nobody reads them there any more.
 * @throws as `hasCalicoDataV2`
 */
export function reflectorKeysInV2(settings: EtcdSettings): Promise<string[]> {
  return asking<string[]>(settings, [], async (client) => {
    const keys: string[] = [];
    for (const prefix of Object.values(REFLECTOR_PREFIX)) {
      const { node } = await client.get(prefix.replace(/\/$/, ''));
      for (const entry of node?.nodes ?? []) keys.push(entry.key);
    }
    return keys.sort();
  });
}

/** One question to a server that may have no v2 API. */
async function asking<Answer>(
  settings: EtcdSettings,
  without: Answer,
  ask: (client: EtcdV2Client) => Promise<Answer>,
): Promise<Answer> {
  const client = createEtcdV2Client(settings);
  try {
    return await ask(client);
  } catch (error) {
    if (error instanceof NoV2ApiError) return without;
    throw error;
  } finally {
    await client.close();
  }
}
