/**
 * The protocol against Debian's BIRD 2.0.12 and 1.6.8 (Calico's own version), over loopback TCP: what we say is
 * understood, what they say is understood by us.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  CALICO_TIMES,
  cease,
  decodeAttributes,
  describeNotification,
  encodeAnnouncements,
  encodeAttributes,
  encodeEndOfRib,
  encodeNlri,
  encodeRouteRefresh,
  encodeWithdrawals,
  type Family,
  NO_ATTRIBUTES,
  type Offer,
  parseAddress,
  parsePrefix,
  parseRouterId,
  type SessionSettings,
} from '../../src/bgp/index.ts';
import type { BirdFlavour } from '../support/bird-daemon.ts';
import { loopbackNet } from '../support/loopback-speaker.ts';
import { loopbackBird } from './loopback-bird.ts';
import { makeSpeaker, type Speaker } from './speaker.ts';

interface Ends {
  readonly ours: string;
  readonly theirs: string;
  readonly ourPort: number;
  readonly theirPort: number;
}

/** Addresses and ports for one test. BIRD 1.6 for IPv6 has only ::1, so there the ports tell the two apart. */
async function ends(flavour: BirdFlavour): Promise<Ends> {
  const net = await loopbackNet();
  const [ours, theirs] = flavour === '1-6' ? ['::1', '::1'] : [net.address(1), net.address(2)];
  const { port } = await loopbackNet();
  return { ours, theirs, ourPort: net.port, theirPort: port };
}

interface Bird2Options {
  readonly passive: boolean;
  readonly addPaths?: boolean;
  /** RFC 8654 and RFC 8950. */
  readonly extended?: boolean;
}

function bird2(at: Ends, options: Bird2Options): string {
  const paths = options.addPaths === true ? 'add paths on;' : '';
  const nextHops = options.extended === true ? 'extended next hop on;' : '';
  return `
    log stderr all;
    router id 10.0.0.2;
    protocol device {}
    protocol static four { ipv4; route 10.65.1.0/26 blackhole { bgp_community.add((64512,7)); bgp_large_community.add((64512,1,2)); }; route 10.65.2.0/26 blackhole; }
    protocol static six { ipv6; route 2001:db8:1::/64 blackhole; }
    protocol bgp uplink {
      local ${at.theirs} port ${at.theirPort} as 64512;
      neighbor ${at.ours} port ${at.ourPort} as 64512;
      strict bind yes; multihop; graceful restart; rr client;
      connect delay time 1; connect retry time 2; error wait time 1,2;
      ${options.passive ? 'passive;' : ''} ${options.extended === true ? 'enable extended messages on;' : ''}
      ipv4 { import all; export all; next hop address 10.0.1.2; ${paths} ${nextHops} };
      ipv6 { import all; export all; next hop address 2001:db8::2; ${paths} };
    }`;
}

/** Both ends are ::1, and BIRD tells nobody a route whose next hop is the one that it is told to. */
const SIX_EXPORT = 'export filter { bgp_next_hop = 2001:db8::2; accept; }; next hop keep;';

function bird1(at: Ends, flavour: BirdFlavour): string {
  const six = flavour === '1-6';
  return `
    log stderr all;
    router id 10.0.0.2;
    listen bgp address ${at.theirs} port ${at.theirPort};
    protocol device {}
    protocol static one { route ${six ? '2001:db8:1::/64' : '10.65.1.0/26'} blackhole; }
    protocol bgp uplink {
      local as 64512;
      neighbor ${at.ours} port ${at.ourPort} as 64512;
      source address ${at.theirs};
      multihop; import all; ${six ? SIX_EXPORT : 'export all; next hop self;'} graceful restart; add paths on; rr client;
      connect delay time 1; connect retry time 2; error wait time 1,2;
      ${six ? 'passive;' : ''}
    }`;
}

function offer(families: readonly Family[], changes: Partial<Offer> = {}): Offer {
  return {
    localAs: 64_512,
    peerAs: 64_512,
    routerId: parseRouterId('10.0.0.1') ?? 0,
    holdSeconds: 90,
    keepaliveSeconds: null,
    families: families.map((family) => ({
      family,
      addPath: null,
      ipv6NextHop: false,
      forwarding: true,
      longLivedSeconds: 3600,
    })),
    extendedMessages: true,
    gracefulRestart: { seconds: 120, restarting: false, notification: true },
    ...changes,
  };
}

