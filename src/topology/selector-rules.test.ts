import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, labelled, node, peer, reflector, resource } from '../../test/support/resources.ts';
import { at, codesOf, names, sessionOf, topologyOf } from '../../test/support/topology.ts';
import type { JsonObject, Resource } from '../model/resource.ts';

const MESH_OFF = configuration({ nodeToNodeMeshEnabled: false });
const RR = { 'route-reflector': 'true' };

function reflecting(
  name: string,
  addresses: readonly string[],
  clusterID: string,
  bgp: JsonObject = {},
): Resource {
  return labelled(node(name, addresses, { routeReflectorClusterID: clusterID, ...bgp }), RR);
}

function selecting(name: string, spec: JsonObject): Resource {
  return resource('BGPPeer', name, spec);
}

/** Calico's own example: nodes that are no reflectors peer with those that are. */
const CLIENTS_TO_REFLECTORS = selecting('clients-to-rr', {
  nodeSelector: '!has(route-reflector)',
  peerSelector: "route-reflector == 'true'",
});

/** Sessions as `name client? passive? port`, short enough for tables. */
function seen(topology: ReturnType<typeof topologyOf>, address: string): readonly string[] {
  return topology
    .speaker(at(address))
    .config()
    .sessions.map(
      ({ name, client, passive }) => `${name}${client ? ' client' : ''}${passive ? ' passive' : ''}`,
    );
}

test('one BGPPeer with two selectors makes the sessions at both ends, and the reflectors none among themselves', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1', 'fd00::1']),
    node('n2', ['10.0.0.2']),
    reflecting('r1', ['10.0.0.11', 'fd00::11'], '1.0.0.1'),
    reflecting('r2', ['10.0.0.12'], '1.0.0.1'),
    CLIENTS_TO_REFLECTORS,
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1', 'fd00::1'))), [
    'Node_10_0_0_11',
    'Node_10_0_0_12',
    'Node_fd00__11',
  ]);
  assert.deepEqual(names(topology.speaker(at('10.0.0.2'))), ['Node_10_0_0_11', 'Node_10_0_0_12']);
  const view = topology.speaker(at('10.0.0.11', 'fd00::11'));
  assert.deepEqual(
    view.config().sessions.map(({ name, client, clusterId, because }) => [name, client, clusterId, because]),
    [
      ['Node_10_0_0_1', true, '1.0.0.1', 'BGPPeer/clients-to-rr'],
      ['Node_10_0_0_2', true, '1.0.0.1', 'BGPPeer/clients-to-rr'],
      ['Node_fd00__1', true, '1.0.0.1', 'BGPPeer/clients-to-rr'],
    ],
  );
  assert.deepEqual(
    [view.standing, view.config().role, view.config().forwards, view.config().clusterId],
    ['node', 'reflector', true, '1.0.0.1'],
  );
  const client = topology.speaker(at('10.0.0.1')).config();
  assert.deepEqual([client.role, client.forwards], ['node', true]);
  assert.deepEqual(topology.reflectorsOf('n1'), ['r1', 'r2']);
  assert.deepEqual(topology.reflectorsOf('n1', 6), ['r1']);
  assert.deepEqual(topology.problems(), []);
});

test('a name gives the reflecting node itself: its addresses, its cluster ID, its blocks', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    resource('BlockAffinity', 'b', { node: 'r1', cidr: '10.65.1.0/26', state: 'confirmed' }),
    CLIENTS_TO_REFLECTORS,
  );
  const identity = topology.resolve('r1');
  assert.ok(identity !== undefined);
  const config = topology.speaker(identity).config();
  assert.deepEqual(
    [config.role, config.clusterId, config.blocks],
    ['reflector', '1.0.0.1', ['10.65.1.0/26']],
  );
  assert.deepEqual(names(topology.speaker(identity)), ['Node_10_0_0_1']);
});

