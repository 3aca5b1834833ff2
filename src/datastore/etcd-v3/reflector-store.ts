/**
 * Reading and writing reflectors in etcd v3: their one or two flat keys, always in one transaction, so that a
 * reflector is never seen half changed.
 */
import { CalicoRrError } from '../../model/errors.ts';
import type { Resource } from '../../model/resource.ts';
import {
  joinReflectorEntries,
  type ReflectorEntry,
  type ReflectorHalf,
  type ReflectorListing,
} from '../reflector-entry.ts';
import { type KeyWrite, planReflectorWrite } from '../reflector-entry-write.ts';
import { conflict, exists, invalid, notFound } from '../write-errors.ts';
import type { EtcdV3Client } from './client.ts';
import { PREFIXES } from './keys.ts';
import { listKeys } from './listing.ts';
import type { RequestOp } from './messages.ts';
import type { KeyValue } from './range-message.ts';

export interface ReflectorStore {
  get(name: string): Promise<Resource>;
  create(resource: Resource): Promise<Resource>;
  /** @param version what `metadata.resourceVersion` must still be */
  update(resource: Resource, version: string): Promise<Resource>;
  delete(name: string, version?: string): Promise<void>;
}

const KIND = 'RouteReflector';

export function createReflectorStore(client: EtcdV3Client): ReflectorStore {
  const read = async (): Promise<ReflectorListing> =>
    joinReflectorEntries((await listKeys(client, PREFIXES[KIND])).kvs.map(entryOf));

  const get = (listing: ReflectorListing, name: string): Resource => {
    const broken = listing.broken.find((one) => one.name === name);
    if (broken !== undefined) throw invalid(KIND, name, broken.problem);
    const resource = listing.resources.find((one) => one.metadata.name === name);
    if (resource === undefined) throw notFound(KIND, name);
    return resource;
  };

  /**
   * Does all writes at once.
   * @returns the keys as they are then, or undefined where one of them is not at its revision any more
   */
  const commit = async (
    writes: readonly KeyWrite[],
    halves: readonly ReflectorHalf[],
  ): Promise<readonly ReflectorEntry[] | undefined> => {
    const stored = halves.map((half) => half.entry);
    const conditions = new Map<string, number>(writes.map(({ key, revision = 0 }) => [key, revision]));
    for (const entry of stored) conditions.set(entry.key, entry.revision);
    const done = await client.txn({
      compare: [...conditions].map(([key, revision]) => ({
        result: 'EQUAL',
        target: 'MOD',
        key: Buffer.from(key),
        modRevision: String(revision),
      })),
      success: writes.map(operationOf),
      failure: writes.map(({ key }) => ({ requestRange: { key: Buffer.from(key) } })),
    });
    const written = (key: string): KeyWrite | undefined => writes.find((write) => write.key === key);
    const untouched = stored.filter((entry) => written(entry.key) === undefined);
    if (done.succeeded) {
      const revision = Number(done.header.revision);
      const fresh = writes.flatMap(({ key, value }) =>
        value === undefined ? [] : [{ key, value, revision }],
      );
      return [...untouched, ...fresh];
    }
    // A try whose answer was lost did the work: each key says what we wrote.
    const now = new Map(done.kvs.map((kv) => [kv.key, kv]));
    const ours = writes.every((write) => now.get(write.key)?.value === write.value);
    return done.repeated && ours ? [...untouched, ...done.kvs.map(entryOf)] : undefined;
  };

  return {
    get: async (name) => get(await read(), name),
    async create(resource) {
      const { name } = resource.metadata;
      if ((await read()).entries.has(name)) throw exists(KIND, name);
      const writes = planReflectorWrite(resource);
      const entries = await commit(writes, []);
      if (entries !== undefined) return get(joinReflectorEntries(entries), name);
      const keys = writes.map((write) => write.key).join(' and ');
      throw new CalicoRrError(
        'E_EXISTS',
        `${KIND}/${name} cannot be created: there is an entry at ${keys}.`,
        {
          hint: 'Change that reflector, or delete its entry first.',
        },
      );
    },
    async update(resource, version) {
      const { name } = resource.metadata;
      const listing = await read();
      if (get(listing, name).metadata.resourceVersion !== version) throw conflict(KIND, name);
      const halves = listing.halves.get(name) ?? [];
      const writes = planReflectorWrite(resource, halves);
      if (writes.length === 0) return get(listing, name);
      const entries = await commit(writes, halves);
      if (entries === undefined) throw conflict(KIND, name);
      return get(joinReflectorEntries(entries), name);
    },
    async delete(name, version) {
      const listing = await read();
      const entries = listing.entries.get(name);
      if (entries === undefined) throw notFound(KIND, name);
      const stored = listing.resources.find((one) => one.metadata.name === name);
      if (version !== undefined && stored?.metadata.resourceVersion !== version) throw conflict(KIND, name);
      const writes = entries.map(({ key, revision }) => ({ key, value: undefined, revision }));
      if ((await commit(writes, [])) === undefined) throw conflict(KIND, name);
    },
  };
}

/** A key as etcd v3 gives it, as the reader of entries takes it. */
export function entryOf(kv: KeyValue): ReflectorEntry {
  return { key: kv.key, value: kv.value, revision: Number(kv.modRevision) };
}

function operationOf({ key, value }: KeyWrite): RequestOp {
  return value === undefined
    ? { requestDeleteRange: { key: Buffer.from(key) } }
    : { requestPut: { key: Buffer.from(key), value: Buffer.from(value) } };
}
