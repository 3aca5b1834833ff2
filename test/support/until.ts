/** Waiting in tests: for a condition, with a deadline, and with a message that says what never came. */
import { setTimeout as delay } from 'node:timers/promises';

/** Shortest pause between two looks. Looks take time themselves (a process, a request). */
const PAUSE_MS = 50;

/**
 * Looks until `condition` gives something else than undefined or false, and returns that.
 * @param what completes "waited N s for ..."; a function is asked at the deadline, to tell how things stood
 * @param ms deadline
 */
export async function until<T>(
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  what: string | (() => string | Promise<string>),
  ms: number,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== false) return result;
    if (performance.now() > deadline) {
      const told = typeof what === 'string' ? what : await what();
      throw new Error(`waited ${ms / 1000} s in vain for ${told}`);
    }
    await delay(PAUSE_MS);
  }
}

/**
 * Looks again and again for `ms` and throws as soon as `condition` is false: for what must stay as it is.
 * @param what completes "N s long ..."
 */
export async function staysTrue(
  condition: () => Promise<boolean> | boolean,
  what: string,
  ms: number,
): Promise<void> {
  const start = performance.now();
  while (performance.now() - start < ms) {
    if (!(await condition())) {
      throw new Error(
        `${what} should have held for ${ms / 1000} s, but ended after ${Math.round(performance.now() - start)} ms`,
      );
    }
    await delay(PAUSE_MS);
  }
}
