/** Who is told what, and in which words: RFC 4456, RFC 4271 section 5, RFC 1997, RFC 8212, RFC 8326. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  asNumber,
  type NativeStage,
  nativeStage,
  stageExternal,
  stageFellow,
  stageSession,
} from '../../../test/support/native-stage.ts';
import { idOf, octetsOf } from '../../../test/support/routes.ts';
import { decodeAttributes, type PathAttributes, WELL_KNOWN_COMMUNITY } from '../../bgp/index.ts';
import { parsePrefix } from '../../model/address.ts';
import type { SessionConfig } from '../../topology/speaker-config.ts';
import { explainPrefix } from './explain.ts';

function prefixes(...texts: string[]): SessionConfig['importFilters'] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    assert(prefix !== undefined, text);
    return prefix;
  });
}

function upAll(stage: NativeStage, ...names: string[]): void {
  for (const name of names) stage.peer(name).up();
  stage.settle();
}

/** The attributes with which a peer was told a prefix; undefined: it was not told. */
function toldTo(stage: NativeStage, name: string, prefix: string): PathAttributes | undefined {
  const text = stage.peer(name).ear.routes.get(prefix);
  if (text === undefined) return undefined;
  return decodeAttributes(Uint8Array.from(Buffer.from(text.split(' ')[0] ?? '', 'hex')));
}

const KINDS = {
  client: stageSession,
  'non-client': stageFellow,
  external: stageExternal,
} as const;

/** RFC 4456 section 6, with eBGP: from the row's kind to the column's. */
const MATRIX: readonly (readonly [keyof typeof KINDS, keyof typeof KINDS, boolean])[] = [
  ['client', 'client', true],
  ['client', 'non-client', true],
  ['client', 'external', true],
  ['non-client', 'client', true],
  ['non-client', 'non-client', false],
  ['non-client', 'external', true],
  ['external', 'client', true],
  ['external', 'non-client', true],
  ['external', 'external', true],
];

for (const [from, to, told] of MATRIX) {
  test(`a route from a ${from} is ${told ? '' : 'not '}told to another ${to}, and never back`, () => {
    // One of each kind besides, so that the two are not alone.
    const stage = nativeStage([
      KINDS[from](1),
      KINDS[to](2, to === 'external' ? { peerAs: asNumber(65002) } : {}),
      stageSession(3),
      stageFellow(4),
    ]);
    upAll(stage, 'peer1', 'peer2', 'peer3', 'peer4');
    stage.peer('peer1').announce(['10.1.0.0/26']);
    stage.settle();
    assert.equal(stage.peer('peer2').ear.routes.has('10.1.0.0/26'), told);
    assert.equal(stage.peer('peer1').ear.told, 0);
  });
}

test('reflection adds ORIGINATOR_ID and CLUSTER_LIST and leaves next hop, MED and LOCAL_PREF alone', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageFellow(3), stageExternal(4)]);
  upAll(stage, 'peer1', 'peer2', 'peer3', 'peer4');
  stage.peer('peer1').announce(['10.1.0.0/26'], { med: 7, localPref: 250, communities: [65000 * 65536 + 1] });
  stage.settle();
  for (const name of ['peer2', 'peer3']) {
    const route = toldTo(stage, name, '10.1.0.0/26');
    assert.deepEqual(
      { ...route, nextHop: route?.nextHop?.join('.') },
      {
        origin: 0,
        asPath: [],
        nextHop: '10.0.0.1',
        med: 7,
        localPref: 250,
        atomicAggregate: false,
        aggregator: null,
        communities: [65000 * 65536 + 1],
        originatorId: idOf('10.0.0.1'),
        clusterList: [idOf('1.0.0.1')],
        extendedCommunities: [],
        largeCommunities: [],
        onlyToCustomer: null,
        unknown: [],
        partial: [],
      },
    );
  }
  const outside = toldTo(stage, 'peer4', '10.1.0.0/26');
  assert.deepEqual(outside?.asPath, [{ type: 'sequence', asNumbers: [64512] }]);
  assert.equal(outside?.nextHop?.join('.'), '10.0.0.1', 'a reflector does not draw traffic to itself');
  assert.deepEqual(
    [outside?.med, outside?.localPref, outside?.originatorId, outside?.clusterList],
    [null, null, null, []],
  );
});

