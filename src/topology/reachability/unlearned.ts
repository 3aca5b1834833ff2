/**
 * Which nodes would not learn which nodes' routes, by the sessions of one family. Exact for what the speakers of the
 * resources do among themselves. Where nodes do not hear each other that way but both are heard by routers that no
 * resource describes, the answer is that it depends on those.
 */
import { type Classes, classify, type NodeClass } from './classes.ts';
import { isInternal, type Network, type OutsideEnd } from './network.ts';
import { isSent, ownPath, type Path, sent, sentAsPath, sentOriginator, taken, type Update } from './path.ts';
import { type Entry, type Propagation, propagate } from './propagation.ts';

/** Each of `learners` does not learn the routes of any of `origins`, itself left aside. */
export interface UnlearnedPairs {
  /** Indices of speakers, ascending. */
  readonly learners: readonly number[];
  readonly origins: readonly number[];
  /** True: it depends on routers that no resource describes. */
  readonly throughOutside: boolean;
}

/** No router ID. */
const NOBODY = -1;

export interface Unlearned {
  /** No pair stands in two of them. */
  readonly groups: readonly UnlearnedPairs[];
  /** False: the route of some node never comes to rest, so that what is said here may be so at times only. */
  readonly settled: boolean;
}

/** What is delivered over a slot, as far as it matters to those who take it. */
type Delivered = Pick<Update, 'asPath' | 'originator'> | null;

/** What nearly always is delivered, made once. */
const PLAIN: NonNullable<Delivered> = { asPath: [], originator: NOBODY };

/** Origins whose routes reach the same speakers in the same way. */
interface OriginGroup {
  readonly origins: number[];
  /** By slot. */
  readonly delivered: readonly Delivered[];
  /** Speakers that pass routes on and have it. */
  readonly held: Propagation['best'];
  readonly mesh: number | null;
  /** Index of the origin where it is told apart by more than where its route goes; it is the only one then. */
  readonly alone: number | null;
  /** True: the origin, or a speaker that passes routes on, gives it to a router outside. */
  readonly tellsOutside: boolean;
}

