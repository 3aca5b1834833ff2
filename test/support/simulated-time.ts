/** Time that passes only when a test says so. Computing takes none, but for what a test says it takes (`spend`). */
import type { Clock } from '../../src/engine/native/peer-link.ts';

export interface SimulatedTime {
  readonly clock: Clock;
  /** As `setImmediate`: after what is due now. */
  readonly soon: (call: () => void) => void;
  /** The computation that runs just now takes so long: nothing else happens meanwhile. */
  spend(ms: number): void;
  /** Runs what is due, in order, until so many milliseconds have passed. */
  advance(ms: number): void;
  /** Advances until `condition` holds; looks after everything that happens. Throws after `ms`. */
  advanceUntil(what: string, condition: () => boolean, ms: number): void;
}

interface Task {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
}

export function simulatedTime(): SimulatedTime {
  let now = 1_000;
  let number = 0;
  /** A heap by time, then order. */
  const tasks: Task[] = [];
  const isBefore = (one: Task, other: Task): boolean =>
    one.at < other.at || (one.at === other.at && one.number < other.number);

  const later = (ms: number, run: () => void): Task => {
    number++;
    const task = { at: now + ms, number, run };
    let at = tasks.push(task) - 1;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = tasks[parentAt];
      if (parent === undefined || isBefore(parent, task)) break;
      tasks[at] = parent;
      at = parentAt;
    }
    tasks[at] = task;
    return task;
  };
  const take = (): void => {
    const last = tasks.pop();
    if (last === undefined || tasks.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = at * 2 + 1;
      const right = tasks[childAt + 1];
      let child = tasks[childAt];
      if (child === undefined) break;
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childAt++;
      }
      if (!isBefore(child, last)) break;
      tasks[at] = child;
      at = childAt;
    }
    tasks[at] = last;
  };
  const calledOff = new Set<Task>();
  /** Runs the next task that is due by then; false: there is none. */
  const runNext = (until: number): boolean => {
    const task = tasks[0];
    if (task === undefined || task.at > until) return false;
    take();
    if (calledOff.delete(task)) return true;
    now = Math.max(now, task.at);
    task.run();
    return true;
  };

  return {
    clock: {
      now: () => now,
      wallClock: () => now,
      setTimer(ms, expired) {
        const task = later(Math.max(0, ms), () => {
          done = true;
          expired();
        });
        let done = false;
        return () => {
          if (!done) calledOff.add(task);
          done = true;
        };
      },
    },
    soon: (call) => void later(0, call),
    spend(ms) {
      now += ms;
    },
    advance(ms) {
      const until = now + ms;
      while (runNext(until));
      now = Math.max(now, until);
    },
    advanceUntil(what, condition, ms) {
      const until = now + ms;
      while (!condition()) {
        if (!runNext(until)) throw new Error(`${ms} ms of simulated time passed in vain for ${what}`);
      }
    },
  };
}