test('a route that was reflected before keeps its originator and gets our cluster ID in front', () => {
  const stage = nativeStage([stageSession(1), stageFellow(2), stageSession(3)]);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  const before = { originatorId: idOf('10.9.9.9'), clusterList: [idOf('2.0.0.2')] };
  stage.peer('peer1').announce(['10.1.0.0/26'], before);
  stage.peer('peer2').announce(['10.2.0.0/26'], before);
  stage.settle();
  for (const [name, prefix] of [
    ['peer2', '10.1.0.0/26'],
    ['peer3', '10.1.0.0/26'],
    ['peer3', '10.2.0.0/26'],
  ] as const) {
    const route = toldTo(stage, name, prefix);
    assert.equal(route?.originatorId, idOf('10.9.9.9'));
    assert.deepEqual(route?.clusterList, [idOf('1.0.0.1'), idOf('2.0.0.2')], `${prefix} at ${name}`);
  }
});

test('between clients of two clusters both cluster IDs are put in front', () => {
  const stage = nativeStage([stageSession(1), stageSession(2, { clusterId: '1.0.0.2' })]);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.settle();
  assert.deepEqual(toldTo(stage, 'peer2', '10.1.0.0/26')?.clusterList, [idOf('1.0.0.2'), idOf('1.0.0.1')]);
});

test('a route from eBGP gets LOCAL_PREF 100 and nothing of reflection', () => {
  const stage = nativeStage([stageSession(1), stageExternal(2)]);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer2').announce(['10.2.0.0/26'], { med: 5 });
  stage.settle();
  const route = toldTo(stage, 'peer1', '10.2.0.0/26');
  assert.deepEqual(
    [route?.localPref, route?.med, route?.originatorId, route?.clusterList, route?.nextHop?.join('.')],
    [100, 5, null, [], '10.0.0.2'],
  );
});

test('our own ORIGINATOR_ID, our cluster ID and our AS in the path are loops: dropped and counted', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageExternal(3)]);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  const { announce, peer } = stage.peer('peer1');
  announce(['10.1.0.0/26'], {});
  stage.settle();
  assert.equal(stage.peer('peer2').ear.routes.size, 1);
  // In the place of a good route: that one is gone then.
  announce(['10.1.0.0/26'], { originatorId: idOf('10.0.0.254') });
  announce(['10.2.0.0/26'], { originatorId: 5, clusterList: [7, idOf('1.0.0.1')] });
  const outside = stage.peer('peer3');
  outside.announce(['10.3.0.0/26'], { asPath: [{ type: 'sequence', asNumbers: [65001, 64512] }] });
  stage.settle();
  assert.equal(stage.peer('peer2').ear.routes.size, 0);
  assert.deepEqual(peer.dropped, { asLoop: 0, originatorLoop: 1, clusterLoop: 1, overLimit: 0 });
  assert.equal(outside.peer.dropped.asLoop, 1);
});

test('a route from a fellow reflector that has been in our cluster is a loop, too', () => {
  const stage = nativeStage([stageFellow(1), stageSession(2), stageSession(3, { clusterId: '1.0.0.3' })]);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  const { announce, peer } = stage.peer('peer1');
  announce(['10.1.0.0/26'], { originatorId: 5, clusterList: [idOf('1.0.0.1')] });
  // It has been in one of our clients' clusters, and may go to the other.
  announce(['10.2.0.0/26'], { originatorId: 5, clusterList: [idOf('1.0.0.3')] });
  stage.settle();
  assert.equal(peer.dropped.clusterLoop, 1);
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()], ['10.2.0.0/26']);
  assert.equal(stage.peer('peer3').ear.routes.size, 0);
});

test('our own AS in a path is taken as often as the session allows', () => {
  const stage = nativeStage([stageSession(1), stageExternal(2, { allowLocalAs: 1 })]);
  upAll(stage, 'peer1', 'peer2');
  const { announce } = stage.peer('peer2');
  announce(['10.1.0.0/26'], { asPath: [{ type: 'sequence', asNumbers: [65001, 64512] }] });
  announce(['10.2.0.0/26'], { asPath: [{ type: 'sequence', asNumbers: [65001, 64512, 64512] }] });
  stage.settle();
  assert.deepEqual([...stage.peer('peer1').ear.routes.keys()], ['10.1.0.0/26']);
});

