/** How long a watch waits before it tries again: short at first, bounded, and not all clients at once. */

const FIRST_MS = 100;
const LONGEST_MS = 2_000;

/**
 * @param failures how many tries failed in a row, from 1
 * @param random 0..1, to spread clients that lost their server at the same moment
 * @returns milliseconds; 0 for the first failure, which is most often one member of several
 */
export function retryPause(failures: number, random: number = Math.random()): number {
  if (failures <= 1) return 0;
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 2));
  return full * (0.5 + random / 2);
}

/** Waits `milliseconds` or until one of the signals aborts; never rejects, leaves no listener behind. */
export function pause(milliseconds: number, ...signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    for (const signal of signals) signal.addEventListener('abort', done);
  });
}
