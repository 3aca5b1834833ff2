/**
 * Thousands of timers on one timer of the clock. A session starts its hold timer anew with every message; that only
 * notes the new time, and the timer is moved when its old time has come. Times are kept to 50 ms, never early, so that
 * sessions whose KEEPALIVEs are due at about the same time share one wake-up.
 */
import type { Clock } from '../peer-link.ts';

const TICK_MS = 50;
/** A turn of the wheel is 102 s; what is due later stays where it is for another turn. */
const SLOTS = 2_048;
/** After so long the event loop has its turn: at a start thousands of dials are due within a quarter of a second. */
const STEP_MS = 3;

export interface WheelTimer {
  readonly expired: () => void;
  /** Due time on the clock; null: not running. */
  due: number | null;
  /** Tick that it hangs at: its due time, or an earlier one; null: nowhere. */
  tick: number | null;
}

export interface TimerWheel {
  /** Starts it, or starts it anew. `ms` after `from`, which is now unless told otherwise. */
  start(timer: WheelTimer, ms: number, from?: number): void;
  stop(timer: WheelTimer): void;
  /** No timer expires any more. */
  close(): void;
}

export function wheelTimer(expired: () => void): WheelTimer {
  return { expired, due: null, tick: null };
}

export function createTimerWheel(clock: Clock): TimerWheel {
  const slots = Array.from({ length: SLOTS }, () => new Set<WheelTimer>());
  let hanging = 0;
  /** The last tick that was looked at. */
  let seen = tickBefore(clock.now());
  let armed: { readonly tick: number; readonly callOff: () => void } | null = null;

  const slotOf = (tick: number): Set<WheelTimer> => {
    const slot = slots[tick % SLOTS];
    if (slot === undefined) throw new RangeError(`tick ${tick}`);
    return slot;
  };
  const arm = (tick: number): void => {
    armed?.callOff();
    armed = { tick, callOff: clock.setTimer(Math.max(0, tick * TICK_MS - clock.now()), wake) };
  };
  const hang = (timer: WheelTimer, due: number): void => {
    // A tick that was looked at already is not looked at again before a whole turn.
    const tick = Math.max(Math.ceil(due / TICK_MS), seen + 1);
    timer.tick = tick;
    slotOf(tick).add(timer);
    hanging++;
  };
  const unhang = (timer: WheelTimer): void => {
    if (timer.tick === null) return;
    slotOf(timer.tick).delete(timer);
    timer.tick = null;
    hanging--;
  };
  const armNext = (): void => {
    if (hanging === 0) return;
    let tick = seen + 1;
    while (slotOf(tick).size === 0) tick++;
    arm(tick);
  };
  const wake = (): void => {
    armed = null;
    const now = clock.now();
    const until = tickBefore(now);
    // After a long sleep (a suspended machine) one turn is enough to see every slot.
    const from = Math.max(seen + 1, until - SLOTS + 1);
    seen = Math.max(seen, until);
    for (let tick = from; tick <= until; tick++) {
      for (const timer of [...slotOf(tick)]) {
        // Stopped or moved by one that expired before it.
        if (timer.tick === null || timer.tick > until || timer.due === null) continue;
        if (clock.now() - now >= STEP_MS) {
          // What is left hangs where it hung, and is looked at from here.
          seen = tick - 1;
          arm(tick);
          return;
        }
        unhang(timer);
        if (timer.due > now) {
          hang(timer, timer.due);
          continue;
        }
        timer.due = null;
        timer.expired();
      }
    }
    armNext();
  };

  return {
    start(timer, ms, from) {
      const due = (from ?? clock.now()) + ms;
      timer.due = due;
      if (timer.tick !== null && timer.tick * TICK_MS <= due) return;
      unhang(timer);
      hang(timer, due);
      if (timer.tick !== null && (armed === null || timer.tick < armed.tick)) arm(timer.tick);
    },
    stop(timer) {
      timer.due = null;
      unhang(timer);
    },
    close() {
      armed?.callOff();
      armed = null;
      for (const slot of slots) slot.clear();
      hanging = 0;
    },
  };
}

function tickBefore(now: number): number {
  return Math.floor(now / TICK_MS);
}
