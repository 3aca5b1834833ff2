/**
 * Peers that are told the same in the same words: one family, one kind, one policy, the same capabilities. What the
 * group was told is kept once (`told`), each change is encoded once (batch.ts), and a peer is no more than a
 * cursor: the version up to which it was told.
 *
 * Versions. Each flush that changes something is one version. Its batch is kept while some peer has not taken it, up to
 * a bound. A peer that is farther behind is told what changed since its version, in its present state: what was
 * superseded meanwhile is never sent, so a slow peer's backlog is bounded by the table and not by the number of
 * changes. A new peer starts the same way from version 0. Such a walk over the table is shared by all that start
 * at about the same time. docs/engine.md has the picture.
 *
 * Numbers. What is told has a number: that of its prefix, or where the peers take several paths to one prefix (RFC
 * 7911), that of its route. Everything below but `compare` is the same for both.
 */
import { encodeEndOfRib, encodeRouteRefresh, REFRESH } from '../../../bgp/index.ts';
import type { AttributeSet, OutAttributes } from '../rib/attribute-sets.ts';
import { sameBytes } from '../rib/attribute-sets.ts';
import type { NumberedRoute, Source } from '../rib/rib.ts';
import type { ToldTable } from '../rib/told-table.ts';
import { type Batch, createBatchDraft, EVERYBODY } from './batch.ts';

/** What a group tells of a route, or null: nothing. */
export type Export = (prefix: number, source: Source, attributes: AttributeSet) => OutAttributes | null;

export interface Member {
  /** The peer's number in the RIB: what came from it is not told to it. */
  readonly source: number;
  /**
   * @param messages how many messages these are
   * @returns false: it takes no more until `drained`
   */
  readonly write: (chunks: readonly Uint8Array[], messages: number) => boolean;
}

export interface GroupOptions {
  /** What is numbered: prefixes, or the paths that `candidates` gives. */
  readonly table: ToldTable;
  /** Longest message that its peers take, octets. */
  readonly longest: number;
  /** The used route of a prefix. */
  readonly best: (prefix: number) => NumberedRoute | undefined;
  /** Several paths to one prefix are told; null: the used route. */
  readonly paths: PathChoice | null;
  /** Octets of batches kept for peers that are behind. Default 32 MiB. */
  readonly keptOctets?: number;
}

/** Which of a prefix's routes are told where several are. */
export interface PathChoice {
  /** Calls for each number that a route to the prefix has or had, with what may be told of it (`Rib.forEachPath`). */
  readonly forEach: (
    prefix: number,
    visit: (route: number, source: Source | undefined, attributes: AttributeSet | null) => void,
  ) => void;
  /** Index of the best of these, -1 of none. */
  readonly choose: (routes: readonly NumberedRoute[]) => number;
  /** So many are told at most, the best ones, each with another next hop; null: all. */
  readonly most: number | null;
}

/** What was told, and whose route it was. */
export interface Told {
  readonly source: number;
  readonly out: OutAttributes;
}

/** How far a peer is that moves to another group. */
export interface Standing {
  /** What it may have been told, by number; null: it is not known how much of that it has heard. */
  readonly knows: ReadonlyMap<number, Told | null>;
  /** What it waits for besides routes. */
  readonly closing: Uint8Array | null;
  readonly refresh: Cursor['refresh'];
  /** It takes no more until `drained`. */
  readonly blocked: boolean;
}

