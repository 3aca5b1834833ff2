/** What the rack laboratory saw of kernel routes and pings while something was done to it, and what that says. */
import assert from 'node:assert/strict';
import type { RouteEvent } from './kernel-routes.ts';
import type { PingReport } from './ping.ts';
import { RACK_NODES, type RackNode } from './rack.ts';

export interface Observation {
  readonly events: readonly RouteEvent[];
  readonly pings: readonly PingReport[];
}

export function deletions({ events }: Observation): readonly RouteEvent[] {
  return events.filter((event) => event.kind === 'deleted');
}

export function losses({ pings }: Observation): readonly PingReport[] {
  return pings.filter((ping) => ping.lost > 0);
}

/** No kernel route was deleted, not even for a moment, and no ping was lost. */
export function assertNothingLost(observation: Observation): void {
  assert.deepEqual(
    deletions(observation).map(({ host, route }) => `${host}: ${route}`),
    [],
    'kernel routes were deleted',
  );
  assertNoPingLost(observation);
}

/**
 * No ping was lost that had a route. Where a node's BIRD replaces one by deleting and adding it (see `lastingDeletions`),
 * there is none for a moment, and one ping may fall into it.
 */
export function assertNoPingLost(observation: Observation): void {
  assert.ok(
    observation.pings.length > 0 && observation.pings.every((ping) => ping.sent > 0),
    'nothing was pinged',
  );
  assert.deepEqual(
    losses(observation).filter((ping) => ping.lost > replacedOnTheWay(observation, ping)),
    [],
    'pings were lost',
  );
}

/** How often the routes of a ping and of its answers were deleted, which is the number of moments without them. */
function replacedOnTheWay({ events }: Observation, { from, to }: PingReport): number {
  const deletedAt = (one: string, other: string): number => {
    const [node, target] = [nodeOfWorkload(one), nodeOfWorkload(other)];
    if (node === undefined || target === undefined) return 0;
    const block = other.includes(':') ? target.block6 : target.block4;
    return events.filter(
      ({ host, kind, route }) => kind === 'deleted' && host === node.name && route.split(' ')[0] === block,
    ).length;
  };
  return deletedAt(from, to) + deletedAt(to, from);
}

function nodeOfWorkload(address: string): RackNode | undefined {
  return RACK_NODES.find(({ workload4, workload6 }) => address === workload4 || address === workload6);
}

/**
 * Deletions that were not made good: BIRD 1.6 replaces a route by deleting and adding it, and BIRD 2 does so in IPv6,
 * when the best path moves to another peer with the same next hop.
 */
export function lastingDeletions({ events }: Observation): readonly string[] {
  const gone = new Map<string, string>();
  for (const { host, kind, route } of events) {
    const key = `${host} ${route.split(' ')[0]}`;
    if (kind === 'deleted') gone.set(key, `${host}: ${route}`);
    else gone.delete(key);
  }
  return [...gone.values()];
}