test('what is not transitive ends at the border of the AS, and a Partial bit outlives it', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageExternal(3)]);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  const extendedCommunities = [0x0002_fc00_0000_0001n, 0x4004_fc00_0000_0001n];
  stage.peer('peer1').announce(['10.1.0.0/26'], { extendedCommunities, communities: [7], partial: [8] });
  stage.settle();
  const inside = toldTo(stage, 'peer2', '10.1.0.0/26');
  const outside = toldTo(stage, 'peer3', '10.1.0.0/26');
  assert.deepEqual([inside?.extendedCommunities, inside?.partial], [extendedCommunities, [8]]);
  assert.deepEqual([outside?.extendedCommunities, outside?.partial], [[0x0002_fc00_0000_0001n], [8]]);
});

test('NO_ADVERTISE is told to nobody, NO_EXPORT not to another AS', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageExternal(3)]);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  const { announce } = stage.peer('peer1');
  announce(['10.1.0.0/26'], { communities: [WELL_KNOWN_COMMUNITY.noAdvertise] });
  announce(['10.2.0.0/26'], { communities: [WELL_KNOWN_COMMUNITY.noExport] });
  announce(['10.3.0.0/26'], { communities: [WELL_KNOWN_COMMUNITY.noExportSubconfed] });
  announce(['10.4.0.0/26']);
  stage.settle();
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()], ['10.2.0.0/26', '10.3.0.0/26', '10.4.0.0/26']);
  assert.deepEqual([...stage.peer('peer3').ear.routes.keys()], ['10.4.0.0/26']);
});

test('RFC 8212: with lists, nothing goes either way but what is listed, and lists change in place', () => {
  const listed = { importPolicy: 'listed', exportPolicy: 'listed' } as const;
  const client = stageSession(1);
  const stage = nativeStage([client, stageExternal(2, listed)]);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26']);
  stage.peer('peer2').announce(['0.0.0.0/0', '172.20.1.0/24', '172.21.1.0/24']);
  stage.settle();
  assert.deepEqual([stage.peer('peer1').ear.told, stage.peer('peer2').ear.told], [0, 0]);
  const importFilters = prefixes('172.20.0.0/16', '0.0.0.0/0');
  stage.change([
    client,
    stageExternal(2, { ...listed, importFilters, exportFilters: prefixes('10.1.0.0/16') }),
  ]);
  assert.deepEqual([...stage.peer('peer1').ear.routes.keys()].sort(), ['0.0.0.0/0', '172.20.1.0/24']);
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()], ['10.1.0.0/26']);
  stage.change([client, stageExternal(2, listed)]);
  assert.deepEqual([stage.peer('peer1').ear.routes.size, stage.peer('peer2').ear.routes.size], [0, 0]);
});

test('one peer of a group gets another policy: it alone is told the difference', () => {
  const sessions = [stageSession(1), stageSession(2), stageSession(3)];
  const stage = nativeStage(sessions);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26']);
  stage.settle();
  const { told } = stage.peer('peer2').ear;
  const narrow = stageSession(3, { exportPolicy: 'listed', exportFilters: prefixes('10.1.0.0/16') });
  stage.change([stageSession(1), stageSession(2), narrow]);
  assert.deepEqual([...stage.peer('peer3').ear.routes.keys()], ['10.1.0.0/26']);
  assert.equal(stage.peer('peer3').ear.endOfRibs, 1);
  assert.equal(stage.peer('peer2').ear.told, told);
  assert.equal(stage.peer('peer3').ear.told, told + 1, 'a withdrawal');
  stage.change(sessions);
  assert.equal(stage.peer('peer3').ear.routes.size, 2);
  assert.equal(stage.peer('peer3').ear.told, told + 2, 'an announcement');
});

test('RFC 8326: as the last choice, and back', () => {
  const sessions = [stageSession(1), stageSession(2)];
  const stage = nativeStage(sessions);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.settle();
  stage.change(sessions, {}, true);
  const drained = toldTo(stage, 'peer2', '10.1.0.0/26');
  assert.deepEqual([drained?.localPref, drained?.communities], [0, [WELL_KNOWN_COMMUNITY.gracefulShutdown]]);
  stage.change(sessions);
  const back = toldTo(stage, 'peer2', '10.1.0.0/26');
  assert.deepEqual([back?.localPref, back?.communities], [100, []]);
});

test('next hop self is our address, for what is reflected too', () => {
  const stage = nativeStage([stageSession(1), stageSession(2, { nextHop: 'self' })]);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.settle();
  assert.equal(toldTo(stage, 'peer2', '10.1.0.0/26')?.nextHop?.join('.'), '10.0.0.254');
});

