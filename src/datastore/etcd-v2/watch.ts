/**
 * The watch of etcd v2: list with quorum, then long-poll from the next index.
 *
 * etcd v2 remembers its last 1000 events, of all keys together. A poll that waits for a quiet directory falls
 * behind what others write (Felix reports every node every 30 s), so polls are ended and opened anew, further
 * on, before the history can run out from under them: the more the store's index moves, the shorter they are.
 * Where it did run out (error 401), or the store is no longer the one that we know (another cluster ID, an
 * index that went back: restored from a backup, put up anew), everything is listed and only what differs is told.
 *
 * Keys of one resource are written one after the other. A change of such a resource is told when no other key
 * followed for a moment, so that nobody acts on a node that has an address but not its AS yet.
 *
 * The first loss of a poll is followed by a try at once and told only when that fails too: with several members,
 * one of them going is no interruption.
 */
import { messageOf } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import type { WatchEvent } from '../datastore.ts';
import { pause, retryPause } from '../retry-pause.ts';
import type { EtcdV2Client, Place } from './api.ts';
import { keyOfPath, rootsOf } from './keys.ts';
import { createKeyspace, type Keyspace, listingOf } from './keyspace.ts';

/** No further key for this long: what was written is complete. */
const SETTLED_MS = 50;
/** Told by then, even if keys keep coming. */
const SETTLED_AT_MOST_MS = 500;
/** Events of the whole store that may pass during one poll, of the 1000 that etcd remembers. */
const EVENTS_PER_POLL = 250;
const SHORTEST_POLL_MS = 200;
const FIRST_POLL_MS = 2_000;
const LONGEST_POLL_MS = 15_000;
/** How often a member that tells nothing must show that it still belongs to a cluster with a leader. */
const PROOF_MS = 30_000;

/** One directory that is followed. */
interface Followed {
  readonly path: readonly string[];
  /** Undefined until the first success or failure; then whether it is being heard, and why not. */
  heard: { readonly ok: true } | { readonly ok: false; readonly reason: string } | undefined;
  listed: boolean;
  /**
   * The time from which on no event is known to be waiting: a backlog is told at once when a poll opens. Infinity
   * while no poll is open.
   */
  caughtUpAt: number;
}

