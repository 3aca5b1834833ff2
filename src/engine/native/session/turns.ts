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

/** @param soon calls after the event loop has looked at its sockets: `setImmediate` */
export function createTurns(clock: Clock, soon: (call: () => void) => void): Turns {
  let queue: (() => boolean)[] = [];
  /** A turn is over when its time is; null: none has begun since the loop last passed by. */
  let ends: number | null = null;
  let working = false;

  const next = (): void => {
    ends = null;
    if (queue.length > 0) work();
  };
  /** Begins a turn where none runs; after it the loop passes by. */
  const begin = (): number => {
    if (ends === null) {
      ends = clock.now() + TURN_MS;
      soon(next);
    }
    return ends;
  };
  const work = (): void => {
    const end = begin();
    working = true;
    try {
      while (queue.length > 0 && clock.now() < end) {
        // Round and round: a piece of each, so that nobody waits for one with much to say.
        const round = queue;
        queue = [];
        for (const [index, piece] of round.entries()) {
          if (clock.now() >= end) {
            queue = [...round.slice(index), ...queue];
            break;
          }
          if (piece()) queue.push(piece);
        }
      }
    } finally {
      working = false;
    }
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
