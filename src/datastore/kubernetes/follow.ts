/**
 * One collection followed for ever: list, then watch from the list's version (Kubernetes API concepts, "resourceVersion
 * in metadata", "410 Gone responses", "Watch bookmarks").
 *
 * How it lists is said in listing.ts: first from the cache, after a gap not older than what was seen, and from etcd
 * where the cache stays behind or where history was set back by a restored backup. It never goes back in time.
 *
 * How a watch ends. By itself, after `timeoutSeconds`: go on from the last version, which bookmarks keep fresh. By
 * ERROR 410: list. By a cut, a silence, a restart: go on from the last version. A watch that said nothing at all,
 * not even a bookmark, may be waiting for a version that the server will not reach for weeks, because its history
 * was set back; one small quorum list tells.
 */
import { type CalicoRrError, hasCode } from '../../model/errors.ts';
import { pause, retryPause } from '../retry-pause.ts';
import { type ApiCollection, identityOf, type Meaning, nameIn } from './collection.ts';
import type { Connection } from './connection.ts';
import { ApiRefusal, type Permission, toError } from './failure.ts';
import { etcdVersion, type ListMode, listCollection, selector } from './listing.ts';
import { readEvents } from './watch-stream.ts';

export type Told<Meant = Meaning> =
  /** All objects there are. */
  | { readonly type: 'list'; readonly objects: ReadonlyMap<string, readonly Meant[]> }
  /** `meanings` empty: deleted. */
  | { readonly type: 'events'; readonly events: readonly ObjectEvent<Meant>[] }
  /** The server does not have this collection: its CRD is missing. */
  | { readonly type: 'absent' }
  /** Told at every try that is refused; `allowed` once when it may be watched again. */
  | { readonly type: 'forbidden'; readonly permission: Permission; readonly message: string }
  | { readonly type: 'allowed' }
  /** Told once when it fails a second time in a row, and `alive` once when it works again. */
  | { readonly type: 'lost'; readonly error: CalicoRrError }
  | { readonly type: 'alive' };

export interface ObjectEvent<Meant = Meaning> {
  readonly name: string;
  readonly meanings: readonly Meant[];
}

/** Before a collection that was there and is not is looked for again. */
const AGAIN_MS = 5_000;

/** Failures in a row that are not told: the first try after a cut mostly goes through. */
const TOLERATED = 1;

/** How often a server may say that its cache is behind before etcd is asked. */
const BEHIND_TRIES = 3;

/** A watch lasts minutes; one that is shorter than this did not do its work. */
const SHORT_MS = 500;

