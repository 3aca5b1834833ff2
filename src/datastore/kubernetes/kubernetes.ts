/**
 * Calico's datastore in a Kubernetes API server (libcalico-go, backend/k8s). Reads and writes ask etcd's truth (no
 * resourceVersion, so what was just written is seen); the watch is follow.ts's.
 *
 * A Calico Node is a view of a core Node: it comes and goes with that, and is written as Calico writes it, by a patch
 * of annotations through `nodes/status`. Whatever else an object holds that we do not know is read before a write and
 * put back with it.
 */
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import { type Json, type JsonObject, KINDS, type Kind, type Resource } from '../../model/resource.ts';
import type { Datastore } from '../datastore.ts';
import { patched } from '../resource-json.ts';
import { checkName, conflict, exists, invalid, notFound, noVersion, readOnly } from '../write-errors.ts';
import { encodeNode } from './calico-node.ts';
import { type Collection, fullName, identityOf, type Meaning } from './collection.ts';
import {
  type CustomKind,
  collectionsOf,
  customCollection,
  isCalicoKind,
  isCustomKind,
  NODES,
  OWN_GROUP,
} from './collections.ts';
import { type ApiRequest, connectTo } from './connection.ts';
import { encodeResource } from './custom-resource.ts';
import { createDiscovery } from './discovery.ts';
import { ApiRefusal, toError } from './failure.ts';
import { listTruth } from './listing.ts';
import type { CalicoApiGroup, KubernetesSettings } from './settings.ts';
import { watchKubernetes } from './watch.ts';

/** How often a patch is tried on what others wrote meanwhile; kubelets write Nodes all the time. */
const PATCH_TRIES = 10;

/**
 * Opens nothing yet: connections are made when they are needed, so a server that is away is no error here.
 * @param onWarning is told what the server says besides its answer to a write
 */
