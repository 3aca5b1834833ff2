/** Every check by the smallest cluster that it finds something in, and clusters in which none finds anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, labelled, node, peer, reflector, resource } from '../../../test/support/resources.ts';
import { racks, topologyOf, topologyWith } from '../../../test/support/topology.ts';
import type { Problem } from '../../model/problem.ts';
import type { Resource } from '../../model/resource.ts';
import { pairNotes } from './pair-checks.ts';

const MESH_OFF = configuration({ nodeToNodeMeshEnabled: false, asNumber: 64512 });

function reflecting(name: string, address: string, labels: Record<string, string> = { rr: '' }): Resource {
  return labelled(node(name, [`${address}/24`], { routeReflectorClusterID: '1.0.0.1' }), labels);
}

/** All peer with the nodes labelled `rr`. */
const ALL_WITH_REFLECTORS = resource('BGPPeer', 'all', { nodeSelector: 'all()', peerSelector: 'has(rr)' });

interface Case {
  readonly title: string;
  readonly resources: readonly Resource[];
  /** `code severity subject` of everything that is found. */
  readonly found: readonly string[];
  /** Words that one of the messages has. */
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  {
    title: 'the Pi-Day case: the label of the reflectors was renamed',
    resources: [
      MESH_OFF,
      ALL_WITH_REFLECTORS,
      reflecting('r1', '10.0.0.1', { reflector: '' }),
      reflecting('r2', '10.0.0.2', { reflector: '' }),
      node('n1', ['10.0.0.3']),
    ],
    found: [
      'empty-selector warning BGPPeer/all',
      'mesh-off error BGPConfiguration/default',
      'reflectors-apart warning Node/r1',
    ],
    says: /none of the 3 nodes has an IPv4 session, so none learns another's routes/,
  },
  {
    title: 'a mesh that is on, with one member, because the other node reflects',
    resources: [reflecting('r1', '10.0.0.1'), node('n1', ['10.0.0.3'])],
    found: ['pairs-apart error Node/n1 and 1 more'],
    says: /^n1 and r1 do not learn each other's routes over IPv4 \(2 pairs\)\. They have no session/,
  },
  {
    title: 'the Pi-Day case where the nodes have a router besides',
    resources: [
      MESH_OFF,
      ALL_WITH_REFLECTORS,
      reflecting('r1', '10.0.0.1', { reflector: '' }),
      reflecting('r2', '10.0.0.2', { reflector: '' }),
      node('n1', ['10.0.0.3']),
      peer('tor', 'n1', '192.0.2.1', { asNumber: 65001 }),
    ],
    found: [
      'empty-selector warning BGPPeer/all',
      'pairs-apart error Node/n1',
      'pairs-apart error Node/r1 and 1 more',
      'reflectors-apart warning Node/r1',
    ],
    says: /^r1 and r2 do not learn the routes of n1, r1 and r2 over IPv4 \(4 pairs\)\. They have no session/,
  },
  {
    title: 'a node with one reflector',
    resources: [...racks().filter(({ metadata }) => !/^n1-rr2/.test(metadata.name))],
    found: ['too-few-reflectors warning Node/n1', 'too-few-reflectors warning Node/n1'],
    says: /n1 has 1 reflector over IPv4, fewer than 2/,
  },
  {
    title: 'reflectors of one group of which one is hidden behind another entry with its address',
    resources: [
      MESH_OFF,
      reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
      reflector('rr2', ['10.0.0.2'], { clusterID: '1.0.0.2' }),
      node('n1', ['10.0.1.1']),
      node('n2', ['10.0.1.2']),
      peer('a', 'n1', '10.0.0.1'),
      peer('b', 'n2', '10.0.0.2'),
      reflector('aa', ['10.0.0.2'], { clusterID: '1.0.0.3', group: 'other' }),
    ],
    found: [
      'duplicate warning RouteReflector/rr2',
      'pairs-apart error Node/n1',
      'pairs-apart error Node/n2',
      'reflectors-apart error RouteReflector/rr1',
      'too-few-reflectors warning Node/n1 and 1 more',
    ],
    says: /rr1 and rr2 reflect in one group \(default\) and have no IPv4 session with each other/,
  },
  {
    title: 'two reflectors with one cluster ID and different clients',
    resources: [
      MESH_OFF,
      reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
      reflector('rr2', ['10.0.0.2'], { clusterID: '1.0.0.1' }),
      node('n1', ['10.0.1.1']),
      node('n2', ['10.0.1.2']),
      peer('a', 'n1', '10.0.0.1'),
      peer('b', 'n2', '10.0.0.2'),
    ],
    found: [
      'cluster-id-clash error RouteReflector/rr2',
      'pairs-apart error Node/n1',
      'pairs-apart error Node/n2',
      'too-few-reflectors warning Node/n1 and 1 more',
    ],
    says: /It shares cluster ID 1\.0\.0\.1 with rr1, but not its clients: n1 has only rr1, n2 only rr2/,
  },
  {
    title: 'two groups with one cluster ID',
    resources: [
      ...racks(),
      reflector('x1', ['10.0.9.1'], { clusterID: '1.0.0.1', group: 'edge', peers: [{ ip: '10.0.0.3' }] }),
    ],
    found: ['cluster-id-clash warning RouteReflector/x1'],
    says: /Its group edge has cluster ID 1\.0\.0\.1, as rr1 of group default has/,
  },
  {
    title: 'a peering that is asked for at one end only',
    resources: [
      node('n1', ['10.0.1.1']),
      node('n2', ['10.0.1.2']),
      MESH_OFF,
      resource('BGPPeer', 'one', {
        node: 'n1',
        peerIP: '10.0.1.2',
        asNumber: 64512,
        reversePeering: 'Manual',
      }),
    ],
    found: ['one-sided error BGPPeer/one', 'pairs-apart error Node/n1 and 1 more'],
    says: /Node_10_0_1_2 of n1 with n2 cannot come up: n2 has no session with n1/,
  },
  {
    title: 'a BGPPeer that gives a node another AS than it has',
    resources: [
      node('n1', ['10.0.1.1']),
      node('n2', ['10.0.1.2']),
      MESH_OFF,
      peer('one', 'n1', '10.0.1.2', { asNumber: 65001 }),
    ],
    found: ['as-mismatch error BGPPeer/one', 'pairs-apart error Node/n1 and 1 more'],
    says: /it expects AS 65001 at n2, which speaks another/,
  },
  {
    title: 'a node of another AS than its reflectors, told once and not at both ends',
    resources: [
      MESH_OFF,
      reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
      node('n1', ['10.0.1.1'], { asNumber: 65001 }),
      node('n2', ['10.0.1.2'], { asNumber: 65002 }),
      peer('all', null, '10.0.0.1'),
    ],
    found: ['as-mismatch warning BGPPeer/all', 'too-few-reflectors warning Node/n1 and 1 more'],
    says: /but Node\/n1 has AS 65001: Global_10_0_0_1 runs as plain eBGP, not as a client\. The same at n2\.$/,
  },
  {
    title: 'a password at one end only',
    resources: [
      node('n1', ['10.0.1.1']),
      node('n2', ['10.0.1.2']),
      MESH_OFF,
      peer('one', 'n1', '10.0.1.2', {
        asNumber: 64512,
        reversePeering: 'Manual',
        password: { secretKeyRef: { name: 's', key: 'k' } },
      }),
      peer('two', 'n2', '10.0.1.1', { asNumber: 64512, reversePeering: 'Manual' }),
    ],
    found: [
      'pairs-apart error Node/n1 and 1 more',
      'session-mismatch error BGPPeer/one',
      'session-mismatch error BGPPeer/two',
    ],
    says: /only n1 has a password for it/,
  },
  {
    title: 'reflectors in one zone, with another to choose from',
    resources: [
      MESH_OFF,
      ALL_WITH_REFLECTORS,
      reflecting('r1', '10.0.0.1', { rr: '', 'topology.kubernetes.io/zone': 'a' }),
      reflecting('r2', '10.0.0.2', { rr: '', 'topology.kubernetes.io/zone': 'a' }),
      labelled(node('n1', ['10.0.0.3']), { 'topology.kubernetes.io/zone': 'b' }),
    ],
    found: ['one-failure-domain warning Node/n1'],
    says: /All IPv4 reflectors of n1 are in zone a \(r1 and r2\): when that fails, it has none/,
  },
  {
    title: 'more passwords than the kernel takes',
    resources: [
      MESH_OFF,
      reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
      reflector('rr2', ['10.0.0.2'], { clusterID: '1.0.0.1' }),
      ...Array.from({ length: 151 }, (_, index) => node(`n${index}`, [`10.0.1.${index}`])),
      peer('a', null, '10.0.0.1', {
        asNumber: 64512,
        password: { secretKeyRef: { name: 's', key: 'k' } },
      }),
      peer('b', null, '10.0.0.2'),
    ],
    found: ['too-many-passwords warning RouteReflector/rr1'],
    says: /151 sessions with a password; a kernel with net\.core\.optmem_max=20480 takes 150/,
  },
  {
    title: 'a reflector without clients, and a BGPPeer with a reflector that is gone',
    resources: [
      ...racks(),
      reflector('rr9', ['10.0.0.9', 'fd00::9'], { clusterID: '1.0.0.9' }),
      peer('old', 'n1', '10.0.0.8'),
    ],
    found: ['stale-entry warning BGPPeer/old', 'stale-entry warning RouteReflector/rr9'],
    says: /10\.0\.0\.8 in their own AS, where neither a Node nor a RouteReflector stands/,
  },
  {
    title: 'a peer without an AS number, which Calico writes into BIRD as 0',
    resources: [
      node('n1', ['10.0.1.1']),
      peer('tor', 'n1', '192.0.2.1', {}),
      configuration({ nodeToNodeMeshEnabled: true, asNumber: 64600 }),
    ],
    found: ['bad-as-number warning BGPPeer/tor'],
    says: /states no AS number of 192\.0\.2\.1\. Calico's own agent takes that for AS 0/,
  },
  {
    title: 'a nodeSelector of which YAML left nothing, as an API server stores it',
    resources: [
      reflecting('r1', '10.0.0.1'),
      reflecting('r2', '10.0.0.2'),
      node('n1', ['10.0.0.3']),
      MESH_OFF,
      resource('BGPPeer', 'all', { nodeSelector: '', peerSelector: 'has(rr)' }),
    ],
    found: ['empty-selector warning BGPPeer/all'],
    says: /spec\.nodeSelector is empty, which makes this a peer of every node/,
  },
  {
    title: 'a peerSelector that could only find RouteReflectors',
    resources: [
      ...racks(),
      labelled(reflector('rr9', ['10.0.0.9', 'fd00::9'], { clusterID: '1.0.0.9' }), { tier: 'edge' }),
      resource('BGPPeer', 'edge', { peerSelector: "tier == 'edge'" }),
    ],
    found: ['empty-selector warning BGPPeer/edge', 'stale-entry warning RouteReflector/rr9'],
    says: /finds nothing/,
  },
  {
    title: "a Node at a RouteReflector's address",
    resources: [...racks(), node('x', ['10.0.0.1'])],
    found: ['conflict error Node/x'],
    says: /It has the address of RouteReflector\/rr1, so the process there is that reflector/,
  },
];

