import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWords, OFFER, openFrom, SHUTDOWN, settingsWith } from '../../../test/support/bgp-session.ts';
import { cease } from '../notification.ts';
import type { Offer } from '../offer.ts';
import { ProtocolError } from '../protocol-error.ts';
import { newSession, type Session } from './connections.ts';
import type { Connection } from './effects.ts';
import { type SessionEvent, sessionState, stepSession } from './session.ts';
import type { SessionSettings } from './settings.ts';
import { withJitter } from './settings.ts';

/** Runs events one after the other and tells the effects of the last. */
function run(
  settings: SessionSettings,
  events: readonly SessionEvent[],
  from = newSession(settings),
): { session: Session; last: string } {
  let session = from;
  let last = '';
  for (const event of events) {
    const step = stepSession(settings, session, event);
    session = step.session;
    last = inWords(step.effects, true);
  }
  return { session, last };
}

const START: SessionEvent = { type: 'start' };
const CONNECTED: SessionEvent = { type: 'connected' };
const ACCEPTED: SessionEvent = { type: 'accepted' };

function open(connection: Connection, changes: Partial<Offer> = {}): SessionEvent {
  return { type: 'open', connection, open: openFrom(changes) };
}

function keepalive(connection: Connection): SessionEvent {
  return { type: 'keepalive', connection };
}

/** Both connections up, nothing said by the peer yet. */
const TWO: readonly SessionEvent[] = [START, ACCEPTED, CONNECTED];
const LOW: Partial<Offer> = { routerId: 0x0a00_0000 };
const HIGH: Partial<Offer> = { routerId: 0x0a00_0009 };
const ESTABLISHED: readonly SessionEvent[] = [START, CONNECTED, open('outgoing'), keepalive('outgoing')];

test('a session that is dialled goes through all states to Established', () => {
  const settings = settingsWith();
  let session = newSession(settings);
  const states = ESTABLISHED.map((event) => {
    session = stepSession(settings, session, event).session;
    return sessionState(session);
  });
  assert.deepEqual(states, ['Connect', 'OpenSent', 'OpenConfirm', 'Established']);
});

test('a connect delay is spent listening in Active', () => {
  const settings = settingsWith({ connectDelaySeconds: 2 });
  const { session, last } = run(settings, [START]);
  assert.equal(sessionState(session), 'Active');
  assert.equal(last, 'start connect-retry 2~');
  assert.match(run(settings, [{ type: 'timer', timer: 'connect-retry' }], session).last, /dial/);
});

test('a passive session never dials', () => {
  const settings = settingsWith({ passive: true });
  assert.equal(run(settings, [START]).last, '');
  assert.equal(run(settings, [START, { type: 'timer', timer: 'connect-retry' }]).last, '');
  const up = run(settings, [START, ACCEPTED, open('incoming'), keepalive('incoming')]);
  assert.equal(sessionState(up.session), 'Established');
  const lost = run(settings, [START, ACCEPTED, { type: 'failed', connection: 'incoming', detail: 'reset' }]);
  assert.equal(sessionState(lost.session), 'Active');
  assert.equal(lost.last, 'close incoming');
});

test('DelayOpen lets the peer speak first', () => {
  const settings = settingsWith({ delayOpenSeconds: 7 });
  const waiting = run(settings, [START, CONNECTED]);
  assert.equal(waiting.last, 'stop connect-retry; start delay-open 7 outgoing');
  assert.equal(sessionState(waiting.session), 'Connect');
  const spoken = run(settings, [open('outgoing')], waiting.session);
  assert.equal(sessionState(spoken.session), 'OpenConfirm');
  assert.match(spoken.last, /send OPEN outgoing; agreed outgoing; send KEEPALIVE outgoing/);
  const silent = run(
    settings,
    [{ type: 'timer', timer: 'delay-open', connection: 'outgoing' }],
    waiting.session,
  );
  assert.equal(sessionState(silent.session), 'OpenSent');
});

test('a NOTIFICATION that quotes a long message is no longer than the peer takes', () => {
  const error = new ProtocolError(7, 1, 'a BoRR of 65535 octets', new Uint8Array(65_535));
  for (const [extendedMessages, length] of [
    [true, 65_535],
    [false, 4096],
  ] as const) {
    const settings = settingsWith();
    const events = [START, CONNECTED, open('outgoing', { extendedMessages }), keepalive('outgoing')];
    const { session } = run(settings, events);
    const { effects } = stepSession(settings, session, {
      type: 'protocol-error',
      connection: 'outgoing',
      error,
    });
    const sent = effects.find((effect) => effect.do === 'send');
    assert.equal(sent?.message.length, length);
  }
});