export function openKubernetes(settings: KubernetesSettings, onWarning?: (text: string) => void): Datastore {
  const connection = connectTo(settings, onWarning);
  const discovery = createDiscovery(connection, settings.calicoApiGroup);
  const closing = new AbortController();
  const { location } = connection;

  const groupOf = async (kind: Kind): Promise<CalicoApiGroup> => {
    if (!isCalicoKind(kind)) return 'crd.projectcalico.org/v1';
    try {
      return await discovery.calicoGroup();
    } catch (error) {
      throw toError(error, location, { verb: 'get', group: '', resource: 'API groups' });
    }
  };

  /** The first collection with resources of this kind; undefined for a kind that has no home here. */
  const collectionOf = async (kind: Kind): Promise<Collection | undefined> =>
    collectionsOf([kind], await groupOf(kind), settings.usePodCidr)[0];

  /** One request about one object; refusals become the errors that every home gives. */
  const ask = async (
    kind: Kind,
    name: string,
    collection: Pick<Collection, 'group' | 'resource'>,
    verb: string,
    request: ApiRequest,
  ): Promise<JsonObject> => {
    try {
      const answer = await connection.json(request);
      return isJsonObject(answer) ? answer : {};
    } catch (error) {
      if (error instanceof ApiRefusal) {
        if (error.code === 404) {
          if (isCalicoKind(kind)) discovery.forget();
          if (verb === 'create') throw withoutHome(kind, collection);
          throw notFound(kind, name, error);
        }
        if (error.code === 409)
          throw error.reason === 'AlreadyExists' ? exists(kind, name, error) : conflict(kind, name);
      }
      throw toError(error, location, { verb, group: collection.group, resource: collection.resource });
    }
  };

  const read = (kind: Kind, name: string, collection: Collection): Promise<JsonObject> =>
    ask(kind, name, collection, 'get', {
      method: 'GET',
      path: `${collection.path}/${encodeURIComponent(name)}`,
      ...(collection.acceptObject === undefined ? {} : { accept: collection.acceptObject }),
    });

  const listMeanings = async (collection: Collection): Promise<readonly Meaning[]> => {
    try {
      return await listTruth(connection, collection, closing.signal);
    } catch (error) {
      if (error instanceof ApiRefusal && error.code === 404) return [];
      const { group, resource } = collection;
      throw toError(error, location, { verb: 'list', group, resource });
    }
  };

  const list: Datastore['list'] = async (kind) => {
    const collection = await collectionOf(kind);
    if (collection === undefined) return { resources: [], broken: [], warnings: [] };
    const meanings = (await listMeanings(collection)).filter((meaning) => kindOf(meaning) === kind);
    const resources = meanings.flatMap((meaning) => (meaning.op === 'put' ? [meaning.resource] : []));
    const broken = meanings.flatMap((meaning) => (meaning.op === 'broken' ? [meaning.broken] : []));
    const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    return {
      resources: resources.sort((a, b) => byName(a.metadata.name, b.metadata.name)),
      broken: broken.sort((a, b) => byName(a.name, b.name)),
      warnings: [],
    };
  };

  /** The resource, and the object that it was read from. */
  const readWhole = async (kind: Kind, name: string): Promise<{ resource: Resource; object: JsonObject }> => {
    const collection = await collectionOf(kind);
    if (collection === undefined) throw notFound(kind, name);
    const object = await read(kind, name, collection);
    return { object, resource: whole(kind, name, collection, object) };
  };

  const get: Datastore['get'] = async (kind, name) => {
    // Blocks of pod CIDRs are no objects of their own.
    if (kind === 'BlockAffinity' && settings.usePodCidr) {
      const found = (await list(kind)).resources.find((resource) => resource.metadata.name === name);
      if (found === undefined) throw notFound(kind, name);
      return found;
    }
    return (await readWhole(kind, name)).resource;
  };

  const writeNode = async (resource: Resource, object: JsonObject, exact: boolean): Promise<Resource> => {
    const { name, resourceVersion } = resource.metadata;
    const annotations = encodeNode(resource, object, exact);
    const body: Json = {
      metadata: { resourceVersion: resourceVersion ?? identityOf(object).version, annotations },
    };
    const collection = (await collectionOf('Node')) ?? NODES;
    const written = await ask('Node', name, { group: '', resource: 'nodes/status' }, 'patch', {
      method: 'PATCH',
      path: `${NODES.path}/${encodeURIComponent(name)}/status`,
      contentType: 'application/merge-patch+json',
      body,
      ...(collection.acceptObject === undefined ? {} : { accept: collection.acceptObject }),
    });
    return whole('Node', name, collection, written);
  };

  const writeCustom = async (
    kind: CustomKind,
    resource: Resource,
    stored: JsonObject | undefined,
  ): Promise<Resource> => {
    const { name } = resource.metadata;
    const collection = customCollection(kind, await groupOf(kind));
    const body = encodeResource(resource, collection.apiVersion, collection.moved, stored);
    const written =
      stored === undefined
        ? await ask(kind, name, collection, 'create', { method: 'POST', path: collection.path, body })
        : await ask(kind, name, collection, 'update', {
            method: 'PUT',
            path: `${collection.path}/${encodeURIComponent(name)}`,
            body,
          });
    return whole(kind, name, collection, written);
  };

  const write = (resource: Resource, object: JsonObject, exact: boolean): Promise<Resource> => {
    const kind = writable(resource.kind);
    return kind === 'Node' ? writeNode(resource, object, exact) : writeCustom(kind, resource, object);
  };

  return {
    type: 'kubernetes',
    location,
    list,
    get,
    async create(resource) {
      const kind = writable(resource.kind);
      if (kind === 'Node') throw ofTheCluster(resource.metadata.name, 'created');
      checkName(resource);
      const {
        resourceVersion: _version,
        uid: _uid,
        creationTimestamp: _time,
        ...metadata
      } = resource.metadata;
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const born = { ...resource, metadata: { ...metadata, creationTimestamp: now } };
      return writeCustom(kind, born, undefined);
    },
    async update(resource) {
      const kind = writable(resource.kind);
      const { name, resourceVersion } = resource.metadata;
      if (resourceVersion === undefined) throw noVersion(resource);
      const collection = await collectionOf(kind);
      if (collection === undefined) throw notFound(kind, name);
      const object = await read(kind, name, collection);
      if (identityOf(object).version !== resourceVersion) throw conflict(kind, name);
      return write(resource, object, false);
    },
    async patch(kind, name, patch) {
      const target = writable(kind);
      for (let tries = 1; ; tries += 1) {
        const { resource, object } = await readWhole(target, name);
        const result = patched(resource, patch);
        if (!result.ok) throw invalid(kind, name, result.fault);
        try {
          return await write(result.resource, object, true);
        } catch (error) {
          const lostRace = error instanceof CalicoRrError && error.code === 'E_CONFLICT';
          if (!lostRace || tries >= PATCH_TRIES) throw error;
        }
      }
    },
    async delete(kind, name, options = {}) {
      const target = writable(kind);
      if (target === 'Node') throw ofTheCluster(name, 'deleted');
      const collection = await collectionOf(target);
      if (collection === undefined) throw notFound(kind, name);
      const { resourceVersion } = options;
      await ask(kind, name, collection, 'delete', {
        method: 'DELETE',
        path: `${collection.path}/${encodeURIComponent(name)}`,
        ...(resourceVersion === undefined
          ? {}
          : {
              body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion } },
            }),
      });
    },
    watch: (kinds, { signal }) =>
      watchKubernetes(
        connection,
        discovery,
        kinds,
        settings.usePodCidr,
        AbortSignal.any([signal, closing.signal]),
      ),
    async close() {
      closing.abort();
      await connection.close();
    },
  };
}

