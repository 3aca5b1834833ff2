/** Why two speakers have a session: each rule once, told at the end where it works. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configuration,
  labelled,
  listing,
  node,
  peer,
  reflector,
  resource,
} from '../../test/support/resources.ts';
import type { Resource } from '../model/resource.ts';
import { meshEraOf } from './mesh-rules.ts';
import { type ExplainedPair, explainPair, otherEnd } from './session-pair.ts';
import type { SessionReason } from './session-reason.ts';
import { createTopology } from './topology.ts';

function explain(
  resources: readonly Resource[],
  speaker: string,
  other: string,
  calicoVersion?: string,
): ExplainedPair {
  const topology = createTopology(calicoVersion === undefined ? {} : { calicoVersion });
  const all = listing(...resources);
  topology.load(all);
  const here = topology.resolve(speaker);
  const there = otherEnd(topology, other);
  assert.ok(here !== undefined && there !== undefined);
  return explainPair(topology, all, here, there, meshEraOf(calicoVersion));
}

const n1 = labelled(node('n1', ['10.0.1.1']), { rack: '1' });
const n2 = node('n2', ['10.0.1.2']);
const reflecting = labelled(node('r1', ['10.0.0.5'], { routeReflectorClusterID: '1.0.0.1' }), { rr: 'yes' });
const rr1 = reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' });
const rr2 = reflector('rr2', ['10.0.0.2'], { clusterID: '1.0.0.2' });
const meshOff = configuration({ nodeToNodeMeshEnabled: false });

type Rules = readonly [SessionReason['rule'] | null, SessionReason['rule'] | null];
const RULES: readonly (readonly [string, readonly Resource[], string, string, Rules])[] = [
  ['two nodes of the mesh', [n1, n2], 'n1', 'n2', ['mesh', 'mesh']],
  ['two reflectors of a group', [rr1, rr2], 'rr1', 'rr2', ['fellow-reflector', 'fellow-reflector']],
  ['a peer of one node', [n1, rr1, peer('p', 'n1', '10.0.0.1')], 'rr1', 'n1', ['named-by-node', 'this-node']],
  [
    'a peer of every node',
    [n1, rr1, peer('p', null, '10.0.0.1')],
    'rr1',
    'n1',
    ['named-by-all', 'every-node'],
  ],
  [
    'a peer of selected nodes',
    [n1, rr1, resource('BGPPeer', 'p', { nodeSelector: 'has(rack)', peerIP: '10.0.0.1', asNumber: 64512 })],
    'rr1',
    'n1',
    ['named-by-selected', 'selected-node'],
  ],
  [
    'nodes and reflecting nodes by their labels',
    [
      meshOff,
      n1,
      reflecting,
      resource('BGPPeer', 'p', { nodeSelector: 'has(rack)', peerSelector: 'has(rr)' }),
    ],
    'n1',
    'r1',
    ['selected-node', 'reverse'],
  ],
  [
    "a reflector's own peer elsewhere",
    [
      reflector('rr1', ['10.0.0.1'], { group: 'a', peers: [{ ip: '10.0.0.2' }] }),
      reflector('rr2', ['10.0.0.2'], { group: 'b' }),
    ],
    'rr1',
    'rr2',
    ['own-peer', 'peer-of-other'],
  ],
  [
    'a router that is for reflectors of a label',
    [
      labelled(rr1, { tor: 'a' }),
      resource('BGPPeer', 'p', { nodeSelector: 'has(tor)', peerIP: '192.0.2.1', asNumber: 65001 }),
    ],
    'rr1',
    '192.0.2.1',
    ['own-label', null],
  ],
];

for (const [what, resources, speaker, other, rules] of RULES) {
  test(`it is told which rule makes the session: ${what}`, () => {
    const { sessions, absent } = explain(resources, speaker, other);
    assert.deepEqual(absent, []);
    assert.deepEqual(
      sessions.map(({ here, there }) => [here?.reason.rule ?? null, there?.reason.rule ?? null]),
      [rules],
    );
    const [one] = sessions;
    assert.ok(one?.here?.resource !== null);
  });
}

test('every rule is among those that the table shows', () => {
  const shown = new Set(RULES.flatMap(([, , , , rules]) => rules));
  const all: readonly SessionReason['rule'][] = [
    ...(['mesh', 'fellow-reflector', 'own-peer', 'peer-of-other', 'named-by-all', 'named-by-node'] as const),
    ...(['named-by-selected', 'own-label', 'every-node', 'this-node', 'selected-node', 'reverse'] as const),
  ];
  assert.deepEqual(
    all.filter((rule) => !shown.has(rule)),
    [],
  );
});

test('a session that only one end has is told as half, with the problem that makes it so', () => {
  const ofWrongAs = peer('p', 'n1', '10.0.0.5', { asNumber: 65000 });
  const { sessions } = explain([meshOff, n1, reflecting, ofWrongAs], 'n1', 'r1');
  assert.deepEqual(
    sessions.map(({ here, there, peerKnown }) => [here?.session.because, there, peerKnown]),
    [['BGPPeer/p', null, true]],
  );
});

test('the era of the mesh is that of the Calico that the nodes run', () => {
  const resources = [n1, reflecting];
  assert.match(
    explain(resources, 'n1', 'r1').absent[0] ?? '',
    /r1 has a cluster ID, and nodes that have one/,
  );
  const old = explain(resources, 'n1', 'r1', 'v3.12.1');
  assert.equal(old.sessions[0]?.there, null);
  assert.match(old.sessions[0]?.here?.reason.era ?? '', /^Calico before 3\.13: /);
});

const ABSENT: readonly (readonly [string, readonly Resource[], string, string, RegExp])[] = [
  [
    'the mesh is off',
    [meshOff, n1, n2],
    'n1',
    'n2',
    /^The node-to-node mesh is off.* No BGPPeer is for n1\. /,
  ],
  ['no family in common', [n1, node('n6', ['fd00::6'])], 'n1', 'n6', /n1 has IPv4, n6 has IPv6/],
  [
    'two groups',
    [rr1, reflector('rr9', ['10.0.0.9'], { group: 'b' })],
    'rr1',
    'rr9',
    /rr1 is in the group default, rr9 is in the group b/,
  ],
  [
    'a reflector that nothing names',
    [n1, rr1, rr2, peer('p', 'n1', '10.0.0.1')],
    'rr2',
    'n1',
    /for n1: BGPPeer\/p \(with 10\.0\.0\.1\)/,
  ],
  [
    'an address of nobody',
    [n1],
    'n1',
    '192.0.2.9',
    /No Node and no RouteReflector has the address 192\.0\.2\.9/,
  ],
  ['itself', [n1], 'n1', '10.0.1.1', /They are one/],
];

for (const [what, resources, speaker, other, message] of ABSENT) {
  test(`it is told why there is no session: ${what}`, () => {
    const { sessions, absent } = explain(resources, speaker, other);
    assert.deepEqual(sessions, []);
    assert.match(absent.join(' '), message);
  });
}
