/**
 * Which of several routes to one prefix is used: RFC 4271 section 9.1.2.2 with the changes of RFC 4456 section 9
 * (ORIGINATOR_ID stands for the BGP Identifier, a shorter CLUSTER_LIST wins) and RFC 9494 section 4.3 (long-lived
 * stale routes last). The steps have numbers, and decision.test.ts has the same ones.
 *
 * MED is compared among routes of one neighboring AS only, and deterministically: the best of each AS is found
 * first, and these meet without MED, so the answer does not hang on the order of arrival.
 */
import type { AttributeSet } from './attribute-sets.ts';

/** What is compared besides the attributes: who told it. */
export interface ToldBy {
  /** In another AS. */
  readonly external: boolean;
  readonly peerAs: number;
  /** BGP Identifier. */
  readonly routerId: number;
  /** Octets of the peer's address; all of one family. */
  readonly address: Uint8Array;
}

export interface Candidate {
  readonly attributes: AttributeSet;
  readonly from: ToldBy;
  /** The peer's identifier of this path (RFC 7911); 0 where it sends none. */
  readonly pathId: number;
}

/** The steps in order; the index is the number that docs/engine.md, the test and `explain` use. */
export const DECISION_STEPS = [
  'only one route',
  'not long-lived stale',
  'higher LOCAL_PREF',
  'shorter AS_PATH',
  'lower ORIGIN',
  'lower MED from the same AS',
  'eBGP before iBGP',
  'lower BGP Identifier',
  'shorter CLUSTER_LIST',
  'lower peer address',
  'lower path identifier',
] as const;

/**
 * Compares two routes.
 * @returns below 0 where `one` is the better, above 0 where `other` is; its absolute value is the number of the step
 * that decided; 0: they do not differ
 */
export function compareRoutes(one: Candidate, other: Candidate): number {
  const a = one.attributes;
  const b = other.attributes;
  // 1. RFC 9494 section 4.3.
  if (a.llgrStale !== b.llgrStale) return a.llgrStale ? 1 : -1;
  // 2. RFC 4271 section 9.1.1: the degree of preference.
  if (a.localPref !== b.localPref) return a.localPref > b.localPref ? -2 : 2;
  // 3. Section 9.1.2.2 a.
  if (a.asPathLength !== b.asPathLength) return a.asPathLength < b.asPathLength ? -3 : 3;
  // 4. b.
  if (a.origin !== b.origin) return a.origin < b.origin ? -4 : 4;
  // 5. c.
  if (a.med !== b.med && neighborOf(one) === neighborOf(other)) return a.med < b.med ? -5 : 5;
  // 6. d. Step e, the interior cost, is the same for all: a reflector has no IGP.
  if (one.from.external !== other.from.external) return one.from.external ? -6 : 6;
  // 7. f, RFC 4456 section 9.
  const idOfOne = a.originatorId ?? one.from.routerId;
  const idOfOther = b.originatorId ?? other.from.routerId;
  if (idOfOne !== idOfOther) return idOfOne < idOfOther ? -7 : 7;
  // 8. RFC 4456 section 9.
  if (a.clusterListLength !== b.clusterListLength) return a.clusterListLength < b.clusterListLength ? -8 : 8;
  // 9. g.
  const addresses = compareAddresses(one.from.address, other.from.address);
  if (addresses !== 0) return addresses < 0 ? -9 : 9;
  // 10. Ours: of two paths of one peer (RFC 7911), so that the answer does not hang on the order of arrival.
  return 10 * Math.sign(one.pathId - other.pathId);
}

/** The best route's index, or -1 of none. */
export function chooseRoute(candidates: readonly Candidate[]): number {
  const [first] = candidates;
  if (first === undefined) return -1;
  if (candidates.length === 1) return 0;
  const neighbor = neighborOf(first);
  if (candidates.every((one) => neighborOf(one) === neighbor)) {
    return bestOf(candidates, candidates.keys());
  }
  const groups = new Map<number, number>();
  for (const [index, candidate] of candidates.entries()) {
    const group = neighborOf(candidate);
    const leader = groups.get(group);
    groups.set(group, leader === undefined ? index : bestOf(candidates, [leader, index]));
  }
  return bestOf(candidates, groups.values());
}

/**
 * At which step a route was left behind: by the best one of its own neighboring AS, or where it is that, by the used
 * one. Beside a route that it never met it may well be the better one of the two.
 */
export function stepOfLoss(candidates: readonly Candidate[], index: number): number {
  const loser = candidates[index];
  if (loser === undefined) return 0;
  const neighbor = neighborOf(loser);
  const fromSameAs = [...candidates.keys()].filter((each) => {
    const candidate = candidates[each];
    return candidate !== undefined && neighborOf(candidate) === neighbor;
  });
  const first = bestOf(candidates, fromSameAs);
  const winner = candidates[first === index ? chooseRoute(candidates) : first];
  return winner === undefined ? 0 : Math.abs(compareRoutes(winner, loser));
}

function bestOf(candidates: readonly Candidate[], among: Iterable<number>): number {
  let best = -1;
  for (const index of among) {
    const candidate = candidates[index];
    const leader = candidates[best];
    if (candidate !== undefined && (leader === undefined || compareRoutes(candidate, leader) < 0))
      best = index;
  }
  return best;
}

/** The AS that MED is compared within: that of the peer where the path is empty. */
function neighborOf({ attributes, from }: Candidate): number {
  return attributes.neighborAs ?? from.peerAs;
}

function compareAddresses(one: Uint8Array, other: Uint8Array): number {
  for (let at = 0; at < one.length; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
