/**
 * When changes are passed on: at once while little happens, so that a single change takes no time; gathered for some
 * milliseconds while much does, because every flush costs a write to every peer. Measured with bench/bgpload:
 * flushing at once under churn costs three times the CPU. The time that is gathered for grows with what the
 * flush before took, so that flushing never takes more than half of the time.
 */
import type { Clock } from './peer-link.ts';

export interface Pacer {
  /** There is something to do. */
  wake(): void;
  stop(): void;
}

/** Least time between the end of a flush and the begin of the next, milliseconds. */
const GATHER_MS = 5;
const LONGEST_GATHER_MS = 100;
/** After so long the event loop has its turn. */
const SLICE_MS = 6;

/**
 * @param work does a part of what there is to do, for as long as `goOn` says so; returns whether all is done
 * @param defer calls once the event loop has looked at its sockets
 */
export function createPacer(
  clock: Clock,
  defer: (call: () => void) => void,
  work: (goOn: () => boolean) => boolean,
): Pacer {
  let scheduled = false;
  let stopped = false;
  let notBefore = Number.NEGATIVE_INFINITY;
  /** Time that the flush under way has taken. */
  let taken = 0;
  let cancel = (): void => {};

  function run(): void {
    if (stopped) return;
    const begun = clock.now();
    const done = work(() => clock.now() - begun < SLICE_MS);
    const now = clock.now();
    taken += now - begun;
    if (!done) {
      defer(run);
      return;
    }
    scheduled = false;
    notBefore = now + Math.min(LONGEST_GATHER_MS, Math.max(GATHER_MS, taken));
    taken = 0;
  }

  return {
    wake() {
      if (scheduled || stopped) return;
      scheduled = true;
      const wait = notBefore - clock.now();
      if (wait <= 0) defer(run);
      else cancel = clock.setTimer(wait, run);
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
