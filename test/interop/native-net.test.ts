/**
 * The transport of the native engine on real sockets, against Debian's BIRD 2.0.12 and 1.6.8 (Calico's own version) on
 * loopback addresses: what TCP itself protects, and how connections begin and end. No capability is needed.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import {
  CEASE,
  cease,
  encodeEndOfRib,
  encodeKeepalive,
  encodeOpen,
  type Family,
  type Offer,
  openOf,
} from '../../src/bgp/index.ts';
import { loadLibc } from '../../src/engine/native/net/libc.ts';
import { tcpNetwork } from '../../src/engine/native/net/tcp-network.ts';
import type { PeerLink, PeerSettings, Transport } from '../../src/engine/native/peer-link.ts';
import { SYSTEM_CLOCK } from '../../src/engine/native/system-clock.ts';
import { createTransport } from '../../src/engine/native/transport.ts';
import { loopbackNet } from '../support/loopback-speaker.ts';
import { type Notes, takeNotes, testOffer, testPeer } from '../support/peer-settings.ts';
import { unusedPort } from '../support/ports.ts';
import { staysTrue, until } from '../support/until.ts';
import { loopbackBird } from './loopback-bird.ts';

const DEADLINE_MS = 60_000;

function transportFor(context: TestContext): Transport {
  const transport = createTransport({ clock: SYSTEM_CLOCK, log: pino({ level: 'silent' }) });
  context.after(() => transport.close());
  return transport;
}

interface Ours {
  readonly link: PeerLink;
  readonly notes: Notes;
}

/** Adds a session and starts it. It sends End-of-RIB when it is up: BIRD says nothing for seconds else. */
function begin(transport: Transport, settings: PeerSettings): Ours {
  const families = settings.session.offer.families.map(({ family }) => family);
  const notes = takeNotes({ up: () => void link.write(families.map((family) => encodeEndOfRib(family))) });
  const link = transport.add(settings, notes);
  link.start();
  return { link, notes };
}

function isUp({ link }: Ours): boolean {
  return link.status().state === 'Established';
}

async function comesUp(ours: Ours): Promise<void> {
  const told = (): string => `a session with ${ours.link.name}: ${JSON.stringify(ours.link.status())}`;
  await until(() => isUp(ours), told, DEADLINE_MS);
}

/** The addresses of one session. BIRD takes only one session with an address of ours, so each has its own pair. */
interface Pair {
  readonly us: string;
  readonly them: string;
}

async function pairs(count: number): Promise<{ readonly port: number; readonly list: readonly Pair[] }> {
  const { port, address } = await loopbackNet();
  const list = Array.from({ length: count }, (_, index) => ({
    us: address(index + 1),
    them: address(index + 101),
  }));
  return { port, list };
}

/** Listens on all of our addresses. */
async function listenOn(transport: Transport, port: number, list: readonly Pair[]): Promise<void> {
  assert.deepEqual(await transport.listen(list.map(({ us }) => ({ address: us, port }))), []);
}

/** One session of BIRD 2. */
function protocol(
  name: string,
  local: string,
  port: number,
  neighbor: string,
  neighborPort: number,
  lines = 'multihop;',
  family: Family = 4,
): string {
  return `
    protocol bgp ${name} {
      local ${local} port ${port} as 64512;
      neighbor ${neighbor} port ${neighborPort} as 64512;
      strict bind yes; graceful restart;
      connect delay time 1; connect retry time 2; error wait time 1,2;
      ${lines}
      ipv${family} { import all; export all; };
    }`;
}

function birdWith(...protocols: readonly string[]): string {
  return `
    log stderr all;
    router id 10.0.0.2;
    protocol device {}
    protocol static { ipv4; route 10.65.1.0/26 blackhole; }
    ${protocols.join('')}`;
}

function offer(changes: Partial<Offer> = {}, families: readonly Family[] = [4]): Offer {
  return testOffer('10.0.0.1', families, changes);
}

