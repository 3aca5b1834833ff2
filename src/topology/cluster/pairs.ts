/**
 * Pairs of nodes of which one does not learn the other's routes, by name. A group stands for every pair of its two
 * sides, so that what 100,000 nodes lose is said in a few lines.
 */
import type { Family } from '../../model/address.ts';
import { findUnlearned } from '../reachability/unlearned.ts';
import type { FamilyNetwork } from './family-network.ts';

export interface PairGroup {
  readonly family: Family;
  /** Nodes that do not learn the routes of any of `origins`, itself left aside; sorted by name. */
  readonly learners: readonly string[];
  readonly origins: readonly string[];
  /** How many pairs that is. */
  readonly pairs: number;
  /** True: routers that no resource describes may carry the routes all the same. */
  readonly throughOutside: boolean;
}

export interface FamilyPairs {
  readonly groups: readonly PairGroup[];
  /** False: routes never come to rest, so that the groups say what is so at times. */
  readonly settled: boolean;
}

export function unlearnedPairs({ family, network }: FamilyNetwork): FamilyPairs {
  const { groups, settled } = findUnlearned(network);
  const name = (index: number) => network.speakers[index]?.name ?? '';
  return {
    settled,
    groups: groups
      .flatMap(({ learners, origins, throughOutside }) =>
        groupOf(family, learners.map(name), origins.map(name), throughOutside),
      )
      .sort(byPairs),
  };
}

/** What of `groups` is in none of `others`; only pairs of which both are in `among`. */
export function withoutPairs(
  groups: readonly PairGroup[],
  others: readonly PairGroup[],
  among: (name: string) => boolean,
): readonly PairGroup[] {
  let left = groups.flatMap(({ family, learners, origins, throughOutside }) =>
    groupOf(family, learners.filter(among), origins.filter(among), throughOutside),
  );
  for (const other of others) {
    const learners = new Set(other.learners);
    const origins = new Set(other.origins);
    left = left.flatMap((group) => {
      if (group.family !== other.family) return [group];
      const { family, throughOutside } = group;
      const apart = group.learners.filter((name) => !learners.has(name));
      const both = group.learners.filter((name) => learners.has(name));
      if (both.length === 0) return [group];
      const others = group.origins.filter((name) => !origins.has(name));
      return [
        ...groupOf(family, apart, group.origins, throughOutside),
        ...groupOf(family, both, others, throughOutside),
      ];
    });
  }
  return [...left].sort(byPairs);
}

/** No group where there is no pair in it. */
export function groupOf(
  family: Family,
  learners: readonly string[],
  origins: readonly string[],
  throughOutside: boolean,
): readonly PairGroup[] {
  const among = new Set(origins);
  let both = 0;
  for (const learner of learners) if (among.has(learner)) both++;
  const pairs = learners.length * origins.length - both;
  if (pairs === 0) return [];
  return [{ family, learners: [...learners].sort(), origins: [...origins].sort(), pairs, throughOutside }];
}

/** The most pairs first. */
function byPairs(one: PairGroup, other: PairGroup): number {
  return (
    one.family - other.family ||
    other.pairs - one.pairs ||
    compare(one.learners[0] ?? '', other.learners[0] ?? '') ||
    compare(one.origins[0] ?? '', other.origins[0] ?? '')
  );
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** `n1, n2, n3 and 37 more nodes`. */
export function nodesText(names: readonly string[]): string {
  if (names.length <= 1) return names.join('');
  if (names.length <= 4) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, 3).join(', ')} and ${(names.length - 3).toLocaleString('en')} more nodes`;
}

/**
 * `n1, n2 and n3 do not learn the routes of n4 over IPv4`: a sentence without its full stop.
 * @param anyMore true: they did before
 */
export function pairsText({ family, learners, origins, throughOutside }: PairGroup, anyMore = false): string {
  const same = learners.length === origins.length && learners.every((name, at) => name === origins[at]);
  const what = same ? "each other's routes" : `the routes of ${nodesText(origins)}`;
  const one = learners.length === 1;
  if (throughOutside) {
    const now = anyMore ? ' then' : '';
    return `Whether ${nodesText(learners)} ${one ? 'learns' : 'learn'} ${what} over IPv${family} depends${now} on routers that no resource describes`;
  }
  const end = anyMore ? ' any more' : '';
  return `${nodesText(learners)} ${one ? 'does' : 'do'} not learn ${what} over IPv${family}${end}`;
}
