/** Sessions in simulated time: whole transports, and single ones beside peers that keep to a script. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Logger, pino } from 'pino';
import { type Notes, takeNotes, testOffer, testPeer } from '../../../test/support/peer-settings.ts';
import { type ScriptedPeer, scriptedPeer } from '../../../test/support/scripted-peer.ts';
import { type SimulatedNetworkOptions, simulatedNetwork } from '../../../test/support/simulated-network.ts';
import { type SimulatedTime, simulatedTime } from '../../../test/support/simulated-time.ts';
import {
  CEASE,
  cease,
  encodeAnnouncements,
  encodeAttributes,
  encodeKeepalive,
  encodeNlri,
  encodeNotification,
  encodeRouteRefresh,
  NO_ATTRIBUTES,
  type Offer,
  parseAddress,
  parsePrefix,
} from '../../bgp/index.ts';
import type { Network } from './net/network.ts';
import type { PeerEvents, PeerLink, PeerSettings, Transport } from './peer-link.ts';
import { createTransport } from './transport.ts';

const SILENT = pino({ level: 'silent' });
const PORT = 179;

function transportIn(time: SimulatedTime, network: Network, log = SILENT): Transport {
  const { clock, soon } = time;
  return createTransport({ clock, soon, network, log, random: () => 0.5 });
}

/** UPDATEs that announce these prefixes. */
function announcement(prefixes: readonly string[], longest = 4_096): Uint8Array {
  const nextHop = parseAddress('10.0.1.7');
  assert.ok(nextHop !== null);
  const routes = prefixes.map((text) => {
    const prefix = parsePrefix(text);
    assert.ok(prefix !== null, text);
    return { prefix, pathId: 0 };
  });
  const attributes = encodeAttributes({ ...NO_ATTRIBUTES, origin: 0, asPath: [], nextHop, localPref: 100 });
  const messages = encodeAnnouncements({ nlri: encodeNlri(4, false, routes), nextHop, attributes }, longest);
  assert.ok(messages !== null);
  return messages;
}

interface Stage {
  readonly time: SimulatedTime;
  readonly network: Network;
  readonly transport: Transport;
  readonly link: PeerLink;
  readonly notes: Notes;
  readonly peer: ScriptedPeer;
}

interface Script {
  readonly ours?: Partial<Offer>;
  readonly settings?: Partial<PeerSettings['session']>;
  readonly on?: Partial<PeerEvents>;
  readonly network?: SimulatedNetworkOptions;
  readonly log?: Logger;
}

/** A session with a scripted peer, Established. */
async function established(script: Script = {}): Promise<Stage> {
  const time = simulatedTime();
  const network = simulatedNetwork(time, script.network);
  const transport = transportIn(time, network, script.log);
  await transport.listen([{ address: '10.0.0.1', port: PORT }]);
  const notes = takeNotes(script.on);
  const settings = testPeer({
    peerAddress: '10.0.1.7',
    peerPort: PORT,
    sourceAddress: '10.0.0.1',
    offer: testOffer('10.0.0.1', [4], script.ours),
    passive: true,
  });
  const link = transport.add({ ...settings, session: { ...settings.session, ...script.settings } }, notes);
  link.start();
  const peer = scriptedPeer(network, {
    from: '10.0.1.7',
    to: '10.0.0.1',
    port: PORT,
    offer: testOffer('10.0.1.7', [4]),
  });
  time.advanceUntil('the session', () => notes.ups.length === 1, 60_000);
  return { time, network, transport, link, notes, peer };
}

test('two speakers that dial each other come up over one connection and stay up', async () => {
  const time = simulatedTime();
  const network = simulatedNetwork(time);
  const ends = await Promise.all(
    [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.2', '10.0.0.1'],
    ].map(async ([own = '', peerAddress = '']) => {
      const transport = transportIn(time, network);
      await transport.listen([{ address: own, port: PORT }]);
      const notes = takeNotes();
      const given = { peerAddress, peerPort: PORT, sourceAddress: own, offer: testOffer(own) };
      return { link: transport.add(testPeer(given), notes), notes };
    }),
  );
  for (const { link } of ends) link.start();
  time.advance(1_800_000);
  for (const { link, notes } of ends) {
    const status = link.status();
    assert.equal(status.state, 'Established');
    assert.equal(notes.ups.length, 1);
    assert.equal(notes.downs.length, 0);
    // One every 26 s (a third of 90, with jitter), for half an hour.
    assert.ok(
      status.counters.messagesOut > 60 && status.counters.messagesOut < 85,
      `${status.counters.messagesOut}`,
    );
  }
});