test('IPv6 routes go with their own next hop', () => {
  const stage = nativeStage(
    [1, 2].map((host) => stageSession(host, { family: 6, peerAddress: addressOf(`fd00::${host}`) })),
  );
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['fd00:10:1::/122']);
  stage.settle();
  const told = stage.peer('peer2').ear.routes.get('fd00:10:1::/122');
  assert.equal(told?.split(' ')[1], 'fd000000000000000000000000000001');
});

test('the limit refuses the excess, keeps what is there, and asks again once there is room', () => {
  const stage = nativeStage([stageSession(1, { maxPrefixes: 2 }), stageSession(2)]);
  upAll(stage, 'peer1', 'peer2');
  const { announce, asked, peer, withdraw } = stage.peer('peer1');
  announce(['10.1.0.0/26', '10.2.0.0/26', '10.3.0.0/26']);
  announce(['10.1.0.0/26'], { med: 1 });
  stage.settle();
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()].sort(), ['10.1.0.0/26', '10.2.0.0/26']);
  assert.equal(toldTo(stage, 'peer2', '10.1.0.0/26')?.med, 1, 'a known prefix may change');
  assert.equal(peer.dropped.overLimit, 1);
  assert.equal(asked.length, 0);
  withdraw(['10.2.0.0/26']);
  assert.equal(asked.length, 1, 'ROUTE-REFRESH');
});

test('where it is asked for, a peer beyond the limit is told so and closed for a while (RFC 4486)', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)], {}, { maxPrefixes: 2, overLimitSeconds: 90 });
  upAll(stage, 'peer1', 'peer2');
  const { announce, stops } = stage.peer('peer1');
  announce(['10.1.0.0/26', '10.2.0.0/26']);
  announce(['10.1.0.0/26'], { med: 1 });
  stage.settle();
  assert.equal(stops.length, 0, 'at its limit it stays');
  announce(['10.3.0.0/26', '10.4.0.0/26']);
  stage.settle();
  const { code, subcode, data } = stops[0]?.notification ?? assert.fail('it was not closed');
  assert.deepEqual([code, subcode, [...data]], [6, 1, [0, 1, 1, 0, 0, 0, 2]]);
  assert.deepEqual([stops.length, stops[0]?.seconds], [1, 90]);
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()], [], 'its routes went with it');
});

test('who told us, which won and why, and whom we told', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3), stageFellow(4)]);
  upAll(stage, 'peer1', 'peer2', 'peer3', 'peer4');
  stage.peer('peer1').announce(['10.1.0.0/26'], { localPref: 50 });
  stage.peer('peer2').announce(['10.1.0.0/26']);
  stage.settle();
  const explained = explainPrefix(stage.table, '10.1.0.0/26');
  assert.deepEqual(
    explained?.routes.map(({ session, verdict, step }) => [session, verdict, step]),
    [
      ['peer2', 'used', null],
      ['peer1', 'not used: higher LOCAL_PREF', 2],
    ],
  );
  assert.deepEqual(
    explained?.told.map(({ sessions }) => sessions),
    [['peer1', 'peer3'], ['peer4']],
  );
  assert.equal(explained?.told[0]?.attributes.originatorId, '10.0.0.2');
  assert.deepEqual(explainPrefix(stage.table, '10.1.0.63'), explained, 'an address in it');
  assert.equal(explainPrefix(stage.table, '10.1.0.64'), undefined);
  assert.equal(explainPrefix(stage.table, 'fd00::1'), undefined);
  assert.equal(explainPrefix(stage.table, '10.9.0.0/26'), undefined);
  assert.equal(explainPrefix(stage.table, 'nonsense'), undefined);
});