test('who is a client: every peer of the same AS but those that are known to have the same cluster ID', () => {
  const all = selecting('all', { nodeSelector: 'all()', peerSelector: 'has(route-reflector)' });
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    node('n2', ['10.0.0.2'], { asNumber: 65002 }),
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    reflecting('r2', ['10.0.0.12'], '1.0.0.1'),
    reflecting('r3', ['10.0.0.13'], '1.0.0.3'),
    reflecting('r4', ['10.0.0.14'], '1.0.0.4', { asNumber: 65004 }),
    all,
  );
  assert.deepEqual(seen(topology, '10.0.0.11'), [
    'Node_10_0_0_1 client',
    'Node_10_0_0_12',
    'Node_10_0_0_13 client',
    'Node_10_0_0_14',
    'Node_10_0_0_2',
  ]);
  assert.deepEqual(seen(topology, '10.0.0.13'), [
    'Node_10_0_0_1 client',
    'Node_10_0_0_11 client',
    'Node_10_0_0_12 client',
    'Node_10_0_0_14',
    'Node_10_0_0_2',
  ]);
  const session = sessionOf(topology.speaker(at('10.0.0.2')), 'Node_10_0_0_11');
  assert.deepEqual([session.localAs, session.peerAs, session.client], [65002, 64512, false]);
});

test('a reflector given by its address is a client though it has the same cluster ID; the way back knows better', () => {
  const topology = topologyOf(
    MESH_OFF,
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    reflecting('r2', ['10.0.0.12'], '1.0.0.1'),
    peer('r1-r2', 'r1', '10.0.0.12'),
  );
  assert.deepEqual(seen(topology, '10.0.0.11'), ['Node_10_0_0_12 client']);
  assert.deepEqual(seen(topology, '10.0.0.12'), ['Node_10_0_0_11']);
});

test('a node peers back only if its AS is the one stated, and its port the one stated', () => {
  for (const [peerIP, asNumber, reverse] of [
    ['10.0.0.2', 64512, true],
    ['10.0.0.2', 65001, false],
    ['10.0.0.2:1790', 64512, true],
    ['10.0.0.2:1791', 64512, false],
    ['10.0.0.2', 0, true],
  ] as const) {
    const topology = topologyOf(
      MESH_OFF,
      configuration({ listenPort: 1790 }, 'node.n2'),
      node('n1', ['10.0.0.1', 'fd00::1']),
      node('n2', ['10.0.0.2', 'fd00::2']),
      peer('p', 'n1', peerIP, { asNumber }),
    );
    const back = names(topology.speaker(at('10.0.0.2', 'fd00::2')));
    assert.deepEqual(back, reverse ? ['Node_10_0_0_1'] : [], `${peerIP} ${asNumber}`);
  }
});

test('reversePeering Manual: the other end, node or reflector, is not told to peer back', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    reflector('rr1', ['10.0.0.21']),
    selecting('one-way', { node: 'n1', peerSelector: 'has(route-reflector)', reversePeering: 'Manual' }),
    peer('to-rr1', 'n1', '10.0.0.21', { reversePeering: 'Manual' }),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), ['Node_10_0_0_11', 'Node_10_0_0_21']);
  assert.deepEqual(names(topology.speaker(at('10.0.0.11'))), []);
  assert.deepEqual(names(topology.speaker(at('10.0.0.21'))), []);
});

test('an entry of every node is Global_ at the node, with the lesser text waiting, and Node_ on the way back', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    node('n9', ['10.0.0.9']),
    reflecting('r1', ['10.0.0.5'], '1.0.0.1'),
    selecting('all-to-rr', { peerSelector: 'has(route-reflector)' }),
  );
  assert.deepEqual(seen(topology, '10.0.0.1'), ['Global_10_0_0_5 passive']);
  assert.deepEqual(seen(topology, '10.0.0.9'), ['Global_10_0_0_5']);
  assert.deepEqual(seen(topology, '10.0.0.5'), ['Node_10_0_0_1 client', 'Node_10_0_0_9 client']);
});

test('of several entries that make one session, one of every node counts first, then the own, then the reverse, each by name', () => {
  const base = [MESH_OFF, node('n1', ['10.0.0.1']), reflecting('r1', ['10.0.0.5'], '1.0.0.1')];
  const reverse = selecting('a-reverse', { nodeSelector: 'has(route-reflector)', peerSelector: 'all()' });
  const own2 = selecting('c-own', { nodeSelector: 'all()', peerSelector: 'has(route-reflector)' });
  const own1 = peer('b-own', 'n1', '10.0.0.5');
  const global = selecting('z-global', { peerSelector: 'has(route-reflector)' });
  const because = (...entries: readonly Resource[]) =>
    topologyOf(...base, ...entries)
      .speaker(at('10.0.0.1'))
      .config()
      .sessions.map((session) => session.because);
  assert.deepEqual(because(reverse), ['BGPPeer/a-reverse']);
  assert.deepEqual(because(own2, reverse), ['BGPPeer/c-own']);
  assert.deepEqual(because(own2, reverse, own1), ['BGPPeer/b-own']);
  assert.deepEqual(because(own2, global, reverse, own1), ['BGPPeer/z-global']);
  const view = topologyOf(...base, own1, own2, global).speaker(at('10.0.0.1'));
  assert.deepEqual(codesOf(view.problems()), ['duplicate BGPPeer/b-own', 'duplicate BGPPeer/c-own']);
});