export interface UpdateGroup {
  /** Number of the last flush that changed something. */
  readonly version: number;
  readonly size: number;
  /** Sets what is told from now on; `flush` all prefixes to tell it. */
  setExport(next: Export): void;
  /** Compares with what was told and makes a version of the difference. */
  flush(changed: Int32Array): void;
  /** Takes these prefixes in before the first peer is there: nobody has to be told. */
  prime(from: number, to: number): void;
  /** A peer that has just come up: it is told everything, then End-of-RIB. */
  join(member: Member): void;
  /**
   * A peer that moves here from another group and knows what it was told there: it is told the difference, and
   * End-of-RIB only where it has not been yet. Peers that move in together share the work.
   */
  moveIn(member: Member, standing: Standing): void;
  leave(source: number): void;
  /** Null: it is not here. Peers that were told as much have the same `knows`. */
  standingOf(source: number): Standing | null;
  /** The socket takes more again. */
  drained(source: number): void;
  /** Everything again (RFC 2918), between the marks of RFC 7313 where `enhanced`. */
  refresh(source: number, enhanced: boolean): void;
  /**
   * Writes to the peers that are behind and take more, for as long as `goOn` says so.
   * @returns whether all are served
   */
  distribute(goOn: () => boolean): boolean;
  /** Everything up to this version was taken by all: numbers of what went before are free. */
  readonly settled: number;
  changedAt(id: number): number;
  isTold(id: number): boolean;
  /** Lets go of what is kept for peers that might start now; after a while without change. */
  tidy(): void;
  /** What the peers of this group were told by this number. */
  toldOf(id: number): Told | undefined;
  /** Routes that this peer was told and holds, once it has taken everything. */
  countFor(source: number): number;
  /** Peers that have not taken everything yet. */
  readonly behind: number;
}

/** Numbers that go into one piece of a walk. */
const PIECE = 4096;
/** Octets that go to one peer before the next one has its turn. */
const TURN = 512 * 1024;
const KEPT_OCTETS = 32 * 1024 * 1024;

/** Going over the table, or over what changed in it since a version. */
interface Walk {
  /** 0: the whole table. */
  readonly since: number;
  /** What has no route is withdrawn; a peer that knows nothing yet needs no such thing. */
  readonly withdraws: boolean;
  /** The version of the group when it began: what changed later is told after it. */
  readonly started: number;
  readonly ids: Int32Array;
  readonly pieces: Batch[];
  octets: number;
}

interface Cursor {
  readonly member: Member;
  at: number;
  walk: { readonly walk: Walk; piece: number } | null;
  blocked: boolean;
  refresh: 'no' | 'plain' | 'enhanced';
  /**
   * What it is told as soon as it knows everything: End-of-RIB, or the end of a refresh. Not right after the walk, for
   * what changed since the walk began is told after it, and stale routes must not be swept before.
   */
  closing: Uint8Array | null;
}