async function speakTo(
  context: TestContext,
  at: Ends,
  changes: Partial<SessionSettings> & { readonly offer: Offer },
  endOfRibLater = false,
): Promise<Speaker> {
  const speaker = await makeSpeaker({
    settings: { ...CALICO_TIMES, connectDelaySeconds: 0, connectRetrySeconds: 1, ...changes },
    localAddress: at.ours,
    localPort: at.ourPort,
    peerAddress: at.theirs,
    peerPort: at.theirPort,
    endOfRibLater,
  });
  context.after(() => speaker.close());
  return speaker;
}

function announce(family: Family, prefix: string, nextHop: string, speaker: Speaker): void {
  const parsed = parsePrefix(prefix);
  const address = parseAddress(nextHop);
  assert.ok(parsed !== null && address !== null && speaker.negotiated !== null);
  const addPath = speaker.negotiated.families[family]?.addPathSend ?? false;
  const nlri = encodeNlri(family, addPath, [{ prefix: parsed, pathId: 5 }]);
  const attributes = encodeAttributes({
    ...NO_ATTRIBUTES,
    origin: 0,
    asPath: [],
    nextHop: family === 4 ? address : null,
    localPref: 100,
    communities: [(64_512 << 16) | 99],
    originatorId: parseRouterId('10.0.0.77'),
    clusterList: [parseRouterId('1.0.0.1') ?? 0, parseRouterId('1.0.0.2') ?? 0],
  });
  const messages = encodeAnnouncements(
    { nlri, nextHop: address, attributes },
    speaker.negotiated.longestSent,
  );
  assert.ok(messages !== null);
  speaker.send(messages);
}

test('BIRD 2 and we exchange routes of both families over one session that we dial', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true }));
  const speaker = await speakTo(context, at, { offer: offer([4, 6]) });
  speaker.start();
  await speaker.until('three routes are there', () => speaker.routes.size === 3);
  assert.deepEqual([...speaker.routes.keys()].sort(), ['10.65.1.0/26', '10.65.2.0/26', '2001:db8:1::/64']);

  const route = speaker.routes.get('10.65.1.0/26');
  assert.ok(route);
  const attributes = decodeAttributes(route.attributes);
  assert.deepEqual(attributes.communities, [((64_512 << 16) | 7) >>> 0]);
  assert.deepEqual(attributes.largeCommunities, [{ global: 64_512, one: 1, two: 2 }]);
  assert.deepEqual(attributes.asPath, []);
  assert.equal(attributes.localPref, 100);
  assert.deepEqual([...route.nextHop], [10, 0, 1, 2]);
  assert.equal(speaker.routes.get('2001:db8:1::/64')?.nextHop.length, 16);
  await speaker.until('both End-of-RIBs are there', () => {
    const ended = new Set(speaker.updates.map(({ endOfRib }) => endOfRib));
    return ended.has(4) && ended.has(6);
  });

  const { negotiated } = speaker;
  assert.equal(negotiated?.holdSeconds, 90);
  assert.equal(negotiated?.fourOctetAs, true);
  assert.equal(negotiated?.enhancedRouteRefresh, true);
  assert.equal(negotiated?.gracefulRestart?.seconds, 120);

  announce(4, '10.65.9.0/26', '10.0.1.9', speaker);
  announce(6, '2001:db8:9::/64', '2001:db8::9', speaker);
  const four = await bird.askUntil('show route all 10.65.9.0/26', /10\.65\.9\.0\/26[\s\S]*BGP\.cluster_list/);
  assert.match(four, /BGP\.originator_id: 10\.0\.0\.77/);
  assert.match(four, /BGP\.cluster_list: 1\.0\.0\.1 1\.0\.0\.2/);
  assert.match(four, /BGP\.community: \(64512,99\)/);
  assert.match(four, /BGP\.next_hop: 10\.0\.1\.9/);
  const six = await bird.askUntil('show route all 2001:db8:9::/64', /BGP\.next_hop/);
  assert.match(six, /BGP\.next_hop: 2001:db8::9/);

  const gone = encodeNlri(4, false, [{ prefix: parsePrefix('10.65.9.0/26') ?? assert.fail(), pathId: 0 }]);
  speaker.send(encodeWithdrawals(gone, 4096));
  await bird.askUntil('show route 10.65.9.0/26', /Network not found|not in table/i);
});