function found(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ code, severity, subject }) => `${code} ${severity} ${subject}`).sort();
}

for (const { title, resources, found: expected, says } of CASES) {
  test(`check finds ${title}`, () => {
    const problems = topologyOf(...resources).check();
    assert.deepEqual(found(problems), [...expected].sort(), JSON.stringify(problems, null, 1));
    assert.ok(
      problems.some(({ message }) => says.test(message)),
      problems.map(({ message }) => message).join('\n'),
    );
    for (const { hint } of problems) assert.match(hint ?? '', /^[A-Z].*[.:)]?$/);
  });
}

test('the mesh of Calico before 3.13 towards nodes that reflect is told once', () => {
  const resources = [
    reflecting('r1', '10.0.0.1'),
    reflecting('r2', '10.0.0.2'),
    node('n1', ['10.0.0.3']),
    node('n2', ['10.0.0.4']),
    ALL_WITH_REFLECTORS,
  ];
  const problems = topologyWith({ calicoVersion: 'v3.12.0' }, ...resources).check();
  assert.deepEqual(found(problems), ['one-sided warning BGPConfiguration/default']);
});

test('nothing is found in a full mesh, in racks, with nodes as reflectors, and with a router for each node alone', () => {
  const nodes = [1, 2, 3].map((place) => node(`n${place}`, [`10.0.0.${place}/24`, `fd00::${place}/64`]));
  assert.deepEqual(topologyOf(...nodes).check(), []);
  assert.deepEqual(topologyOf(...racks()).check(), []);
  const reflectors = [reflecting('r1', '10.0.0.8'), reflecting('r2', '10.0.0.9')];
  assert.deepEqual(
    topologyOf(MESH_OFF, ALL_WITH_REFLECTORS, ...reflectors, ...nodes.slice(0, 0)).check(),
    [],
  );
  const routed = topologyOf(
    MESH_OFF,
    ...[1, 2, 3].map((place) => node(`n${place}`, [`10.0.0.${place}/24`])),
    peer('tor', null, '192.0.2.1', { asNumber: 65001 }),
  );
  assert.deepEqual(routed.check(), []);
  assert.deepEqual(pairNotes({ view: routed.cluster() }), [
    "Whether n1, n2 and n3 learn each other's routes over IPv4 depends on routers that no resource describes: 192.0.2.1 (6 pairs).",
  ]);
});