test('RFC 8950: an IPv4 route with an IPv6 next hop is told to who takes that, and with our own address to who is told it', () => {
  const own = { nextHop: 'self', sourceAddress: addressOf('10.0.0.254') } as const;
  const sessions = [stageSession(1), stageSession(2), stageSession(3), stageSession(4, own)];
  const stage = nativeStage(sessions);
  for (const name of ['peer1', 'peer2']) {
    const { families } = stage.peer(name).up();
    assert.equal(families[4]?.ipv6NextHop, true);
  }
  for (const name of ['peer3', 'peer4']) stage.peer(name).up({ ipv6NextHop: false });
  const hop = octetsOf('2001:db8::1');
  stage.peer('peer1').announce(['10.65.1.0/26'], { nextHop: null }, 0, hop);
  stage.peer('peer1').announce(['10.65.2.0/26']);
  stage.settle();
  const hopsOf = (name: string): readonly (string | undefined)[] =>
    ['10.65.1.0/26', '10.65.2.0/26'].map((prefix) => stage.peer(name).ear.routes.get(prefix)?.split(' ')[1]);
  assert.deepEqual(hopsOf('peer2'), [Buffer.from(hop).toString('hex'), '0a000001']);
  assert.equal(toldTo(stage, 'peer2', '10.65.1.0/26')?.nextHop, null);
  assert.deepEqual(hopsOf('peer3'), [undefined, '0a000001']);
  assert.deepEqual(hopsOf('peer4'), ['0a0000fe', '0a0000fe']);
  assert.deepEqual(toldTo(stage, 'peer4', '10.65.1.0/26')?.nextHop, octetsOf('10.0.0.254'));
  // What it can be told no more is withdrawn.
  stage.peer('peer1').announce(['10.65.2.0/26'], { nextHop: null }, 0, hop);
  stage.settle();
  assert.deepEqual([...stage.peer('peer3').ear.routes.keys()], []);
});

test('a route that lost to the best of its own AS is explained by that, also where it is better than the used one', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3)]);
  upAll(stage, 'peer1', 'peer2', 'peer3');
  const from = (as: number): PathAttributes['asPath'] => [{ type: 'sequence', asNumbers: [as] }];
  stage.peer('peer1').announce(['10.1.0.0/26'], { asPath: from(7), med: 20 });
  stage.peer('peer2').announce(['10.1.0.0/26'], { asPath: from(8) });
  stage.peer('peer3').announce(['10.1.0.0/26'], { asPath: from(7), med: 10 });
  stage.settle();
  assert.deepEqual(
    Object.fromEntries(
      explainPrefix(stage.table, '10.1.0.0/26')?.routes.map(({ session, step }) => [session, step]) ?? [],
    ),
    { peer2: null, peer1: 5, peer3: 7 },
  );
});

test('loops are counted by route', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)]);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26'], { originatorId: idOf('10.0.0.254') });
  assert.equal(stage.peer('peer1').peer.dropped.originatorLoop, 2);
});

test('where our own AS is not allowed any more, a route that is told again is not taken again', () => {
  const stage = nativeStage([stageSession(1), stageExternal(2, { allowLocalAs: 1 })]);
  upAll(stage, 'peer1', 'peer2');
  const { announce, asked } = stage.peer('peer2');
  const tell = (): void =>
    announce(['10.1.0.0/26'], { asPath: [{ type: 'sequence', asNumbers: [65001, 64512] }] });
  tell();
  stage.settle();
  assert.equal(stage.peer('peer1').ear.routes.size, 1);
  stage.change([stageSession(1), stageExternal(2)]);
  assert.equal(asked.length, 1);
  tell();
  stage.settle();
  assert.equal(stage.peer('peer1').ear.routes.size, 0);
});

test('a peer with more routes than it may tell is asked for them now and then, and not whenever one goes', () => {
  const stage = nativeStage([stageSession(1, { maxPrefixes: 2 }), stageSession(2)]);
  upAll(stage, 'peer1', 'peer2');
  const { announce, asked, withdraw } = stage.peer('peer1');
  const tellAll = (...all: string[]): void => announce(all);
  tellAll('10.1.0.0/26', '10.2.0.0/26', '10.3.0.0/26', '10.4.0.0/26');
  withdraw(['10.1.0.0/26']);
  assert.equal(asked.length, 1);
  tellAll('10.2.0.0/26', '10.3.0.0/26', '10.4.0.0/26');
  withdraw(['10.2.0.0/26']);
  assert.equal(asked.length, 1);
  stage.time.advance(29_000);
  assert.equal(asked.length, 1);
  stage.time.advance(2_000);
  assert.equal(asked.length, 2);
  tellAll('10.3.0.0/26', '10.4.0.0/26');
  stage.settle();
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()].sort(), ['10.3.0.0/26', '10.4.0.0/26']);
  stage.time.advance(100_000);
  assert.equal(asked.length, 2, 'nothing is missing');
});

