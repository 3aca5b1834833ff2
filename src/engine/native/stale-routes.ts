/**
 * A peer's routes while it is away and until it has told all again: we as the receiving speaker of RFC 4724 section 4.2,
 * long-lived RFC 9494 section 4.2. The BIRD engine's rule for the latter holds here too: only a fellow reflector's
 * routes live on, a dead node's blocks must not draw traffic for an hour.
 */
import {
  ATTRIBUTE,
  editAttributes,
  keepsStale,
  type Negotiated,
  type Retained,
  rawAttributes,
  WELL_KNOWN_COMMUNITY,
} from '../../bgp/index.ts';
import type { Clock } from './peer-link.ts';
import type { AttributeSet } from './rib/attribute-sets.ts';
import type { Rib } from './rib/rib.ts';

export interface StaleRoutes {
  /** The session ended; `retained` is null where its routes are to be forgotten. */
  down(retained: Retained | null): void;
  up(negotiated: Negotiated): void;
  /** The peer has told all. */
  endOfRib(): void;
  /** Bounds of a refresh of the peer's routes (RFC 7313); out of turn they are ignored. */
  refreshBegins(): void;
  refreshEnds(): void;
  /** What became of the routes that are stale; null: none are. */
  readonly phase: 'restarting' | 'long-lived' | 'awaiting-end-of-rib' | null;
  /** What is about to go, in steps, goes now: the peer's routes are to be counted. */
  finish(): void;
  /** The peer is gone for good: its routes are forgotten, and then the source. */
  remove(): void;
}

/** Routes that are let go of before the event loop has its turn: some 2 ms. */
const AT_ONCE = 20_000;

/** After its return a peer has so long to send End-of-RIB, milliseconds: longer than BIRD's own recovery (240 s). */
const END_OF_RIB_MS = 360_000;

/** @param changed called when routes went that were stale, but for those that go while a message of the peer's is worked off */
export function createStaleRoutes(
  rib: Rib,
  source: number,
  fellow: boolean,
  clock: Clock,
  changed: () => void,
): StaleRoutes {
  let phase: StaleRoutes['phase'] = null;
  /** The peer has to send End-of-RIB before it may begin a refresh (RFC 7313 section 4). */
  let owesEndOfRib = false;
  /** Between BoRR and EoRR. */
  let refreshing = false;
  /** The peer is gone for good. */
  let removed = false;
  let cancel = (): void => {};

  function arm(ms: number, expired: () => void): void {
    cancel();
    cancel = clock.setTimer(ms, () => {
      expired();
      changed();
    });
  }

  function sweep(): void {
    cancel();
    phase = null;
    refreshing = false;
    rib.sweep(source, AT_ONCE);
    if (rib.staleCount(source) > 0) arm(0, sweep);
    else if (removed) rib.removeSource(source);
  }

  function forgetAll(): void {
    rib.markStale(source);
    sweep();
  }

  /** What is to go goes now: other routes are about to become stale, or to be told. */
  function finishSweep(): void {
    if (phase !== null) return;
    cancel();
    rib.sweep(source);
  }

  function prolong(seconds: number): void {
    phase = 'long-lived';
    // Many routes have the same attributes.
    const marked = new Map<AttributeSet, AttributeSet | null>();
    rib.prolong(source, (used) => {
      const known = marked.get(used);
      if (known !== undefined) return known === null ? null : rib.sets.hold(known);
      const made = markLongLived(rib, used);
      marked.set(used, made);
      return made;
    });
    arm(seconds * 1000, sweep);
  }

  return {
    get phase() {
      return phase;
    },
    down(retained) {
      cancel();
      finishSweep();
      const again = phase !== null && !refreshing;
      refreshing = false;
      if (retained === null) {
        forgetAll();
        return;
      }
      // RFC 4724 section 4.2: what is stale since the restart before does not survive another one.
      if (again) rib.sweep(source);
      rib.markStale(source);
      phase = 'restarting';
      const { seconds, longLivedSeconds } = retained;
      arm(seconds * 1000, () => {
        if (fellow && longLivedSeconds > 0) prolong(longLivedSeconds);
        else sweep();
      });
    },
    up(negotiated) {
      owesEndOfRib = negotiated.gracefulRestart !== null;
      finishSweep();
      if (phase === null) return;
      if (!keepsStale(negotiated, rib.family, phase === 'long-lived')) {
        sweep();
        return;
      }
      phase = 'awaiting-end-of-rib';
      arm(END_OF_RIB_MS, sweep);
    },
    endOfRib() {
      owesEndOfRib = false;
      if (!refreshing) sweep();
    },
    refreshBegins() {
      if (owesEndOfRib) return;
      finishSweep();
      rib.markStale(source);
      phase = 'awaiting-end-of-rib';
      refreshing = true;
      arm(END_OF_RIB_MS, sweep);
    },
    refreshEnds() {
      if (refreshing) sweep();
    },
    finish() {
      if (phase !== null || rib.staleCount(source) === 0) return;
      finishSweep();
      changed();
    },
    remove() {
      removed = true;
      forgetAll();
    },
  };
}

/** The set with LLGR_STALE, or null where NO_LLGR forbids it. */
function markLongLived(rib: Rib, used: AttributeSet): AttributeSet | null {
  const { llgrStale, noLlgr } = WELL_KNOWN_COMMUNITY;
  if (used.communities.includes(noLlgr)) return null;
  if (used.llgrStale) return rib.sets.hold(used);
  const { communities: code } = ATTRIBUTE;
  const before = rawAttributes(used.bytes).find((one) => one.code === code);
  const { flags, value: list } = before ?? { flags: 0xc0, value: new Uint8Array(0) };
  const value = new Uint8Array(list.length + 4);
  value.set(list);
  new DataView(value.buffer).setUint32(list.length, llgrStale);
  const bytes = editAttributes(used.bytes, [{ code, flags, value }]);
  return rib.sets.intern(bytes, used.nextHop, used);
}