export async function* watchEtcdV2(
  client: EtcdV2Client,
  kinds: readonly Kind[],
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const keyspace = createKeyspace(kinds);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal.addEventListener('abort', end);
  if (signal.aborted) end();
  let wake = (): void => undefined;
  let touched: { first: number; last: number } | undefined;

  const heard = (): void => {
    if (keyspace.due !== 'nothing') {
      const now = performance.now();
      touched = { first: touched?.first ?? now, last: now };
    }
    wake();
  };
  const followed = rootsOf(kinds).map(
    (path): Followed => ({ path, heard: undefined, listed: false, caughtUpAt: Infinity }),
  );
  const following = Promise.all(followed.map((one) => follow(client, one, keyspace, ending.signal, heard)));

  try {
    let connected: boolean | undefined;
    let snapshotTold = false;
    while (!ending.signal.aborted) {
      const lost = followed.map((one) => one.heard).find((state) => state?.ok === false);
      const all = followed.every((one) => one.heard?.ok === true);
      if (lost?.ok === false && connected !== false) {
        connected = false;
        yield { type: 'connection', connected, reason: lost.reason };
        continue;
      }
      if (all && connected !== true) {
        connected = true;
        yield { type: 'connection', connected };
        continue;
      }
      if (!snapshotTold && followed.every((one) => one.listed)) {
        snapshotTold = true;
        touched = undefined;
        yield { type: 'snapshot', ...listingOf(keyspace.take()) };
        continue;
      }
      const wait = snapshotTold ? timeToTell(keyspace, followed, touched) : undefined;
      if (wait === 0) {
        touched = undefined;
        const { changes, warnings, settled } = keyspace.take();
        if (changes.length + warnings.length + settled.length > 0)
          yield {
            type: 'changes',
            changes,
            ...(warnings.length > 0 ? { warnings } : {}),
            ...(settled.length > 0 ? { settled } : {}),
          };
        continue;
      }
      await new Promise<void>((resolve) => {
        const timer = wait === undefined ? undefined : setTimeout(resolve, wait);
        const done = (): void => {
          clearTimeout(timer);
          ending.signal.removeEventListener('abort', done);
          resolve();
        };
        wake = done;
        ending.signal.addEventListener('abort', done);
        if (timer !== undefined) timer.ref();
      });
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await following;
  }
}

/** Milliseconds until what is due may be told; undefined where nothing is. */
function timeToTell(
  keyspace: Keyspace,
  followed: readonly Followed[],
  touched: { readonly first: number; readonly last: number } | undefined,
): number | undefined {
  if (keyspace.due === 'nothing' || touched === undefined) return undefined;
  const now = performance.now();
  const latest = touched.first + SETTLED_AT_MOST_MS - now;
  const settled = keyspace.due === 'whole' ? now : touched.last + SETTLED_MS;
  const caughtUp = followed.filter((one) => one.heard?.ok === true).map((one) => one.caughtUpAt);
  const soonest = Math.max(settled, ...caughtUp) - now;
  return Math.max(0, Math.ceil(Math.min(soonest, latest)));
}

/** Follows one directory until the signal aborts; never throws. */
async function follow(
  client: EtcdV2Client,
  followed: Followed,
  keyspace: Keyspace,
  signal: AbortSignal,
  heard: () => void,
): Promise<void> {
  const key = keyOfPath(followed.path);
  let position: Place | undefined;
  let earlier: Place | undefined;
  let failures = 0;
  let provenAt = performance.now();
  let pace = startPace();

  while (!signal.aborted) {
    try {
      if (position === undefined) {
        const { node, index, clusterId } = await client.list(key, { signal });
        keyspace.replace(followed.path, node);
        position = { index, clusterId };
        earlier = undefined;
        Object.assign(followed, { heard: { ok: true }, listed: true, caughtUpAt: 0 });
        provenAt = performance.now();
        pace = startPace();
        heard();
      }
      const from: Place = position;
      let opened: Place | undefined;
      const outcome = await client.poll(key, {
        waitIndex: from.index + 1,
        quietMs: pace.pollMs,
        signal,
        onOpen(place) {
          if (place.clusterId !== from.clusterId || place.index < from.index) return false;
          opened = place;
          failures = 0;
          pace.reached(place.index);
          followed.heard = { ok: true };
          followed.caughtUpAt = place.index === from.index ? 0 : performance.now() + SETTLED_MS;
          heard();
          return true;
        },
      });
      switch (outcome.is) {
        case 'event':
          keyspace.apply(outcome.event);
          // The history is told one event at a time; only an index is known to be passed.
          position = { ...from, index: Math.max(from.index, outcome.event.node.modifiedIndex) };
          earlier = undefined;
          followed.caughtUpAt = opened !== undefined && opened.index <= position.index ? 0 : Infinity;
          heard();
          break;
        case 'quiet':
          // What was written before a poll opened would have ended it at once, unless the connection broke in that
          // very moment; so only what two polls in a row had nothing to say about is passed.
          position = earlier ?? from;
          earlier = opened;
          if (performance.now() - provenAt > PROOF_MS) {
            await client.prove({ signal });
            provenAt = performance.now();
          }
          break;
        case 'cleared':
          position = undefined;
          break;
        case 'left': {
          // A member that lags has an older index for a moment; a quorum knows the true one.
          const now = await client.prove({ signal });
          if (now.clusterId !== from.clusterId || now.index < from.index) position = undefined;
          else await pause(retryPause(2), signal);
          break;
        }
        default:
          outcome satisfies never;
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (followed.heard === undefined || failures > 1) {
        followed.heard = { ok: false, reason: messageOf(error) };
        heard();
      }
      await pause(retryPause(failures), signal);
    }
  }
}

interface Pace {
  /** How long the next poll may be quiet. */
  readonly pollMs: number;
  /** Told the store's index whenever it is seen. */
  reached(index: number): void;
}

/** Measures how fast the store's index moves. */
function startPace(): Pace {
  let last: { readonly index: number; readonly time: number } | undefined;
  let pollMs = FIRST_POLL_MS;
  return {
    get pollMs() {
      return pollMs;
    },
    reached(index) {
      const time = performance.now();
      if (last !== undefined && time > last.time) {
        const perMs = (index - last.index) / (time - last.time);
        const affordable = perMs > 0 ? EVENTS_PER_POLL / perMs : LONGEST_POLL_MS;
        // Longer only step by step: one quiet poll does not promise another.
        pollMs = Math.max(SHORTEST_POLL_MS, Math.min(LONGEST_POLL_MS, affordable, pollMs * 2));
      }
      last = { index, time };
    },
  };
}
