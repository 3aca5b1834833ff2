/**
 * Sessions under chance: any order of events, and two speakers that find each other whatever the network does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OFFER, openFrom, SHUTDOWN, settingsWith } from '../../../test/support/bgp-session.ts';
import { isJoined, simulate } from '../../../test/support/bgp-simulation.ts';
import { cease } from '../notification.ts';
import { ProtocolError } from '../protocol-error.ts';
import { newSession } from './connections.ts';
import type { Connection, Effect } from './effects.ts';
import { type SessionEvent, stepSession } from './session.ts';
import { CALICO_TIMES, type SessionSettings } from './settings.ts';

const MILLISECONDS = Number(process.env.BGP_FUZZ_SECONDS ?? '0.7') * 1000;
const BOX = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: MILLISECONDS,
  markInterruptAsFailure: false,
};

const EITHER: readonly Connection[] = ['outgoing', 'incoming'];
const EVENTS: readonly SessionEvent[] = [
  { type: 'start' },
  { type: 'start' },
  { type: 'stop', notification: SHUTDOWN },
  { type: 'stop', notification: null },
  { type: 'automatic-stop', notification: cease(1), restartSeconds: 9 },
  { type: 'automatic-stop', notification: cease(1), restartSeconds: null },
  { type: 'timer', timer: 'connect-retry' },
  { type: 'timer', timer: 'idle-hold' },
  { type: 'timer', timer: 'forget-errors' },
  { type: 'connected' },
  { type: 'connected' },
  { type: 'accepted' },
  { type: 'accepted' },
  ...EITHER.flatMap((connection): SessionEvent[] => [
    { type: 'timer', timer: 'hold', connection },
    { type: 'timer', timer: 'keepalive', connection },
    { type: 'timer', timer: 'delay-open', connection },
    { type: 'timer', timer: 'send-hold', connection },
    { type: 'failed', connection, detail: 'reset' },
    { type: 'open', connection, open: openFrom() },
    { type: 'open', connection, open: openFrom() },
    { type: 'open', connection, open: openFrom({ routerId: 1 }) },
    { type: 'open', connection, open: openFrom({ gracefulRestart: null }) },
    { type: 'open', connection, open: openFrom({ localAs: 9 }) },
    { type: 'protocol-error', connection, error: new ProtocolError(3, 1, 'broken') },
    { type: 'notification', connection, notification: cease(4) },
    { type: 'keepalive', connection },
    { type: 'keepalive', connection },
    { type: 'keepalive', connection },
    { type: 'update', connection },
    { type: 'route-refresh', connection },
    { type: 'sent', connection },
  ]),
];

/** What a driver would have: checks each effect against it. */
function driver(): (effects: readonly Effect[]) => void {
  const open = new Set<Connection>();
  let up: Connection | null = null;
  return (effects) => {
    for (const effect of effects) {
      switch (effect.do) {
        case 'dial':
          assert.ok(!open.has('outgoing'), 'it dials over a connection that it has');
          open.add('outgoing');
          break;
        case 'accept':
          assert.ok(!open.has('incoming'), 'it accepts over a connection that it has');
          open.add('incoming');
          break;
        case 'send':
        case 'agreed':
          assert.ok(open.has(effect.connection), 'it speaks on a connection that it does not have');
          break;
        case 'close':
          assert.ok(open.delete(effect.connection), 'it closes a connection that it does not have');
          break;
        case 'up':
          assert.equal(up, null, 'it is up twice');
          up = effect.connection;
          assert.deepEqual([...open], [up], 'it is up and has two connections');
          break;
        case 'down':
          assert.ok(up !== null, 'it goes down without having been up');
          up = null;
          break;
        case 'start-timer':
          if (effect.connection !== null)
            assert.ok(open.has(effect.connection), `${effect.timer} of no connection`);
          assert.ok(effect.seconds > 0);
          break;
        case 'refuse':
        case 'stop-timer':
          break;
        default:
          effect satisfies never;
      }
    }
  };
}

const settings: fc.Arbitrary<SessionSettings> = fc
  .record({
    passive: fc.boolean(),
    delayOpenSeconds: fc.constantFrom(0, 0, 3),
    connectDelaySeconds: fc.constantFrom(0, 2),
  })
  .map(settingsWith);

test('no order of events makes a session speak where it has no connection, or be up twice', () => {
  fc.assert(
    fc.property(settings, fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (set, events) => {
      let session = newSession(set);
      const check = driver();
      let dialling = false;
      for (const event of events) {
        // A driver tells that a connection is up only once, and only of one that it was asked to dial.
        if (event.type === 'connected' && !dialling) continue;
        const step = stepSession(set, session, event);
        session = step.session;
        check(step.effects);
        if (event.type === 'connected') dialling = false;
        for (const effect of step.effects) {
          if (effect.do === 'dial') dialling = true;
          if (effect.do === 'close' && effect.connection === 'outgoing') dialling = false;
        }
      }
    }),
    BOX,
  );
});

/** Chance that is the same for the same seed. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The low bits of such a generator repeat quickly.
    return (state >>> 8) / 0x100_0000;
  };
}

const RETRIES = { ...CALICO_TIMES, offer: OFFER };

test('two speakers that dial each other at any time end with one connection, the same for both', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(0, 2),
      fc.constantFrom(0, 3),
      fc.boolean(),
      (seed, delay, delayOpen, passive) => {
        const random = chance(seed);
        const a: SessionSettings = { ...RETRIES, connectDelaySeconds: delay, delayOpenSeconds: delayOpen };
        const b: SessionSettings = {
          ...RETRIES,
          passive,
          connectDelaySeconds: delay,
          offer: { ...OFFER, routerId: 0x0a00_0002 },
        };
        const simulation = simulate(a, b, random);
        simulation.start(simulation.a, random() * 2);
        simulation.start(simulation.b, random() * 2);
        simulation.runUntil(120);
        assert.ok(isJoined(simulation), 'not joined after two minutes');
        assert.deepEqual([simulation.a.ups, simulation.b.ups], [1, 1], 'it was up and down again before');
        simulation.runUntil(600);
        assert.ok(isJoined(simulation), 'not joined for good');
        const before = [simulation.a.ups, simulation.b.ups];
        simulation.cut();
        simulation.runUntil(800);
        assert.ok(isJoined(simulation), 'not joined again after the connection broke');
        assert.ok(simulation.a.ups > (before[0] ?? 0) && simulation.b.ups > (before[1] ?? 0));
      },
    ),
    BOX,
  );
});