test('a connection to a session that is not started is refused', () => {
  assert.equal(run(settingsWith(), [ACCEPTED]).last, 'refuse: the session is not started');
});

test('a connection while Idle waits after an error is refused', () => {
  const broken: SessionEvent = {
    type: 'protocol-error',
    connection: 'outgoing',
    error: new ProtocolError(1, 1, 'x'),
  };
  assert.equal(
    run(settingsWith(), [START, CONNECTED, broken, ACCEPTED]).last,
    'refuse: waiting after an error',
  );
});

test('a second connection from the peer is refused while the first is there', () => {
  assert.match(run(settingsWith(), [...TWO, open('incoming', LOW), ACCEPTED]).last, /^refuse/);
});

test('while we dial, the peer has a connection of its own and both send OPENs', () => {
  const { session, last } = run(settingsWith(), [START, ACCEPTED]);
  assert.equal(last, 'accept; stop delay-open incoming; send OPEN incoming; start hold 240 incoming');
  assert.equal(session.first.state, 'Connect');
  assert.equal(session.second?.state, 'OpenSent');
  assert.equal(sessionState(session), 'OpenSent');
});

test('a second connection from the peer takes the place of one on which it has said nothing', () => {
  const beside = run(settingsWith(), [...TWO, ACCEPTED]);
  assert.match(beside.last, /^close incoming; accept; .*send OPEN incoming/);
  assert.equal(beside.session.first.connection, 'outgoing');
  assert.equal(beside.session.second?.state, 'OpenSent');
  for (const settings of [{ passive: true }, { passive: true, delayOpenSeconds: 7 }]) {
    const alone = run(settingsWith(settings), [START, ACCEPTED, ACCEPTED]);
    assert.match(alone.last, /^close incoming; accept; /);
    assert.equal(alone.session.second, null);
    const up = run(settingsWith(settings), [open('incoming'), keepalive('incoming')], alone.session);
    assert.equal(sessionState(up.session), 'Established');
  }
});

test("an OPEN on the peer's connection ends our dialling", () => {
  const { session, last } = run(settingsWith(), [START, ACCEPTED, open('incoming')]);
  assert.match(last, /^close outgoing; stop connect-retry; agreed incoming/);
  assert.equal(session.second, null);
  assert.equal(session.first.connection, 'incoming');
  assert.equal(sessionState(session), 'OpenConfirm');
});

test('after it, the session waits until the peer may have seen the end of what we dialled', () => {
  const over: SessionEvent = { type: 'timer', timer: 'keepalive', connection: 'incoming' };
  const told = run(settingsWith(), [START, ACCEPTED, open('incoming')]);
  assert.doesNotMatch(told.last, /KEEPALIVE/);
  assert.match(told.last, /start keepalive 1 incoming/);
  const heard = run(settingsWith(), [keepalive('incoming')], told.session);
  assert.equal(sessionState(heard.session), 'OpenConfirm');
  const { session, last } = run(settingsWith(), [over], heard.session);
  assert.match(last, /^send KEEPALIVE incoming/);
  assert.equal(sessionState(session), 'Established');
});

const ORDERS: readonly (readonly [Connection, Connection])[] = [
  ['outgoing', 'incoming'],
  ['incoming', 'outgoing'],
];
for (const [first, second] of ORDERS) {
  test(`of two connections the one of the speaker with the higher identifier stays, ${first} OPEN first`, () => {
    const settings = settingsWith();
    const ours = run(settings, [...TWO, open(first, LOW), open(second, LOW)]);
    assert.equal(ours.session.first.connection, 'outgoing');
    assert.equal(ours.session.second, null);
    assert.match(ours.last, /Connection Collision Resolution \(6\/7\) incoming; close incoming/);
    const theirs = run(settings, [...TWO, open(first, HIGH), open(second, HIGH)]);
    assert.equal(theirs.session.first.connection, 'incoming');
    assert.equal(theirs.session.second, null);
    assert.match(theirs.last, /Connection Collision Resolution \(6\/7\) outgoing; close outgoing/);
  });

  test(`of two connections between equal identifiers the one of the higher AS stays, ${first} OPEN first`, () => {
    const offer = { ...OFFER, peerAs: 64_513 };
    const settings = settingsWith({ offer });
    const peer = { localAs: 64_513, routerId: OFFER.routerId };
    const { session } = run(settings, [...TWO, open(first, peer), open(second, peer)]);
    assert.equal(session.first.connection, 'incoming');
    assert.equal(session.second, null);
  });
}