test('a peer that falls silent is told so after the hold time, and its routes stay for a restart', async () => {
  const { time, link, notes, peer } = await established();
  time.advance(60_000);
  peer.send(encodeKeepalive());
  time.advance(89_000);
  assert.equal(notes.downs.length, 0);
  time.advance(2_000);
  assert.deepEqual(peer.notifications, ['Hold Timer Expired (4/0)']);
  assert.equal(peer.closed, 'the peer closed the connection');
  assert.equal(notes.downs.length, 1);
  assert.match(
    link.status().lastError ?? '',
    /^sent Hold Timer Expired \(4\/0\): nothing came from the peer for 90 s$/,
  );
});

test('octets that came in time count, however late we get to read them', async () => {
  const { time, notes, peer } = await established({ network: { latencyMs: 2_000 } });
  time.advance(89_000);
  // It is under way when our loop stands still for two minutes; the hold timer comes due before it is read.
  peer.send(encodeKeepalive());
  time.spend(120_000);
  time.advance(1_000);
  assert.equal(notes.downs.length, 0);
  assert.deepEqual(peer.notifications, []);
  time.advance(93_000);
  assert.deepEqual(peer.notifications, ['Hold Timer Expired (4/0)'], 'and then silence counts again');
});

test('a backlog of the peer’s own octets keeps it alive while we work it off', async () => {
  const prefixes = Array.from({ length: 2_000 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`);
  let time: SimulatedTime | null = null;
  const stage = await established({ on: { update: () => time?.spend(200) } });
  time = stage.time;
  // Four hundred seconds of work, sent at once, and then nothing but KEEPALIVEs.
  for (const prefix of prefixes) stage.peer.send(announcement([prefix]));
  const alive = (): void => {
    stage.peer.send(encodeKeepalive());
    stage.time.clock.setTimer(20_000, alive);
  };
  alive();
  stage.time.advanceUntil('all routes', () => stage.notes.routes.length === prefixes.length, 1_000_000);
  assert.deepEqual(stage.notes.routes, prefixes);
  assert.equal(stage.notes.downs.length, 0);
});

test('while 100,000 routes are worked off and sent to 2,500 peers, every KEEPALIVE goes out on time', async () => {
  const time = simulatedTime();
  const network = simulatedNetwork(time);
  const transport = transportIn(time, network);
  await transport.listen([{ address: '10.0.0.1', port: PORT }]);
  const offer = (id: string): Offer => testOffer(id, [4], { holdSeconds: 9 });
  const routes = Array.from(
    { length: 100_000 },
    (_, index) => `${20 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`,
  );
  const everything = announcement(routes, 65_535);
  const links: PeerLink[] = [];
  let downs = 0;
  let ups = 0;
  let updates = 0;
  const waiting = new Set<PeerLink>();
  const addresses = Array.from({ length: 2_500 }, (_, index) => `10.1.${index >> 8}.${index & 255}`);
  for (const address of addresses) {
    const settings = {
      peerAddress: address,
      peerPort: PORT,
      sourceAddress: '10.0.0.1',
      offer: offer('10.0.0.1'),
    };
    const link: PeerLink = transport.add(testPeer({ ...settings, passive: true }), {
      up: () => void ups++,
      down: () => void downs++,
      update() {
        updates++;
        time.spend(2);
      },
      routeRefresh: () => undefined,
      drained: () => void waiting.delete(link),
    });
    link.start();
    links.push(link);
  }
  let longest = 0;
  const peers = addresses.map((from) => {
    let last = time.clock.now();
    const peer = scriptedPeer(network, {
      ...{ from, to: '10.0.0.1', port: PORT, offer: offer(from) },
      onFrame() {
        longest = Math.max(longest, time.clock.now() - last);
        last = time.clock.now();
      },
    });
    const alive = (): void => {
      peer.send(encodeKeepalive());
      time.clock.setTimer(3_000, alive);
    };
    time.clock.setTimer(3_000, alive);
    return peer;
  });
  time.advanceUntil('all sessions', () => ups === links.length, 60_000);
  longest = 0;

  // One peer tells them all, in 2,000 UPDATEs that take us four seconds and more of work.
  for (let at = 0; at < routes.length; at += 50) peers[0]?.send(announcement(routes.slice(at, at + 50)));
  // Everybody is told twice, in pieces of work of an engine that yields: half a millisecond for each write.
  const todo = [...links, ...links];
  const tell = (): void => {
    for (let count = 0; count < 8; count++) {
      const link = todo.pop();
      if (link === undefined) return;
      time.spend(0.5);
      if (waiting.has(link)) todo.unshift(link);
      else if (!link.write([everything])) waiting.add(link);
    }
    time.soon(tell);
  };
  time.soon(tell);
  time.advanceUntil('all that was to be told', () => todo.length === 0 && updates === 2_000, 120_000);
  time.advance(10_000);
  assert.equal(downs, 0);
  for (const peer of peers) assert.equal(peer.closed, null);
  // A third of nine seconds, a tick of the timers, and turns of work.
  assert.ok(longest < 3_100, `a peer heard nothing for ${longest} ms`);
  for (const link of links) assert.equal(link.status().state, 'Established');
});

test('a peer whose TCP takes nothing is given up after the send hold time, without a word', async () => {
  const { time, link, notes, peer } = await established({ network: { bufferOctets: 65_536 } });
  const alive = (): void => {
    peer.send(encodeKeepalive());
    time.clock.setTimer(20_000, alive);
  };
  alive();
  peer.wire.pause();
  const much = announcement(
    Array.from({ length: 60_000 }, (_, index) => `20.${index >> 8}.${index & 255}.0/24`),
  );
  assert.equal(link.write([much]), false);
  time.advance(479_000);
  assert.equal(link.status().state, 'Established');
  // It is looked at every 30 s.
  time.advance(32_000);
  assert.deepEqual(
    notes.downs.map(({ cause }) => cause.kind),
    ['send-hold-expired'],
  );
  assert.match(link.status().lastError ?? '', /^Send Hold Timer Expired \(8\/0\)/);
});

test('a peer that reads slowly, or has nothing to read, is not given up', async () => {
  const { time, link, notes, peer } = await established({ network: { bufferOctets: 4_096 } });
  const alive = (): void => {
    peer.send(encodeKeepalive());
    peer.wire.resume();
    time.clock.setTimer(1, () => peer.wire.pause());
    time.clock.setTimer(60_000, alive);
  };
  alive();
  assert.equal(
    link.write([
      announcement(Array.from({ length: 20_000 }, (_, index) => `20.${index >> 8}.${index & 255}.0/24`)),
    ]),
    false,
  );
  time.advance(3_600_000);
  assert.equal(notes.downs.length, 0);
  assert.equal(link.status().state, 'Established');
});

test('who is told to wait is told once when there is room again', async () => {
  const { time, link, notes, peer } = await established({ network: { bufferOctets: 8_192 } });
  assert.equal(link.write([announcement(['20.0.0.0/24'])]), true);
  time.advance(100);
  assert.equal(notes.drains, 0);
  peer.wire.pause();
  const much = announcement(
    Array.from({ length: 10_000 }, (_, index) => `20.${index >> 8}.${index & 255}.0/24`),
  );
  assert.equal(link.write([much]), false);
  assert.equal(link.write([announcement(['21.0.0.0/24'])]), false);
  time.advance(100);
  assert.equal(notes.drains, 0);
  peer.wire.resume();
  time.advance(1_000);
  assert.equal(notes.drains, 1);
  assert.equal(peer.heard.filter((type) => type === 'update').length, 2 + Math.ceil(much.length / 4_096));
});

test('what a peer said last is read before its end, also from a backlog', async () => {
  let time: SimulatedTime | null = null;
  const stage = await established({ on: { update: () => time?.spend(5) } });
  time = stage.time;
  const prefixes = Array.from({ length: 1_000 }, (_, index) => `20.${index >> 8}.${index & 255}.0/24`);
  for (const prefix of prefixes) stage.peer.send(announcement([prefix]));
  stage.peer.send(encodeNotification(cease(CEASE.administrativeShutdown, 'maintenance')));
  void stage.peer.wire.finish();
  stage.time.advanceUntil('the end', () => stage.notes.downs.length > 0, 60_000);
  assert.deepEqual(stage.notes.routes, prefixes);
  assert.equal(stage.link.status().lastError, 'received Cease: Administrative Shutdown (6/2) "maintenance"');
});

test('a stop says why, and nothing is read or timed after it', async () => {
  const { time, link, notes, peer } = await established();
  link.stop(cease(CEASE.administrativeShutdown, 'moved to another rack'));
  assert.equal(notes.downs.length, 1, 'before it returns');
  peer.send(announcement(['20.0.0.0/24']));
  time.advance(600_000);
  assert.deepEqual(peer.notifications, ['Cease: Administrative Shutdown (6/2) "moved to another rack"']);
  assert.equal(peer.closed, 'the peer closed the connection');
  assert.deepEqual(notes.routes, []);
  assert.equal(link.status().state, 'Idle');
  assert.equal(link.write([announcement(['20.0.0.0/24'])]), true);
});

test('a stop without a notification is a plain close, so that the peer keeps our routes', async () => {
  const { time, link, peer } = await established();
  link.stop(null);
  time.advance(1_000);
  assert.deepEqual(peer.notifications, []);
  assert.equal(peer.closed, 'the peer closed the connection');
});

test('an automatic stop comes back by itself after its time, and not before', async () => {
  const { time, network, link, notes, peer } = await established();
  link.automaticStop(cease(CEASE.maximumPrefixes), 30);
  time.advance(29_000);
  assert.deepEqual(peer.notifications, ['Cease: Maximum Number of Prefixes Reached (6/1)']);
  assert.equal(link.status().state, 'Idle');
  time.advance(1_100);
  assert.equal(link.status().state, 'Active');
  scriptedPeer(network, { from: '10.0.1.7', to: '10.0.0.1', port: PORT, offer: testOffer('10.0.1.7') });
  time.advanceUntil('the session', () => notes.ups.length === 2, 5_000);
});

test('what is malformed is counted, and ends the session only where RFC 7606 says so', async () => {
  const { time, link, notes, peer } = await established();
  const good = announcement(['20.0.0.0/24']);
  const bad = good.slice();
  // ORIGIN with a value that is not defined: the third octet after flags, code and length.
  bad[19 + 4 + 3] = 9;
  peer.send(bad, good);
  time.advance(100);
  assert.deepEqual(notes.routes, ['-20.0.0.0/24', '20.0.0.0/24']);
  assert.equal(link.status().counters.treatedAsWithdraw, 1);
  const broken = good.slice();
  broken[19] = 0xff;
  peer.send(broken);
  time.advance(100);
  assert.match(peer.notifications[0] ?? '', /^UPDATE Message Error: Malformed Attribute List \(3\/1\)/);
  assert.match(
    link.status().lastError ?? '',
    /^sent UPDATE Message Error: Malformed Attribute List \(3\/1\).*: Withdrawn/,
  );
});

test('what is malformed is told to the log with its routes and octets, one of a kind in ten minutes', async () => {
  const lines: unknown[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) });
  const { time, peer } = await established({ log });
  const bad = announcement(['20.0.0.0/24', '20.0.1.0/24']);
  bad[19 + 4 + 3] = 9;
  // LOCAL_PREF runs over the end of the attributes.
  const worse = announcement(['20.0.2.0/24']);
  worse[worse.length - 4 - 5] = 5;
  const octets = Buffer.from(bad).toString('hex');
  peer.send(bad, bad, worse, bad);
  time.advance(100);
  const what = 'taken as a withdrawal: ORIGIN: value 9 is undefined (RFC 7606 section 7.1)';
  const first = {
    level: 40,
    session: 'to 10.0.1.7',
    prefixes: ['20.0.0.0/24', '20.0.1.0/24'],
    octets,
    untold: 0,
    msg: what,
  };
  assert.equal(lines.length, 2, JSON.stringify(lines));
  assert.deepEqual(lines[0], first);
  assert.match(JSON.stringify(lines[1]), /Total Attribute Length: .*\(RFC 7606 section 4\)/);
  lines.length = 0;
  for (let minute = 0; minute < 11; minute++) {
    peer.send(encodeKeepalive());
    time.advance(60_000);
  }
  peer.send(bad);
  time.advance(100);
  assert.deepEqual(lines, [{ ...first, untold: 2 }]);
});

test('a fault of ours ends one session, tells its peer, and leaves the others alone', async () => {
  const { time, network, transport, link, notes, peer } = await established({
    on: {
      update() {
        throw new Error('a table that lost its legs');
      },
    },
  });
  const others = takeNotes();
  const given = { peerAddress: '10.0.1.8', peerPort: PORT, sourceAddress: '10.0.0.1' };
  transport.add(testPeer({ ...given, offer: testOffer('10.0.0.1'), passive: true }), others).start();
  scriptedPeer(network, { from: '10.0.1.8', to: '10.0.0.1', port: PORT, offer: testOffer('10.0.1.8') });
  time.advanceUntil('the other session', () => others.ups.length === 1, 5_000);
  peer.send(announcement(['20.0.0.0/24']));
  time.advance(100);
  assert.deepEqual(peer.notifications, ['Cease: Out of Resources (6/8)']);
  assert.match(link.status().lastError ?? '', /a table that lost its legs/);
  assert.equal(notes.downs.length, 1);
  assert.equal(others.downs.length, 0);
});

test('a second connection just after the session came up is what is left of a collision, a later one a restart', async () => {
  const { time, network, link, notes, peer } = await established();
  const again = (): ScriptedPeer =>
    scriptedPeer(network, {
      ...{ from: '10.0.1.7', to: '10.0.0.1', port: PORT },
      offer: testOffer('10.0.1.7', [4]),
    });
  const left = again();
  time.advanceUntil('it to be turned away', () => left.closed !== null, 1_000);
  assert.deepEqual(left.heard, []);
  assert.equal(link.status().state, 'Established');
  time.advance(10_000);
  const restarted = again();
  time.advanceUntil('the session to be replaced', () => notes.ups.length === 2, 1_000);
  assert.equal(restarted.closed, null);
  assert.notEqual(peer.closed, null);
  assert.deepEqual(
    notes.downs.map(({ cause, retained }) => [cause.kind, retained.length]),
    [['replaced', 1]],
  );
});

test('ROUTE-REFRESH comes through in its place among the UPDATEs', async () => {
  const order: string[] = [];
  const { time, notes, peer } = await established({
    on: { update: () => void order.push('update'), routeRefresh: () => void order.push('refresh') },
  });
  peer.send(announcement(['20.0.0.0/24']), encodeRouteRefresh(4), announcement(['20.0.1.0/24']));
  time.advance(100);
  assert.deepEqual(order, ['update', 'refresh', 'update']);
  assert.equal(notes.refreshes[0]?.afi, 1);
});

test('a new offer waits for the next connection and touches nothing that is up', async () => {
  const { time, network, link, notes, peer } = await established();
  const settings = (holdSeconds: number): PeerSettings =>
    testPeer({
      ...{ peerAddress: '10.0.1.7', peerPort: PORT, sourceAddress: '10.0.0.1', passive: true },
      offer: testOffer('10.0.0.1', [4], { holdSeconds }),
    });
  link.updateSettings(settings(30));
  time.advance(50_000);
  assert.equal(notes.downs.length, 0);
  peer.send(encodeNotification(cease(CEASE.administrativeReset)));
  time.advance(20_000);
  scriptedPeer(network, { from: '10.0.1.7', to: '10.0.0.1', port: PORT, offer: testOffer('10.0.1.7') });
  time.advanceUntil('the session', () => notes.ups.length === 2, 5_000);
  assert.deepEqual(
    notes.ups.map(({ holdSeconds }) => holdSeconds),
    [90, 30],
  );
});

test('strangers are closed at once, counted, and never get an OPEN', async () => {
  const { time, network, transport, notes } = await established();
  const stranger = scriptedPeer(network, {
    from: '10.0.9.9',
    to: '10.0.0.1',
    port: PORT,
    offer: testOffer('10.0.9.9'),
  });
  time.advance(1_000);
  assert.deepEqual(stranger.heard, []);
  assert.equal(stranger.closed, 'connection reset by peer (ECONNRESET)');
  assert.equal(transport.counters().unknownPeer, 1);
  assert.equal(notes.downs.length, 0);
});

test('a peer that was taken out is a stranger, and its place is free', async () => {
  const { time, network, transport, link, peer } = await established();
  await link.close();
  time.advance(100);
  assert.equal(peer.closed, 'the peer closed the connection');
  const again = scriptedPeer(network, {
    from: '10.0.1.7',
    to: '10.0.0.1',
    port: PORT,
    offer: testOffer('10.0.1.7'),
  });
  time.advance(100);
  assert.deepEqual(again.heard, []);
  const given = {
    peerAddress: '10.0.1.7',
    peerPort: PORT,
    sourceAddress: '10.0.0.1',
    offer: testOffer('10.0.0.1'),
  };
  assert.equal(transport.refusalOf(testPeer({ ...given, name: 'another' })), null);
});

test('two sessions with one peer are refused by name', async () => {
  const { transport } = await established();
  const given = {
    peerAddress: '10.0.1.7',
    peerPort: PORT,
    sourceAddress: '10.0.0.1',
    offer: testOffer('10.0.0.1'),
  };
  assert.equal(
    transport.refusalOf(testPeer({ ...given, name: 'another' })),
    'session to 10.0.1.7 has the peer 10.0.1.7 already',
  );
});

test('a peer that is dead does not keep us when we end', async () => {
  const time = simulatedTime();
  const network = simulatedNetwork(time);
  let destroyed = 0;
  const dead: Network = {
    ...network,
    dial(target, events) {
      const wire = network.dial(target, events);
      const destroy = (): void => void destroyed++;
      return { ...wire, finish: () => new Promise(() => undefined), destroy };
    },
  };
  const transport = transportIn(time, dead);
  const given = { peerAddress: '10.0.0.2', peerPort: PORT, sourceAddress: '10.0.0.1' };
  const link = transport.add(testPeer({ ...given, offer: testOffer('10.0.0.1') }), takeNotes());
  link.start();
  time.advanceUntil('a dial', () => link.status().state === 'Connect', 10_000);
  link.stop(null);
  const closed = transport.close();
  time.advance(2_000);
  await closed;
  assert.equal(destroyed, 1);
});

test('a dial that nobody answers is told, with what its peer may have otherwise', () => {
  const time = simulatedTime();
  const deaf: Network = {
    ...simulatedNetwork(time),
    dial: () => ({
      write: () => true,
      waiting: 0,
      taken: 0,
      pause: () => undefined,
      resume: () => undefined,
      finish: () => Promise.resolve(),
      destroy: () => undefined,
    }),
  };
  const transport = transportIn(time, deaf);
  const given = { peerPort: PORT, sourceAddress: '10.0.0.1', offer: testOffer('10.0.0.1') };
  const plain = testPeer({ ...given, peerAddress: '10.0.0.2' });
  const signed = { ...testPeer({ ...given, peerAddress: '10.0.0.3' }), password: 'secret' };
  const links = [plain, signed].map((settings) => transport.add(settings, takeNotes()));
  for (const link of links) link.start();
  time.advance(20_000);
  assert.deepEqual(
    links.map((link) => link.status().lastError),
    [
      'no connection: the peer does not answer',
      'no connection: the peer does not answer (its TCP-MD5 password may be another at its end)',
    ],
  );
});

test('a peer that refuses our dial is tried again, and the reason is told', async () => {
  const time = simulatedTime();
  const network = simulatedNetwork(time);
  const transport = transportIn(time, network);
  const notes = takeNotes();
  const given = {
    peerAddress: '10.0.0.2',
    peerPort: PORT,
    sourceAddress: '10.0.0.1',
    offer: testOffer('10.0.0.1'),
  };
  const link = transport.add(testPeer(given), notes);
  link.start();
  time.advance(10_000);
  assert.equal(link.status().lastError, 'no connection: connection refused (ECONNREFUSED)');
  const other = transportIn(time, network);
  await other.listen([{ address: '10.0.0.2', port: PORT }]);
  const theirs = {
    peerAddress: '10.0.0.1',
    peerPort: PORT,
    sourceAddress: '10.0.0.2',
    offer: testOffer('10.0.0.2'),
  };
  other.add(testPeer({ ...theirs, passive: true }), takeNotes()).start();
  time.advanceUntil('the session', () => notes.ups.length === 1, 10_000);
});