test('BIRD 2 dials us and we wait', async (context) => {
  const at = await ends('2');
  const speaker = await speakTo(context, at, { offer: offer([4, 6]), passive: true });
  speaker.start();
  await loopbackBird(context, '2', bird2(at, { passive: false }));
  await speaker.until('it is Established', () => speaker.state === 'Established');
  assert.deepEqual([...speaker.connections], ['incoming']);
});

test('BIRD 2 and we dial each other and end with one connection', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: false }));
  const speaker = await speakTo(context, at, { offer: offer([4, 6]), connectDelaySeconds: 1 });
  speaker.start();
  await speaker.until(
    'it is Established',
    () => speaker.state === 'Established' && speaker.routes.size === 3,
  );
  await bird.askUntil('show protocols uplink', /Established/);
  assert.equal(speaker.connections.size, 1);
});

test('BIRD 2 answers our ROUTE-REFRESH, demarcated, and sends its own', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true }));
  const speaker = await speakTo(context, at, { offer: offer([4, 6]) });
  speaker.start();
  await speaker.until('three routes are there', () => speaker.routes.size === 3);
  const before = speaker.updates.length;
  speaker.send(encodeRouteRefresh(4));
  await speaker.until('BoRR and EoRR frame the routes', () => {
    const subtypes = speaker.refreshes.map(({ subtype }) => subtype);
    const again = speaker.updates.slice(before).some(({ announced }) => announced.length > 0);
    return subtypes.includes(1) && subtypes.includes(2) && again;
  });
  const asked = speaker.refreshes.length;
  await bird.ask('reload in uplink');
  await speaker.until('BIRD asks for our routes', () =>
    speaker.refreshes.slice(asked).some(({ subtype }) => subtype === 0),
  );
});

test('BIRD 2 shows the text of our shutdown, and we show the text of its own', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true }));
  const speaker = await speakTo(context, at, { offer: offer([4, 6]) }, true);
  speaker.start();
  await speaker.until('it is Established', () => speaker.state === 'Established');
  speaker.stop({ type: 'stop', notification: cease(2, 'rack 7 is being moved') });
  await bird.askUntil('show protocols all uplink', /Administrative shutdown|rack 7/i);
  assert.equal(speaker.state, 'Idle');

  // A BIRD that closes while something of ours is unread resets the connection, and its text may be lost with it.
  speaker.start();
  await speaker.until('it is Established again', () => speaker.state === 'Established');
  await bird.askUntil('show protocols uplink', /Established/);
  await bird.ask('disable uplink "see you tomorrow"');
  await speaker.until('the session is down', () => speaker.state !== 'Established');
  const down = speaker.effects.findLast((effect) => effect.do === 'down');
  assert.ok(down?.do === 'down' && down.cause.kind === 'notification-received');
  assert.match(
    describeNotification(down.cause.notification),
    /Administrative Shutdown \(6\/2\) "see you tomorrow"/,
  );
});

test('a crash of ours leaves our routes stale with BIRD 2 until we are back', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true }));
  const speaker = await speakTo(context, at, { offer: offer([4, 6]) }, true);
  speaker.start();
  await speaker.until('it is Established', () => speaker.state === 'Established');
  announce(4, '10.65.9.0/26', '10.0.1.9', speaker);
  await bird.askUntil('show route 10.65.9.0/26', /10\.65\.9\.0\/26/);
  const ups = (): number => speaker.effects.filter((effect) => effect.do === 'up').length;
  speaker.crash();
  await speaker.until('it is Established again', () => ups() === 2 && speaker.state === 'Established');
  assert.match(await bird.ask('show route 10.65.9.0/26'), /10\.65\.9\.0\/26/);
  speaker.send(encodeEndOfRib(4));
  await bird.askUntil('show route 10.65.9.0/26', /Network not found|not in table/i);
});

test('BIRD 2 and we number our paths where both can', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true, addPaths: true }));
  const [four] = offer([4]).families;
  assert.ok(four);
  const speaker = await speakTo(context, at, { offer: offer([4], { families: [{ ...four, addPath: 3 }] }) });
  speaker.start();
  await speaker.until('two routes are there', () => speaker.routes.size === 2);
  assert.equal(speaker.negotiated?.families[4]?.addPathReceive, true);
  assert.equal(speaker.negotiated?.families[4]?.addPathSend, true);
  assert.ok(speaker.updates.every(({ announced }) => announced.every(({ nlri }) => nlri.addPath)));
  announce(4, '10.65.9.0/26', '10.0.1.9', speaker);
  await bird.askUntil('show route 10.65.9.0/26', /10\.65\.9\.0\/26/);
});

