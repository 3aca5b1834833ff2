/** Reading and writing objects as an API server does it: defaults, validation, versions, preconditions. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, parseJson } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';
import { withDefaults, withStringData } from './defaults.ts';
import { managedFields } from './forms.ts';
import { jsonPatch, mergePatch, strategicPatch } from './patches.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  failure,
  invalid,
  notFound,
  precondition,
  type Target,
  unsupportedPatch,
} from './refusals.ts';
import { collectionKey, objectKey, type Route } from './routes.ts';
import { apiVersionOf, type Served } from './served.ts';
import type { Store } from './store.ts';
import { checkMetadata, checkSchema, prune } from './validation.ts';

export interface Write {
  readonly store: Store;
  readonly route: Route;
  readonly body: string;
  readonly query: URLSearchParams;
  /** Becomes a `Warning` header. */
  warn(text: string): void;
}

function targetOf({ served }: Route, name: string | undefined): Target {
  return { group: served.group, kind: served.resource, ...(name === undefined ? {} : { name }) };
}

/** As validation names it: by Kind. */
function kindTarget({ served }: Route, name: string | undefined): Target {
  return { group: served.group, kind: served.kind, ...(name === undefined ? {} : { name }) };
}

export function getObject(store: Store, route: Route): JsonObject {
  const name = route.name ?? '';
  const found = store.get(collectionKey(route), objectKey(route, name));
  if (found === undefined) throw notFound(targetOf(route, name));
  return found;
}

export function createObject(write: Write): JsonObject {
  const { store, route, query } = write;
  const given = parseBody(write);
  const metadata = metadataOf(given);
  const name =
    typeof metadata.name === 'string'
      ? metadata.name
      : typeof metadata.generateName === 'string'
        ? metadata.generateName + randomUUID().slice(0, 5)
        : '';
  const checked = check(write, withDefaults(route.served, given), name);
  if (store.get(collectionKey(route), objectKey(route, name)) !== undefined)
    throw alreadyExists(targetOf(route, name));
  const make = (version: number): JsonObject => {
    const time = now();
    const own = {
      ...withoutServerFields(metadata),
      name,
      ...(route.namespace === undefined ? {} : { namespace: route.namespace }),
      uid: randomUUID(),
      // What is made in a dry run has none.
      ...(version === 0 ? {} : { resourceVersion: String(version) }),
      ...(route.served.builtIn ? {} : { generation: 1 }),
      creationTimestamp: time,
    };
    const object = { ...checked, metadata: own };
    return { ...object, metadata: { ...own, managedFields: managedFields(object, time) } };
  };
  if (query.get('dryRun') === 'All') return make(0);
  return store.put(collectionKey(route), objectKey(route, name), make);
}

export function updateObject(write: Write): JsonObject {
  const { store, route } = write;
  const name = route.name ?? '';
  const given = parseBody(write);
  const { resourceVersion } = metadataOf(given);
  const stored = store.get(collectionKey(route), objectKey(route, name));
  if (stored === undefined) throw notFound(targetOf(route, name));
  if (typeof resourceVersion !== 'string' || resourceVersion === '') {
    if (!route.served.builtIn)
      throw invalid(targetOf(route, name), [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 0x0: must be specified for an update',
          field: 'metadata.resourceVersion',
        },
      ]);
  } else if (resourceVersion !== metadataOf(stored).resourceVersion) throw conflict(targetOf(route, name));
  return replace(write, stored, given);
}

export function patchObject(write: Write, contentType: string): JsonObject {
  const { store, route, body } = write;
  const name = route.name ?? '';
  const kinds = ['application/json-patch+json', 'application/merge-patch+json'];
  const accepted = route.served.builtIn
    ? [...kinds, 'application/strategic-merge-patch+json']
    : [...kinds, 'application/apply-patch+yaml'];
  if (!accepted.includes(contentType)) {
    if (route.served.builtIn)
      throw failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', { details: {} });
    throw unsupportedPatch(accepted.join(', '));
  }
  if (contentType === 'application/apply-patch+yaml')
    throw failure(501, 'NotImplemented', 'the stand-in does not do server-side apply');
  const patch = parseJson(body);
  if (patch === undefined) throw badRequest('error decoding patch: unexpected end of JSON input');
  const stored = store.get(collectionKey(route), objectKey(route, name));
  if (stored === undefined) throw notFound(targetOf(route, name));
  const patched =
    contentType === 'application/json-patch+json'
      ? jsonPatch(stored, patch)
      : contentType === 'application/strategic-merge-patch+json'
        ? strategicPatch(stored, patch)
        : mergePatch(stored, patch);
  if (!isJsonObject(patched)) throw badRequest('the patch makes no object');
  if (metadataOf(patched).resourceVersion !== metadataOf(stored).resourceVersion)
    throw conflict(targetOf(route, name));
  return replace(write, stored, patched);
}

