import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTime } from '../../../../test/support/simulated-time.ts';
import { createTurns } from './turns.ts';

test('work that fits in a turn is done at once, with nothing in between', () => {
  const time = simulatedTime();
  const turns = createTurns(time.clock, time.soon);
  let done = 0;
  turns.add(() => ++done < 3);
  assert.equal(done, 3);
});

test('much work leaves room for timers every few milliseconds, and gets done', () => {
  const time = simulatedTime();
  const turns = createTurns(time.clock, time.soon);
  let left = 1_000;
  let longest = 0;
  let last = time.clock.now();
  const look = (): void => {
    longest = Math.max(longest, time.clock.now() - last);
    last = time.clock.now();
    if (left > 0) time.clock.setTimer(0, look);
  };
  time.clock.setTimer(0, look);
  turns.add(() => {
    time.spend(0.5);
    left--;
    return left > 0;
  });
  assert.ok(left > 900, 'the first turn did not end');
  time.advanceUntil('the work', () => left === 0, 10_000);
  time.advance(10);
  assert.ok(longest < 10, `a timer waited ${longest} ms`);
});

test('everybody gets a piece done in each round, whoever has more', () => {
  const time = simulatedTime();
  const turns = createTurns(time.clock, time.soon);
  const pieces: string[] = [];
  const add = (name: string, count: number): void => {
    let left = count;
    turns.add(() => {
      time.spend(1);
      pieces.push(name);
      left--;
      return left > 0;
    });
  };
  add('much', 100);
  add('little', 1);
  add('some', 2);
  time.advance(200);
  assert.equal(pieces.length, 103);
  assert.ok(pieces.indexOf('little') < 10, pieces.slice(0, 20).join(' '));
  assert.ok(pieces.lastIndexOf('some') < 12, pieces.slice(0, 20).join(' '));
});

test('work that comes while a turn is over waits for the next', () => {
  const time = simulatedTime();
  const turns = createTurns(time.clock, time.soon);
  turns.add(() => {
    time.spend(20);
    return false;
  });
  let done = false;
  turns.add(() => {
    done = true;
    return false;
  });
  assert.equal(done, false);
  time.advance(0);
  assert.equal(done, true);
});