test('BIRD 2 takes one UPDATE of more than 4096 octets, and IPv4 routes with an IPv6 next hop', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true, extended: true }));
  const [four] = offer([4]).families;
  assert.ok(four);
  const speaker = await speakTo(context, at, {
    offer: offer([4], { families: [{ ...four, ipv6NextHop: true }] }),
  });
  speaker.start();
  await speaker.until('it is Established', () => speaker.state === 'Established');
  const { negotiated } = speaker;
  assert.ok(negotiated !== null);
  assert.equal(negotiated.longestSent, 65_535);
  assert.equal(negotiated.families[4]?.ipv6NextHop, true);

  const routes = Array.from({ length: 2000 }, (_, index) => {
    const address = Uint8Array.of(10, 70 + (index >> 8), index & 0xff, 0);
    return { prefix: { family: 4, length: 24, address } as const, pathId: 0 };
  });
  const nextHop = parseAddress('2001:db8::9');
  assert.ok(nextHop !== null);
  const attributes = encodeAttributes({ ...NO_ATTRIBUTES, origin: 0, asPath: [], localPref: 100 });
  const nlri = encodeNlri(4, false, routes);
  const messages = encodeAnnouncements({ nlri, nextHop, attributes }, negotiated.longestSent);
  assert.ok(messages !== null && messages.length > 8000);
  assert.equal(messages.length, (messages[16] ?? 0) * 256 + (messages[17] ?? 0));
  speaker.send(messages);
  const last = await bird.askUntil('show route all 10.77.207.0/24', /BGP\.next_hop/);
  assert.match(last, /BGP\.next_hop: 2001:db8::9/);
});

test('BIRD 2 in another AS than we expect is refused with Bad Peer AS', async (context) => {
  const at = await ends('2');
  const bird = await loopbackBird(context, '2', bird2(at, { passive: true }));
  const speaker = await speakTo(context, at, { offer: offer([4], { peerAs: 64_513 }) });
  speaker.start();
  await bird.askUntil('show protocols all uplink', /Received: Bad peer AS/);
});

test('BIRD 1.6.8 and we exchange IPv4 routes and refreshes', async (context) => {
  const at = await ends('1');
  const bird = await loopbackBird(context, '1', bird1(at, '1'));
  const speaker = await speakTo(context, at, { offer: offer([4, 6]) });
  speaker.start();
  await speaker.until('its route is there', () => speaker.routes.has('10.65.1.0/26'));
  assert.equal(speaker.negotiated?.families[6], null);
  announce(4, '10.65.9.0/26', '10.0.1.9', speaker);
  const route = await bird.askUntil('show route all 10.65.9.0/26', /BGP\.cluster_list/);
  assert.match(route, /BGP\.originator_id: 10\.0\.0\.77/);
  assert.match(route, /BGP\.cluster_list: 1\.0\.0\.1 1\.0\.0\.2/);
  await bird.ask('reload in uplink');
  await speaker.until('BIRD asks for our routes', () => speaker.refreshes.length > 0);
  const before = speaker.updates.length;
  speaker.send(encodeRouteRefresh(4));
  // With that it has read all that we said, so that nothing resets the connection and its last word is not lost.
  await speaker.until('it says its routes again', () =>
    speaker.updates.slice(before).some(({ announced }) => announced.length > 0),
  );
  await bird.ask('disable uplink');
  await speaker.until('the session is down', () => speaker.state !== 'Established');
  const down = speaker.effects.findLast((effect) => effect.do === 'down');
  assert.ok(down?.do === 'down' && down.cause.kind === 'notification-received');
  assert.match(describeNotification(down.cause.notification), /Administrative Shutdown/);
});

test('BIRD 1.6.8 for IPv6 and we exchange IPv6 routes', async (context) => {
  const at = await ends('1-6');
  const bird = await loopbackBird(context, '1-6', bird1(at, '1-6'));
  const speaker = await speakTo(context, at, { offer: offer([6]) });
  speaker.start();
  await speaker.until('its route is there', () => speaker.routes.has('2001:db8:1::/64'));
  announce(6, '2001:db8:9::/64', '2001:db8::9', speaker);
  const route = await bird.askUntil('show route all 2001:db8:9::/64', /BGP\.next_hop/);
  assert.match(route, /BGP\.cluster_list: 1\.0\.0\.1 1\.0\.0\.2/);
});