test('a connection that will lose holds its KEEPALIVE back until the rival has spoken', () => {
  const yielding = run(settingsWith(), [...TWO, open('incoming', LOW)]);
  assert.equal(yielding.last, 'agreed incoming; start keepalive 1 incoming; start hold 90 incoming');
  const heard = run(settingsWith(), [keepalive('incoming')], yielding.session);
  assert.equal(sessionState(heard.session), 'OpenConfirm');
  const decided = run(settingsWith(), [open('outgoing', LOW), keepalive('outgoing')], heard.session);
  assert.equal(sessionState(decided.session), 'Established');
  assert.equal(decided.session.first.connection, 'outgoing');
});

test('a winner is not Established before the peer has seen the connection that we dialled', () => {
  const yielding = run(settingsWith(), [...TWO, open('incoming', HIGH), keepalive('incoming')]);
  assert.equal(sessionState(yielding.session), 'OpenConfirm');
  const { session, last } = run(settingsWith(), [open('outgoing', HIGH)], yielding.session);
  assert.match(last, /Collision Resolution \(6\/7\) outgoing; close outgoing; send KEEPALIVE incoming/);
  assert.equal(sessionState(session), 'Established');
  assert.equal(session.first.connection, 'incoming');
});

test('a connection that holds back goes on where its rival stays silent', () => {
  const over: SessionEvent = { type: 'timer', timer: 'keepalive', connection: 'incoming' };
  const yielding = run(settingsWith(), [...TWO, open('incoming', LOW)]);
  const spoken = run(settingsWith(), [over], yielding.session);
  assert.equal(spoken.last, 'send KEEPALIVE incoming; start keepalive 30~ incoming');
  assert.equal(
    sessionState(run(settingsWith(), [keepalive('incoming')], spoken.session).session),
    'Established',
  );
  const heard = run(settingsWith(), [keepalive('incoming'), over], yielding.session);
  assert.equal(sessionState(heard.session), 'Established');
  assert.match(heard.last, /Collision Resolution \(6\/7\) outgoing; close outgoing; send KEEPALIVE incoming/);
});

/** The peer's connection, which wins, comes when our KEEPALIVE on the one that we dialled is out already. */
const LATE_WINNER = [START, CONNECTED, open('outgoing', HIGH), ACCEPTED, open('incoming', HIGH)];

test('a winner that comes late does not end the connection on which the peer is Established already', () => {
  const waiting = run(settingsWith(), LATE_WINNER);
  assert.equal(waiting.last, 'agreed incoming; start keepalive 1 incoming; start hold 90 incoming');
  const { session, last } = run(settingsWith(), [keepalive('outgoing')], waiting.session);
  assert.equal(sessionState(session), 'Established');
  assert.equal(session.first.connection, 'outgoing');
  assert.match(last, /Connection Collision Resolution \(6\/7\) incoming; close incoming/);
});

test('a winner that comes late goes on as soon as the peer has closed its rival', () => {
  const over: SessionEvent = { type: 'notification', connection: 'outgoing', notification: cease(7) };
  const told = run(settingsWith(), [...LATE_WINNER, over]);
  assert.match(told.last, /^close outgoing; send KEEPALIVE incoming/);
  assert.equal(sessionState(told.session), 'OpenConfirm');
  const heard = run(settingsWith(), [...LATE_WINNER, keepalive('incoming'), over]);
  assert.equal(sessionState(heard.session), 'Established');
  assert.equal(heard.session.first.connection, 'incoming');
});

test('a winner that comes late ends its rival where the peer does nothing about it', () => {
  const due: SessionEvent = { type: 'timer', timer: 'keepalive', connection: 'incoming' };
  const { session, last } = run(settingsWith(), [...LATE_WINNER, keepalive('incoming'), due]);
  assert.match(
    last,
    /^Cease: Connection Collision Resolution \(6\/7\) outgoing; close outgoing; send KEEPALIVE/,
  );
  assert.equal(sessionState(session), 'Established');
  assert.equal(session.first.connection, 'incoming');
});