test('TCP-MD5: the right password comes up whoever dials, a wrong one never does until it is put right', async (context) => {
  const { port, list } = await pairs(5);
  const secrets = ['s3cret of both', 's3cret too', 's3cret three', 'what they think', null] as const;
  const protocols = list.map(({ us, them }, index) => {
    const secret = secrets[index];
    const password = secret === null ? '' : `password "${secret}";`;
    return protocol(
      `p${index}`,
      them,
      port,
      us,
      port,
      `multihop; ${index === 2 ? 'passive;' : ''} ${password}`,
    );
  });
  const bird = await loopbackBird(context, '2', birdWith(...protocols));
  const transport = transportFor(context);
  await listenOn(transport, port, list);
  const settings = (index: number, password: string | null, passive = false): PeerSettings =>
    testPeer({
      ...{ peerAddress: list[index]?.them ?? '', peerPort: port, sourceAddress: list[index]?.us ?? '' },
      ...{ password, passive, offer: offer() },
    });
  const both = begin(transport, settings(0, 's3cret of both'));
  const dials = begin(transport, settings(1, 's3cret too', true));
  const waits = begin(transport, settings(2, 's3cret three'));
  const wrong = begin(transport, settings(3, 'what we think'));
  const unsigned = begin(transport, settings(4, 'asked for, and not given'));
  for (const session of [both, dials, waits]) await comesUp(session);
  await staysTrue(() => !isUp(wrong) && !isUp(unsigned), 'no session without the right password', 3_000);

  wrong.link.stop(null);
  wrong.link.updateSettings(settings(3, 'what they think'));
  wrong.link.start();
  unsigned.link.stop(null);
  unsigned.link.updateSettings(settings(4, null));
  unsigned.link.start();
  for (const session of [wrong, unsigned]) await comesUp(session);
  for (const { notes } of [both, dials, waits]) assert.equal(notes.downs.length, 0);
  await bird.askUntil('show protocols', /p3 .*Established/);

  // Taken away from the listener too: who signs is not answered any more.
  await dials.link.close();
  const again = begin(transport, settings(1, null, true));
  await staysTrue(() => !isUp(again), 'no session that only BIRD signs', 2_000);
  assert.equal(both.notes.downs.length, 0);
});

test('TCP-MD5: a connection that was there before the key of its peer, and is not signed, is objected to', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const us = net.address(1);
  const objections: (string | null)[] = [];
  const terms = { password: 's3cret', ttlSecurityHops: null, direct: false };
  const listener = await tcpNetwork(SYSTEM_CLOCK, loadLibc()).listen({ address: us, port }, (connection) => {
    objections.push(connection.objection(terms));
    connection.turnAway();
  });
  context.after(() => listener.close());
  const hasty = connect({ host: us, port, localAddress: net.address(2) });
  hasty.on('error', () => undefined);
  await until(() => objections.length > 0, 'the connection', DEADLINE_MS);
  assert.deepEqual(objections, ['a connection came without a TCP-MD5 signature']);
});

test('TCP-MD5 with BIRD 1.6.8, which Calico’s nodes run', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const [us, them] = [net.address(1), net.address(2)];
  const birdPort = await unusedPort(them);
  await loopbackBird(
    context,
    '1',
    `log stderr all; router id 10.0.0.2;
     listen bgp address ${them} port ${birdPort};
     protocol device {}
     protocol static { route 10.65.1.0/26 blackhole; }
     protocol bgp uplink {
       local as 64512; neighbor ${us} port ${port} as 64512; source address ${them};
       multihop; import all; export all; next hop self; graceful restart; password "s3cret";
       connect delay time 1; connect retry time 2; error wait time 1,2;
     }`,
  );
  const transport = transportFor(context);
  await transport.listen([{ address: us, port }]);
  const ours = begin(
    transport,
    testPeer({
      ...{ peerAddress: them, peerPort: birdPort, sourceAddress: us, password: 's3cret', offer: offer() },
    }),
  );
  await comesUp(ours);
  await until(() => ours.notes.routes.includes('10.65.1.0/26'), 'its route', DEADLINE_MS);
});