export function deleteObject({ store, route, body }: Write): JsonObject {
  const name = route.name ?? '';
  const stored = getObject(store, route);
  const options = body === '' ? {} : parseJson(body);
  const preconditions =
    isJsonObject(options) && isJsonObject(options.preconditions) ? options.preconditions : {};
  const { resourceVersion, uid } = metadataOf(stored);
  if (typeof preconditions.resourceVersion === 'string' && preconditions.resourceVersion !== resourceVersion)
    throw precondition(kindTarget(route, name), preconditions.resourceVersion, String(resourceVersion));
  removeObject(store, route, name);
  const { served } = route;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(served.group === '' ? {} : { group: served.group }),
      kind: served.resource,
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

export function removeObject(store: Store, route: Route, name: string): void {
  store.delete(collectionKey(route), objectKey(route, name), (object, version) => ({
    ...object,
    metadata: { ...metadataOf(object), resourceVersion: String(version) },
  }));
}

/** Stores what differs; the same again keeps its version. */
function replace(write: Write, stored: JsonObject, given: JsonObject): JsonObject {
  const { store, route, query } = write;
  const name = route.name ?? '';
  const checked = check(write, withStringData(route.served, given), name);
  const { uid, creationTimestamp, namespace } = metadataOf(stored);
  const generation = metadataOf(stored).generation;
  const merged: JsonObject = bySubresource(route, stored, checked);
  const same = isDeepStrictEqual(meaningOf(merged), meaningOf(stored));
  if (same) return stored;
  const specChanged = !isDeepStrictEqual(merged.spec, stored.spec);
  const make = (version: number): JsonObject => {
    const own = {
      ...withoutServerFields(metadataOf(merged)),
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
      ...(typeof generation === 'number' ? { generation: generation + (specChanged ? 1 : 0) } : {}),
      resourceVersion: String(version),
    };
    const object = { ...merged, metadata: own };
    return { ...object, metadata: { ...own, managedFields: managedFields(object, now()) } };
  };
  if (query.get('dryRun') === 'All') return make(store.version);
  return store.put(collectionKey(route), objectKey(route, name), make);
}

/** A write of the object leaves its status alone, one of the status all but that and the metadata. */
function bySubresource(route: Route, stored: JsonObject, given: JsonObject): JsonObject {
  if (!route.served.statusSubresource) return given;
  const [content, status] = route.subresource === 'status' ? [stored, given] : [given, stored];
  const { status: _status, ...rest } = content;
  return {
    ...rest,
    metadata: given.metadata ?? {},
    ...(status.status === undefined ? {} : { status: status.status }),
  };
}

/** @throws a 422 or a 400 */
function check({ route, query, warn }: Write, object: JsonObject, name: string): JsonObject {
  const { served } = route;
  if (!served.builtIn && object.kind !== served.kind)
    throw invalid({ ...kindTarget(route, name), kind: String(object.kind) }, [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: "${object.kind}": must be ${served.kind}`,
        field: 'kind',
      },
    ]);
  if (route.name !== undefined && metadataOf(object).name !== route.name)
    throw badRequest(
      `the name of the object (${metadataOf(object).name}) does not match the name on the URL (${route.name})`,
    );
  const causes = [...checkMetadata({ ...metadataOf(object), name }), ...checkNode(served, object)];
  if (served.schema === undefined) {
    if (causes.length > 0) throw invalid(kindTarget(route, name), causes);
    return object;
  }
  const unknown: string[] = [];
  const kept = prune(served.schema, object, '', (path) => unknown.push(path));
  if (query.get('fieldValidation') === 'Strict' && unknown.length > 0)
    throw badRequest(
      `${served.kind} in version "${served.version}" cannot be handled as a ${served.kind}: strict decoding error: ${unknown.map((path) => `unknown field "${path}"`).join(', ')}`,
    );
  if (query.get('fieldValidation') !== 'Ignore') for (const path of unknown) warn(`unknown field "${path}"`);
  if (!isJsonObject(kept)) throw badRequest('no object');
  const faults = [...causes, ...checkSchema(served.schema, kept, '')];
  if (faults.length > 0) throw invalid(kindTarget(route, name), faults);
  return kept;
}

function checkNode(served: Served, object: JsonObject) {
  if (served.kind !== 'Node' || !isJsonObject(object.spec) || !Array.isArray(object.spec.podCIDRs)) return [];
  return object.spec.podCIDRs.flatMap((cidr, index) =>
    typeof cidr === 'string' && /^[0-9a-f.:]+\/\d+$/i.test(cidr)
      ? []
      : [
          {
            reason: 'FieldValueInvalid',
            message: `Invalid value: []string{"${cidr}"}: must be valid CIDR`,
            field: `spec.podCIDRs[${index}]`,
          },
        ],
  );
}

function parseBody({ body, route }: Write): JsonObject {
  const object = parseJson(body);
  if (isJsonObject(object))
    return { ...object, apiVersion: apiVersionOf(route.served), kind: object.kind ?? route.served.kind };
  throw badRequest(
    `the object provided is unrecognized (must be of type ${route.served.kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (${body})`,
  );
}

function meaningOf(object: JsonObject): JsonObject {
  return { ...object, metadata: withoutServerFields(metadataOf(object)) };
}

function withoutServerFields(metadata: JsonObject): JsonObject {
  const {
    resourceVersion: _version,
    uid: _uid,
    creationTimestamp: _time,
    generation: _generation,
    managedFields: _fields,
    selfLink: _link,
    namespace: _namespace,
    ...rest
  } = metadata;
  return withoutEmptyMaps(rest);
}

function withoutEmptyMaps(metadata: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => !(isJsonObject(value) && Object.keys(value).length === 0)),
  );
}

export function metadataOf(object: JsonObject): JsonObject {
  const metadata: Json | undefined = object.metadata;
  return isJsonObject(metadata) ? metadata : {};
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
