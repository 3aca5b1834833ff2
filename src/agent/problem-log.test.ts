import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../model/problem.ts';
import { createProblemLog } from './problem-log.ts';

const problem: Problem = {
  code: 'bad-json',
  severity: 'error',
  subject: 'Node/n1',
  message: 'it is no JSON',
};

function recorder() {
  const clock = { now: 0 };
  const told: string[] = [];
  const log = createProblemLog({
    now: () => clock.now,
    appeared: ({ subject }) => told.push(`+${subject}`),
    cleared: ({ subject }) => told.push(`-${subject}`),
    settleMs: 3000,
  });
  return { clock, told, log };
}

test('a problem is told once, however often it is seen', () => {
  const { told, log } = recorder();
  log.update([problem]);
  log.update([problem, problem]);
  assert.deepEqual(told, ['+Node/n1']);
  assert.deepEqual(log.current(), [problem]);
});

test('a problem is told as gone once it has stayed away for a while', () => {
  const { clock, told, log } = recorder();
  log.update([problem]);
  log.update([]);
  assert.deepEqual(told, ['+Node/n1']);
  clock.now = 3000;
  log.update([]);
  log.update([]);
  assert.deepEqual(told, ['+Node/n1', '-Node/n1']);
});

test('a problem that flickers is not told again', () => {
  const { clock, told, log } = recorder();
  log.update([problem]);
  log.update([]);
  clock.now = 2000;
  log.update([problem]);
  clock.now = 4000;
  log.update([problem]);
  assert.deepEqual(told, ['+Node/n1']);
});

test('status shows a problem no longer as soon as it is away', () => {
  const { log } = recorder();
  log.update([problem]);
  log.update([]);
  assert.deepEqual(log.current(), []);
});
