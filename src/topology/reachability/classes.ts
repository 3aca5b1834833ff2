/**
 * Nodes that pass nothing on and have equal sessions with the same speakers learn the same routes and are learned by
 * the same speakers, so one of them answers for all: of 100,000 nodes with two of 100 reflectors each there are a few
 * dozen kinds. What a speaker may hand to such a kind of node is a slot; a class is a set of slots.
 */
import {
  type End,
  isInternal,
  type Network,
  type NetworkSpeaker,
  type OutsideEnd,
  passesNothingOn,
} from './network.ts';
import { type Core, type Link, type Links, linksOf } from './propagation.ts';

/** One way from a speaker that passes routes on to nodes that do not: all its ends of one kind. */
export interface Slot {
  readonly speaker: number;
  /** That speaker's end. */
  readonly end: End;
}

export interface NodeClass {
  /** Indices of the nodes; the first answers for all. */
  readonly members: number[];
  readonly first: NetworkSpeaker;
  readonly firstIndex: number;
  /** Each slot's index, and the node's own end. */
  readonly slots: readonly { readonly slot: number; readonly end: End }[];
  /** Sessions with other nodes that pass nothing on. */
  readonly direct: readonly Link[];
  /** True: it is told apart from all others by more than its slots, and so has no other members. */
  readonly alone: boolean;
}

export interface Classes {
  readonly core: Core;
  readonly slots: readonly Slot[];
  readonly classes: readonly NodeClass[];
  /** Router IDs that several speakers have, who so refuse each other's routes. */
  readonly sharedIds: ReadonlySet<number>;
}

export function classify(network: Network): Classes {
  const { speakers } = network;
  const ends = endIndex(network);
  const other = (self: number) => (end: End) => ends(end.peer, self);
  const passes = speakers.map(
    (speaker, index) => !passesNothingOn(speaker, speaker.mesh !== null, other(index)),
  );
  const members = [...speakers.keys()].filter((index) => passes[index]);
  const links = new Map<number, Links>();
  for (const index of members) {
    const ends = speakers[index]?.ends.filter(({ peer }) => passes[peer]) ?? [];
    links.set(index, linksOf(pairedEnds(ends, other(index))));
  }
  const sharedIds = repeated(speakers.map((speaker) => speaker.routerId));
  const coreIds = members.map((index) => speakers[index]?.routerId ?? 0).sort((a, b) => a - b);
  const slots: Slot[] = [];
  const slotIds = new Map<string, number>();
  const classes = new Map<string, NodeClass>();
  for (const [index, speaker] of speakers.entries()) {
    if (passes[index]) continue;
    const own: { slot: number; end: End }[] = [];
    const direct: Link[] = [];
    const parts: string[] = [];
    for (const { mine, theirs } of pairedEnds(speaker.ends, other(index))) {
      if (!passes[mine.peer]) {
        direct.push({ mine, theirs });
        continue;
      }
      const key = `${mine.peer}>${kindOf(theirs)}`;
      const slot = slotIds.get(key) ?? slots.push({ speaker: mine.peer, end: theirs }) - 1;
      slotIds.set(key, slot);
      own.push({ slot, end: mine });
      parts.push(`${slot}:${kindOf(mine)}`);
    }
    parts.sort();
    const alone = direct.length > 0 || speaker.unmeshed.length > 0 || sharedIds.has(speaker.routerId);
    if (alone) parts.push(`alone ${index}`);
    if (!speaker.ends.every(isInternal)) parts.push(`after ${positionIn(coreIds, speaker.routerId)}`);
    parts.push(`mesh ${speaker.mesh}`, ...speaker.outside.map(outsideKindOf));
    const key = parts.join(' ');
    const known = classes.get(key);
    if (known === undefined) {
      classes.set(key, { members: [index], first: speaker, firstIndex: index, slots: own, direct, alone });
    } else known.members.push(index);
  }
  return { core: { network, members, links }, slots, classes: [...classes.values()], sharedIds };
}

/** @returns a function that finds the end of one speaker towards another */
function endIndex({ speakers }: Network): (speaker: number, peer: number) => End | undefined {
  const maps = new Map<number, Map<number, End>>();
  return (speaker, peer) => {
    const ends = speakers[speaker]?.ends ?? [];
    if (ends.length < 8) return ends.find((end) => end.peer === peer);
    let map = maps.get(speaker);
    if (map === undefined) {
      map = new Map(ends.map((end) => [end.peer, end]));
      maps.set(speaker, map);
    }
    return map.get(peer);
  };
}

function pairedEnds(ends: readonly End[], other: (end: End) => End | undefined): readonly Link[] {
  return ends.flatMap((mine) => {
    const theirs = other(mine);
    return theirs === undefined ? [] : [{ mine, theirs }];
  });
}

/** All of an end that decides what goes over it and what is taken from it. */
function kindOf(end: End): string {
  const { localAs, client, clusterId, allowLocalAs, imports, exports } = end;
  return `${localAs},${isInternal(end)},${client},${clusterId},${allowLocalAs},${imports},${exports}`;
}

function outsideKindOf({ localAs, peerAs, imports, exports, address }: OutsideEnd): string {
  return `outside ${localAs},${peerAs},${imports},${exports},${address}`;
}

function repeated(items: readonly number[]): ReadonlySet<number> {
  const seen = new Set<number>();
  const twice = new Set<number>();
  for (const item of items) {
    if (seen.has(item)) twice.add(item);
    seen.add(item);
  }
  return twice;
}

function positionIn(sorted: readonly number[], item: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < item) low = middle + 1;
    else high = middle;
  }
  return low;
}
