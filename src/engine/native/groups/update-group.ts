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
 */
import { encodeEndOfRib, encodeRouteRefresh, REFRESH } from '../../../bgp/index.ts';
import type { AttributeSet, OutAttributes } from '../rib/attribute-sets.ts';
import { sameBytes } from '../rib/attribute-sets.ts';
import type { PrefixTable } from '../rib/prefix-table.ts';
import type { Source } from '../rib/rib.ts';
import { type Batch, createBatchDraft, EVERYBODY } from './batch.ts';

/** What a group tells of a route, or null: nothing. */
export type Export = (prefix: number, source: Source, attributes: AttributeSet) => OutAttributes | null;

export interface Member {
  /** The peer's number in the RIB: what came from it is not told to it. */
  readonly source: number;
  /** @returns false: it takes no more until `drained` */
  readonly write: (chunks: readonly Uint8Array[]) => boolean;
}

export interface GroupOptions {
  readonly prefixes: PrefixTable;
  /** Longest message that its peers take, octets. */
  readonly longest: number;
  /** The used route of a prefix. */
  readonly best: (
    prefix: number,
  ) => { readonly source: Source; readonly attributes: AttributeSet } | undefined;
  /** Octets of batches kept for peers that are behind. Default 32 MiB. */
  readonly keptOctets?: number;
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
   * A peer that moves here from another group and knows what it was told there: no End-of-RIB, and what it should not
   * know any more is withdrawn.
   * @param knows prefixes that it may have been told
   */
  moveIn(member: Member, knows: ReadonlySet<number>): void;
  leave(source: number): void;
  /** Prefixes that a peer may have been told. */
  knownBy(source: number): ReadonlySet<number>;
  has(source: number): boolean;
  /** The socket takes more again. */
  drained(source: number): void;
  /** Everything again (RFC 2918), between the marks of RFC 7313 where `enhanced`. */
  refresh(source: number, enhanced: boolean): void;
  /**
   * Writes to the peers that are behind and take more, for as long as `goOn` says so.
   * @returns whether all are served
   */
  distribute(goOn: () => boolean): boolean;
  /** Everything up to this version was taken by all: numbers of prefixes that went before are free. */
  readonly settled: number;
  changedAt(prefix: number): number;
  isTold(prefix: number): boolean;
  /** Lets go of what is kept for peers that might start now; after a while without change. */
  tidy(): void;
  /** What the peers of this group were told about a prefix. */
  toldOf(prefix: number): { readonly source: number; readonly out: OutAttributes } | undefined;
  /** Routes that this peer was told and holds, once it has taken everything. */
  countFor(source: number): number;
  /** Peers that have not taken everything yet. */
  readonly behind: number;
}

/** Prefixes that go into one piece of a walk. */
const PIECE = 4096;
/** Octets that go to one peer before the next one has its turn. */
const TURN = 512 * 1024;
const KEPT_OCTETS = 32 * 1024 * 1024;

/** Going over the table, or over what changed in it since a version. */
interface Walk {
  /** 0: the whole table. */
  readonly since: number;
  /** Prefixes without a route are withdrawn; a peer that knows nothing yet needs no such thing. */
  readonly withdraws: boolean;
  /** The version of the group when it began: what changed later is told after it. */
  readonly started: number;
  readonly prefixes: Int32Array;
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
  const { prefixes, longest, best } = options;
  const most = options.keptOctets ?? KEPT_OCTETS;
  const endOfRib = encodeEndOfRib(prefixes.family);
  const draft = createBatchDraft(prefixes, longest);
  const cursors = new Map<number, Cursor>();
  let exportRoute = firstExport;
  let version = 0;
  /** By prefix: who told the route that was told (-1: none is), what was said, and in which version it changed. */
  let toldSource = new Int32Array(1024).fill(EVERYBODY);
  const toldOut: (OutAttributes | undefined)[] = [];
  let changedIn = new Uint32Array(1024);
  let toldCount = 0;
  const toldFrom = new Map<number, number>();

  /** Batches of the versions from `oldest` to `version`. */
  const batches = new Map<number, Batch>();
  let oldest = 1;
  let kept = 0;
  /** Walks that a peer may still join. */
  let walks: Walk[] = [];
  /** Peers that may have something to write. */
  const ready = new Set<Cursor>();

