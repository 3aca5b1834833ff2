/**
 * When to act on changes: the first one after a quiet time at once, so that a single change is not made to
 * wait; those that follow closely are gathered until 100 ms passed without another, 1 s at most. Never two
 * runs at the same time. The clock comes from outside.
 */

export interface Clock {
  /** Milliseconds; only differences matter. */
  now(): number;
  /** Calls back once after so many milliseconds; the result calls it off. */
  after(milliseconds: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

export interface GatherOptions {
  readonly clock: Clock;
  /** Must not reject. */
  readonly run: () => Promise<void>;
  readonly quietMs?: number;
  readonly maxMs?: number;
}

export interface Gatherer {
  /** Something changed. */
  request(): void;
  /** Runs as soon as it can, whatever the quiet time. Resolves after a run that began after this call. */
  runNow(): Promise<void>;
  /** No further runs; resolves when the last one has ended. */
  stop(): Promise<void>;
}

export function createGatherer(options: GatherOptions): Gatherer {
  const { clock, quietMs = 100, maxMs = 1000 } = options;
  let lastRequest = Number.NEGATIVE_INFINITY;
  let firstWaiting: number | null = null;
  let cancelTimer: (() => void) | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;
  let waiters: (() => void)[] = [];

  function start(): void {
    cancelTimer?.();
    cancelTimer = null;
    firstWaiting = null;
    const served = waiters;
    waiters = [];
    running = options.run().finally(() => {
      running = null;
      for (const done of served) done();
      if (stopped) return;
      if (waiters.length > 0) start();
      else if (firstWaiting !== null) arm();
    });
  }

  function arm(): void {
    if (running !== null || stopped || firstWaiting === null) return;
    cancelTimer?.();
    const due = Math.min(lastRequest + quietMs, firstWaiting + maxMs);
    cancelTimer = clock.after(Math.max(0, due - clock.now()), start);
  }

  return {
    request() {
      if (stopped) return;
      const now = clock.now();
      const quiet = now - lastRequest >= quietMs;
      lastRequest = now;
      if (quiet && running === null && firstWaiting === null) {
        start();
        return;
      }
      firstWaiting ??= now;
      arm();
    },
    runNow() {
      if (stopped) return Promise.resolve();
      return new Promise((resolve) => {
        waiters.push(resolve);
        if (running === null) start();
      });
    },
    async stop() {
      stopped = true;
      cancelTimer?.();
      cancelTimer = null;
      await running;
      for (const done of waiters) done();
      waiters = [];
    },
  };
}
