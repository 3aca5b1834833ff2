/** Our own restart: RFC 4724 section 4.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTime } from '../../../test/support/simulated-time.ts';
import { recoveryBound, startRecovery } from './recovery.ts';

function begin(...names: string[]) {
  const time = simulatedTime();
  const ends: string[] = [];
  const recovery = startRecovery(new Set(names), 60_000, time.clock, (because) => ends.push(because));
  return { time, ends, recovery };
}

test('it is over when all have sent End-of-RIB, and not before', () => {
  const { ends, recovery } = begin('a', 'b');
  recovery.up('a', false, true);
  recovery.up('b', false, true);
  recovery.endOfRib('a');
  assert.equal(recovery.active, true);
  recovery.endOfRib('b');
  assert.deepEqual(ends, ['all peers have told their routes']);
  assert.equal(recovery.active, false);
});

test('a peer that restarts too, or keeps nothing, is not waited for', () => {
  const { ends, recovery } = begin('a', 'b');
  recovery.up('a', true, true);
  recovery.up('b', false, false);
  assert.equal(ends.length, 1);
});

test('peers that do not come back are taken for dead once nothing more happens', () => {
  const { ends, recovery, time } = begin('a', 'dead');
  time.advance(10_000);
  recovery.up('a', false, true);
  time.advance(14_000);
  recovery.endOfRib('a');
  assert.deepEqual(ends, []);
  time.advance(2_000);
  assert.deepEqual(ends, ['1 peers did not come back']);
});

test('one that is still telling is waited for up to the bound', () => {
  const { ends, recovery, time } = begin('a', 'dead');
  recovery.up('a', false, true);
  time.advance(59_000);
  assert.deepEqual(ends, []);
  time.advance(2_000);
  assert.deepEqual(ends, ['the wait is over']);
});

test('the bound is for all: it is not that of the peer with the shortest restart time', () => {
  assert.equal(recoveryBound([120, 5, 0]), 60_000);
  assert.equal(recoveryBound([20, 5, 0]), 20_000);
  assert.equal(recoveryBound([0]), 60_000);
});

test('one that went away while it told is waited for no more than the others', () => {
  const { ends, recovery, time } = begin('a');
  recovery.up('a', false, true);
  time.advance(5_000);
  recovery.gone('a');
  time.advance(16_000);
  assert.equal(ends.length, 1);
});
