/**
 * A long computation in steps. A change of the whole speaker (another IP pool, say) has thousands of sessions looked at;
 * every few milliseconds the event loop has its turn, so that KEEPALIVEs go out and routes are passed on meanwhile.
 */
import type { Clock } from './peer-link.ts';

const STEP_MS = 5;

export interface Steps {
  /** Whether it is time for `next`. */
  readonly over: boolean;
  /** Resolves when the event loop has looked at its sockets. */
  next(): Promise<void>;
}

export function createSteps(clock: Pick<Clock, 'now'>): Steps {
  let begun = clock.now();
  return {
    get over() {
      return clock.now() - begun >= STEP_MS;
    },
    async next() {
      await new Promise((resolve) => setImmediate(resolve));
      begun = clock.now();
    },
  };
}
