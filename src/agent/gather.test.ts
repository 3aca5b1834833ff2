import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, createGatherer } from './gather.ts';

/** Time that stands still until it is told to go on. */
function manualClock(): Clock & { advance(milliseconds: number): Promise<void> } {
  let time = 0;
  const timers = new Set<{ due: number; callback: () => void }>();
  return {
    now: () => time,
    after(milliseconds, callback) {
      const timer = { due: time + milliseconds, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(milliseconds) {
      await settle();
      const end = time + milliseconds;
      for (;;) {
        const next = [...timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
        if (next === undefined) break;
        timers.delete(next);
        time = Math.max(time, next.due);
        next.callback();
        await settle();
      }
      time = end;
      await settle();
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function recorder(clock: Clock) {
  const runs: number[] = [];
  const gatherer = createGatherer({
    clock,
    run: async () => {
      runs.push(clock.now());
    },
  });
  return { runs, gatherer };
}

test('the first change after a quiet time is acted on at once', async () => {
  const clock = manualClock();
  const { runs, gatherer } = recorder(clock);
  await clock.advance(5000);
  gatherer.request();
  assert.deepEqual(runs, [5000]);
});

test('changes that follow closely are gathered until 100 ms passed without one', async () => {
  const clock = manualClock();
  const { runs, gatherer } = recorder(clock);
  gatherer.request();
  await clock.advance(10);
  gatherer.request();
  await clock.advance(50);
  gatherer.request();
  await clock.advance(99);
  assert.deepEqual(runs, [0]);
  await clock.advance(1);
  assert.deepEqual(runs, [0, 160]);
});

test('changes that never stop are acted on every second', async () => {
  const clock = manualClock();
  const { runs, gatherer } = recorder(clock);
  for (let step = 0; step < 60; step++) {
    gatherer.request();
    await clock.advance(50);
  }
  assert.deepEqual(runs.slice(0, 3), [0, 1050, 2050]);
});

test('a single change again after 100 ms of quiet is acted on at once', async () => {
  const clock = manualClock();
  const { runs, gatherer } = recorder(clock);
  gatherer.request();
  await clock.advance(100);
  gatherer.request();
  assert.deepEqual(runs, [0, 100]);
});

test('a change that arrives during a run is acted on after it, and never two runs overlap', async () => {
  const clock = manualClock();
  let active = 0;
  const runs: number[] = [];
  const endings: (() => void)[] = [];
  const gatherer = createGatherer({
    clock,
    run: async () => {
      active++;
      assert.equal(active, 1);
      runs.push(clock.now());
      await new Promise<void>((resolve) => endings.push(resolve));
      active--;
    },
  });
  gatherer.request();
  await clock.advance(300);
  gatherer.request();
  await clock.advance(300);
  assert.deepEqual(runs, [0]);
  endings.shift()?.();
  await clock.advance(0);
  assert.deepEqual(runs, [0, 600]);
  endings.shift()?.();
  await gatherer.stop();
});

test('runNow resolves after a run that began after it was asked for', async () => {
  const clock = manualClock();
  const endings: (() => void)[] = [];
  let runs = 0;
  const gatherer = createGatherer({
    clock,
    run: async () => {
      runs++;
      await new Promise<void>((resolve) => endings.push(resolve));
    },
  });
  gatherer.request();
  let done = false;
  const asked = gatherer.runNow().then(() => {
    done = true;
  });
  endings.shift()?.();
  await clock.advance(0);
  assert.equal(done, false);
  assert.equal(runs, 2);
  endings.shift()?.();
  await asked;
  assert.equal(done, true);
});

test('nothing runs after stop', async () => {
  const clock = manualClock();
  const { runs, gatherer } = recorder(clock);
  gatherer.request();
  gatherer.request();
  await gatherer.stop();
  gatherer.request();
  await clock.advance(5000);
  assert.deepEqual(runs, [0]);
});