test('TTL security: who is near passes whoever dials, who is farther off never does', async (context) => {
  const { port, list } = await pairs(5);
  const lines = [
    'multihop 1; ttl security;',
    'multihop 1; ttl security; passive;',
    'multihop 5; ttl security;',
    // Without TTL security BIRD sends with the TTL of its hops, as somebody far away would arrive here.
    'multihop 20;',
    'multihop 1; ttl security;',
  ];
  const protocols = list.map(({ us, them }, index) =>
    protocol(`p${index}`, them, port, us, port, lines[index]),
  );
  const bird = await loopbackBird(context, '2', birdWith(...protocols));
  const transport = transportFor(context);
  await listenOn(transport, port, list);
  const settings = (index: number, ttlSecurityHops: number | null, passive = false): PeerSettings =>
    testPeer({
      ...{ peerAddress: list[index]?.them ?? '', peerPort: port, sourceAddress: list[index]?.us ?? '' },
      ...{ ttlSecurityHops, passive, offer: offer() },
    });
  const near = [
    begin(transport, settings(0, 1, true)),
    begin(transport, settings(1, 1)),
    begin(transport, settings(2, 5)),
  ];
  const far = begin(transport, settings(3, 1));
  const careless = begin(transport, { ...settings(4, null), direct: true });
  for (const session of near) await comesUp(session);
  // What we send too low BIRD has to judge: our OPEN may be there before it looks at TTLs, no KEEPALIVE ever is.
  const up = async (): Promise<boolean> =>
    isUp(far) || /Established/.test(await bird.ask('show protocols p4'));
  await staysTrue(async () => !(await up()), 'no session across too many hops', 3_000);

  // The same peers, and what is asked for fits now.
  far.link.stop(null);
  far.link.updateSettings(settings(3, null));
  far.link.start();
  careless.link.stop(null);
  careless.link.updateSettings(settings(4, 1));
  careless.link.start();
  // Connections of which it heard nothing more BIRD would keep for the four minutes of its first hold time.
  await bird.ask('restart p3');
  await bird.ask('restart p4');
  for (const session of [far, careless]) await comesUp(session);
  for (const { notes } of near) assert.equal(notes.downs.length, 0);
});

test('a listener whose peers are all near hears nobody else, and hears them again when one may be far', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const us = net.address(1);
  const transport = transportFor(context);
  await transport.listen([{ address: us, port }]);
  const settings = (host: number, ttlSecurityHops: number | null): PeerSettings =>
    testPeer({
      ...{ peerAddress: net.address(host), peerPort: port, sourceAddress: us },
      ...{ ttlSecurityHops, passive: true, offer: offer() },
    });
  const near = begin(transport, settings(2, 1));
  const strange = connect({ host: us, port, localAddress: net.address(9) });
  context.after(() => strange.destroy());
  strange.on('error', () => undefined);
  await staysTrue(() => strange.connecting, 'a connection with an ordinary TTL is not answered', 1_500);
  assert.equal(transport.counters().unknownPeer, 0);
  begin(transport, settings(3, null));
  await until(() => transport.counters().unknownPeer > 0, 'the stranger to be answered', DEADLINE_MS);

  // Somebody far off who has the near one's address, and says all at once.
  const imposter = connect({ host: us, port, localAddress: net.address(2) });
  context.after(() => imposter.destroy());
  imposter.on('error', () => undefined);
  let heard = 0;
  imposter.on('data', (octets) => {
    heard += octets.length;
  });
  const closed = new Promise((resolve) => imposter.once('close', resolve));
  imposter.write(Buffer.concat([encodeOpen(openOf(testOffer('10.0.0.2'))), encodeKeepalive()]));
  await closed;
  assert.equal(heard, 0, 'not even an OPEN');
  assert.match(
    near.link.status().lastError ?? '',
    /^a connection came from too far away for TTL security: TTL \d+, and 255 is the least$/,
  );
});

