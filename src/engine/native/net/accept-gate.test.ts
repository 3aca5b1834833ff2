import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAcceptGate } from './accept-gate.ts';

test('only peers that are known get in, at the address that they are known for, however it is written', () => {
  const gate = createAcceptGate<string>(() => 0);
  assert.ok(gate.add('10.0.0.1', '10.0.1.7', 'n7'));
  assert.ok(gate.add('fd00::1', 'FD00:0:0::7', 'n7 over IPv6'));
  assert.ok(gate.add(null, '10.0.1.8', 'n8 anywhere'));
  assert.deepEqual(gate.judge('10.0.0.1', '10.0.1.7'), { peer: 'n7' });
  assert.deepEqual(gate.judge('fd00:0:0:0::1', 'fd00::7'), { peer: 'n7 over IPv6' });
  assert.deepEqual(gate.judge('10.0.0.2', '10.0.1.8'), { peer: 'n8 anywhere' });
  assert.deepEqual(gate.judge('10.0.0.2', '10.0.1.7'), { turnedAway: 'unknown-peer' });
  assert.deepEqual(gate.judge('10.0.0.1', '10.0.1.9'), { turnedAway: 'unknown-peer' });
  assert.equal(gate.unknownPeer, 2);
});

test('a pair of addresses has one peer', () => {
  const gate = createAcceptGate<string>(() => 0);
  assert.ok(gate.add('10.0.0.1', '10.0.1.7', 'first'));
  assert.equal(gate.add('10.0.0.1', '10.0.1.7', 'second'), false);
  gate.remove('10.0.0.1', '10.0.1.7');
  assert.ok(gate.add('10.0.0.1', '10.0.1.7', 'second'));
  assert.equal(gate.find('10.0.0.1', '10.0.1.7'), 'second');
});

test('a peer that connects again and again is answered less often, and nobody else is', () => {
  let now = 0;
  const gate = createAcceptGate<string>(() => now);
  gate.add(null, '10.0.1.7', 'restless');
  gate.add(null, '10.0.1.8', 'calm');
  let answered = 0;
  for (let tries = 0; tries < 10_000; tries++) {
    if ('peer' in gate.judge('10.0.0.1', '10.0.1.7')) answered++;
    now += 1;
  }
  // Ten seconds.
  assert.ok(answered <= 40, `${answered} OPENs in 10 s`);
  assert.ok(answered >= 20, `${answered} OPENs in 10 s`);
  assert.equal(gate.tooManyOpens, 10_000 - answered);
  assert.deepEqual(gate.judge('10.0.0.1', '10.0.1.8'), { peer: 'calm' });
});

test('a speaker that tries once a second is never turned away', () => {
  let now = 0;
  const gate = createAcceptGate<string>(() => now);
  gate.add(null, '10.0.1.7', 'patient');
  for (let tries = 0; tries < 1_000; tries++) {
    assert.deepEqual(gate.judge('10.0.0.1', '10.0.1.7'), { peer: 'patient' });
    now += 1_000;
  }
});
