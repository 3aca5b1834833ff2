/**
 * One route's way through the speakers that pass routes on, as their BGP would take it: each keeps what its peers
 * sent last, chooses, and tells its peers what follows, until nobody has anything new to say.
 */
import { type End, isInternal, type Network } from './network.ts';
import { isBetter, isSamePath, type Path, sendsTheSame, sent, taken, type Update } from './path.ts';

/** A session between two that pass routes on, seen from one of them. */
export interface Link {
  readonly mine: End;
  readonly theirs: End;
}

/** The speakers that pass routes on, and the sessions among them. */
export interface Core {
  readonly network: Network;
  /** Indices of the speakers. */
  readonly members: readonly number[];
  /** By index of the speaker: those over which what came from a reflector may go, and then all others. */
  readonly links: ReadonlyMap<number, Links>;
}

export interface Links {
  /** To clients and to other AS numbers. */
  readonly outward: readonly Link[];
  /** To reflectors that are no clients. */
  readonly across: readonly Link[];
}

/** Sorts a speaker's sessions by what may go over them. */
export function linksOf(all: readonly Link[]): Links {
  return {
    outward: all.filter(({ mine }) => mine.client || !isInternal(mine)),
    across: all.filter(({ mine }) => !mine.client && isInternal(mine)),
  };
}

/** What enters at one speaker: a path that a node, or the outside, gave to it. */
export interface Entry {
  readonly speaker: number;
  /** Tells apart what entered at one speaker by several ways. */
  readonly from: number;
  readonly path: Path;
}

export interface Propagation {
  /** The best path of each member that has one. */
  readonly best: ReadonlyMap<number, Path>;
  /** False: they never came to rest; what `best` says is what was so when the count ran out. */
  readonly settled: boolean;
}

/** How often a speaker may change its mind, on average: far more than any that comes to rest needs. */
const MOST_CHANGES = 200;

export function propagate(core: Core, entries: readonly Entry[]): Propagation {
  const { network, members, links } = core;
  const best = new Map<number, Path>();
  /** What each has been offered, by whom; a few for each, so that a list is quicker than a map. */
  const offers = new Map<number, { from: number; path: Path }[]>();
  /** Those that sent something over their `across` links, and so may have something to take back. */
  const toldAcross = new Set<number>();
  const queue: number[] = [];
  const queued = new Set<number>();

  function offer(speaker: number, from: number, path: Path | null): void {
    let list = offers.get(speaker);
    const at = list === undefined ? -1 : list.findIndex((one) => one.from === from);
    if (path === null && at < 0) return;
    if (list === undefined) {
      list = [];
      offers.set(speaker, list);
    }
    if (path === null) list.splice(at, 1);
    else if (at < 0) list.push({ from, path });
    else list[at] = { from, path };
    let chosen: Path | null = null;
    for (const one of list) if (chosen === null || isBetter(one.path, chosen)) chosen = one.path;
    if (isSamePath(chosen, best.get(speaker) ?? null)) return;
    if (chosen === null) best.delete(speaker);
    else best.set(speaker, chosen);
    if (queued.has(speaker)) return;
    queued.add(speaker);
    queue.push(speaker);
  }

  function tell(speaker: number, routerId: number, path: Path | undefined, list: readonly Link[]): void {
    let update: Update | null = null;
    /** The end that `update` was made for; most of a list send the same. */
    let madeFor: End | null = null;
    for (const { mine, theirs } of list) {
      const to = network.speakers[mine.peer];
      if (to === undefined) continue;
      if (path === undefined || path.from === mine.peer) {
        offer(mine.peer, speaker, null);
        continue;
      }
      if (madeFor === null || !sendsTheSame(madeFor, mine)) {
        update = sent(path, routerId, mine);
        madeFor = mine;
      }
      offer(mine.peer, speaker, update === null ? null : taken(update, to.routerId, theirs));
    }
  }

  for (const { speaker, from, path } of entries) offer(speaker, from, path);
  let left = (members.length + 10) * MOST_CHANGES;
  for (let at = 0; at < queue.length; at++) {
    if (left-- === 0) return { best, settled: false };
    const speaker = queue[at];
    const self = speaker === undefined ? undefined : network.speakers[speaker];
    const own = speaker === undefined ? undefined : links.get(speaker);
    if (speaker === undefined || self === undefined) continue;
    queued.delete(speaker);
    if (own === undefined) continue;
    const path = best.get(speaker);
    tell(speaker, self.routerId, path, own.outward);
    const across = path !== undefined && (path.from === null || path.external || path.fromClient);
    if (!across && !toldAcross.has(speaker)) continue;
    tell(speaker, self.routerId, path, own.across);
    toldAcross.add(speaker);
  }
  return { best, settled: true };
}