export function createUpdateGroup(options: GroupOptions, firstExport: Export): UpdateGroup {
  const { table, longest, best, paths } = options;
  const most = options.keptOctets ?? KEPT_OCTETS;
  const endOfRib = encodeEndOfRib(table.family);
  const draft = createBatchDraft(table, longest);
  const cursors = new Map<number, Cursor>();
  let exportRoute = firstExport;
  /** From 1 on, so that a peer that knows the first version is not taken for one that knows nothing. */
  let version = 1;
  /** By number: who told the route that was told (-1: none is), what was said, and in which version it changed. */
  let toldSource = new Int32Array(1024).fill(EVERYBODY);
  const toldOut: (OutAttributes | undefined)[] = [];
  let changedIn = new Uint32Array(1024);
  let toldCount = 0;
  const toldFrom = new Map<number, number>();

  /** Batches of the versions from `oldest` to `version`. */
  const batches = new Map<number, Batch>();
  let oldest = version + 1;
  let kept = 0;
  /** Walks that a peer may still join. */
  let walks: Walk[] = [];
  /** Peers that may have something to write. */
  const ready = new Set<Cursor>();
  /** What peers know that were told as much, and the last walk of peers that moved in; kept while many move at once. */
  let known: { readonly at: number; readonly version: number; readonly knows: Standing['knows'] } | null =
    null;
  let moving: { readonly knows: Standing['knows']; readonly walk: Walk } | null = null;

  function makeRoom(id: number): void {
    if (id < toldSource.length) return;
    const length = Math.max(id + 1, toldSource.length * 2);
    const sources = new Int32Array(length).fill(EVERYBODY);
    sources.set(toldSource);
    toldSource = sources;
    const versions = new Uint32Array(length);
    versions.set(changedIn);
    changedIn = versions;
  }

  function count(source: number, difference: number): void {
    toldCount += difference;
    toldFrom.set(source, (toldFrom.get(source) ?? 0) + difference);
  }

  /** Puts the difference for one prefix into the draft. */
  function compare(prefix: number, next: number): void {
    if (paths !== null) {
      comparePaths(prefix, next, paths);
      return;
    }
    const chosen = best(prefix);
    const out = chosen === undefined ? null : exportRoute(prefix, chosen.source, chosen.attributes);
    if (chosen === undefined || out === null) unsay(prefix, next);
    else say(prefix, chosen.source.index, out, next);
  }

  function comparePaths(prefix: number, next: number, { forEach, choose, most: bound }: PathChoice): void {
    const left: NumberedRoute[] = [];
    const outs = new Map<number, OutAttributes>();
    forEach(prefix, (route, source, attributes) => {
      if (source !== undefined && attributes !== null) {
        const out = exportRoute(prefix, source, attributes);
        if (out !== null) {
          left.push({ route, source, attributes });
          outs.set(route, out);
          return;
        }
      }
      unsay(route, next);
    });
    const hops: Uint8Array[] = [];
    while (left.length > 0) {
      const [one] = bound === null ? left.splice(0, 1) : left.splice(choose(left), 1);
      const out = outs.get(one?.route ?? -1);
      if (one === undefined || out === undefined) break;
      if (bound === null) say(one.route, one.source.index, out, next);
      else if (hops.length === bound || hops.some((hop) => sameBytes(hop, out.nextHop)))
        unsay(one.route, next);
      else {
        hops.push(out.nextHop);
        say(one.route, one.source.index, out, next);
      }
    }
  }

  function say(id: number, source: number, out: OutAttributes, next: number): void {
    makeRoom(id);
    const before = toldSource[id] ?? EVERYBODY;
    if (isToldAs(id, source, out)) return;
    // Also where its peer is not here: it may come by a walk that was begun, and told it the other route, before this.
    draft.announce(id, source, out, before !== EVERYBODY && before !== source);
    if (before !== EVERYBODY) count(before, -1);
    count(source, 1);
    toldSource[id] = source;
    toldOut[id] = out;
    changedIn[id] = next;
  }

  function unsay(id: number, next: number): void {
    makeRoom(id);
    const before = toldSource[id] ?? EVERYBODY;
    if (before === EVERYBODY) return;
    draft.withdraw(id, before);
    count(before, -1);
    toldSource[id] = EVERYBODY;
    toldOut[id] = undefined;
    changedIn[id] = next;
  }

  function forgetBatches(): void {
    let least = version;
    for (const walk of walks) least = Math.min(least, walk.started);
    for (const cursor of cursors.values()) least = Math.min(least, floorOf(cursor));
    while (oldest <= version && (oldest <= least || kept > most)) {
      kept -= batches.get(oldest)?.size ?? 0;
      batches.delete(oldest);
      oldest++;
    }
  }

  /**
   * The version of which a peer surely knows everything, as far as it needs to. -1: it may know what this group never
   * told, so that every number has to stay.
   */
  function floorOf({ at, walk }: Cursor): number {
    if (walk?.walk.withdraws && walk.walk.since === 0) return -1;
    return walk !== null && !walk.walk.withdraws ? walk.walk.started : at;
  }

  /** Pieces are encoded when the first peer gets there, in the state of that moment. */
  function pieceOf(walk: Walk, index: number): Batch {
    const known = walk.pieces[index];
    if (known !== undefined) return known;
    for (const id of walk.ids.subarray(index * PIECE, (index + 1) * PIECE)) {
      const source = toldSource[id] ?? EVERYBODY;
      const out = toldOut[id];
      if (source !== EVERYBODY && out !== undefined) {
        // Also where its peer is not here: it may share this later, and have been told another's route by another walk.
        draft.announce(id, source, out, walk.withdraws);
      } else if (walk.withdraws) draft.withdraw(id, EVERYBODY);
    }
    const piece = draft.build();
    walk.pieces[index] = piece;
    walk.octets += piece.size;
    return piece;
  }

  function isWorthSharing(walk: Walk): boolean {
    if (walk.started + 1 < oldest) return false;
    let since = 0;
    for (let next = walk.started + 1; next <= version; next++) since += batches.get(next)?.size ?? 0;
    return since <= 64 * 1024 + walk.octets / 2;
  }

  function startWalk(since: number, withdraws: boolean, over: Int32Array): Walk {
    return { since, withdraws, started: version, ids: over, pieces: [], octets: 0 };
  }

  /** A walk from a version at most that high; what it tells in excess does no harm. */
  function walkSince(since: number): Walk {
    walks = walks.filter(isWorthSharing);
    const shared = walks.find((walk) =>
      since === 0 ? walk.since === 0 : walk.since > 0 && walk.since <= since,
    );
    if (shared !== undefined) return shared;
    const list = new Int32Array(table.bound);
    let length = 0;
    const bound = Math.min(table.bound, toldSource.length);
    for (let id = 0; id < bound; id++) {
      const wanted = since === 0 ? toldSource[id] !== EVERYBODY : (changedIn[id] ?? 0) > since;
      if (wanted) list[length++] = id;
    }
    const walk = startWalk(since, since > 0, list.slice(0, length));
    if (length > 0) walks.push(walk);
    return walk;
  }

  /** What a peer may know that was told everything up to a version. */
  function knownSince(at: number): Standing['knows'] {
    if (known?.at === at && known.version === version) return known.knows;
    const knows = new Map<number, Told | null>();
    for (let id = 0; id < Math.min(table.bound, toldSource.length); id++) {
      if ((changedIn[id] ?? 0) > at) knows.set(id, null);
      else {
        const told = toldOf(id);
        if (told !== undefined) knows.set(id, told);
      }
    }
    known = { at, version, knows };
    return knows;
  }

  function toldOf(id: number): Told | undefined {
    const source = toldSource[id] ?? EVERYBODY;
    const out = toldOut[id];
    return source === EVERYBODY || out === undefined ? undefined : { source, out };
  }

  function isToldAs(id: number, source: number, out: OutAttributes): boolean {
    const now = toldOut[id];
    return toldSource[id] === source && now !== undefined && sameOut(now, out);
  }

  function walkAfterMove(knows: Standing['knows']): Walk {
    if (moving?.knows === knows && moving.walk.started === version) return moving.walk;
    const over: number[] = [];
    for (let id = 0; id < table.bound; id++) {
      const before = knows.get(id);
      const differs =
        before == null
          ? before === null || (toldSource[id] ?? EVERYBODY) !== EVERYBODY
          : !isToldAs(id, before.source, before.out);
      if (differs) over.push(id);
    }
    const walk = startWalk(0, true, Int32Array.from(over));
    moving = { knows, walk };
    return walk;
  }

  /** One turn of a peer that takes more, in one write. @returns whether it may have still something to write */
  function advance(cursor: Cursor): boolean {
    const { source } = cursor.member;
    let chunks: readonly Uint8Array[] = [];
    let octets = 0;
    let messages = 0;
    let more = true;
    while (octets < TURN) {
      const { walk } = cursor;
      let batch: Batch | undefined;
      if (walk !== null) {
        if (walk.piece * PIECE >= walk.walk.ids.length) {
          cursor.walk = null;
          cursor.at = walk.walk.started;
          continue;
        }
        batch = pieceOf(walk.walk, walk.piece++);
      } else if (cursor.at < version) {
        batch = batches.get(cursor.at + 1);
        if (batch === undefined) {
          cursor.walk = { walk: walkSince(cursor.at), piece: 0 };
          continue;
        }
        cursor.at++;
      } else if (cursor.closing !== null) {
        chunks = [...chunks, cursor.closing];
        messages++;
        cursor.closing = null;
        continue;
      } else if (cursor.refresh !== 'no') {
        if (cursor.refresh === 'enhanced') {
          chunks = [...chunks, encodeRouteRefresh(table.family, REFRESH.begin)];
          messages++;
          cursor.closing = encodeRouteRefresh(table.family, REFRESH.end);
        }
        cursor.refresh = 'no';
        cursor.walk = { walk: walkSince(0), piece: 0 };
        continue;
      } else {
        more = false;
        break;
      }
      octets += batch.size;
      const part = batch.partFor(source);
      messages += part.messages;
      // Nearly always it is the only one, and then the same for all.
      if (chunks.length === 0) chunks = part.chunks;
      else chunks = [...chunks, ...part.chunks];
    }
    if (chunks.length > 0 && !cursor.member.write(chunks, messages)) cursor.blocked = true;
    return more && !cursor.blocked;
  }

  return {
    get version() {
      return version;
    },
    get size() {
      return cursors.size;
    },
    setExport(next) {
      exportRoute = next;
    },
    flush(changed) {
      for (const prefix of changed) compare(prefix, version + 1);
      if (draft.count === 0) return;
      version++;
      const batch = draft.build();
      batches.set(version, batch);
      kept += batch.size;
      for (const cursor of cursors.values()) if (!cursor.blocked) ready.add(cursor);
      if (kept > most) forgetBatches();
    },
    prime(from, to) {
      for (let prefix = from; prefix < to; prefix++) compare(prefix, 0);
      draft.discard();
    },
    join(member) {
      const walk = { walk: walkSince(0), piece: 0 };
      const cursor: Cursor = { member, at: 0, walk, blocked: false, refresh: 'no', closing: endOfRib };
      cursors.set(member.source, cursor);
      ready.add(cursor);
    },
    moveIn(member, { knows, closing, refresh, blocked }) {
      const walk = { walk: walkAfterMove(knows), piece: 0 };
      const cursor: Cursor = { member, at: 0, walk, blocked, refresh, closing };
      cursors.set(member.source, cursor);
      if (!blocked) ready.add(cursor);
    },
    standingOf(source) {
      const cursor = cursors.get(source);
      if (cursor === undefined) return null;
      const { at, closing, refresh, blocked, walk } = cursor;
      if (walk === null) return { knows: knownSince(at), closing, refresh, blocked };
      const knows = new Map<number, Told | null>();
      for (const id of knownSince(0).keys()) knows.set(id, null);
      // Where it moved in and has not been told everything of that, it may know still what it knew before.
      for (const id of walk.walk.ids) knows.set(id, null);
      return { knows, closing, refresh, blocked };
    },
    leave(source) {
      const cursor = cursors.get(source);
      if (cursor === undefined) return;
      cursors.delete(source);
      ready.delete(cursor);
    },
    drained(source) {
      const cursor = cursors.get(source);
      if (cursor === undefined) return;
      cursor.blocked = false;
      ready.add(cursor);
    },
    refresh(source, enhanced) {
      const cursor = cursors.get(source);
      if (cursor === undefined) return;
      cursor.refresh = enhanced ? 'enhanced' : 'plain';
      if (!cursor.blocked) ready.add(cursor);
    },
    distribute(goOn) {
      for (const cursor of ready) {
        if (!goOn()) return false;
        // What is left of it has its turn after all the others: a set is iterated in the order of insertion.
        ready.delete(cursor);
        if (advance(cursor)) ready.add(cursor);
      }
      walks = walks.filter(isWorthSharing);
      forgetBatches();
      known = null;
      moving = null;
      return true;
    },
    get settled() {
      let least = version;
      for (const cursor of cursors.values()) least = Math.min(least, floorOf(cursor));
      for (const walk of walks) least = Math.min(least, walk.withdraws ? walk.since : walk.started);
      return least;
    },
    tidy() {
      walks = [];
      forgetBatches();
    },
    changedAt: (id) => changedIn[id] ?? 0,
    isTold: (id) => (toldSource[id] ?? EVERYBODY) !== EVERYBODY,
    toldOf,
    countFor: (source) => (cursors.has(source) ? toldCount - (toldFrom.get(source) ?? 0) : 0),
    get behind() {
      let behind = 0;
      for (const { at, walk } of cursors.values()) if (walk !== null || at < version) behind++;
      return behind;
    },
  };
}

function sameOut(one: OutAttributes, other: OutAttributes): boolean {
  return one === other || (sameBytes(one.nextHop, other.nextHop) && sameBytes(one.bytes, other.bytes));
}
