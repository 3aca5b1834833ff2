/**
 * Every event in every state: RFC 4271 section 8.2.2 as a table. A row reads `next state: effects`; `~` marks a time
 * that gets jitter. Where we differ from the RFC's text, opening.ts, connecting.ts and established.ts say why.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWords, openFrom, SHUTDOWN, settingsWith } from '../../../test/support/bgp-session.ts';
import { ProtocolError } from '../protocol-error.ts';
import { type Fsm, type FsmEvent, IDLE } from './fsm.ts';
import { stepFsm } from './machine.ts';
import { agree } from './opening.ts';

const settings = settingsWith({ delayOpenSeconds: 0 });
const agreed = agree(settings, openFrom());
assert.ok(!(agreed instanceof ProtocolError));
const negotiated = agreed;

const STATES: Readonly<Record<string, Fsm>> = {
  Idle: IDLE,
  Connect: { ...IDLE, state: 'Connect', connection: 'outgoing' },
  'Connect, OPEN delayed': { ...IDLE, state: 'Connect', connection: 'outgoing', delaying: true },
  Active: { ...IDLE, state: 'Active' },
  'Active, OPEN delayed': { ...IDLE, state: 'Active', connection: 'incoming', delaying: true },
  OpenSent: { ...IDLE, state: 'OpenSent', connection: 'outgoing' },
  OpenConfirm: { ...IDLE, state: 'OpenConfirm', connection: 'outgoing', negotiated },
  Established: { ...IDLE, state: 'Established', connection: 'outgoing', negotiated },
};

/** With the numbers of RFC 4271 section 8.1. */
const EVENTS: Readonly<Record<string, FsmEvent>> = {
  '1 start': { type: 'start' },
  '2 stop': { type: 'stop', notification: SHUTDOWN },
  '2 stop without a word': { type: 'stop', notification: null },
  '9 connect retry timer': { type: 'connect-retry-expired' },
  '10 hold timer': { type: 'hold-expired' },
  '11 keepalive timer': { type: 'keepalive-expired' },
  '12 delay open timer': { type: 'delay-open-expired' },
  '16 connected': { type: 'connected' },
  '17 accepted': { type: 'accepted' },
  '18 connection failed': { type: 'failed', detail: 'reset' },
  '19 OPEN': { type: 'open', open: openFrom() },
  '22 OPEN of another AS': { type: 'open', open: openFrom({ localAs: 64_999 }) },
  '21 broken header': { type: 'protocol-error', error: new ProtocolError(1, 3, 'type 9') },
  '28 broken UPDATE': { type: 'protocol-error', error: new ProtocolError(3, 1, 'broken') },
  '23 collision lost': { type: 'collision-lost' },
  '24 NOTIFICATION, version': {
    type: 'notification',
    notification: { code: 2, subcode: 1, data: new Uint8Array(0) },
  },
  '25 NOTIFICATION': { type: 'notification', notification: { code: 6, subcode: 4, data: new Uint8Array(0) } },
  '26 KEEPALIVE': { type: 'keepalive' },
  '27 UPDATE': { type: 'update' },
  'ROUTE-REFRESH': { type: 'route-refresh' },
  '29 send hold timer': { type: 'send-hold-expired' },
  'octets taken': { type: 'sent' },
};