  function makeRoom(prefix: number): void {
    if (prefix < toldSource.length) return;
    const length = Math.max(prefix + 1, toldSource.length * 2);
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
    makeRoom(prefix);
    const before = toldSource[prefix] ?? EVERYBODY;
    const chosen = best(prefix);
    const out = chosen === undefined ? null : exportRoute(prefix, chosen.source, chosen.attributes);
    if (chosen === undefined || out === null) {
      if (before === EVERYBODY) return;
      draft.withdraw(prefix, before);
      count(before, -1);
      toldSource[prefix] = EVERYBODY;
      toldOut[prefix] = undefined;
    } else {
      const { index } = chosen.source;
      const was = toldOut[prefix];
      if (before === index && was !== undefined && sameOut(was, out)) return;
      const instead = before !== EVERYBODY && before !== index;
      draft.announce(prefix, index, out, instead && cursors.has(index));
      if (before !== EVERYBODY) count(before, -1);
      count(index, 1);
      toldSource[prefix] = index;
      toldOut[prefix] = out;
    }
    changedIn[prefix] = next;
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

  /** The version of which a peer surely knows everything, as far as it needs to. */
  function floorOf({ at, walk }: Cursor): number {
    return walk !== null && !walk.walk.withdraws ? walk.walk.started : at;
  }

  /** Pieces are encoded when the first peer gets there, in the state of that moment. */
  function pieceOf(walk: Walk, index: number): Batch {
    const known = walk.pieces[index];
    if (known !== undefined) return known;
    for (const prefix of walk.prefixes.subarray(index * PIECE, (index + 1) * PIECE)) {
      const source = toldSource[prefix] ?? EVERYBODY;
      const out = toldOut[prefix];
      if (source !== EVERYBODY && out !== undefined) {
        draft.announce(prefix, source, out, walk.withdraws && cursors.has(source));
      } else if (walk.withdraws) draft.withdraw(prefix, EVERYBODY);
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
    return { since, withdraws, started: version, prefixes: over, pieces: [], octets: 0 };
  }

  /** A walk from a version at most that high; what it tells in excess does no harm. */
  function walkSince(since: number): Walk {
    walks = walks.filter(isWorthSharing);
    const shared = walks.find((walk) =>
      since === 0 ? walk.since === 0 : walk.since > 0 && walk.since <= since,
    );
    if (shared !== undefined) return shared;
    const list = new Int32Array(prefixes.bound);
    let length = 0;
    const bound = Math.min(prefixes.bound, toldSource.length);
    for (let prefix = 0; prefix < bound; prefix++) {
      const wanted = since === 0 ? toldSource[prefix] !== EVERYBODY : (changedIn[prefix] ?? 0) > since;
      if (wanted) list[length++] = prefix;
    }
    const walk = startWalk(since, since > 0, list.slice(0, length));
    if (length > 0) walks.push(walk);
    return walk;
  }

  /** One turn of a peer that takes more, in one write. @returns whether it may have still something to write */
  function advance(cursor: Cursor): boolean {
    const { source } = cursor.member;
    const chunks: Uint8Array[] = [];
    let octets = 0;
    let more = true;
    while (octets < TURN) {
      const { walk } = cursor;
      let batch: Batch | undefined;
      if (walk !== null) {
        if (walk.piece * PIECE >= walk.walk.prefixes.length) {
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
        chunks.push(cursor.closing);
        cursor.closing = null;
        continue;
      } else if (cursor.refresh !== 'no') {
        if (cursor.refresh === 'enhanced') {
          chunks.push(encodeRouteRefresh(prefixes.family, REFRESH.begin));
          cursor.closing = encodeRouteRefresh(prefixes.family, REFRESH.end);
        }
        cursor.refresh = 'no';
        cursor.walk = { walk: walkSince(0), piece: 0 };
        continue;
      } else {
        more = false;
        break;
      }
      octets += batch.size;
      chunks.push(...batch.chunksFor(source));
    }
    if (chunks.length > 0 && !cursor.member.write(chunks)) cursor.blocked = true;
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
    moveIn(member, knows) {
      const over: number[] = [];
      for (let prefix = 0; prefix < prefixes.bound; prefix++) {
        if (knows.has(prefix) || (toldSource[prefix] ?? EVERYBODY) !== EVERYBODY) over.push(prefix);
      }
      const walk = { walk: startWalk(0, true, Int32Array.from(over)), piece: 0 };
      const cursor: Cursor = { member, at: 0, walk, blocked: false, refresh: 'no', closing: null };
      cursors.set(member.source, cursor);
      ready.add(cursor);
    },
    knownBy(source) {
      const known = new Set<number>();
      const at = cursors.get(source)?.at ?? 0;
      for (let prefix = 0; prefix < Math.min(prefixes.bound, toldSource.length); prefix++) {
        const told = toldSource[prefix] ?? EVERYBODY;
        if (told !== EVERYBODY || (changedIn[prefix] ?? 0) > at) known.add(prefix);
      }
      return known;
    },
    leave(source) {
      const cursor = cursors.get(source);
      if (cursor === undefined) return;
      cursors.delete(source);
      ready.delete(cursor);
    },
    has: (source) => cursors.has(source),
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
    changedAt: (prefix) => changedIn[prefix] ?? 0,
    isTold: (prefix) => (toldSource[prefix] ?? EVERYBODY) !== EVERYBODY,
    toldOf(prefix) {
      const source = toldSource[prefix] ?? EVERYBODY;
      const out = toldOut[prefix];
      return source === EVERYBODY || out === undefined ? undefined : { source, out };
    },
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