/** What a person should know of these settings before they are used. */
export function warningsOf(settings: KubernetesSettings): readonly Problem[] {
  const warnings: Problem[] = [];
  if (settings.insecureSkipTlsVerify && settings.server.startsWith('https:')) {
    warnings.push({
      code: 'insecure-tls',
      severity: 'warning',
      subject: settings.origin,
      message: `The certificate of ${settings.server} is NOT checked: whoever stands in between reads our token and decides our peers.`,
      hint: 'Remove insecure-skip-tls-verify (K8S_INSECURE_SKIP_TLS_VERIFY) and give the certificate authority.',
    });
  }
  if (settings.server.startsWith('http:') && settings.identity.by !== 'nothing') {
    warnings.push({
      code: 'insecure-tls',
      severity: 'warning',
      subject: settings.origin,
      message: `${settings.server} is not encrypted: our credentials can be read on the way.`,
      hint: 'Use the https URL of the API server.',
    });
  }
  return warnings;
}

/** @throws E_INVALID_RESOURCE where the object cannot be made a resource */
function whole(kind: Kind, name: string, collection: Collection, object: JsonObject): Resource {
  const meaning = collection.decode(object).find((one) => kindOf(one) === kind);
  if (meaning === undefined) throw notFound(kind, name);
  if (meaning.op === 'broken') throw invalid(kind, name, meaning.broken.problem);
  return meaning.resource;
}

function kindOf(meaning: Meaning): Kind {
  return meaning.op === 'put' ? meaning.resource.kind : meaning.broken.kind;
}

function writable(kind: Kind): Exclude<CustomKind, 'BlockAffinity'> | 'Node' {
  if (kind === 'Node') return kind;
  if (kind !== 'BlockAffinity' && isCustomKind(kind)) return kind;
  throw readOnly(
    kind,
    kind === 'BlockAffinity'
      ? "Calico's IPAM owns it."
      : `Kubernetes has no place for a ${KINDS[kind]} ${kind}.`,
  );
}

/** Nodes of Kubernetes come and go with the cluster. */
export function ofTheCluster(name: string, done: 'created' | 'deleted'): CalicoRrError {
  return new CalicoRrError(
    'E_READ_ONLY',
    `Node/${name} cannot be ${done} here: it is a node of Kubernetes.`,
    {
      hint:
        done === 'created'
          ? 'Its kubelet creates it. A reflector that is no node of the cluster is a RouteReflector.'
          : `kubectl delete node ${name}`,
    },
  );
}

function withoutHome(kind: Kind, collection: Pick<Collection, 'group' | 'resource'>): CalicoRrError {
  return new CalicoRrError(
    'E_READ_ONLY',
    `${kind} cannot be created: the cluster has no CRD ${fullName(collection)}.`,
    {
      hint:
        collection.group === OWN_GROUP
          ? 'kubectl apply -f deploy/kubernetes/crd.yaml'
          : 'Install Calico in this cluster, or check that the context is the right one.',
    },
  );
}