test('twelve sessions that both sides dial at the same moment come up over one connection each, once', async (context) => {
  const { port, list } = await pairs(12);
  const protocols = list.map(({ us, them }, index) => protocol(`p${index}`, them, port, us, port));
  const bird = await loopbackBird(context, '2', birdWith(...protocols));
  const transport = transportFor(context);
  await listenOn(transport, port, list);
  const sessions = list.map(({ us, them }) => {
    const settings = testPeer({ peerAddress: them, peerPort: port, sourceAddress: us, offer: offer() });
    return begin(transport, { ...settings, session: { ...settings.session, connectDelaySeconds: 1 } });
  });
  for (const session of sessions) await comesUp(session);
  await bird.askUntil('show protocols', /(Established(.|\n)*){12}/);
  for (const { notes, link } of sessions) {
    assert.equal(notes.ups.length, 1, link.status().lastError ?? undefined);
    assert.equal(notes.downs.length, 0);
  }
});

test('BIRD reads our NOTIFICATION with its text, however much goes out before it and comes in beside it', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const [us, them] = [net.address(1), net.address(2)];
  const routes = Array.from(
    { length: 20_000 },
    (_, index) => `route 20.${index >> 8}.${index & 255}.0/24 blackhole;`,
  );
  const bird = await loopbackBird(
    context,
    '2',
    `log stderr all; router id 10.0.0.2; protocol device {}
     protocol static { ipv4; ${routes.join('\n')} }
     ${protocol('uplink', them, port, us, port, 'multihop; passive;')}`,
  );
  const transport = transportFor(context);
  await transport.listen([{ address: us, port }]);
  const settings = testPeer({ peerAddress: them, peerPort: port, sourceAddress: us, offer: offer() });
  const link = transport.add(
    settings,
    takeNotes({
      up: () => void link.write([encodeEndOfRib(4)]),
      // At its first route: most of the others are on their way.
      update: (update) => {
        if (update.announced.length === 0) return;
        for (let count = 0; count < 2_000; count++) link.write([encodeEndOfRib(4)]);
        link.stop(cease(CEASE.administrativeShutdown, 'rack 7 is being moved'));
      },
    }),
  );
  link.start();
  await bird.askUntil('show protocols all uplink', /rack 7 is being moved/);
  assert.equal(link.status().state, 'Idle');
  assert.match(
    link.status().lastError ?? '',
    /^sent Cease: Administrative Shutdown \(6\/2\) "rack 7 is being moved"$/,
  );
});

