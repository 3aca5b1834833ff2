import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerStatus } from './peer-link.ts';
import { createSessionView } from './session-view.ts';
import { createTable } from './table.ts';

const NOON = Date.UTC(2026, 4, 1, 12);

function viewed() {
  const counters = {
    messagesIn: 3,
    messagesOut: 4,
    octetsIn: 57,
    octetsOut: 76,
    updatesIn: 1,
    established: 1,
    treatedAsWithdraw: 0,
    attributesDiscarded: 0,
  };
  const status = {
    state: 'Established',
    since: NOON,
    lastError: null,
    lastErrorAt: null,
    negotiated: null,
    counters,
  } satisfies PeerStatus;
  const present = { now: NOON + 1000, status: status as PeerStatus };
  const dropped = { asLoop: 0, originatorLoop: 0, clusterLoop: 0, overLimit: 0 };
  const view = createSessionView(
    { name: 'Node_10_0_0_1', status: () => present.status },
    { source: 0, dropped, stale: null },
    createTable(4),
    { wallClock: () => present.now },
  );
  return { present, status, counters, look: (stopped = false) => view.look(stopped, 'n1') };
}

test('a session of which nothing has changed is the same object, and its counters are those of when they are read', () => {
  const { counters, look } = viewed();
  const shown = look();
  assert.equal(shown.counters?.messagesIn, 3);
  counters.messagesIn = 4;
  assert.equal(look(), shown);
  assert.equal(shown.counters?.messagesIn, 4);
});

test('what has changed is shown: the state, its reason, a drain, and the age that makes a date of a time', () => {
  const { present, status, look } = viewed();
  assert.equal(look().since, '12:00:00.000');
  assert.deepEqual([look(true).state, look(true).protocolState], ['Down', 'down']);
  assert.equal(look().state, 'Established');

  present.now = NOON + 86_400_000;
  assert.equal(look().since, '2026-05-01');

  present.status = { ...status, state: 'Active', since: present.now, lastError: 'hold timer expired' };
  const { info, since, protocolState } = look();
  assert.deepEqual([info, since, protocolState], ['Active hold timer expired', '12:00:00.000', 'start']);
});
