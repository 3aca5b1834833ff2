/**
 * etcd v3 as Calico v3 uses it (libcalico-go, backend/etcdv3): one JSON document for each resource, its version the
 * key's modification revision and never stored, every write a transaction on that revision.
 *
 * Deleting a node takes what belongs to it along, its BGPPeers (`spec.node`) and its `node.NAME` BGPConfiguration,
 * as Calico's own client does; here in one transaction, so that no half of it is ever seen.
 */
import { CalicoRrError } from '../../model/errors.ts';
import { KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { type Datastore, gleanFrom } from '../datastore.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import { born, patched, sameBirth, storedForm } from '../resource-json.ts';
import { checkName, conflict, exists, invalid, notFound, noVersion, readOnly } from '../write-errors.ts';
import type { EtcdV3Client } from './client.ts';
import { decode } from './decode.ts';
import { gleanKeys } from './gleaning.ts';
import {
  CALICO_PREFIXES,
  type DocumentKind,
  documentKey,
  isDocumentKind,
  PREFIXES,
  parseKey,
  prefixEnd,
} from './keys.ts';
import { listingOf } from './keyspace.ts';
import { listKeys } from './listing.ts';
import type { Compare, RequestOp } from './messages.ts';
import { createEtcdV3Client } from './open-client.ts';
import type { KeyValue } from './range-message.ts';
import { createReflectorStore } from './reflector-store.ts';
import { watchEtcdV3 } from './watch.ts';

/** How often a patch is tried on what others wrote meanwhile. */
const PATCH_TRIES = 10;
/** etcd takes 128 operations in one transaction (--max-txn-ops). */
const MOST_OPERATIONS = 100;

/**
 * Opens nothing yet: connections are made when they are needed, so a server that is away is no error here.
 * @param once for who reads what a person asked for and ends
 */
export function openEtcdV3(
  settings: EtcdSettings,
  { once = false }: { readonly once?: boolean } = {},
): Datastore {
  const client = createEtcdV3Client(settings, once);
  const closing = new AbortController();
  const reflectors = createReflectorStore(client);

  const read = async (kind: DocumentKind, name: string): Promise<KeyValue | undefined> =>
    (await client.range({ key: Buffer.from(documentKey(kind, name)) })).kvs[0];

  const resourceOf = (kind: Kind, name: string, kv: KeyValue): Resource => {
    const parsed = parseKey(kv.key);
    if (parsed === undefined || parsed.is === 'entry') throw notFound(kind, name);
    const decoded = decode(parsed, kv);
    if (decoded.is === 'broken') throw invalid(kind, name, decoded.broken.problem);
    return decoded.resource;
  };

  const get = async (kind: Kind, name: string): Promise<Resource> => {
    if (kind === 'RouteReflector') return reflectors.get(name);
    if (isDocumentKind(kind)) {
      const kv = await read(kind, name);
      if (kv === undefined) throw notFound(kind, name);
      return resourceOf(kind, name, kv);
    }
    const listing = await list(kind);
    const found = listing.resources.find((resource) => resource.metadata.name === name);
    if (found !== undefined) return found;
    const broken = listing.broken.find((one) => one.name === name);
    throw broken === undefined ? notFound(kind, name) : invalid(kind, name, broken.problem);
  };

  const list: Datastore['list'] = async (kind) => listingOf((await listKeys(client, PREFIXES[kind])).kvs);

  /** Puts a document on condition that its key is at `version` ("0": not there). */
  const put = async (kind: DocumentKind, resource: Resource, version: string): Promise<Resource> => {
    const { name } = resource.metadata;
    const key = documentKey(kind, name);
    const value = JSON.stringify(storedForm(resource));
    const done = await client.txn({
      compare: [at(key, version)],
      success: [{ requestPut: { key: Buffer.from(key), value: Buffer.from(value) } }],
      failure: [{ requestRange: { key: Buffer.from(key) } }],
    });
    if (done.succeeded)
      return resourceOf(kind, name, { key, value, modRevision: String(done.header.revision) });
    const [now] = done.kvs;
    // A try whose answer was lost did the work: what is there is what we wrote.
    if (now !== undefined && done.repeated && now.value === value) return resourceOf(kind, name, now);
    if (version === '0') throw exists(kind, name);
    throw now === undefined ? notFound(kind, name) : conflict(kind, name);
  };

  const update = async (resource: Resource): Promise<Resource> => {
    const kind = writable(resource.kind);
    const { name, resourceVersion } = resource.metadata;
    if (resourceVersion === undefined) throw noVersion(resource);
    if (kind === 'RouteReflector') return reflectors.update(resource, resourceVersion);
    const kv = await read(kind, name);
    if (kv === undefined) throw notFound(kind, name);
    if (kv.modRevision !== resourceVersion) throw conflict(kind, name);
    // A broken document has no identity to keep: replacing it is how it is mended.
    const parsed = parseKey(kv.key);
    const stored = parsed?.is === 'document' ? decode(parsed, kv) : undefined;
    return put(
      kind,
      stored?.is === 'resource' ? sameBirth(resource, stored.resource) : born(resource),
      resourceVersion,
    );
  };

  return {
    type: 'etcdv3',
    location: client.location,
    list,
    async glean(kind, keep) {
      if (kind !== 'RouteReflector') return gleanKeys(client, kind, keep);
      // A reflector is made of two keys, which may be pages apart.
      const ready = await keep;
      return gleanFrom(await list(kind), ready);
    },
    get,
    update,
    async create(resource) {
      const kind = writable(resource.kind);
      checkName(resource);
      return kind === 'RouteReflector' ? reflectors.create(resource) : put(kind, born(resource), '0');
    },
    async patch(kind, name, patch) {
      const target = writable(kind);
      for (let tries = 1; ; tries += 1) {
        const result = patched(await get(target, name), patch);
        if (!result.ok) throw invalid(kind, name, result.fault);
        try {
          return await update(result.resource);
        } catch (error) {
          if (!isConflict(error) || tries >= PATCH_TRIES) throw error;
        }
      }
    },
    async delete(kind, name, options = {}) {
      const target = writable(kind);
      if (target === 'RouteReflector') return reflectors.delete(name, options.resourceVersion);
      for (let tries = 1; ; tries += 1) {
        const kv = await read(target, name);
        if (kv === undefined) throw notFound(kind, name);
        if (options.resourceVersion !== undefined && kv.modRevision !== options.resourceVersion)
          throw conflict(kind, name);
        if (await deleteAll(client, kv, target === 'Node' ? await belongings(client, name) : [])) return;
        if (tries >= PATCH_TRIES) throw conflict(kind, name);
      }
    },
    watch: (kinds, { signal }) => watchEtcdV3(client, kinds, AbortSignal.any([signal, closing.signal])),
    async close() {
      closing.abort();
      client.close();
    },
  };
}

/**
 * Whether this keyspace holds anything of Calico's.
 * @throws E_DATASTORE_* where etcd does not answer
 */
export async function hasCalicoDataV3(settings: EtcdSettings): Promise<boolean> {
  const client = createEtcdV3Client(settings, true);
  try {
    for (const prefix of CALICO_PREFIXES) {
      const { kvs } = await client.range({
        key: Buffer.from(prefix),
        rangeEnd: prefixEnd(prefix),
        limit: 1,
        keysOnly: true,
      });
      if (kvs.length > 0) return true;
    }
    return false;
  } finally {
    client.close();
  }
}

/** What Calico deletes with a node: the peers that name it and its own BGP configuration. */
async function belongings(client: EtcdV3Client, node: string): Promise<KeyValue[]> {
  const { kvs } = await listKeys(client, PREFIXES.BGPPeer);
  const own = await client.range({ key: Buffer.from(documentKey('BGPConfiguration', `node.${node}`)) });
  const peers = kvs.filter((kv) => {
    const parsed = parseKey(kv.key);
    const decoded = parsed?.is === 'document' ? decode(parsed, kv) : undefined;
    return decoded?.is === 'resource' && decoded.resource.spec.node === node;
  });
  return [...peers, ...own.kvs];
}

/**
 * Deletes `others` and then `kv`, all at the versions given; more than fit into one transaction go first.
 * @returns false where one of them is at another version now
 */
async function deleteAll(client: EtcdV3Client, kv: KeyValue, others: readonly KeyValue[]): Promise<boolean> {
  for (let start = 0; ; start += MOST_OPERATIONS) {
    const last = start + MOST_OPERATIONS >= others.length;
    const part = others.slice(start, start + MOST_OPERATIONS);
    const gone = last ? [...part, kv] : part;
    const done = await client.txn({
      compare: [...part, kv].map((one) => at(one.key, one.modRevision)),
      success: gone.map((one): RequestOp => ({ requestDeleteRange: { key: Buffer.from(one.key) } })),
      failure: [{ requestRange: { key: Buffer.from(kv.key) } }],
    });
    const doneBefore = done.repeated && last && done.kvs.length === 0;
    if (!done.succeeded && !doneBefore) return false;
    if (last) return true;
  }
}

function at(key: string, modRevision: string): Compare {
  return { result: 'EQUAL', target: 'MOD', key: Buffer.from(key), modRevision };
}

function writable(kind: Kind): DocumentKind | 'RouteReflector' {
  if (kind === 'RouteReflector' || isDocumentKind(kind)) return kind;
  throw readOnly(
    kind,
    kind === 'BlockAffinity'
      ? "Calico's IPAM owns it."
      : `etcd v3 has no place for a ${KINDS[kind]} ${kind}.`,
  );
}

function isConflict(error: unknown): boolean {
  return error instanceof CalicoRrError && error.code === 'E_CONFLICT';
}
