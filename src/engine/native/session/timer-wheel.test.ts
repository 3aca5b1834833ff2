import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTime } from '../../../../test/support/simulated-time.ts';
import type { Clock } from '../peer-link.ts';
import { createTimerWheel, wheelTimer } from './timer-wheel.ts';

test('timers expire in order, none early and none more than a tick late', () => {
  const time = simulatedTime();
  const wheel = createTimerWheel(time.clock);
  const start = time.clock.now();
  const late: number[] = [];
  const waits = [0, 1, 49, 50, 51, 900, 30_000, 90_000, 102_400, 102_450, 240_000, 480_000];
  for (const ms of waits) {
    wheel.start(
      wheelTimer(() => late.push(time.clock.now() - start - ms)),
      ms,
    );
  }
  time.advance(480_100);
  assert.equal(late.length, waits.length);
  for (const ms of late) assert.ok(ms >= 0 && ms <= 50, `${ms} ms late`);
});

test('a timer that is started anew again and again is left alone until its old time has come', () => {
  const time = simulatedTime();
  let set = 0;
  const counting: Clock = {
    ...time.clock,
    setTimer(ms, expired) {
      set++;
      return time.clock.setTimer(ms, expired);
    },
  };
  const wheel = createTimerWheel(counting);
  let expired = 0;
  const hold = wheelTimer(() => expired++);
  for (let second = 0; second < 1_000; second++) {
    wheel.start(hold, 90_000);
    time.advance(1_000);
  }
  assert.equal(expired, 0);
  assert.ok(set < 20, `the clock was asked ${set} times`);
  time.advance(89_100);
  assert.equal(expired, 1);
});

test('a timer can be brought forward, stopped, and stopped by another of the same moment', () => {
  const time = simulatedTime();
  const wheel = createTimerWheel(time.clock);
  const told: string[] = [];
  const sooner = wheelTimer(() => told.push('sooner'));
  wheel.start(sooner, 240_000);
  wheel.start(sooner, 1_000);
  const stopped = wheelTimer(() => told.push('stopped'));
  wheel.start(stopped, 500);
  wheel.stop(stopped);
  const victim = wheelTimer(() => told.push('victim'));
  wheel.start(
    wheelTimer(() => wheel.stop(victim)),
    2_000,
  );
  wheel.start(victim, 2_000);
  time.advance(300_000);
  assert.deepEqual(told, ['sooner']);
});

test('after a long sleep everything that is due expires at once, and what is not stays', () => {
  const time = simulatedTime();
  const wheel = createTimerWheel(time.clock);
  const told: number[] = [];
  for (const seconds of [1, 100, 150, 700]) {
    wheel.start(
      wheelTimer(() => told.push(seconds)),
      seconds * 1_000,
    );
  }
  time.spend(600_000);
  time.advance(0);
  assert.deepEqual(
    told.toSorted((one, other) => one - other),
    [1, 100, 150],
  );
  time.advance(100_100);
  assert.equal(told.at(-1), 700);
});

test('what a timer starts when it expires comes in its own time', () => {
  const time = simulatedTime();
  const wheel = createTimerWheel(time.clock);
  const at: number[] = [];
  const start = time.clock.now();
  const again = wheelTimer(() => {
    at.push(Math.round((time.clock.now() - start) / 1_000));
    wheel.start(again, 1_000);
  });
  wheel.start(again, 1_000);
  time.advance(5_500);
  assert.deepEqual(at, [1, 2, 3, 4, 5]);
  wheel.close();
  time.advance(5_000);
  assert.equal(at.length, 5);
});

test('many timers that are due at once leave the loop its turns, and none is lost', () => {
  const time = simulatedTime();
  const wheel = createTimerWheel(time.clock);
  /** How often the loop had come by when each expired. */
  const turns: number[] = [];
  let turn = 0;
  let followed = 0;
  for (let index = 0; index < 100; index++) {
    const timer = wheelTimer(() => {
      time.spend(1);
      turns.push(turn);
      wheel.start(
        wheelTimer(() => followed++),
        0,
      );
    });
    wheel.start(timer, 1_000 + (index % 3) * 50);
  }
  for (let ms = 1_001; ms < 1_300; ms++) time.clock.setTimer(ms, () => turn++);
  time.advance(2_000);
  assert.deepEqual([turns.length, followed], [100, 100]);
  for (const [at, those] of Map.groupBy(turns, (one) => one)) {
    assert.ok(those.length <= 3, `${those.length} without a look, after ${at}`);
  }
});
