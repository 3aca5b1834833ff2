/**
 * Changes that were let through and that the watch has not told yet. Two that come at once, each harmless by itself,
 * must not pass as if the other were not there.
 */
import type { Change } from '../model/change.ts';
import type { ResourceKey } from '../model/resource.ts';

/** An allowed change can still fail for another reason; then the watch never tells it. */
const EXPECTED_MS = 30_000;

export interface PendingChanges {
  add(key: ResourceKey, change: Change): void;
  /** The watch told of it. */
  settle(key: ResourceKey): void;
  clear(): void;
  /** All but that of `key`, in the order in which they were let through. */
  others(key: ResourceKey): readonly Change[];
}

/** @param now milliseconds, of any beginning */
export function createPendingChanges(now: () => number): PendingChanges {
  const pending = new Map<ResourceKey, { readonly change: Change; readonly until: number }>();
  return {
    add(key, change) {
      pending.delete(key);
      pending.set(key, { change, until: now() + EXPECTED_MS });
    },
    settle: (key) => void pending.delete(key),
    clear: () => pending.clear(),
    others(key) {
      const at = now();
      for (const [one, { until }] of pending) if (until <= at) pending.delete(one);
      return [...pending].flatMap(([one, { change }]) => (one === key ? [] : [change]));
    },
  };
}