export function findUnlearned(network: Network): Unlearned {
  const all = classify(network);
  const fromOutside = propagateOutside(all);
  const tellers = all.classes.filter(({ first }) =>
    first.outside.some((end) => end.imports && !isInternal(end)),
  );
  const { groups, settled } = originGroups(all);
  const found = new Map<string, { learners: number[]; missing: number[]; throughOutside: boolean }>();
  const heard = groups.map((group) => group.tellsOutside || leavesTellOutside(all, group));

  function note(learners: readonly number[], hearsOutside: boolean, learns: (group: OriginGroup) => boolean) {
    const missing: number[] = [];
    const perhaps: number[] = [];
    for (const [index, group] of groups.entries()) {
      if (learns(group)) continue;
      if (hearsOutside && heard[index]) perhaps.push(index);
      else missing.push(index);
    }
    for (const [throughOutside, list] of [
      [false, missing],
      [true, perhaps],
    ] as const) {
      if (list.length === 0) continue;
      const key = `${throughOutside} ${list.join(' ')}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { learners: [...learners], missing: list, throughOutside });
      else for (const learner of learners) known.learners.push(learner);
    }
  }

  for (const one of all.classes) {
    note(one.members, hearsOutside(all, fromOutside, tellers, one), (group) =>
      classLearns(network, one, group),
    );
  }
  for (const index of all.core.members) {
    if (network.speakers[index]?.isNode !== true) continue;
    note([index], fromOutside.best.has(index), (group) => group.held.has(index));
  }
  return {
    groups: [...found.values()]
      .map(({ learners, missing, throughOutside }) => ({
        learners: learners.sort(ascending),
        origins: missing.flatMap((index) => groups[index]?.origins ?? []).sort(ascending),
        throughOutside,
      }))
      .filter(
        ({ learners, origins }) => learners.length > 1 || origins.length > 1 || learners[0] !== origins[0],
      ),
    settled,
  };
}

function ascending(one: number, other: number): number {
  return one - other;
}

/** Routes of every node, each kind of origin once; origins with the same outcome are one group. */
function originGroups(all: Classes): { readonly groups: readonly OriginGroup[]; readonly settled: boolean } {
  const { core, classes } = all;
  const groups = new Map<string, OriginGroup>();
  const nodesOfCore = core.members.filter((index) => core.network.speakers[index]?.isNode);
  const wayNumbers = new Map<string, number>();
  let settled = true;

  /** A number from 1 for each different thing that is delivered. */
  function wayNumber({ asPath, originator }: NonNullable<Delivered>): number {
    if (asPath.length === 0 && originator === NOBODY) return 1;
    const key = `${asPath} ${originator}`;
    const known = wayNumbers.get(key) ?? wayNumbers.size + 2;
    wayNumbers.set(key, known);
    return known;
  }

  function add(origins: readonly number[], entries: readonly Entry[], of: NodeClass | null): void {
    const propagation = propagate(core, entries);
    settled &&= propagation.settled;
    const delivered = all.slots.map((_, slot) => deliver(all, propagation, slot));
    const ways = delivered.map((one) => (one === null ? 0 : wayNumber(one)));
    // A speaker that passes routes on may have the router ID of a node: then that one refuses its routes.
    const alone = of === null ? (origins[0] ?? null) : of.alone ? of.firstIndex : null;
    const tells = tellsOutside(all, propagation, of);
    const held = nodesOfCore.filter((index) => propagation.best.has(index));
    const key = `${ways} ${held} ${of?.first.mesh ?? null} ${alone} ${tells}`;
    const known = groups.get(key);
    if (known !== undefined) {
      for (const origin of origins) known.origins.push(origin);
      return;
    }
    groups.set(key, {
      origins: [...origins],
      delivered,
      held: propagation.best,
      mesh: of?.first.mesh ?? null,
      alone,
      tellsOutside: tells,
    });
  }

  for (const one of classes) add(one.members, entriesOf(all, one), one);
  for (const index of core.members) {
    const speaker = core.network.speakers[index];
    if (speaker?.isNode !== true) continue;
    add([index], [{ speaker: index, from: -1, path: ownPath(speaker.routerId) }], null);
  }
  return { groups: [...groups.values()], settled };
}

/** The route of a node of this class where it enters the speakers that pass it on. */
function entriesOf({ core, slots }: Classes, one: NodeClass): readonly Entry[] {
  const own = ownPath(one.first.routerId);
  return one.slots.flatMap(({ slot, end }) => {
    const way = slots[slot];
    const update = sent(own, one.first.routerId, end);
    const to = way === undefined ? undefined : core.network.speakers[way.speaker];
    if (way === undefined || update === null || to === undefined) return [];
    const path = taken(update, to.routerId, way.end);
    if (path === null) return [];
    return [{ speaker: way.speaker, from: one.firstIndex, path: { ...path, from: one.firstIndex } }];
  });
}

function deliver({ core, slots, sharedIds }: Classes, { best }: Propagation, slot: number): Delivered {
  const way = slots[slot];
  const path = way === undefined ? undefined : best.get(way.speaker);
  const speaker = way === undefined ? undefined : core.network.speakers[way.speaker];
  if (way === undefined || path === undefined || speaker === undefined) return null;
  if (!isSent(path, way.end)) return null;
  const asPath = sentAsPath(path, way.end);
  const originator = sentOriginator(path, speaker.routerId, way.end);
  if (sharedIds.has(originator)) return { asPath, originator };
  return asPath.length === 0 ? PLAIN : { asPath, originator: NOBODY };
}

function classLearns({ speakers }: Network, one: NodeClass, group: OriginGroup): boolean {
  const { first } = one;
  const origin = group.alone === null ? undefined : speakers[group.alone];
  for (const { slot, end } of one.slots) {
    const delivered = group.delivered[slot] ?? null;
    if (delivered === null) continue;
    if (taken({ ...delivered, clusters: [] }, first.routerId, end) !== null) return true;
  }
  if (origin !== undefined) {
    const link = one.direct.find(({ mine }) => mine.peer === group.alone);
    const update = link === undefined ? null : sent(ownPath(origin.routerId), origin.routerId, link.theirs);
    if (link !== undefined && update !== null && taken(update, first.routerId, link.mine) !== null)
      return true;
  }
  if (group.mesh === null || group.mesh !== first.mesh) return false;
  if (group.alone === null) return true;
  return !first.unmeshed.includes(group.alone) && origin?.routerId !== first.routerId;
}

/** The path of a route that a router outside gives to a speaker. */
function pathFromOutside(end: OutsideEnd): Path {
  const external = !isInternal(end);
  return {
    asPath: external ? [end.peerAs] : [],
    external,
    originator: 0,
    clusters: [],
    from: -2,
    fromClient: end.client,
    viaCluster: end.clusterId,
    rank: 0,
  };
}

/** Where routes go that come from outside. */
function propagateOutside(all: Classes): Propagation {
  const { core, slots, classes } = all;
  const entries: Entry[] = [];
  for (const index of core.members) {
    for (const [at, end] of (core.network.speakers[index]?.outside ?? []).entries()) {
      if (end.imports) entries.push({ speaker: index, from: -2 - at, path: pathFromOutside(end) });
    }
  }
  for (const one of classes) {
    const outside = one.first.outside.find((end) => end.imports && !isInternal(end));
    if (outside === undefined) continue;
    for (const { slot, end } of one.slots) {
      const way = slots[slot];
      const update = sent(pathFromOutside(outside), one.first.routerId, end);
      const to = way === undefined ? undefined : core.network.speakers[way.speaker];
      if (way === undefined || update === null || to === undefined) continue;
      const path = taken(update, to.routerId, way.end);
      if (path !== null) entries.push({ speaker: way.speaker, from: one.firstIndex, path });
    }
  }
  return propagate(core, entries);
}

/** @param tellers nodes that give routes from outside to other nodes */
function hearsOutside(
  all: Classes,
  fromOutside: Propagation,
  tellers: readonly NodeClass[],
  one: NodeClass,
): boolean {
  if (one.first.outside.some((end) => end.imports)) return true;
  if (one.slots.some(({ slot, end }) => end.imports && deliver(all, fromOutside, slot) !== null)) return true;
  return tellers.some(
    (other) =>
      (other.first.mesh !== null && other.first.mesh === one.first.mesh) ||
      one.direct.some(({ mine }) => mine.peer === other.firstIndex),
  );
}

/** True where the origin itself, or a speaker that passes routes on, gives the route to a router outside. */
function tellsOutside({ core }: Classes, { best }: Propagation, origin: NodeClass | null): boolean {
  if (origin?.first.outside.some((end) => end.exports) === true) return true;
  for (const [index, path] of best) {
    const speaker = core.network.speakers[index];
    if (speaker?.outside.some((end) => sent(path, speaker.routerId, end) !== null) === true) return true;
  }
  return false;
}

/** True where a node that has the route and passes it to no one inside gives it to a router outside. */
function leavesTellOutside({ core, classes }: Classes, group: OriginGroup): boolean {
  return classes.some(
    (one) =>
      one.first.outside.some((end) => end.exports && !isInternal(end)) &&
      classLearns(core.network, one, group),
  );
}
