/** The machine's own time. */
import type { Clock } from './peer-link.ts';

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  setTimer(ms, expired) {
    const timer = setTimeout(expired, ms);
    return () => clearTimeout(timer);
  },
};