test('a collision is no error: nothing is put off', () => {
  const { session } = run(settingsWith(), [...TWO, open('outgoing', LOW), open('incoming', LOW)]);
  assert.equal(session.connectRetryCounter, 0);
  assert.equal(session.idleHoldSeconds, 5);
});

test('the first connection that is Established ends its rival', () => {
  const { session, last } = run(settingsWith(), [...TWO, open('outgoing', LOW), keepalive('outgoing')]);
  assert.equal(sessionState(session), 'Established');
  assert.equal(session.second, null);
  assert.match(last, /^Cease: Connection Collision Resolution \(6\/7\) incoming; close incoming; start hold/);
});

test('where one of two connections breaks, the other goes on', () => {
  const lost = run(settingsWith(), [...TWO, { type: 'failed', connection: 'incoming', detail: 'reset' }]);
  assert.equal(lost.session.second, null);
  assert.equal(lost.session.first.state, 'OpenSent');
  const refused: SessionEvent = { type: 'notification', connection: 'outgoing', notification: cease(7) };
  const kept = run(settingsWith(), [...TWO, refused]);
  assert.equal(kept.session.first.connection, 'incoming');
  assert.equal(kept.session.first.state, 'OpenSent');
});

test('an OPEN that is wrong in itself is answered for what it is, not as a collision', () => {
  const { last } = run(settingsWith(), [...TWO, open('outgoing'), open('incoming', { localAs: 64_999 })]);
  assert.match(last, /Bad Peer AS \(2\/2\) incoming/);
});

test('what arrives for a connection that is closed already means nothing', () => {
  const stale = run(settingsWith(), [START, { type: 'timer', timer: 'hold', connection: 'incoming' }]);
  assert.equal(stale.last, '');
  assert.equal(sessionState(stale.session), 'Connect');
  const late = run(settingsWith(), [...ESTABLISHED, { type: 'timer', timer: 'connect-retry' }]);
  assert.equal(sessionState(late.session), 'Established');
});

test('each error doubles the wait up to the longest, until errors are forgotten', () => {
  const settings = settingsWith();
  const error: SessionEvent = {
    type: 'protocol-error',
    connection: 'outgoing',
    error: new ProtocolError(1, 1, 'x'),
  };
  const again: SessionEvent = { type: 'timer', timer: 'idle-hold' };
  let session = run(settings, [START]).session;
  const waits: (string | undefined)[] = [];
  for (let round = 0; round < 5; round++) {
    const step = run(settings, [CONNECTED, error], session);
    waits.push(/start idle-hold ([\d~]+)/.exec(step.last)?.[1]);
    session = run(settings, [again], step.session).session;
  }
  assert.deepEqual(waits, ['5~', '10~', '20~', '30~', '30~']);
  assert.equal(session.connectRetryCounter, 5);
  session = run(settings, [{ type: 'timer', timer: 'forget-errors' }], session).session;
  assert.match(run(settings, [CONNECTED, error], session).last, /start idle-hold 5~/);
});

test('a connection that is refused is tried again after the retry time, not put off as an error', () => {
  const { session, last } = run(settingsWith(), [
    START,
    { type: 'failed', connection: 'outgoing', detail: 'refused' },
  ]);
  assert.equal(sessionState(session), 'Active');
  assert.equal(last, 'close outgoing; start connect-retry 5~');
  assert.equal(session.connectRetryCounter, 0);
});

test('stop tells the peer why and stays stopped', () => {
  const { session, last } = run(settingsWith(), [...ESTABLISHED, { type: 'stop', notification: SHUTDOWN }]);
  assert.match(last, /"moved" outgoing; close outgoing; down; stop idle-hold; stop forget-errors/);
  assert.equal(sessionState(session), 'Idle');
  assert.equal(session.running, false);
  assert.equal(run(settingsWith(), [{ type: 'timer', timer: 'idle-hold' }], session).last, '');
});

test('stop with two connections ends both', () => {
  const { last } = run(settingsWith(), [...TWO, { type: 'stop', notification: SHUTDOWN }]);
  assert.match(last, /close incoming/);
  assert.match(last, /close outgoing/);
});

test('a stop without a word closes and says nothing, so that the peer keeps our routes', () => {
  const { last } = run(settingsWith(), [...ESTABLISHED, { type: 'stop', notification: null }]);
  assert.equal(last, 'close outgoing; down; stop idle-hold; stop forget-errors');
});

