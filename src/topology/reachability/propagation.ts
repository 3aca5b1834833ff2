/**
 * One route's way through the speakers that pass routes on, as their BGP would take it: each keeps what its peers
 * sent last, chooses, and tells its peers what follows, until nobody has anything new to say.
 */
import type { End, Network } from './network.ts';
import { isBetter, isSamePath, type Path, sent, taken } from './path.ts';

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
  /** By index of the speaker. */
  readonly links: ReadonlyMap<number, readonly Link[]>;
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
  const offers = new Map<number, Map<number, Path>>();
  /** Those that sent something at least once, and so may have something to take back. */
  const told = new Set<number>();
  const queue: number[] = [];
  const queued = new Set<number>();

  function offer(speaker: number, from: number, path: Path | null): void {
    const known = offers.get(speaker);
    if (path === null && known?.get(from) === undefined) return;
    const list = known ?? new Map<number, Path>();
    if (known === undefined) offers.set(speaker, list);
    if (path === null) list.delete(from);
    else list.set(from, path);
    let chosen: Path | null = null;
    for (const one of list.values()) if (chosen === null || isBetter(one, chosen)) chosen = one;
    if (isSamePath(chosen, best.get(speaker) ?? null)) return;
    if (chosen === null) best.delete(speaker);
    else best.set(speaker, chosen);
    if (queued.has(speaker)) return;
    queued.add(speaker);
    queue.push(speaker);
  }

  for (const { speaker, from, path } of entries) offer(speaker, from, path);
  let left = (members.length + 10) * MOST_CHANGES;
  for (let at = 0; at < queue.length; at++) {
    if (left-- === 0) return { best, settled: false };
    const speaker = queue[at];
    const from = speaker === undefined ? undefined : network.speakers[speaker];
    if (speaker === undefined || from === undefined) continue;
    queued.delete(speaker);
    const path = best.get(speaker);
    const first = !told.has(speaker);
    told.add(speaker);
    for (const { mine, theirs } of links.get(speaker) ?? []) {
      const update = path === undefined || path.from === mine.peer ? null : sent(path, from.routerId, mine);
      if (update === null && first) continue;
      const to = network.speakers[mine.peer];
      if (to === undefined) continue;
      offer(mine.peer, speaker, update === null ? null : taken(update, to.routerId, theirs));
    }
  }
  return { best, settled: true };
}