test('what holds at both ends is taken by both; how one end treats routes and numbers is its own', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    reflecting('r1', ['10.0.0.5'], '1.0.0.1'),
    peer('p', 'n1', '10.0.0.5', {
      asNumber: 64512,
      localASNumber: 65009,
      numAllowedLocalASNumbers: 2,
      nextHopMode: 'Self',
      password: { secretKeyRef: { name: 's', key: 'k' } },
      sourceAddress: 'None',
      maxRestartTime: '200s',
      keepaliveTime: '10s',
      ttlSecurity: 1,
    }),
  );
  const shared = {
    passwordRef: 's/k',
    sourceAddress: null,
    gracefulRestartSeconds: 200,
    keepaliveSeconds: 10,
    ttlSecurityHops: 1,
  };
  for (const [address, name, own] of [
    ['10.0.0.1', 'Node_10_0_0_5', { localAs: 65009, peerAs: 64512, nextHop: 'self', allowLocalAs: 2 }],
    ['10.0.0.5', 'Node_10_0_0_1', { localAs: 64512, peerAs: 65009, nextHop: 'auto', allowLocalAs: 0 }],
  ] as const) {
    const session = sessionOf(topology.speaker(at(address)), name);
    const taken = { ...session };
    for (const [field, value] of Object.entries({ ...shared, ...own })) {
      assert.equal(Object.entries(taken).find(([key]) => key === field)?.[1], value, `${address} ${field}`);
    }
  }
});

test('ports of nodes come from their BGPConfiguration and stand in the name, as in Calico', () => {
  const topology = topologyOf(
    MESH_OFF,
    configuration({ listenPort: 1791 }, 'node.r1'),
    node('n1', ['10.0.0.1']),
    reflecting('r1', ['10.0.0.5'], '1.0.0.1'),
    CLIENTS_TO_REFLECTORS,
  );
  assert.equal(sessionOf(topology.speaker(at('10.0.0.1')), 'Node_10_0_0_5_port_1791').peerPort, 1791);
  assert.equal(sessionOf(topology.speaker(at('10.0.0.5')), 'Node_10_0_0_1').peerPort, 179);
});

test('a RouteReflector is sent to a router by a nodeSelector that names a label of its own, and by nothing else', () => {
  const rr = labelled(reflector('rr1', ['10.0.0.21']), RR);
  const tor = { peerIP: '192.0.2.1', asNumber: 65001 };
  const sessions = (spec: JsonObject) =>
    names(topologyOf(MESH_OFF, rr, selecting('tor', { ...tor, ...spec })).speaker(at('10.0.0.21')));
  assert.deepEqual(sessions({ nodeSelector: 'has(route-reflector)' }), ['Node_192_0_2_1']);
  assert.deepEqual(sessions({ nodeSelector: "route-reflector == 'true' && rack != 'b'" }), [
    'Node_192_0_2_1',
  ]);
  assert.deepEqual(sessions({ nodeSelector: '!has(rack)' }), []);
  assert.deepEqual(sessions({ nodeSelector: "rack != 'b'" }), []);
  assert.deepEqual(sessions({ nodeSelector: 'all()' }), []);
  assert.deepEqual(sessions({ node: 'rr1' }), []);
  assert.deepEqual(sessions({}), []);
  const session = sessionOf(
    topologyOf(MESH_OFF, rr, selecting('tor', { ...tor, nodeSelector: 'has(route-reflector)' })).speaker(
      at('10.0.0.21'),
    ),
    'Node_192_0_2_1',
  );
  assert.deepEqual(
    [session.client, session.localAs, session.peerAs, session.because],
    [false, 64512, 65001, 'BGPPeer/tor'],
  );
});

test('a RouteReflector is not found by a peerSelector, and a peerSelector that could find nobody else is reported', () => {
  const topology = topologyOf(
    MESH_OFF,
    labelled(reflector('rr1', ['10.0.0.21']), RR),
    node('n1', ['10.0.0.1']),
    CLIENTS_TO_REFLECTORS,
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.21'))), []);
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), []);
  const [problem] = topology.problems();
  assert.equal(problem?.code, 'empty-selector');
  assert.match(problem?.hint ?? '', /RouteReflector\/rr1.*spec\.peerIP/);
});