/** Runs until `signal` aborts; never throws. */
export async function follow<Meant>(
  connection: Connection,
  collection: ApiCollection<Meant>,
  signal: AbortSignal,
  tell: (told: Told<Meant>) => void,
): Promise<void> {
  const { patience } = connection;
  let mode: ListMode | undefined = 'any';
  let version = '';
  let failures = 0;
  let behind = 0;
  let lost = false;
  let missed = 0;
  /** What is being done, in the words of RBAC. */
  let verb = 'list';

  let refused = false;

  const answers = (): void => {
    failures = 0;
    if (lost) tell({ type: 'alive' });
    lost = false;
  };
  const failed = (error: unknown, tolerated: number): Promise<void> => {
    failures += 1;
    if (!lost && failures > tolerated) {
      lost = true;
      const permission = { verb, group: collection.group, resource: collection.resource };
      tell({ type: 'lost', error: toError(error, connection.location, permission) });
    }
    const asked = error instanceof ApiRefusal ? error.retryAfterMs : undefined;
    return pause(Math.max(retryPause(failures), asked ?? 0), signal);
  };

  while (!signal.aborted) {
    try {
      if (mode !== undefined) {
        verb = 'list';
        const objects = new Map<string, readonly Meant[]>();
        version = await listCollection(connection, collection, { mode, version, signal }, (name, meanings) =>
          objects.set(name, meanings),
        );
        behind = 0;
        missed = 0;
        mode = undefined;
        answers();
        tell({ type: 'list', objects });
      }
      verb = 'watch';
      const began = performance.now();
      const heard = await watchFrom(connection, collection, version, signal, {
        standing: () => {
          answers();
          if (refused) tell({ type: 'allowed' });
          refused = false;
        },
        events: (events) => tell({ type: 'events', events }),
        reached: (reached) => {
          version = reached;
        },
      });
      if (!heard) {
        verb = 'list';
        if (await wasSetBack(connection, collection, version, signal)) mode = 'etcd';
      }
      // A server, or what stands before it, that ends every watch at once is not asked in a circle.
      if (performance.now() - began < SHORT_MS) await pause(SHORT_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiRefusal)) {
        await failed(error, TOLERATED);
      } else if (error.isExpired) {
        mode = nextAfterExpiry(mode);
        await failed(error, TOLERATED + 2);
      } else if (error.isFromTheFuture) {
        behind += 1;
        mode = behind >= BEHIND_TRIES ? 'etcd' : 'since';
        await pause(error.retryAfterMs ?? 1000, signal);
      } else if (error.code === 404) {
        // Believed when it is said twice: a server that starts may not know its CRDs yet.
        answers();
        missed += 1;
        const believed = missed > 1 || version === '';
        if (believed) tell({ type: 'absent' });
        mode = 'any';
        await pause(believed ? patience.refused : Math.min(AGAIN_MS, patience.refused), signal);
      } else if (error.code === 403) {
        answers();
        refused = true;
        const permission = { verb, group: collection.group, resource: collection.resource };
        tell({ type: 'forbidden', permission, message: error.message });
        mode ??= 'since';
        await pause(patience.refused, signal);
      } else {
        await failed(error, TOLERATED);
      }
    }
  }
}

/** What to list after "410 Gone": what was not older than known is forgotten as well where a list got that answer. */
function nextAfterExpiry(mode: ListMode | undefined): ListMode {
  if (mode === undefined) return 'since';
  return mode === 'etcd' ? 'whole' : 'etcd';
}

interface WatchListener<Meant> {
  /** The server took the watch. */
  standing(): void;
  events(events: readonly ObjectEvent<Meant>[]): void;
  reached(version: string): void;
}

/** @returns whether anything was heard, when the server ends the watch or falls silent */
async function watchFrom<Meant>(
  connection: Connection,
  collection: ApiCollection<Meant>,
  version: string,
  signal: AbortSignal,
  listener: WatchListener<Meant>,
): Promise<boolean> {
  const { patience } = connection;
  // Not all at once: a hundred reflectors that started together would watch anew together for ever.
  const seconds = Math.max(1, Math.round((patience.watch / 1000) * (0.6 + Math.random() * 0.4)));
  const body = await connection.stream(
    {
      method: 'GET',
      path: collection.path,
      query: {
        ...selector(collection),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: version,
        timeoutSeconds: seconds,
      },
      signal,
      ...(collection.acceptObject === undefined ? {} : { accept: collection.acceptObject }),
    },
    patience.silence,
  );
  listener.standing();
  let heard = false;
  try {
    for await (const events of readEvents(body)) {
      heard = true;
      const told: ObjectEvent<Meant>[] = [];
      for (const { type, object } of events) {
        const name = nameIn(collection, object);
        if (type === 'put') told.push({ name, meanings: collection.decode(object) });
        else if (type === 'gone') told.push({ name, meanings: [] });
      }
      if (told.length > 0) listener.events(told);
      const last = events.at(-1);
      if (last !== undefined) listener.reached(identityOf(last.object).version);
    }
  } catch (error) {
    // Silent for too long.
    if (!hasCode(error, 'UND_ERR_BODY_TIMEOUT')) throw error;
    return false;
  }
  return heard;
}

/** Whether etcd is at an older version than we are. */
async function wasSetBack<Meant>(
  connection: Connection,
  collection: ApiCollection<Meant>,
  version: string,
  signal: AbortSignal,
): Promise<boolean> {
  const resourceVersion = await etcdVersion(connection, collection, signal);
  const [now, then] = [resourceVersion, version].map((text) =>
    /^\d+$/.test(text) ? BigInt(text) : undefined,
  );
  return now === undefined || then === undefined ? now !== then : now < then;
}
