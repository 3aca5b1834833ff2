import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTime } from '../../../test/support/simulated-time.ts';
import { createPacer, type Paced } from './pacer.ts';

const NOTHING: Paced = { begin: () => {}, work: () => true, unread: () => false };

/** @param cost of each run, milliseconds, by its number */
function begin(cost: (run: number) => number = () => 0) {
  const time = simulatedTime();
  const runs: number[] = [];
  const pacer = createPacer(time.clock, time.soon, {
    ...NOTHING,
    begin: () => {
      runs.push(time.clock.now());
      time.spend(cost(runs.length));
    },
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

test('the second of two changes after a quiet time is passed on at once, the third is gathered', () => {
  const { pacer, runs, time } = begin(() => 5);
  const change = (): void => {
    pacer.wake();
    time.advance(0);
  };
  change();
  time.advance(1000);
  const quiet = time.clock.now();
  change();
  change();
  assert.deepEqual(
    runs.slice(1).map((run) => run - quiet),
    [0, 5],
  );
  change();
  time.advance(4);
  assert.equal(runs.length, 3);
  time.advance(50);
  assert.equal(runs.length, 4);
});

test('passing on takes no more than a fifth of the time', () => {
  const { pacer, runs, time } = begin(() => 5);
  for (let ms = 0; ms < 1000; ms++) {
    pacer.wake();
    time.advance(1);
  }
  const gaps = runs.slice(1).map((run, index) => run - (runs[index] ?? 0));
  assert(gaps.length > 20 && gaps.slice(10).every((gap) => gap >= 24), `${gaps}`);
});

test('one flush that takes long is no reason to gather for long', () => {
  const { pacer, runs, time } = begin((run) => (run === 20 ? 16 : 2));
  for (let ms = 0; ms < 500; ms++) {
    pacer.wake();
    time.advance(1);
  }
  const [slow, next] = runs.slice(19);
  if (slow === undefined || next === undefined) throw new Error(`${runs.length} runs`);
  assert(next - slow > 16 && next - slow < 16 + 4 * 8, `${next - slow} ms`);
});

test('a peer that takes more again is served at once, and changes wait for their time all the same', () => {
  const time = simulatedTime();
  const begun = time.clock.now();
  const seen: (readonly [string, number])[] = [];
  const pacer = createPacer(time.clock, time.soon, {
    ...NOTHING,
    begin: () => {
      seen.push(['begins', time.clock.now() - begun]);
      time.spend(8);
    },
    work: () => {
      seen.push(['works', time.clock.now() - begun]);
      return true;
    },
  });
  pacer.wake();
  time.advance(0);
  pacer.wake();
  time.advance(1);
  pacer.serve();
  time.advance(1);
  const first = [
    ['begins', 0],
    ['works', 8],
    ['works', 9],
  ];
  assert.deepEqual(seen, first);
  time.advance(200);
  assert.deepEqual(seen, [...first, ['begins', 16], ['works', 24]]);
});

test('a timer that comes after its flush lets no later change through', () => {
  const { pacer, runs, time } = begin();
  const change = (): void => {
    pacer.wake();
    pacer.serve();
  };
  pacer.wake();
  time.advance(4);
  // Octets keep the loop until after the time, and then serving a peer comes before the timer.
  time.soon(() => time.spend(1.5));
  change();
  time.advance(0);
  assert.equal(runs.length, 2);
  time.advance(1);
  change();
  time.advance(1);
  assert.equal(runs.length, 2);
  time.advance(4);
  assert.equal(runs.length, 3);
});

test('what changes while a flush is under way is for the next one', () => {
  const time = simulatedTime();
  let begins = 0;
  let left = 0;
  const pacer = createPacer(time.clock, time.soon, {
    ...NOTHING,
    begin: () => {
      begins++;
      left = 4;
    },
    work: () => {
      time.spend(6);
      pacer.wake();
      left--;
      return left === 0;
    },
  });
  pacer.wake();
  time.advance(24);
  assert.equal(begins, 1);
  time.advance(60);
  assert.equal(begins, 2);
});

test('a flush that takes very long does not hold up changes that came after it', () => {
  const time = simulatedTime();
  let begins = 0;
  const pacer = createPacer(time.clock, time.soon, {
    ...NOTHING,
    begin: () => begins++,
    work: () => {
      time.spend(6);
      return false;
    },
  });
  pacer.wake();
  time.advance(0);
  pacer.wake();
  time.advance(40);
  assert.equal(begins, 1);
  time.advance(20);
  assert.equal(begins, 2);
});

test('changes wait for what has come in already, for a tenth of a second at most', () => {
  const time = simulatedTime();
  const begun = time.clock.now();
  const runs: number[] = [];
  let backlog = 20;
  const pacer = createPacer(time.clock, time.soon, {
    ...NOTHING,
    begin: () => runs.push(time.clock.now() - begun),
    work: () => {
      // Reading goes on between two looks.
      time.spend(1);
      backlog--;
      return true;
    },
    unread: () => backlog > 0,
  });
  pacer.wake();
  time.advance(60);
  assert.deepEqual(runs, [20]);

  backlog = Number.POSITIVE_INFINITY;
  pacer.wake();
  const woken = time.clock.now() - begun;
  time.advance(200);
  assert.deepEqual(runs, [20, woken + 100]);
});

test('work that is not done goes on after the event loop had its turn', () => {
  const time = simulatedTime();
  let left = 3;
  let others = 0;
  const pacer = createPacer(time.clock, time.soon, {
    ...NOTHING,
    work: (goOn) => {
      while (left > 0 && goOn()) {
        left--;
        time.spend(10);
        time.soon(() => others++);
      }
      return left === 0;
    },
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