test('selected nodes that peer with the address of a RouteReflector are its clients', () => {
  const topology = topologyOf(
    MESH_OFF,
    reflector('rr1', ['10.0.0.21'], { clusterID: '1.0.0.1' }),
    labelled(node('n1', ['10.0.0.1']), { rack: 'a' }),
    labelled(node('n2', ['10.0.0.2']), { rack: 'b' }),
    labelled(reflecting('r1', ['10.0.0.11'], '1.0.0.1'), { rack: 'a' }),
    labelled(reflecting('r2', ['10.0.0.12'], '1.0.0.2'), { rack: 'a' }),
    selecting('rack-a', { nodeSelector: "rack == 'a'", peerIP: '10.0.0.21', asNumber: 64512 }),
  );
  assert.deepEqual(seen(topology, '10.0.0.21'), [
    'Node_10_0_0_1 client',
    'Node_10_0_0_11',
    'Node_10_0_0_12 client',
  ]);
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), ['Node_10_0_0_21']);
  assert.deepEqual(names(topology.speaker(at('10.0.0.2'))), []);
});

test('a RouteReflector that a nodeSelector sends to one of another group finds the session made there too', () => {
  const topology = topologyOf(
    MESH_OFF,
    labelled(reflector('rr1', ['10.0.0.21'], { clusterID: '1.0.0.1', group: 'a' }), RR),
    reflector('rr2', ['10.0.0.22'], { clusterID: '1.0.0.2', group: 'b' }),
    selecting('join', { nodeSelector: 'has(route-reflector)', peerIP: '10.0.0.22' }),
  );
  assert.deepEqual(seen(topology, '10.0.0.21'), ['Node_10_0_0_22 client']);
  assert.deepEqual(seen(topology, '10.0.0.22'), ['Node_10_0_0_21 client']);
});

test('a label that is renamed makes the selector find nothing: the sessions go, and it is said aloud at once', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    CLIENTS_TO_REFLECTORS,
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual(names(view), ['Node_10_0_0_11']);
  assert.deepEqual(topology.problems(), []);
  const renamed = labelled(reflecting('r1', ['10.0.0.11'], '1.0.0.1'), { reflector: 'true' });
  topology.apply([{ op: 'put', resource: renamed }]);
  assert.deepEqual(names(view), []);
  assert.deepEqual(topology.problems(), [
    {
      code: 'empty-selector',
      severity: 'warning',
      subject: 'BGPPeer/clients-to-rr',
      message: 'Its peerSelector "route-reflector == \'true\'" finds nothing, so it makes no session.',
      hint: 'See the labels of your nodes: the one that reflectors carry may have been renamed or its value unquoted.',
    },
  ]);
  topology.apply([{ op: 'put', resource: reflecting('r1', ['10.0.0.11'], '1.0.0.1') }]);
  assert.deepEqual(names(view), ['Node_10_0_0_11']);
  assert.deepEqual(topology.problems(), []);
});

test('a selector that no longer parses keeps its last good meaning, and its line is shown with a caret', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    CLIENTS_TO_REFLECTORS,
  );
  const view = topology.speaker(at('10.0.0.1'));
  const before = view.config();
  const broken = selecting('clients-to-rr', { nodeSelector: '!has(route-reflector', peerSelector: 'all()' });
  topology.apply([{ op: 'put', resource: broken }]);
  assert.equal(view.config(), before);
  const [problem] = topology.problems();
  assert.equal(problem?.code, 'bad-selector');
  assert.match(problem?.hint ?? '', / {4}!has\(route-reflector\n {24}\^$/);
  topology.apply([{ op: 'put', resource: node('n2', ['10.0.0.2']) }]);
  assert.deepEqual(names(topology.speaker(at('10.0.0.2'))), ['Node_10_0_0_11'], 'new nodes are still found');
});

