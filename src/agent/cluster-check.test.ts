import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Problem } from '../model/problem.ts';
import { createClusterCheck, MOST_SPEAKERS } from './cluster-check.ts';

function problem(code: Problem['code'], subject: string): Problem {
  return { code, severity: 'warning', subject, message: 'Something is wrong.' };
}

const EMPTY = problem('empty-selector', 'BGPPeer/a');
const APART = problem('pairs-apart', 'Node/n1');

/** A topology whose check takes some time by a clock that the test moves on. */
function bench(speakers = 3, look: () => readonly Problem[] = () => [EMPTY, APART]) {
  let now = 0;
  let timer: { at: number; callback: () => void } | null = null;
  const lookedAt: number[] = [];
  const check = createClusterCheck({
    topology: {
      speakerCount: () => speakers,
      check() {
        lookedAt.push(now);
        now += 700;
        return look();
      },
    },
    told: () => [EMPTY],
    minReflectors: 2,
    clock: {
      now: () => now,
      after(milliseconds, callback) {
        const mine = { at: now + milliseconds, callback };
        timer = mine;
        return () => {
          if (timer === mine) timer = null;
        };
      },
    },
    date: () => new Date(now),
  });
  function until(time: number): void {
    while (timer !== null && timer.at <= time) {
      const { at, callback } = timer;
      timer = null;
      now = Math.max(now, at);
      callback();
    }
    now = Math.max(now, time);
  }
  return { check, until, lookedAt };
}

test('the cluster is looked at when it came to rest, and what status tells anyway is not told twice', () => {
  const { check, until, lookedAt } = bench();
  check.changed();
  until(4000);
  check.changed();
  until(8900);
  assert.deepEqual(lookedAt, []);
  assert.deepEqual(check.findings(), { checkedAt: null, notChecked: null, problems: [] });
  until(9000);
  assert.deepEqual(lookedAt, [9000]);
  assert.deepEqual(check.findings(), {
    checkedAt: new Date(9000).toISOString(),
    notChecked: null,
    problems: [APART],
  });
  until(500_000);
  assert.deepEqual(lookedAt, [9000]);
});

test('where changes never cease it is looked at after a minute, and then for a hundredth of the time', () => {
  const { check, until, lookedAt } = bench();
  for (let time = 0; time < 200_000; time += 1000) {
    until(time);
    check.changed();
  }
  assert.equal(lookedAt[0], 60_000);
  assert.equal(lookedAt[1], 60_000 + 700 + 70_000);
});

test('too many speakers are not looked at, and that is said', () => {
  const { check, until, lookedAt } = bench(MOST_SPEAKERS + 1);
  check.changed();
  until(10_000);
  assert.deepEqual(lookedAt, []);
  assert.match(check.findings().notChecked ?? '', /^there are more than 5,000 speakers; calico-rr check/);
});

test('a check that fails is said to have failed, and nothing else ends', () => {
  const { check, until } = bench(3, () => {
    throw new Error('no such thing');
  });
  check.changed();
  until(10_000);
  assert.equal(check.findings().notChecked, 'it failed: no such thing');
});

test('after the end nothing is looked at', () => {
  const { check, until, lookedAt } = bench();
  check.changed();
  check.stop();
  until(100_000);
  assert.deepEqual(lookedAt, []);
});
