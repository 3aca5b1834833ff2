/**
 * Reads and conditional writes of single resources in etcd v2.
 *
 * etcd v2 has no transaction over several keys. A resource's version is made of all its keys; a write checks it,
 * then changes key by key, each on the condition that it is still what was read. The first key that is not ends
 * the write with E_CONFLICT. Keys that were written by then stay written, and the message names them: the
 * resource is then a mixture, with a version of its own, that everybody sees and that the writer must read anew.
 */
import { CalicoRrError } from '../../model/errors.ts';
import type { JsonObject, Kind, Resource } from '../../model/resource.ts';
import type { DeleteOptions } from '../datastore.ts';
import { type KeyWrite, planReflectorWrite } from '../reflector-entry-write.ts';
import { patched } from '../resource-json.ts';
import { pause, retryPause } from '../retry-pause.ts';
import { checkName, conflict, exists, invalid, notFound, noVersion, readOnly } from '../write-errors.ts';
import type { EtcdV2Client } from './api.ts';
import { deleteNode } from './delete-node.ts';
import {
  GLOBAL,
  GLOBAL_LEAVES,
  HOST,
  keyOfPath,
  NODE_CONFIGURATION_LEAVES,
  nodeOfConfiguration,
  pathsOfKind,
  pathsOfResource,
} from './keys.ts';
import { readReflectors } from './keyspace.ts';
import { readOwner } from './read.ts';
import type { Read } from './read-result.ts';
import { halfDone, refusal } from './refusal.ts';
import { type Directory, emptyTree, leafAt, partsOf, remove, replaceAt } from './tree.ts';
import { planWrite } from './write.ts';

const PATCH_TRIES = 10;

export interface EtcdV2Store {
  get(kind: Kind, name: string): Promise<Resource>;
  create(resource: Resource): Promise<Resource>;
  update(resource: Resource): Promise<Resource>;
  patch(kind: Kind, name: string, patch: JsonObject): Promise<Resource>;
  delete(kind: Kind, name: string, options?: DeleteOptions): Promise<void>;
}

