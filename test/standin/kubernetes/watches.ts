/** A watch as an API server serves it: a stream of events, bookmarks, an end; or an ERROR event in a 200 answer. */
import type { ServerResponse } from 'node:http';
import type { JsonObject } from '../../../src/model/resource.ts';
import { type Form, show } from './forms.ts';
import { type Matches, matcherOf, parseVersion } from './lists.ts';
import { metadataOf } from './objects.ts';
import { expired, invalid } from './refusals.ts';
import { collectionKey, type Route } from './routes.ts';
import { apiVersionOf } from './served.ts';
import type { Store, StoredEvent } from './store.ts';

export interface WatchRequest {
  readonly store: Store;
  readonly route: Route;
  readonly query: URLSearchParams;
  readonly form: Form;
  readonly response: ServerResponse;
  /** Milliseconds between bookmarks. */
  readonly bookmarkEvery: number;
  /** Longest watch, in milliseconds, where the request names none. */
  readonly longest: number;
}

export interface OpenWatch {
  /** Ends the stream, in the middle of a line where `midLine`. */
  cut(midLine: boolean): void;
}

/** How long before its end a watch sends its last bookmark. */
const BEFORE_END_MS = 2_000;

/**
 * @returns undefined where the stream has ended at once
 * @throws a refusal before anything is sent
 */
export function serveWatch(request: WatchRequest, onClose: () => void): OpenWatch | undefined {
  const { store, route, query, response } = request;
  refuseListOptions(query);
  const collection = collectionKey(route);
  const matches = matcherOf(query, route.namespace);
  const asked = query.get('resourceVersion') ?? '';
  const since = asked === '' || asked === '0' ? 0 : parseVersion(asked);
  const send = (type: string, object: JsonObject): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
  };
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();

  const backlog = since === 0 ? [] : store.eventsSince(collection, since);
  if (backlog === undefined) {
    const refusal = expired(`too old resource version: ${since} (${store.cacheVersion(collection)})`);
    response.end(`{"type":"ERROR","object":${refusal.body}}\n`);
    return undefined;
  }
  const tell = (event: StoredEvent): void => {
    if (event.version <= since) return;
    const told = toldAs(event, matches);
    if (told !== undefined) send(told.type, show(withKind(told.object, route), request.form));
  };
  if (since === 0)
    for (const object of store.list(collection) ?? [])
      if (matches(object)) send('ADDED', show(withKind(object, route), request.form));
  for (const event of backlog) tell(event);
  const unsubscribe = store.onEvent(collection, tell);

  const bookmark = (): void => {
    const version = store.cacheVersion(collection);
    // One who waits for a version to come hears nothing till then.
    if (version < since) return;
    send('BOOKMARK', withKind({ metadata: { resourceVersion: String(version) } }, route));
  };
  const timers: NodeJS.Timeout[] = [];
  const lasts = Number(query.get('timeoutSeconds') ?? 0) * 1000 || request.longest;
  if (query.get('allowWatchBookmarks') === 'true') {
    timers.push(setInterval(bookmark, request.bookmarkEvery));
    timers.push(setTimeout(bookmark, Math.max(0, lasts - BEFORE_END_MS)));
  }
  timers.push(setTimeout(() => response.end(), lasts));
  response.on('close', () => {
    for (const timer of timers) clearTimeout(timer);
    unsubscribe();
    onClose();
  });
  return {
    cut(midLine) {
      if (midLine) response.write('{"type":"MODIFIED","object":{"kind":"No');
      // What was written goes out before the connection does.
      response.socket?.destroySoon();
    },
  };
}

/** What an event is to one who sees only what the selectors take. */
function toldAs(event: StoredEvent, matches: Matches): { type: string; object: JsonObject } | undefined {
  const { object, before, version } = event;
  const was = before !== null && matches(before);
  const is = object !== null && matches(object);
  if (object !== null && is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (before === null || !was) return undefined;
  // Its last state that was taken, with the version at which it went.
  return {
    type: 'DELETED',
    object: { ...before, metadata: { ...metadataOf(before), resourceVersion: String(version) } },
  };
}

function withKind(object: JsonObject, { served }: Route): JsonObject {
  return { kind: served.kind, apiVersion: apiVersionOf(served), ...object };
}

function refuseListOptions(query: URLSearchParams): void {
  if (query.get('sendInitialEvents') === null && query.get('resourceVersionMatch') === null) return;
  const causes = [
    'resourceVersionMatch is forbidden for watch',
    ...(query.get('resourceVersion') === null
      ? ['resourceVersionMatch is forbidden unless resourceVersion is provided']
      : []),
  ].map((why) => ({
    reason: 'FieldValueForbidden',
    message: `Forbidden: ${why}`,
    field: 'resourceVersionMatch',
  }));
  throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, causes);
}
