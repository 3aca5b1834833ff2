/**
 * Work in turns, so that no peer's octets hold the event loop: what comes in is worked off at once while this turn has
 * time left, and waits for the next one else, each peer in its order. Between two turns the loop looks at its timers and
 * sockets, so KEEPALIVEs go out and arrivals are noted however much there is to do.
 */
import type { Clock } from '../peer-link.ts';

/** The loop passes twice between two looks at its timers: what came in from sockets, then what had to wait. */
const TURN_MS = 3;

export interface Turns {
  /** @param piece does a small piece of work (well under a millisecond or two) and says whether there is more */
  add(piece: () => boolean): void;
  /** Calls after the sockets were looked at once more. */
  soon(call: () => void): void;
  /** Whether something waits for its turn. */
  readonly waiting: boolean;
}

/**
 * Work that takes less than this leaves no trace: whether the loop has passed by meanwhile is asked only where it counts,
 * because asking costs the loop another round.
 */
const UNNOTICED_MS = 0.5;

/** @param soon calls after the event loop has looked at its sockets: `setImmediate` */
export function createTurns(clock: Clock, soon: (call: () => void) => void): Turns {
  let queue: (() => boolean)[] = [];
  /** Time worked since the loop has surely passed by, but for what went unnoticed. */
  let spent = 0;
  /** It is asked whether the loop has passed by. */
  let asked = false;
  let working = false;

  const next = (): void => {
    asked = false;
    spent = 0;
    if (queue.length > 0) work();
  };
  const work = (): void => {
    const begun = clock.now();
    const end = begun + TURN_MS - spent;
    working = true;
    try {
      let now = begun;
      while (queue.length > 0 && now < end) {
        // Round and round: a piece of each, so that nobody waits for one with much to say.
        const round = queue;
        queue = [];
        for (const [index, piece] of round.entries()) {
          if (now >= end) {
            queue = [...round.slice(index), ...queue];
            break;
          }
          if (piece()) queue.push(piece);
          now = clock.now();
        }
      }
      spent += now - begun;
    } finally {
      working = false;
    }
    if (asked || (spent < UNNOTICED_MS && queue.length === 0)) return;
    asked = true;
    soon(next);
  };

  return {
    add(piece) {
      queue.push(piece);
      if (!working && queue.length === 1) work();
    },
    soon,
    get waiting() {
      return queue.length > 0;
    },
  };
}