export function createEtcdV2Store(client: EtcdV2Client): EtcdV2Store {
  /** The keys of one resource; for a reflector, of all. */
  const load = async (kind: Kind, name: string): Promise<Directory> => {
    const tree = emptyTree();
    const paths = kind === 'RouteReflector' ? pathsOfKind(kind) : (pathsOfResource(kind, name) ?? []);
    for (const path of paths) {
      const { node } = await client.get(keyOfPath(path), { recursive: true });
      replaceAt(tree, path, node, () => undefined);
    }
    return tree;
  };

  const make = async (
    tree: Directory,
    writes: readonly KeyWrite[],
    refused: (written: string[]) => CalicoRrError,
  ) => {
    const written: string[] = [];
    for (const write of writes) {
      const { key, value, revision } = write;
      const outcome =
        value === undefined
          ? await client.delete(key, revision === undefined ? {} : { prevIndex: revision })
          : await client.put(
              key,
              value,
              revision === undefined ? { prevExist: false } : { prevIndex: revision },
            );
      if (!outcome.done) throw refusal(outcome.errorCode, key, () => refused(written));
      if (value === undefined) remove(tree, partsOf(key), () => undefined);
      else replaceAt(tree, partsOf(key), outcome.node, () => undefined);
      written.push(key);
    }
  };

  const store: EtcdV2Store = {
    async get(kind, name) {
      return wholeOf(read(await load(kind, name), kind, name), kind, name);
    },

    async create(resource) {
      refuseReadOnly(resource.kind);
      checkName(resource);
      const { kind, metadata } = resource;
      const plan = (tree: Directory) =>
        kind === 'RouteReflector' ? planReflectorWrite(resource) : planWrite(tree, resource, undefined);
      // What cannot be written is said before anybody is asked.
      plan(emptyTree());
      const tree = await load(kind, metadata.name);
      if (read(tree, kind, metadata.name) !== undefined) throw exists(kind, metadata.name);
      await make(tree, plan(tree), (written) =>
        written.length === 0 ? exists(kind, metadata.name) : halfDone(kind, metadata.name, written),
      );
      return wholeOf(read(tree, kind, metadata.name), kind, metadata.name);
    },

    async update(resource) {
      refuseReadOnly(resource.kind);
      const { kind, metadata } = resource;
      if (metadata.resourceVersion === undefined) throw noVersion(resource);
      const tree = await load(kind, metadata.name);
      const stored = wholeOf(read(tree, kind, metadata.name), kind, metadata.name);
      if (stored.metadata.resourceVersion !== metadata.resourceVersion) throw conflict(kind, metadata.name);
      const writes =
        kind === 'RouteReflector'
          ? planReflectorWrite(resource, readReflectors(tree).halves.get(metadata.name))
          : planWrite(tree, resource, stored);
      await make(tree, writes, (written) => halfDone(kind, metadata.name, written));
      const after = read(tree, kind, metadata.name);
      // A configuration that sets nothing has no keys left.
      return after?.is === 'resource' ? after.resource : resource;
    },

    async patch(kind, name, patch) {
      refuseReadOnly(kind);
      for (let failures = 1; ; failures += 1) {
        const result = patched(await store.get(kind, name), patch);
        if (!result.ok) throw invalid(kind, name, result.fault);
        try {
          return await store.update(result.resource);
        } catch (error) {
          const lost = error instanceof CalicoRrError && error.code === 'E_CONFLICT';
          if (!lost || failures === PATCH_TRIES) throw error;
          await pause(retryPause(failures + 1) / 4, new AbortController().signal);
        }
      }
    },

    async delete(kind, name, { resourceVersion } = {}) {
      refuseReadOnly(kind);
      const tree = await load(kind, name);
      const found = read(tree, kind, name);
      if (found === undefined) throw notFound(kind, name);
      const version = found.is === 'resource' ? found.resource.metadata.resourceVersion : undefined;
      if (resourceVersion !== undefined && resourceVersion !== version) throw conflict(kind, name);
      if (kind === 'Node') return deleteNode(client, tree, name, resourceVersion !== undefined);
      const deletes = keysToDelete(tree, kind, name).map(
        ({ key, revision }): KeyWrite => ({ key, value: undefined, revision }),
      );
      await make(tree, deletes, (written) => halfDone(kind, name, written));
    },
  };

  return store;
}

function read(tree: Directory, kind: Kind, name: string): Read | undefined {
  if (kind !== 'RouteReflector') return readOwner(tree, { kind, name });
  const { resources, broken } = readReflectors(tree);
  const bad = broken.find((one) => one.name === name);
  if (bad !== undefined) return { is: 'broken', broken: bad };
  const resource = resources.find((one) => one.metadata.name === name);
  return resource === undefined ? undefined : { is: 'resource', resource, warnings: [] };
}

function wholeOf(found: Read | undefined, kind: Kind, name: string): Resource {
  if (found === undefined) throw notFound(kind, name);
  if (found.is === 'broken') throw invalid(kind, name, found.broken.problem);
  return found.resource;
}

function keysToDelete(
  tree: Directory,
  kind: Kind,
  name: string,
): readonly { readonly key: string; readonly revision: number }[] {
  if (kind === 'RouteReflector') return readReflectors(tree).entries.get(name) ?? [];
  const node = kind === 'BGPConfiguration' ? nodeOfConfiguration(name) : undefined;
  const paths =
    kind !== 'BGPConfiguration'
      ? (pathsOfResource(kind, name) ?? [])
      : node === undefined
        ? GLOBAL_LEAVES.map((leaf) => [...GLOBAL, leaf])
        : NODE_CONFIGURATION_LEAVES.map((leaf) => [...HOST, node, leaf]);
  const keys: { readonly key: string; readonly revision: number }[] = [];
  for (const path of paths) {
    const leaf = leafAt(tree, path);
    if (leaf !== undefined) keys.push({ key: keyOfPath(path), revision: leaf.modifiedIndex });
  }
  return keys;
}

function refuseReadOnly(kind: Kind): void {
  if (kind === 'BlockAffinity') throw readOnly(kind, "it belongs to Calico's IPAM.");
}
