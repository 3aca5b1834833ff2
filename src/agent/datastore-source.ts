/**
 * Brings what the datastore says to the agent: opens it, watches it, and opens it again when that fails, for as
 * long as the agent runs. A datastore that is away is no error here, only a state; a wrong setting is one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Datastore } from '../datastore/datastore.ts';
import type { Change, Listing } from '../model/change.ts';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import { KINDS, type Kind } from '../model/resource.ts';

/** All but what reflectors and nodes report of themselves: nobody's sessions depend on that. */
const WATCHED: readonly Kind[] = Object.keys(KINDS).filter(
  (kind): kind is Kind =>
    Object.hasOwn(KINDS, kind) && kind !== 'RouteReflectorStatus' && kind !== 'CalicoNodeStatus',
);

const RETRY_MS = [1000, 2000, 5000, 10_000];

export interface DatastoreListener {
  snapshot(listing: Listing): void;
  /** `settled`: subjects whose warnings hold no more. */
  changes(changes: readonly Change[], warnings: readonly Problem[], settled: readonly string[]): void;
  connection(connected: boolean, reason: string | null): void;
}

export interface DatastoreSource {
  /** Null until it could be opened. */
  datastore(): Datastore | null;
  /** Watches until `stop`. Rejects only for what no waiting mends: a wrong setting. */
  run(): Promise<void>;
  /** Lists everything anew. */
  relist(): void;
  stop(): Promise<void>;
}

export type OpenDatastore = (callbacks: {
  readonly onWaiting: (reason: string) => void;
  readonly onWarning: (problem: Problem) => void;
  readonly signal: AbortSignal;
}) => Promise<Datastore>;

/** @param kinds what is watched; by default all that sessions and routes depend on */
export function createDatastoreSource(
  open: OpenDatastore,
  listener: DatastoreListener,
  kinds: readonly Kind[] = WATCHED,
): DatastoreSource {
  const ended = new AbortController();
  let watching = new AbortController();
  let datastore: Datastore | null = null;
  const warnings: Problem[] = [];

  async function opened(): Promise<Datastore> {
    datastore ??= await open({
      onWaiting: (reason) => listener.connection(false, reason),
      onWarning: (problem) => warnings.push(problem),
      signal: ended.signal,
    });
    return datastore;
  }

  async function watchOnce(): Promise<void> {
    const home = await opened();
    watching = new AbortController();
    const signal = AbortSignal.any([ended.signal, watching.signal]);
    for await (const event of home.watch(kinds, { signal })) {
      if (signal.aborted) return;
      if (event.type === 'connection') listener.connection(event.connected, event.reason ?? null);
      else if (event.type === 'changes')
        listener.changes(event.changes, event.warnings ?? [], event.settled ?? []);
      else {
        listener.connection(true, null);
        listener.snapshot({ ...event, warnings: [...warnings, ...event.warnings] });
      }
    }
  }

  return {
    datastore: () => datastore,
    async run() {
      let failures = 0;
      while (!ended.signal.aborted) {
        try {
          await watchOnce();
          failures = 0;
        } catch (error) {
          if (ended.signal.aborted) return;
          if (error instanceof CalicoRrError && error.exitCode === 2) throw error;
          listener.connection(false, messageOf(error));
          const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 10_000;
          await sleep(wait, undefined, { signal: ended.signal }).catch(() => {});
        }
      }
    },
    relist: () => watching.abort(),
    async stop() {
      ended.abort();
      await datastore?.close();
    },
  };
}