test('a label that no selector asks for changes nothing; one that is asked for changes only the sessions it concerns', () => {
  const topology = topologyOf(
    MESH_OFF,
    ...Array.from({ length: 20 }, (_, index) => node(`n${index}`, [`10.0.1.${index}`])),
    reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
    CLIENTS_TO_REFLECTORS,
  );
  const view = topology.speaker(at('10.0.0.11'));
  const before = view.config();
  topology.apply([{ op: 'put', resource: labelled(node('n3', ['10.0.1.3']), { team: 'x' }) }]);
  assert.equal(view.config(), before);
  topology.apply([
    { op: 'put', resource: labelled(reflecting('r1', ['10.0.0.11'], '1.0.0.1'), { ...RR, team: 'x' }) },
  ]);
  assert.equal(view.config(), before);
  topology.apply([{ op: 'put', resource: labelled(node('n3', ['10.0.1.3']), RR) }]);
  const after = view.config();
  assert.deepEqual(
    before.sessions.filter((session) => !after.sessions.includes(session)).map((session) => session.name),
    ['Node_10_0_1_3'],
  );
  assert.equal(after.sessions.length, 19);
});

test('peers that are local workloads make no session and are reported', () => {
  const topology = topologyOf(
    MESH_OFF,
    node('n1', ['10.0.0.1']),
    selecting('workloads', { localWorkloadSelector: 'has(router)', asNumber: 65001 }),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), []);
  assert.deepEqual(codesOf(topology.problems()), ['not-supported BGPPeer/workloads']);
});

test('a RouteReflector that is given the label that a nodeSelector asks for gets the session at once', () => {
  const topology = topologyOf(
    MESH_OFF,
    reflector('rr1', ['10.0.0.21']),
    selecting('tor', { nodeSelector: 'has(route-reflector)', peerIP: '192.0.2.1', asNumber: 65001 }),
  );
  const view = topology.speaker(at('10.0.0.21'));
  assert.deepEqual(names(view), []);
  assert.deepEqual(codesOf(topology.problems()), ['empty-selector BGPPeer/tor']);
  topology.apply([{ op: 'put', resource: labelled(reflector('rr1', ['10.0.0.21']), RR) }]);
  assert.deepEqual(names(view), ['Node_192_0_2_1']);
  assert.deepEqual(topology.problems(), []);
});

test('a nodeSelector that only RouteReflectors have labels for makes no session with selected nodes, and is reported', () => {
  const topology = topologyOf(
    MESH_OFF,
    labelled(reflector('rr1', ['10.0.0.21']), RR),
    labelled(node('n1', ['10.0.0.1']), { rack: 'a' }),
    selecting('p', { nodeSelector: 'has(route-reflector)', peerSelector: 'has(rack)' }),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.21'))), []);
  assert.deepEqual(codesOf(topology.problems()), ['empty-selector BGPPeer/p']);
});

test('a reload in which the last reflector is missing leaves its clients none, and says that the selector is empty', () => {
  const cluster = [MESH_OFF, node('n1', ['10.0.0.1']), CLIENTS_TO_REFLECTORS];
  const topology = topologyOf(...cluster, reflecting('r1', ['10.0.0.11'], '1.0.0.1'));
  assert.deepEqual(topology.reflectorsOf('n1'), ['r1']);
  topology.load({ resources: cluster, broken: [], warnings: [] });
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), []);
  assert.deepEqual(topology.reflectorsOf('n1'), []);
  assert.deepEqual(codesOf(topology.problems()), ['empty-selector BGPPeer/clients-to-rr']);
});

test('the reflectors of a node are those with which it has sessions, whichever end the entry is for', () => {
  const cluster = (spec: JsonObject) =>
    topologyOf(
      MESH_OFF,
      node('n1', ['10.0.0.1']),
      reflecting('r1', ['10.0.0.11'], '1.0.0.1'),
      reflecting('r2', ['fd00::12'], '1.0.0.1'),
      selecting('p', spec),
    ).reflectorsOf('n1');
  assert.deepEqual(cluster({ nodeSelector: 'has(route-reflector)', peerSelector: '!has(route-reflector)' }), [
    'r1',
  ]);
  assert.deepEqual(
    cluster({ nodeSelector: 'has(route-reflector)', peerSelector: 'all()', reversePeering: 'Manual' }),
    [],
  );
  assert.deepEqual(cluster({ node: 'r1', peerIP: '10.0.0.1', asNumber: 64512 }), ['r1']);
  assert.deepEqual(cluster({ node: 'r1', peerIP: '10.0.0.1', asNumber: 65001 }), []);
  assert.deepEqual(cluster({ peerIP: '10.0.0.11' }), ['r1']);
  assert.deepEqual(cluster({ node: 'n1', peerSelector: "route-reflector == 'true'" }), ['r1']);
});