const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Idle: {
    '1 start': 'Connect: start connect-retry 5~; dial',
    '2 stop': 'Idle',
    '2 stop without a word': 'Idle',
    '9 connect retry timer': 'Idle',
    '10 hold timer': 'Idle',
    '11 keepalive timer': 'Idle',
    '12 delay open timer': 'Idle',
    '16 connected': 'Idle',
    '17 accepted': 'Idle',
    '18 connection failed': 'Idle',
    '19 OPEN': 'Idle',
    '22 OPEN of another AS': 'Idle',
    '21 broken header': 'Idle',
    '28 broken UPDATE': 'Idle',
    '23 collision lost': 'Idle',
    '24 NOTIFICATION, version': 'Idle',
    '25 NOTIFICATION': 'Idle',
    '26 KEEPALIVE': 'Idle',
    '27 UPDATE': 'Idle',
    'ROUTE-REFRESH': 'Idle',
    '29 send hold timer': 'Idle',
    'octets taken': 'Idle',
  },
  Connect: {
    '1 start': 'Connect',
    '2 stop': 'Idle: close; stop connect-retry',
    '2 stop without a word': 'Idle: close; stop connect-retry',
    '9 connect retry timer': 'Connect: close; start connect-retry 5~; dial',
    '10 hold timer': 'Idle!: close; stop connect-retry',
    '11 keepalive timer': 'Idle!: close; stop connect-retry',
    '12 delay open timer': 'Idle!: close; stop connect-retry',
    '16 connected': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '17 accepted': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '18 connection failed': 'Active: close; start connect-retry 5~',
    '19 OPEN': 'Idle!: close; stop connect-retry',
    '22 OPEN of another AS': 'Idle!: close; stop connect-retry',
    '21 broken header': 'Idle!: close; stop connect-retry',
    '28 broken UPDATE': 'Idle!: close; stop connect-retry',
    '23 collision lost': 'Idle: close; stop connect-retry',
    '24 NOTIFICATION, version': 'Idle!: close; stop connect-retry',
    '25 NOTIFICATION': 'Idle!: close; stop connect-retry',
    '26 KEEPALIVE': 'Idle!: close; stop connect-retry',
    '27 UPDATE': 'Idle!: close; stop connect-retry',
    'ROUTE-REFRESH': 'Idle!: close; stop connect-retry',
    '29 send hold timer': 'Idle!: close; stop connect-retry',
    'octets taken': 'Connect',
  },
  'Connect, OPEN delayed': {
    '1 start': 'Connect',
    '2 stop': 'Idle: close; stop connect-retry',
    '2 stop without a word': 'Idle: close; stop connect-retry',
    '9 connect retry timer': 'Connect: close; start connect-retry 5~; dial',
    '10 hold timer': 'Idle!: close; stop connect-retry',
    '11 keepalive timer': 'Idle!: close; stop connect-retry',
    '12 delay open timer': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '16 connected': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '17 accepted': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '18 connection failed': 'Active: close; start connect-retry 5~',
    '19 OPEN':
      'OpenConfirm: stop connect-retry; stop delay-open; send OPEN; agreed; send KEEPALIVE; start keepalive 30~; start hold 90',
    '22 OPEN of another AS': 'Idle!: close; stop connect-retry',
    '21 broken header': 'Idle!: close; stop connect-retry',
    '28 broken UPDATE': 'Idle!: close; stop connect-retry',
    '23 collision lost': 'Idle: close; stop connect-retry',
    '24 NOTIFICATION, version': 'Idle: close; stop connect-retry',
    '25 NOTIFICATION': 'Idle!: close; stop connect-retry',
    '26 KEEPALIVE': 'Idle!: close; stop connect-retry',
    '27 UPDATE': 'Idle!: close; stop connect-retry',
    'ROUTE-REFRESH': 'Idle!: close; stop connect-retry',
    '29 send hold timer': 'Idle!: close; stop connect-retry',
    'octets taken': 'Connect',
  },
  Active: {
    '1 start': 'Active',
    '2 stop': 'Idle: stop connect-retry',
    '2 stop without a word': 'Idle: stop connect-retry',
    '9 connect retry timer': 'Connect: start connect-retry 5~; dial',
    '10 hold timer': 'Idle!: stop connect-retry',
    '11 keepalive timer': 'Idle!: stop connect-retry',
    '12 delay open timer': 'Idle!: stop connect-retry',
    '16 connected': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '17 accepted': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '18 connection failed': 'Idle!: stop connect-retry',
    '19 OPEN': 'Idle!: stop connect-retry',
    '22 OPEN of another AS': 'Idle!: stop connect-retry',
    '21 broken header': 'Idle!: stop connect-retry',
    '28 broken UPDATE': 'Idle!: stop connect-retry',
    '23 collision lost': 'Idle: stop connect-retry',
    '24 NOTIFICATION, version': 'Idle!: stop connect-retry',
    '25 NOTIFICATION': 'Idle!: stop connect-retry',
    '26 KEEPALIVE': 'Idle!: stop connect-retry',
    '27 UPDATE': 'Idle!: stop connect-retry',
    'ROUTE-REFRESH': 'Idle!: stop connect-retry',
    '29 send hold timer': 'Idle!: stop connect-retry',
    'octets taken': 'Active',
  },
  'Active, OPEN delayed': {
    '1 start': 'Active',
    '2 stop': 'Idle: close; stop connect-retry',
    '2 stop without a word': 'Idle: close; stop connect-retry',
    '9 connect retry timer': 'Active',
    '10 hold timer': 'Idle!: close; stop connect-retry',
    '11 keepalive timer': 'Idle!: close; stop connect-retry',
    '12 delay open timer': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '16 connected': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '17 accepted': 'OpenSent: stop connect-retry; stop delay-open; send OPEN; start hold 240',
    '18 connection failed': 'Idle!: close; stop connect-retry',
    '19 OPEN':
      'OpenConfirm: stop connect-retry; stop delay-open; send OPEN; agreed; send KEEPALIVE; start keepalive 30~; start hold 90',
    '22 OPEN of another AS': 'Idle!: close; stop connect-retry',
    '21 broken header': 'Idle!: close; stop connect-retry',
    '28 broken UPDATE': 'Idle!: close; stop connect-retry',
    '23 collision lost': 'Idle: close; stop connect-retry',
    '24 NOTIFICATION, version': 'Idle: close; stop connect-retry',
    '25 NOTIFICATION': 'Idle!: close; stop connect-retry',
    '26 KEEPALIVE': 'Idle!: close; stop connect-retry',
    '27 UPDATE': 'Idle!: close; stop connect-retry',
    'ROUTE-REFRESH': 'Idle!: close; stop connect-retry',
    '29 send hold timer': 'Idle!: close; stop connect-retry',
    'octets taken': 'Active',
  },
  OpenSent: {
    '1 start': 'OpenSent',
    '2 stop': 'Idle: Cease: Administrative Shutdown (6/2) "moved"; close',
    '2 stop without a word': 'Idle: close',
    '9 connect retry timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '10 hold timer': 'Idle!: Hold Timer Expired (4/0); close',
    '11 keepalive timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '12 delay open timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '16 connected': 'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '17 accepted': 'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '18 connection failed': 'Active: close; start connect-retry 5~',
    '19 OPEN': 'OpenConfirm: agreed; send KEEPALIVE; start keepalive 30~; start hold 90',
    '22 OPEN of another AS': 'Idle!: OPEN Message Error: Bad Peer AS (2/2); close',
    '21 broken header': 'Idle!: Message Header Error: Bad Message Type (1/3); close',
    '28 broken UPDATE': 'Idle!: UPDATE Message Error: Malformed Attribute List (3/1); close',
    '23 collision lost': 'Idle: Cease: Connection Collision Resolution (6/7); close',
    '24 NOTIFICATION, version': 'Idle: close',
    '25 NOTIFICATION': 'Idle!: close',
    '26 KEEPALIVE': 'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '27 UPDATE': 'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    'ROUTE-REFRESH': 'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    '29 send hold timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
    'octets taken': 'OpenSent',
  },
  OpenConfirm: {
    '1 start': 'OpenConfirm',
    '2 stop': 'Idle: Cease: Administrative Shutdown (6/2) "moved"; close',
    '2 stop without a word': 'Idle: close',
    '9 connect retry timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '10 hold timer': 'Idle!: Hold Timer Expired (4/0); close',
    '11 keepalive timer': 'OpenConfirm: send KEEPALIVE; start keepalive 30~',
    '12 delay open timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '16 connected': 'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '17 accepted': 'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '18 connection failed': 'Idle!: close',
    '19 OPEN': 'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '22 OPEN of another AS':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '21 broken header': 'Idle!: Message Header Error: Bad Message Type (1/3); close',
    '28 broken UPDATE': 'Idle!: UPDATE Message Error: Malformed Attribute List (3/1); close',
    '23 collision lost': 'Idle: Cease: Connection Collision Resolution (6/7); close',
    '24 NOTIFICATION, version': 'Idle: close',
    '25 NOTIFICATION': 'Idle!: close',
    '26 KEEPALIVE': 'Established: start hold 90; start send-hold 480; up',
    '27 UPDATE': 'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    'ROUTE-REFRESH':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    '29 send hold timer':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
    'octets taken': 'OpenConfirm',
  },
  Established: {
    '1 start': 'Established',
    '2 stop': 'Idle: Hard Reset, Cease: Administrative Shutdown (6/2) "moved"; close; down',
    '2 stop without a word': 'Idle: close; down',
    '9 connect retry timer':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
    '10 hold timer': 'Idle!: Hold Timer Expired (4/0); close; down, keeps 4 6',
    '11 keepalive timer': 'Established: send KEEPALIVE; start keepalive 30~',
    '12 delay open timer':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
    '16 connected':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
    '17 accepted':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
    '18 connection failed': 'Idle!: close; down, keeps 4 6',
    '19 OPEN':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
    '22 OPEN of another AS':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
    '21 broken header': 'Idle!: Message Header Error: Bad Message Type (1/3); close; down, keeps 4 6',
    '28 broken UPDATE': 'Idle!: UPDATE Message Error: Malformed Attribute List (3/1); close; down, keeps 4 6',
    '23 collision lost': 'Idle: Cease: Connection Collision Resolution (6/7); close; down',
    '24 NOTIFICATION, version': 'Idle!: close; down, keeps 4 6',
    '25 NOTIFICATION': 'Idle!: close; down, keeps 4 6',
    '26 KEEPALIVE': 'Established: start hold 90',
    '27 UPDATE': 'Established: start hold 90',
    'ROUTE-REFRESH': 'Established',
    '29 send hold timer': 'Idle!: close; down',
    'octets taken': 'Established: start send-hold 480',
  },
};

/** `!`: it counts as an error, so that the next start is put off. */
function told(fsm: Fsm, event: FsmEvent): string {
  const step = stepFsm(settings, fsm, event);
  const effects = inWords(step.effects);
  return `${step.fsm.state}${step.end?.counts === true ? '!' : ''}${effects === '' ? '' : `: ${effects}`}`;
}

test('the table has a row for every event in every state', () => {
  assert.deepEqual(Object.keys(TABLE), Object.keys(STATES));
  for (const rows of Object.values(TABLE)) assert.deepEqual(Object.keys(rows), Object.keys(EVENTS));
});

for (const [state, fsm] of Object.entries(STATES)) {
  test(`${state}: every event leads where the table says`, () => {
    for (const [name, event] of Object.entries(EVENTS)) {
      assert.equal(told(fsm, event), TABLE[state]?.[name], `${name} in ${state}`);
    }
  });
}
