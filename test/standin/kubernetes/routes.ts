/** What a path of the API means: a collection, an object, a subresource, or a discovery document. */
import { selectedName } from './selectors.ts';
import type { Served } from './served.ts';

export interface Route {
  readonly served: Served;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** @returns undefined where nothing is served under that path */
export function routeOf(path: string, served: readonly Served[]): Route | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  const [group, version, ...more] = root === 'api' ? ['', ...rest] : root === 'apis' ? rest : [];
  if (group === undefined || version === undefined) return undefined;
  const namespace = more[0] === 'namespaces' && more.length > 2 ? more[1] : undefined;
  const [resource, name, subresource] = namespace === undefined ? more : more.slice(2);
  const found = served.find(
    (one) => one.group === group && one.version === version && one.resource === resource,
  );
  if (found === undefined) return undefined;
  if (subresource !== undefined && !(subresource === 'status' && found.statusSubresource)) return undefined;
  return { served: found, namespace, name, subresource };
}

const VERBS: Readonly<Record<string, readonly [object: string, collection: string]>> = {
  GET: ['get', 'list'],
  POST: ['create', 'create'],
  PUT: ['update', 'update'],
  PATCH: ['patch', 'patch'],
  DELETE: ['delete', 'deletecollection'],
};

/** The verb in the words of RBAC. */
export function verbOf(method: string, route: Route, query: URLSearchParams): string {
  if (method === 'GET' && isWatch(query)) return 'watch';
  const [object, collection] = VERBS[method] ?? ['unknown', 'unknown'];
  return route.name === undefined ? collection : object;
}

/** The object's name, or the one that a field selector asks for: RBAC takes it for the same. */
export function nameAskedFor(route: Route, query: URLSearchParams): string | undefined {
  return route.name ?? selectedName(query.get('fieldSelector'));
}

export function isWatch(query: URLSearchParams): boolean {
  return query.get('watch') === 'true' || query.get('watch') === '1';
}

export function collectionKey({ served }: Pick<Route, 'served'>): string {
  return `${served.resource}.${served.group}`;
}

export function objectKey({ namespace }: Route, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