test('a prefix limit stops the session for the time that it names', () => {
  const limit: SessionEvent = { type: 'automatic-stop', notification: cease(1), restartSeconds: 300 };
  const { session, last } = run(settingsWith(), [...ESTABLISHED, limit]);
  assert.match(last, /Maximum Number of Prefixes Reached \(6\/1\) outgoing/);
  assert.match(last, /start idle-hold 300$/);
  assert.match(run(settingsWith(), [{ type: 'timer', timer: 'idle-hold' }], session).last, /dial/);
  const forGood = run(settingsWith(), [...ESTABLISHED, { ...limit, restartSeconds: null }]);
  assert.doesNotMatch(forGood.last, /start idle-hold/);
  assert.equal(forGood.session.running, false);
});

test('a lost connection of a peer with graceful restart keeps its routes and is looked for at once', () => {
  const lost: SessionEvent = { type: 'failed', connection: 'outgoing', detail: 'reset' };
  const { session, last } = run(settingsWith(), [...ESTABLISHED, lost]);
  assert.equal(last, 'close outgoing; down, keeps 4 6; start connect-retry 5~; dial');
  assert.equal(sessionState(session), 'Connect');
});

test('a lost connection of a peer without graceful restart forgets its routes and waits', () => {
  const plain = open('outgoing', { gracefulRestart: null });
  const lost: SessionEvent = { type: 'failed', connection: 'outgoing', detail: 'reset' };
  const { last } = run(settingsWith(), [START, CONNECTED, plain, keepalive('outgoing'), lost]);
  assert.match(last, /^close outgoing; down; start idle-hold 5~/);
});

test('a new connection of a peer with graceful restart takes the place of the old one silently', () => {
  const { session, last } = run(settingsWith(), [...ESTABLISHED, ACCEPTED]);
  assert.equal(
    last,
    'close outgoing; down, keeps 4 6; accept; stop connect-retry; stop delay-open incoming; send OPEN incoming; start hold 240 incoming',
  );
  assert.equal(sessionState(session), 'OpenSent');
  assert.deepEqual(session.lastEnd, { kind: 'replaced' });
});

test('a new connection of a peer without graceful restart does not touch the session', () => {
  const plain = open('outgoing', { gracefulRestart: null });
  const up = [START, CONNECTED, plain, keepalive('outgoing')];
  const { session, last } = run(settingsWith(), [...up, ACCEPTED]);
  assert.equal(last, 'refuse: the session is Established');
  assert.equal(sessionState(session), 'Established');
});

test('a hold time of 0 means neither hold timer nor KEEPALIVEs nor send hold timer', () => {
  const never = open('outgoing', { holdSeconds: 0 });
  const confirmed = run(settingsWith(), [START, CONNECTED, never]);
  assert.equal(confirmed.last, 'agreed outgoing; send KEEPALIVE outgoing; stop hold outgoing');
  const up = run(settingsWith(), [keepalive('outgoing')], confirmed.session);
  assert.equal(up.last, 'up outgoing');
  assert.equal(run(settingsWith(), [keepalive('outgoing')], up.session).last, '');
});

test('the send hold timer starts when the session is up, and anew whenever the peer takes octets', () => {
  assert.match(run(settingsWith(), ESTABLISHED).last, /start send-hold 480/);
  const slow = settingsWith({ sendHoldSeconds: 60 });
  assert.match(run(slow, ESTABLISHED).last, /start send-hold 60/);
  const taken = run(slow, [...ESTABLISHED, { type: 'sent', connection: 'outgoing' }]);
  assert.equal(taken.last, 'start send-hold 60 outgoing');
  const over = run(slow, [...ESTABLISHED, { type: 'timer', timer: 'send-hold', connection: 'outgoing' }]);
  assert.match(over.last, /^close outgoing; down; start idle-hold/);
  assert.deepEqual(over.session.lastEnd, { kind: 'send-hold-expired' });
});

test('jitter shortens a time by a quarter at most and never lengthens it', () => {
  assert.equal(withJitter(40, 0), 30);
  assert.equal(withJitter(40, 0.5), 35);
  assert.ok(withJitter(40, 0.999_999) <= 40);
});

test('start twice is start once', () => {
  assert.equal(run(settingsWith(), [START, START]).last, '');
});