test('routes that were refused while stale ones took their room are asked for when those are gone', () => {
  const stage = nativeStage([stageSession(1, { maxPrefixes: 2 }), stageSession(2)]);
  upAll(stage, 'peer1', 'peer2');
  const { announce, asked, down, endOfRib, up } = stage.peer('peer1');
  announce(['10.1.0.0/26', '10.2.0.0/26']);
  endOfRib();
  down(undefined, [{ family: 4, seconds: 120, longLivedSeconds: 0 }]);
  up();
  announce(['10.3.0.0/26', '10.4.0.0/26']);
  assert.equal(asked.length, 0);
  endOfRib();
  assert.equal(asked.length, 1);
});

test('prefixes that were never used are forgotten, though nobody has to be told', () => {
  const stage = nativeStage([stageSession(1, { maxPrefixes: 1 }), stageSession(2)]);
  upAll(stage, 'peer1', 'peer2');
  const { announce, withdraw } = stage.peer('peer1');
  announce(['10.1.0.0/26']);
  stage.settle();
  for (const what of [
    () => announce(['10.2.0.0/26']),
    () => {
      // Rejected: a node's default route.
      announce(['0.0.0.0/0']);
      withdraw(['0.0.0.0/0']);
    },
  ]) {
    const { wakes } = stage;
    what();
    assert(stage.wakes > wakes);
    stage.settle();
    assert.equal(stage.table.rib.prefixes.count, 1);
  }
});

test('a peer that gets another policy again before it knows all of the last one ends up with what the last one says', () => {
  // Moved again before its new group has looked at the table; and when that has, but the peer was told nothing of it yet.
  for (const goneOn of [0, 1]) {
    const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3)]);
    upAll(stage, 'peer1', 'peer2', 'peer3');
    stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26', '10.3.0.0/26']);
    stage.settle();
    const { ear, peer } = stage.peer('peer3');
    assert.equal(ear.routes.size, 3);
    const bind = (one: typeof peer, within: string): void => {
      const terms = one.terms() ?? assert.fail();
      stage.table.retarget(new Map([[one.source, { ...terms, within: [within] }]]));
    };
    bind(stage.peer('peer2').peer, '10.2.0.0/16');
    stage.settle();
    bind(peer, '10.1.0.0/16');
    let left = goneOn;
    assert.equal(
      stage.table.work(() => left-- > 0),
      false,
    );
    bind(peer, '10.2.0.0/16');
    stage.settle();
    assert.deepEqual([...ear.routes.keys()], ['10.2.0.0/26']);
    assert.equal(ear.endOfRibs, 1);
  }
});

test('a peer that gets another policy before it was told all is told the end all the same', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3)]);
  upAll(stage, 'peer1', 'peer2');
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26']);
  stage.settle();
  const { ear, peer, up } = stage.peer('peer3');
  up();
  const terms = peer.terms();
  assert(terms !== null);
  stage.table.retarget(new Map([[peer.source, { ...terms, within: prefixes('10.1.0.0/16') }]]));
  stage.settle();
  assert.deepEqual([...ear.routes.keys()], ['10.1.0.0/26']);
  assert.equal(ear.endOfRibs, 1);
});

test('what a list rejected is taken when the list is gone, as far as the limit allows', () => {
  const narrow = { importPolicy: 'listed', importFilters: prefixes('10.1.0.0/16') } as const;
  const bounded = (changes: Partial<SessionConfig>) => [
    stageSession(1, { maxPrefixes: 2, ...changes }),
    stageSession(2),
  ];
  for (const overLimitSeconds of [null, 90]) {
    const stage = nativeStage(bounded(narrow), {}, { overLimitSeconds });
    upAll(stage, 'peer1', 'peer2');
    const { announce, peer, stops, withdraw } = stage.peer('peer1');
    announce(['10.1.0.0/26', '10.2.0.0/26', '10.3.0.0/26']);
    stage.settle();
    assert.deepEqual([...stage.peer('peer2').ear.routes.keys()], ['10.1.0.0/26']);
    stage.change(bounded({}));
    assert.equal(stops.length, overLimitSeconds === null ? 0 : 1);
    if (overLimitSeconds !== null) continue;
    const told = [...stage.peer('peer2').ear.routes.keys()];
    assert.equal(told.length, 2);
    assert(told.includes('10.1.0.0/26'), 'what was taken stays');
    assert.equal(peer.dropped.overLimit, 1);
    withdraw(['10.1.0.0/26']);
    announce(['10.2.0.0/26', '10.3.0.0/26']);
    stage.settle();
    assert.deepEqual([...stage.peer('peer2').ear.routes.keys()].sort(), ['10.2.0.0/26', '10.3.0.0/26']);
  }
});
