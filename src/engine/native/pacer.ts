/**
 * When changes are passed on: at once while little happens, so that a single change takes no time; gathered for some
 * milliseconds while much does, because every flush costs a write to every peer. The time that is gathered for grows
 * with what flushes usually take, so that flushing takes a fifth of the time, and under churn less than a third of the CPU
 * that others need (`npm run bench -- reflect --work churn`). Quiet time counts as gathered for, as much as one flush needs,
 * so that the second of two changes after it does not wait either. While octets wait that have come in already, no flush
 * is begun: of what they say the first part alone would cost as much to pass on (`converge-1000x10`). A peer that takes
 * more again is served at once: what it gets was gathered already.
 */
import type { Clock } from './peer-link.ts';

export interface Pacer {
  /** Something changed. */
  wake(): void;
  /** A peer takes more again. */
  serve(): void;
  stop(): void;
}

/** Least time to gather for between two flushes, milliseconds. */
const GATHER_MS = 5;
const LONGEST_GATHER_MS = 50;
/** Changes wait no longer than this for what has come in and was not worked off. */
const LONGEST_UNREAD_MS = 100;
/** So many times what a flush usually takes. */
const GATHER_FACTOR = 4;
/** How much the last flush counts for what is usual: one that had to wait for the processor is no reason to gather longer. */
const WEIGHT = 1 / 4;
/** After so long the event loop has its turn. */
const SLICE_MS = 6;

export interface Paced {
  /** Notes what has changed by now: that is what `work` passes on. What changes later waits for the next time. */
  readonly begin: () => void;
  /** Does a part of what there is to do, for as long as `goOn` says so; returns whether all is done. */
  readonly work: (goOn: () => boolean) => boolean;
  /** Whether more changes may be on their way that have come in already. */
  readonly unread: () => boolean;
}

/** @param defer calls once the event loop has looked at its sockets */
export function createPacer(
  clock: Clock,
  defer: (call: () => void) => void,
  { begin, work, unread }: Paced,
): Pacer {
  /** A run is deferred. */
  let scheduled = false;
  /** Changes wait for their time. */
  let wanted = false;
  /** Since when. */
  let wantedSince = 0;
  /** When the flush under way began; null: none is. */
  let flushing: number | null = null;
  let stopped = false;
  /** From this time on all flushes until now have been gathered for. */
  let gathered = clock.now();
  /** The timer says that it is time: timers may be a little early. */
  let rung = false;
  /** Time that the flush under way has taken. */
  let taken = 0;
  /** Time that flushes have taken, the later ones counting for more. */
  let usual = 0;
  let cancel = (): void => {};

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    defer(run);
  }

  /** Whether changes are due; a flush that is very long does not hold up those that came after it. */
  function isDue(now: number): boolean {
    return wanted && (flushing === null ? rung || now >= gathered : now >= flushing + LONGEST_GATHER_MS);
  }

  function run(): void {
    scheduled = false;
    if (stopped) return;
    const begun = clock.now();
    const due = isDue(begun);
    const waits = due && flushing === null && unread() && begun < wantedSince + LONGEST_UNREAD_MS;
    if (due && !waits) {
      wanted = false;
      cancel();
      rung = false;
      flushing = begun;
      begin();
    }
    const done = work(() => clock.now() - begun < SLICE_MS);
    const now = clock.now();
    if (flushing !== null) taken += now - begun;
    if (!done) {
      schedule();
      return;
    }
    if (waits) schedule();
    if (flushing === null) return;
    const quiet = Math.max(0, flushing - gathered);
    flushing = null;
    usual += (taken - usual) * WEIGHT;
    taken = 0;
    const gathering = Math.min(LONGEST_GATHER_MS, Math.max(GATHER_MS, GATHER_FACTOR * usual));
    gathered = now + Math.max(0, gathering - quiet);
    if (wanted) waitForTime(now);
  }

  function waitForTime(now: number): void {
    if (gathered <= now) {
      schedule();
      return;
    }
    cancel = clock.setTimer(gathered - now, () => {
      rung = true;
      schedule();
    });
  }

  return {
    wake() {
      if (wanted || stopped) return;
      wanted = true;
      wantedSince = clock.now();
      if (flushing === null) waitForTime(wantedSince);
    },
    serve() {
      if (!stopped) schedule();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
