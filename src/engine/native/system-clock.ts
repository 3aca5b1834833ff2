/** The machine's own time. */
import type { Clock } from './peer-link.ts';

/** The most that a timer of Node's takes, some 25 days; one that is set for longer ends at once. Stale times may be longer. */
const LONGEST_MS = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  setTimer(ms, expired) {
    let timer: NodeJS.Timeout;
    const wait = (left: number): void => {
      timer =
        left <= LONGEST_MS
          ? setTimeout(expired, left)
          : setTimeout(() => wait(left - LONGEST_MS), LONGEST_MS);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};
