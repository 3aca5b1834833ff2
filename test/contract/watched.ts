/** A watch followed by a test: what it told, folded into what there is now, and bounded waits on it. */
import assert from 'node:assert/strict';
import type { Datastore } from '../../src/datastore/datastore.ts';
import type { Broken, Change } from '../../src/model/change.ts';
import { type Kind, keyOf, type Resource } from '../../src/model/resource.ts';

/** Long enough for a loaded machine; only a failing test ever waits for it. */
const DEADLINE_MS = 60_000;

export interface Watched {
  readonly resources: ReadonlyMap<string, Resource>;
  readonly broken: ReadonlyMap<string, Broken>;
  /** Every change since the snapshot or the last `forget`, in order. */
  readonly changes: readonly Change[];
  /** What `connection` events said, in order. */
  readonly connections: readonly boolean[];
  readonly snapshots: number;
  /** Waits until `condition` holds, asked after every event. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Forgets the changes told so far; what there is stays. */
  forget(): void;
  /** The changes since, as `put Kind/name` and the like. */
  told(): string[];
  /** Aborts and waits for the iteration to end; fails where the watch threw. */
  stop(): Promise<void>;
}

export function follow(datastore: Datastore, kinds: readonly Kind[]): Watched {
  const resources = new Map<string, Resource>();
  const broken = new Map<string, Broken>();
  const changes: Change[] = [];
  const connections: boolean[] = [];
  const waiting = new Set<() => void>();
  const abort = new AbortController();
  let snapshots = 0;
  let failure: unknown;
  let ended = false;

  const apply = (change: Change): void => {
    if (change.op === 'put') {
      const key = keyOf(change.resource);
      resources.set(key, change.resource);
      broken.delete(key);
    } else if (change.op === 'broken') {
      const key = `${change.broken.kind}/${change.broken.name}`;
      broken.set(key, change.broken);
      resources.delete(key);
    } else {
      const key = `${change.kind}/${change.name}`;
      assert.ok(resources.has(key) || broken.has(key), `${key} was deleted without having been told`);
      resources.delete(key);
      broken.delete(key);
    }
  };

  const run = async (): Promise<void> => {
    for await (const event of datastore.watch(kinds, { signal: abort.signal })) {
      if (event.type === 'snapshot') {
        snapshots += 1;
        for (const resource of event.resources) resources.set(keyOf(resource), resource);
        for (const one of event.broken) broken.set(`${one.kind}/${one.name}`, one);
      } else if (event.type === 'changes') {
        assert.ok(snapshots > 0, 'changes came before the snapshot');
        for (const change of event.changes) apply(change);
        changes.push(...event.changes);
      } else {
        connections.push(event.connected);
      }
      for (const wake of waiting) wake();
    }
  };
  const running = run()
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      ended = true;
      for (const wake of waiting) wake();
    });

  return {
    resources,
    broken,
    changes,
    connections,
    get snapshots() {
      return snapshots;
    },
    until(condition, what) {
      return new Promise((resolve, reject) => {
        const settle = (error?: unknown): void => {
          clearTimeout(deadline);
          waiting.delete(check);
          if (error === undefined) resolve();
          else reject(error);
        };
        const check = (): void => {
          if (failure !== undefined) settle(failure);
          else if (condition()) settle();
          else if (ended) settle(new Error(`the watch ended before ${what}`));
        };
        const deadline = setTimeout(() => {
          const known = [...resources.keys(), ...broken.keys()].join(', ');
          settle(
            new Error(
              `${what} did not come in ${DEADLINE_MS} ms; connections ${connections}; there is: ${known}`,
            ),
          );
        }, DEADLINE_MS);
        waiting.add(check);
        check();
      });
    },
    forget() {
      changes.length = 0;
    },
    told: () =>
      changes.map((change) => {
        if (change.op === 'put') return `put ${keyOf(change.resource)}`;
        if (change.op === 'broken') return `broken ${change.broken.kind}/${change.broken.name}`;
        return `delete ${change.kind}/${change.name}`;
      }),
    async stop() {
      abort.abort();
      await running;
      if (failure !== undefined) throw failure;
    },
  };
}
