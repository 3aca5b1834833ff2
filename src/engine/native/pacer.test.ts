import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTime } from '../../../test/support/simulated-time.ts';
import { createPacer } from './pacer.ts';

function begin(cost = 0) {
  const time = simulatedTime();
  const runs: number[] = [];
  const pacer = createPacer(time.clock, time.soon, () => {
    runs.push(time.clock.now());
    time.spend(cost);
    return true;
  });
  return { time, runs, pacer };
}

test('a single change is passed on at once', () => {
  const { pacer, runs, time } = begin();
  const now = time.clock.now();
  pacer.wake();
  time.advance(0);
  assert.deepEqual(runs, [now]);
});

test('changes in quick succession are gathered', () => {
  const { pacer, runs, time } = begin();
  for (let ms = 0; ms < 100; ms++) {
    pacer.wake();
    time.advance(1);
  }
  assert(runs.length > 10 && runs.length <= 21, `${runs.length} runs in 100 ms`);
});

test('passing on takes no more than half of the time', () => {
  const { pacer, runs, time } = begin(40);
  for (let ms = 0; ms < 1000; ms++) {
    pacer.wake();
    time.advance(1);
  }
  const gaps = runs.slice(1).map((run, index) => run - (runs[index] ?? 0));
  assert(
    gaps.every((gap) => gap >= 80),
    `${gaps}`,
  );
});

test('work that is not done goes on after the event loop had its turn', () => {
  const time = simulatedTime();
  let left = 3;
  let others = 0;
  const pacer = createPacer(time.clock, time.soon, (goOn) => {
    while (left > 0 && goOn()) {
      left--;
      time.spend(10);
      time.soon(() => others++);
    }
    return left === 0;
  });
  pacer.wake();
  time.advance(1);
  time.advance(100);
  assert.equal(left, 0);
  assert.equal(others, 3);
});

test('stopped, it does nothing any more', () => {
  const { pacer, runs, time } = begin();
  pacer.wake();
  pacer.stop();
  pacer.wake();
  time.advance(100);
  assert.deepEqual(runs, []);
});
