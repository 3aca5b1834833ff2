/**
 * Every event in every state: RFC 4271 section 8.2.2 as a table. A row reads `next state: effects`; `~` marks a time
 * that gets jitter. Where we differ from the RFC's text, opening.ts, connecting.ts and established.ts say why.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWords, OFFER, openFrom, SHUTDOWN, settingsWith } from '../../../test/support/bgp-session.ts';
import type { Negotiated } from '../negotiate.ts';
import type { Offer } from '../offer.ts';
import { ProtocolError } from '../protocol-error.ts';
import { type Fsm, type FsmEvent, IDLE } from './fsm.ts';
import { stepFsm } from './machine.ts';
import { agree } from './opening.ts';
import type { SessionSettings } from './settings.ts';

const settings = settingsWith();

function agreedOn(set: SessionSettings, theirs: Partial<Offer> = {}): Negotiated {
  const agreed = agree(set, openFrom(theirs));
  assert.ok(!(agreed instanceof ProtocolError));
  return agreed;
}

const negotiated = agreedOn(settings);

const STATES: Readonly<Record<string, Fsm>> = {
  Idle: IDLE,
  Connect: { ...IDLE, state: 'Connect', connection: 'outgoing' },
  'Connect, OPEN delayed': { ...IDLE, state: 'Connect', connection: 'outgoing', delaying: true },
  Active: { ...IDLE, state: 'Active' },
  'Active, OPEN delayed': { ...IDLE, state: 'Active', connection: 'incoming', delaying: true },
  OpenSent: { ...IDLE, state: 'OpenSent', connection: 'outgoing' },
  OpenConfirm: { ...IDLE, state: 'OpenConfirm', connection: 'outgoing', negotiated },
  'OpenConfirm, yielding': {
    ...IDLE,
    state: 'OpenConfirm',
    connection: 'outgoing',
    yielding: 'silent',
    negotiated,
  },
  'OpenConfirm, yielding, the peer is ready': {
    ...IDLE,
    state: 'OpenConfirm',
    connection: 'outgoing',
    yielding: 'heard',
    negotiated,
  },
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
  '22 broken OPEN': { type: 'protocol-error', error: new ProtocolError(2, 1, 'version 3') },
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

const OPEN_CONFIRM: Readonly<Record<string, string>> = {
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
  '22 broken OPEN': 'Idle!: OPEN Message Error: Unsupported Version Number (2/1); close',
  '28 broken UPDATE':
    'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
  '23 collision lost': 'Idle: Cease: Connection Collision Resolution (6/7); close',
  '24 NOTIFICATION, version': 'Idle: close',
  '25 NOTIFICATION': 'Idle!: close',
  '26 KEEPALIVE': 'Established: start hold 90; start send-hold 480; up',
  '27 UPDATE': 'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
  'ROUTE-REFRESH': 'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
  '29 send hold timer':
    'Idle!: Finite State Machine Error: Unexpected Message in OpenConfirm State (5/2); close',
  'octets taken': 'OpenConfirm',
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
    '22 broken OPEN': 'Idle',
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
    '22 broken OPEN': 'Idle!: close; stop connect-retry',
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
    '1 start': 'Connect, OPEN delayed',
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
    '22 broken OPEN': 'Idle!: close; stop connect-retry',
    '28 broken UPDATE': 'Idle!: close; stop connect-retry',
    '23 collision lost': 'Idle: close; stop connect-retry',
    '24 NOTIFICATION, version': 'Idle: close; stop connect-retry',
    '25 NOTIFICATION': 'Idle!: close; stop connect-retry',
    '26 KEEPALIVE': 'Idle!: close; stop connect-retry',
    '27 UPDATE': 'Idle!: close; stop connect-retry',
    'ROUTE-REFRESH': 'Idle!: close; stop connect-retry',
    '29 send hold timer': 'Idle!: close; stop connect-retry',
    'octets taken': 'Connect, OPEN delayed',
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
    '22 broken OPEN': 'Idle!: stop connect-retry',
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
    '1 start': 'Active, OPEN delayed',
    '2 stop': 'Idle: close; stop connect-retry',
    '2 stop without a word': 'Idle: close; stop connect-retry',
    '9 connect retry timer': 'Active, OPEN delayed',
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
    '22 broken OPEN': 'Idle!: close; stop connect-retry',
    '28 broken UPDATE': 'Idle!: close; stop connect-retry',
    '23 collision lost': 'Idle: close; stop connect-retry',
    '24 NOTIFICATION, version': 'Idle: close; stop connect-retry',
    '25 NOTIFICATION': 'Idle!: close; stop connect-retry',
    '26 KEEPALIVE': 'Idle!: close; stop connect-retry',
    '27 UPDATE': 'Idle!: close; stop connect-retry',
    'ROUTE-REFRESH': 'Idle!: close; stop connect-retry',
    '29 send hold timer': 'Idle!: close; stop connect-retry',
    'octets taken': 'Active, OPEN delayed',
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
    '22 broken OPEN': 'Idle!: OPEN Message Error: Unsupported Version Number (2/1); close',
    '28 broken UPDATE':
      'Idle!: Finite State Machine Error: Unexpected Message in OpenSent State (5/1); close',
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
  OpenConfirm: OPEN_CONFIRM,
  'OpenConfirm, yielding': {
    ...OPEN_CONFIRM,
    '1 start': 'OpenConfirm, silent',
    '26 KEEPALIVE': 'OpenConfirm, heard',
    'octets taken': 'OpenConfirm, silent',
  },
  'OpenConfirm, yielding, the peer is ready': {
    ...OPEN_CONFIRM,
    '1 start': 'OpenConfirm, heard',
    '11 keepalive timer':
      'Established: send KEEPALIVE; start keepalive 30~; start hold 90; start send-hold 480; up',
    '26 KEEPALIVE': 'OpenConfirm, heard',
    'octets taken': 'OpenConfirm, heard',
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
    '22 broken OPEN':
      'Idle!: Finite State Machine Error: Unexpected Message in Established State (5/3); close; down, keeps 4 6',
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
function told(fsm: Fsm, event: FsmEvent, set = settings): string {
  const step = stepFsm(set, fsm, event);
  const { state, delaying, yielding } = step.fsm;
  const more = `${delaying ? ', OPEN delayed' : ''}${yielding === 'no' ? '' : `, ${yielding}`}`;
  const effects = inWords(step.effects);
  return `${state}${more}${step.end?.counts === true ? '!' : ''}${effects === '' ? '' : `: ${effects}`}`;
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

const passive = settingsWith({ passive: true });
const delayed = settingsWith({ delayOpenSeconds: 7 });
const timeless = settingsWith({ offer: { ...OFFER, holdSeconds: 0 } });
const hasty = settingsWith({ offer: { ...OFFER, holdSeconds: 3 } });
const plain = { gracefulRestart: { seconds: 120, restarting: false, notification: false } };

/** What the optional attributes of RFC 4271 section 8.1.1 and what was agreed on change in the table. */
const OTHERWISE: readonly {
  readonly when: string;
  readonly set?: SessionSettings;
  readonly theirs?: Partial<Offer>;
  readonly rows: readonly (readonly [state: string, event: string, told: string])[];
}[] = [
  {
    when: 'passive',
    set: passive,
    rows: [
      ['Idle', '1 start', 'Active'],
      ['Active', '9 connect retry timer', 'Active'],
      ['Connect', '18 connection failed', 'Active: close'],
      ['OpenSent', '18 connection failed', 'Active: close'],
    ],
  },
  {
    when: 'a connect delay is set',
    set: settingsWith({ connectDelaySeconds: 2 }),
    rows: [['Idle', '1 start', 'Active: start connect-retry 2~']],
  },
  {
    when: 'DelayOpen is on',
    set: delayed,
    rows: [
      ['Connect', '16 connected', 'Connect, OPEN delayed: stop connect-retry; start delay-open 7'],
      ['Connect', '17 accepted', 'Connect, OPEN delayed: stop connect-retry; start delay-open 7'],
      ['Active', '17 accepted', 'Active, OPEN delayed: stop connect-retry; start delay-open 7'],
    ],
  },
  {
    when: 'the hold time is 0',
    set: timeless,
    rows: [
      ['OpenSent', '19 OPEN', 'OpenConfirm: agreed; send KEEPALIVE; stop hold'],
      ['OpenConfirm', '26 KEEPALIVE', 'Established: up'],
      ['Established', '26 KEEPALIVE', 'Established'],
      ['Established', '27 UPDATE', 'Established'],
      ['Established', 'octets taken', 'Established'],
    ],
  },
  {
    // RFC 4271 section 4.4: jitter must not bring two KEEPALIVEs within a second.
    when: 'the hold time is 3',
    set: hasty,
    rows: [
      ['OpenSent', '19 OPEN', 'OpenConfirm: agreed; send KEEPALIVE; start keepalive 1; start hold 3'],
      ['Established', '11 keepalive timer', 'Established: send KEEPALIVE; start keepalive 1'],
    ],
  },
  {
    when: 'the peer restarts gracefully but not after NOTIFICATIONs',
    theirs: plain,
    rows: [
      ['Established', '2 stop', 'Idle: Cease: Administrative Shutdown (6/2) "moved"; close; down'],
      ['Established', '10 hold timer', 'Idle!: Hold Timer Expired (4/0); close; down'],
      ['Established', '18 connection failed', 'Idle!: close; down, keeps 4 6'],
      ['Established', '25 NOTIFICATION', 'Idle!: close; down'],
    ],
  },
  {
    when: 'the peer does not restart gracefully',
    theirs: { gracefulRestart: null },
    rows: [['Established', '18 connection failed', 'Idle!: close; down']],
  },
];

for (const { when, set = settings, theirs, rows } of OTHERWISE) {
  test(`where ${when}: events lead where the table says`, () => {
    for (const [state, name, expected] of rows) {
      const fsm = STATES[state];
      const event = EVENTS[name];
      assert.ok(fsm !== undefined && event !== undefined, `${name} in ${state}`);
      const agreed = fsm.negotiated === null ? null : agreedOn(set, theirs);
      assert.equal(told({ ...fsm, negotiated: agreed }, event, set), expected, `${name} in ${state}`);
    }
  });
}
