/**
 * Lists with their versions and pages (Kubernetes API concepts, "Resource versions", "Retrieving large results sets in
 * chunks"): from the cache, not older than, exactly at, from etcd; and the refusals for what is forgotten or to come.
 */
import { isJsonObject, parseJson } from '../../../src/model/json.ts';
import type { JsonObject } from '../../../src/model/resource.ts';
import { metadataOf } from './objects.ts';
import { badRequest, expired, failure, tooLarge } from './refusals.ts';
import { collectionKey, type Route } from './routes.ts';
import { parseFieldSelector, parseLabelSelector } from './selectors.ts';
import type { Store } from './store.ts';

export type Matches = (object: JsonObject) => boolean;

/** What the selectors of a query take. */
export function matcherOf(query: URLSearchParams, namespace: string | undefined): Matches {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = query.get('fieldSelector');
  const name = fields === null || fields === '' ? () => true : parseFieldSelector(fields);
  return (object) => {
    const metadata = metadataOf(object);
    return (
      labels(labelsOf(metadata)) &&
      name(String(metadata.name)) &&
      (namespace === undefined || metadata.namespace === namespace)
    );
  };
}

function labelsOf(metadata: JsonObject): Readonly<Record<string, string>> {
  if (!isJsonObject(metadata.labels)) return {};
  return Object.fromEntries(Object.entries(metadata.labels).map(([key, value]) => [key, String(value)]));
}

/** @throws a 400 for what is no version */
export function parseVersion(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw failure(
    500,
    undefined,
    `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
  );
}

export interface Page {
  readonly objects: readonly JsonObject[];
  readonly metadata: JsonObject;
}

/** @param cached the version at which the server's cache stands, which may be behind */
export function listPage(store: Store, route: Route, query: URLSearchParams, cached: number): Page {
  const collection = collectionKey(route);
  const matches = matcherOf(query, route.namespace);
  const limit = Number(query.get('limit') ?? 0);
  const asked = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const token = query.get('continue');
  if (token !== null && token !== '') {
    const { version, after } = readToken(token);
    const at = version === -1 ? store.version : version;
    const objects = store.list(collection, at);
    if (objects === undefined)
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
        { continue: writeToken(-1, after) },
      );
    return cut(
      objects.filter((object) => String(metadataOf(object).name) > after),
      matches,
      limit,
      at,
    );
  }
  if (match === 'Exact') {
    const at = parseVersion(asked);
    const objects = store.list(collection, at);
    if (objects === undefined) throw expired('The resourceVersion for the provided list is too old.');
    return cut(objects, matches, limit, at);
  }
  if (asked === '0') {
    // From the cache: a limit counts for nothing there.
    return cut(store.list(collection, cached) ?? [], matches, 0, cached);
  }
  if (asked !== '') {
    const version = parseVersion(asked);
    if (version > Math.max(cached, store.version)) throw tooLarge(version, cached);
    if (limit === 0 && cached < store.cacheVersion(collection) && version > cached)
      throw tooLarge(version, cached);
  }
  return cut(store.list(collection) ?? [], matches, limit, store.version);
}

function cut(objects: readonly JsonObject[], matches: Matches, limit: number, version: number): Page {
  const selected = objects.filter(matches);
  const metadata = { resourceVersion: String(version) };
  if (limit === 0 || selected.length <= limit) return { objects: selected, metadata };
  const page = selected.slice(0, limit);
  const last = page.at(-1);
  return {
    objects: page,
    metadata: {
      ...metadata,
      continue: writeToken(version, last === undefined ? '' : String(metadataOf(last).name)),
      remainingItemCount: selected.length - limit,
    },
  };
}

function writeToken(version: number, after: string): string {
  const token = { v: 'meta.k8s.io/v1', rv: version, start: `${after}\u0000` };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function readToken(token: string): { version: number; after: string } {
  const value = parseJson(Buffer.from(token, 'base64url').toString('utf8'));
  if (!isJsonObject(value) || typeof value.rv !== 'number' || typeof value.start !== 'string')
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character 'Ï' looking for beginning of value`,
    );
  return { version: value.rv, after: value.start.slice(0, -1) };
}