test('a peer that reads one large write little by little is not given up, one that reads nothing is, and nobody waits for them', async (context) => {
  const { port, list } = await pairs(3);
  const transport = transportFor(context);
  await listenOn(transport, port, list);
  const large = Array.from({ length: 40 }, () => Buffer.alloc(19 * 50_000).fill(encodeKeepalive()));
  const octets = large.reduce((sum, chunk) => sum + chunk.length, 0);
  const sessions = await Promise.all(
    list.map(async ({ us, them }, index) => {
      const settings = testPeer({
        peerAddress: them,
        peerPort: port,
        sourceAddress: us,
        offer: offer(),
        passive: true,
      });
      const ours = begin(transport, { ...settings, session: { ...settings.session, sendHoldSeconds: 6 } });
      const socket = connect({ host: us, port, localAddress: them });
      context.after(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.write(Buffer.concat([encodeOpen(openOf(testOffer(`10.0.1.${index}`))), encodeKeepalive()]));
      await comesUp(ours);
      ours.link.write(large);
      return { ours, socket };
    }),
  );
  const [quick, slow, deaf] = sessions;
  assert.ok(quick !== undefined && slow !== undefined && deaf !== undefined);
  let read = 0;
  quick.socket.on('data', (piece) => {
    read += piece.length;
  });
  const sips = setInterval(() => slow.socket.read(65_536), 100);
  context.after(() => clearInterval(sips));
  await until(() => read >= octets, 'the quick one to have everything', DEADLINE_MS);
  await until(() => deaf.ours.notes.downs.length > 0, 'the deaf one to be given up', DEADLINE_MS);
  assert.match(deaf.ours.link.status().lastError ?? '', /^Send Hold Timer Expired/);
  await staysTrue(() => isUp(slow.ours) && isUp(quick.ours), 'both others are up', 7_000);
});

test('what BIRD says when it ends the session is told in the RFC’s words', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const [us, them] = [net.address(1), net.address(2)];
  const bird = await loopbackBird(context, '2', birdWith(protocol('uplink', them, port, us, port)));
  const transport = transportFor(context);
  await transport.listen([{ address: us, port }]);
  const given = { peerAddress: them, peerPort: port, sourceAddress: us };
  // Nothing of ours may be unread in BIRD: it would reset the connection, and its text may be lost with it. So no
  // End-of-RIB, and our KEEPALIVE has been read by a BIRD that is Established.
  const notes = takeNotes();
  const ours = { notes, link: transport.add(testPeer({ ...given, offer: offer() }), notes) };
  ours.link.start();
  await comesUp(ours);
  await bird.askUntil('show protocols uplink', /Established/);
  await bird.ask('disable uplink "see you tomorrow"');
  await until(() => ours.notes.downs.length > 0, 'the session to end', DEADLINE_MS);
  assert.equal(
    ours.link.status().lastError,
    'received Cease: Administrative Shutdown (6/2) "see you tomorrow"',
  );
  await ours.link.close();
  await bird.ask('enable uplink');
  const misled = begin(transport, testPeer({ ...given, offer: offer({ peerAs: 64_999 }) }));
  const last = (): string => misled.link.status().lastError ?? '';
  await until(
    () => /Bad Peer AS/.test(last()),
    () => `Bad Peer AS: ${last()}`,
    DEADLINE_MS,
  );
  assert.match(
    last(),
    /^sent OPEN Message Error: Bad Peer AS \(2\/2\).*: the peer is in AS 64512, AS 64999 was expected$/,
  );
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

test('over IPv6: TCP-MD5 and TTL security together, both sides dialling', {
  skip: hasIpv6 ? false : 'no ::1 on this machine',
}, async (context) => {
  const port = await unusedPort('::1');
  const birdPort = await unusedPort('::1');
  const lines = 'multihop 1; ttl security; password "s3cret";';
  const bird = await loopbackBird(
    context,
    '2',
    `log stderr all; router id 10.0.0.2; protocol device {}
       ${protocol('six', '::1', birdPort, '::1', port, lines, 6)}`,
  );
  const transport = transportFor(context);
  await transport.listen([{ address: '::1', port }]);
  const settings = (password: string, ttlSecurityHops: number | null): PeerSettings =>
    testPeer({
      ...{ peerAddress: '::1', peerPort: birdPort, sourceAddress: '::1' },
      ...{ password, ttlSecurityHops, offer: offer({}, [6]) },
    });
  const wrong = begin(transport, settings('another', 1));
  await staysTrue(() => !isUp(wrong), 'a session with a wrong password is down', 2_000);
  await wrong.link.close();
  const far = begin(transport, { ...settings('s3cret', null), direct: true });
  const up = async (): Promise<boolean> => /Established/.test(await bird.ask('show protocols six'));
  await staysTrue(async () => !(await up()), 'a session that sends TTL 1 is down with BIRD', 2_000);
  await far.link.close();
  await bird.ask('restart six');
  await comesUp(begin(transport, settings('s3cret', 1)));
});

test('two speakers on one machine listen on the same port, each on its own address', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const addresses = [net.address(1), net.address(2)];
  const [one, other] = addresses.map((own, index) => {
    const transport = transportFor(context);
    const peerAddress = addresses[1 - index] ?? '';
    const settings = testPeer({
      ...{ peerAddress, peerPort: port, sourceAddress: own },
      offer: testOffer(`10.0.0.${index + 1}`),
    });
    return { transport, own, settings };
  });
  assert.ok(one !== undefined && other !== undefined);
  for (const { transport, own } of [one, other]) {
    assert.deepEqual(await transport.listen([{ address: own, port }]), []);
  }
  const sessions = [one, other].map(({ transport, settings }) => begin(transport, settings));
  for (const session of sessions) await comesUp(session);
  await staysTrue(() => sessions.every(isUp), 'the two are up', 1_500);
  for (const { notes } of sessions) assert.equal(notes.ups.length, 1);
});

test('an address that cannot be listened on is told with the reason, and is opened when it can be', async (context) => {
  const net = await loopbackNet();
  const first = transportFor(context);
  const second = transportFor(context);
  const address = { address: net.address(1), port: net.port };
  const free = { address: net.address(2), port: net.port };
  assert.deepEqual(await first.listen([address]), []);
  assert.deepEqual(await second.listen([address, free]), [
    { address, reason: 'address already in use (EADDRINUSE)' },
  ]);
  const [gone] = await second.listen([{ address: '192.0.2.77', port: net.port }, free]);
  assert.equal(gone?.reason, 'address not available (EADDRNOTAVAIL)');
  await second.listen([address, free]);
  await first.close();
  await until(
    () => {
      const socket = connect({ host: address.address, port: address.port });
      context.after(() => socket.destroy());
      socket.on('error', () => undefined);
      return second.counters().unknownPeer > 0;
    },
    'the second to listen there',
    DEADLINE_MS,
  );
});

test('where socket options cannot be set, only sessions that ask for them are refused, with the reason', async (context) => {
  const net = await loopbackNet();
  const { port } = net;
  const [us, them] = [net.address(1), net.address(2)];
  await loopbackBird(context, '2', birdWith(protocol('uplink', them, port, us, port)));
  const network = tcpNetwork(SYSTEM_CLOCK, { missing: 'the npm package koffi does not load' });
  const transport = createTransport({ clock: SYSTEM_CLOCK, log: pino({ level: 'silent' }), network });
  context.after(() => transport.close());
  await transport.listen([{ address: us, port }]);
  const plain = testPeer({ peerAddress: them, peerPort: port, sourceAddress: us, offer: offer() });
  assert.equal(transport.refusalOf(plain), null);
  assert.equal(
    transport.refusalOf({ ...plain, password: 's3cret', ttlSecurityHops: 1 }),
    'TCP-MD5 and TTL security cannot be had, because socket options cannot be set: the npm package koffi does not load',
  );
  // Even if it were added in spite of that, it would not come up unprotected: BIRD here wants no password.
  const stubborn = begin(transport, { ...plain, password: 's3cret' });
  await staysTrue(() => !isUp(stubborn), 'a session that cannot be protected is down', 2_000);
  assert.match(stubborn.link.status().lastError ?? '', /socket options cannot be set/);
  await stubborn.link.close();
  await comesUp(begin(transport, plain));
});

test('a password that TCP cannot take is refused', (context) => {
  const transport = transportFor(context);
  const given = { peerAddress: '127.0.0.2', peerPort: 179, sourceAddress: null, offer: offer() };
  assert.equal(transport.refusalOf(testPeer({ ...given, password: 'p'.repeat(80) })), null);
  assert.equal(
    transport.refusalOf(testPeer({ ...given, password: 'é'.repeat(41) })),
    'the TCP-MD5 password has 82 octets, 80 is the most that TCP takes',
  );
  assert.equal(transport.refusalOf(testPeer({ ...given, password: '' })), 'the TCP-MD5 password is empty');
});
