import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, node, peer, reflector } from '../../test/support/resources.ts';
import { at, codesOf, names, racks, sessionOf, topologyOf } from '../../test/support/topology.ts';
import { createTopology, type Topology } from './topology.ts';

test('two global peers with one address are told once, not once for each node', () => {
  const nodes = [1, 2, 3].map((n) => node(`n${n}`, [`10.0.1.${n}`]));
  const topology = topologyOf(peer('a', null, '10.0.0.1'), peer('b', null, '10.0.0.1'), ...nodes);
  assert.deepEqual(codesOf(topology.speaker(at('10.0.0.1')).problems()), ['duplicate BGPPeer/b']);
});

test('the AS of each end falls back from its own to the global one to 64512, and is never 0', () => {
  const resources = [
    reflector('rr1', ['10.0.0.1']),
    node('n1', ['10.0.1.1']),
    node('n2', ['10.0.1.2'], { asNumber: 65002 }),
    peer('all', null, '10.0.0.1', { asNumber: 0 }),
  ];
  const seen = (topology: Topology) =>
    topology
      .speaker(at('10.0.0.1'))
      .config()
      .sessions.map((session) => [session.localAs, session.peerAs]);
  assert.deepEqual(seen(topologyOf(...resources)), [
    [64512, 64512],
    [64512, 65002],
  ]);
  assert.deepEqual(seen(topologyOf(...resources, configuration({ asNumber: 65002 }))), [
    [65002, 65002],
    [65002, 65002],
  ]);
});

test('reflectors mesh within their group only, a group that is not named is "default"', () => {
  const topology = topologyOf(
    reflector('a1', ['10.0.0.1'], { group: 'a' }),
    reflector('a2', ['10.0.0.2'], { group: 'a' }),
    reflector('d1', ['10.0.0.3']),
    reflector('d2', ['10.0.0.4'], { group: 'default' }),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), ['Mesh_10_0_0_2']);
  assert.deepEqual(names(topology.speaker(at('10.0.0.3'))), ['Mesh_10_0_0_4']);
  assert.deepEqual(topology.reflectorsOfGroup('a'), ['a1', 'a2']);
  assert.equal(topology.speaker(at('10.0.0.1')).config().group, 'a');
});

test('a process joins the two halves of a reflector that carries no name', () => {
  const topology = topologyOf(
    reflector('10.0.0.1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
    reflector('fd00::1', ['fd00::1'], { clusterID: '1.0.0.6' }),
    reflector('rr2', ['10.0.0.2', 'fd00::2']),
    node('n1', ['10.0.1.1', 'fd00::7']),
    peer('n1-4', 'n1', '10.0.0.1'),
    peer('n1-6', 'n1', 'fd00::1'),
  );
  const view = topology.speaker(at('10.0.0.1', 'fd00::1'));
  assert.deepEqual(names(view), ['Mesh_10_0_0_2', 'Mesh_fd00__2', 'Node_10_0_1_1', 'Node_fd00__7']);
  assert.equal(sessionOf(view, 'Node_10_0_1_1').clusterId, '1.0.0.1');
  assert.equal(sessionOf(view, 'Node_fd00__7').clusterId, '1.0.0.6');
  assert.deepEqual(topology.reflectorsOf('n1'), ['10.0.0.1']);
});

test('a family that the own entry lacks is served with the other half, but not meshed, and reported', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
    reflector('rr2', ['10.0.0.2', 'fd00::2']),
    node('n1', ['fd00::7']),
    peer('n1-6', 'n1', 'fd00::1'),
  );
  const view = topology.speaker(at('10.0.0.1', 'fd00::1'));
  assert.deepEqual(names(view), ['Mesh_10_0_0_2', 'Node_fd00__7']);
  assert.equal(sessionOf(view, 'Node_fd00__7').clusterId, '1.0.0.1');
  assert.deepEqual(codesOf(view.problems()), ['no-address RouteReflector/rr1']);
});

test('a speaker at another address than its entry says is told so', () => {
  const topology = topologyOf(reflector('rr1', ['10.0.0.9']), reflector('rr2', ['10.0.0.2']));
  const view = topology.speaker({ ...at('10.0.0.1'), name: 'rr1' });
  assert.equal(view.standing, 'entry');
  assert.deepEqual(codesOf(view.problems()), ['conflict RouteReflector/rr1']);
  assert.deepEqual(names(view), []);
});

test('a speaker known by name alone has the addresses of its entry', () => {
  const topology = topologyOf(reflector('rr1', ['10.0.0.1', 'fd00::1']));
  const config = topology.speaker({ ...at(), name: 'rr1' }).config();
  assert.deepEqual([config.ipv4, config.ipv6, config.routerId], ['10.0.0.1', 'fd00::1', '10.0.0.1']);
});

test('an IPv6-only speaker has a router ID that is a valid one and does not change', () => {
  const topology = topologyOf(reflector('rr1', ['fd00::1']));
  const identity = { ...at('fd00::1'), name: 'rr1' };
  const { routerId } = topology.speaker(identity).config();
  assert.match(routerId, /^\d+\.\d+\.\d+\.\d+$/);
  assert.equal(createTopology().speaker(identity).config().routerId, routerId);
});

test('ports: a node-specific setting, then the default, then 179; an explicit one only from the node', () => {
  const topology = topologyOf(
    configuration({ listenPort: 1790, nodeToNodeMeshEnabled: false }),
    configuration({ listenPort: 1791 }, 'node.n1'),
    reflector('rr1', ['10.0.0.1']),
    reflector('rr2', ['10.0.0.2']),
    node('n1', ['10.0.1.1']),
    node('n2', ['10.0.1.2']),
    peer('all', null, '10.0.0.1:1999'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.equal(view.config().listenPort, 1790);
  assert.equal(topology.speaker({ ...at('10.0.0.1'), listenPort: 2000 }).config().listenPort, 2000);
  assert.equal(sessionOf(view, 'Global_10_0_1_1').peerPort, 1791);
  assert.equal(sessionOf(view, 'Global_10_0_1_2').peerPort, 1790);
  assert.equal(sessionOf(view, 'Mesh_10_0_0_2').peerPort, 1790);
  const node1 = topology.speaker(at('10.0.1.1'));
  assert.equal(node1.config().listenPort, 1791);
  assert.equal(sessionOf(node1, 'Global_10_0_0_1_port_1999').peerPort, 1999);
});

test('the settings of a peer entry reach both ends where both need them', () => {
  const topology = topologyOf(
    configuration({ nodeToNodeMeshEnabled: false }),
    reflector('rr1', ['10.0.0.1']),
    node('n1', ['10.0.1.1']),
    peer('n1-rr1', 'n1', '10.0.0.1', {
      asNumber: 64512,
      localASNumber: 64512,
      password: { secretKeyRef: { name: 'bgp', key: 'rr' } },
      maxRestartTime: '300s',
      keepaliveTime: '10s',
      ttlSecurity: 1,
      nextHopMode: 'Self',
      sourceAddress: 'None',
      numAllowedLocalASNumbers: 2,
    }),
  );
  const onReflector = sessionOf(topology.speaker(at('10.0.0.1')), 'Node_10_0_1_1');
  const onNode = sessionOf(topology.speaker(at('10.0.1.1')), 'Node_10_0_0_1');
  for (const session of [onReflector, onNode]) {
    assert.deepEqual([session.password, session.passwordRef], [true, 'bgp/rr']);
    assert.deepEqual([session.gracefulRestartSeconds, session.keepaliveSeconds], [300, 10]);
    assert.equal(session.ttlSecurityHops, 1);
  }
  assert.deepEqual(
    [onReflector.nextHop, onReflector.sourceAddress, onReflector.allowLocalAs],
    ['auto', '10.0.0.1', 0],
  );
  assert.deepEqual([onNode.nextHop, onNode.sourceAddress, onNode.allowLocalAs], ['self', null, 2]);
});

test('what two resources claim at once is decided by name and reported', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1']),
    reflector('rr2', ['10.0.0.2']),
    reflector('rr2b', ['10.0.0.2']),
    node('n1', ['10.0.1.1']),
    node('n1-old', ['10.0.1.1']),
    peer('all', null, '10.0.0.1'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual(
    view.config().sessions.map((session) => session.peerName),
    ['n1', 'rr2'],
  );
  assert.deepEqual(codesOf(topology.problems()), ['duplicate Node/n1-old', 'duplicate RouteReflector/rr2b']);
});

test('an address that nobody has resolves to nothing', () => {
  const topology = topologyOf(...racks());
  assert.equal(topology.resolve('10.9.9.9'), undefined);
  assert.equal(topology.resolve('nobody'), undefined);
  assert.equal(topology.speakers().length, 15);
});

test('reflectors of one group with different AS numbers run eBGP between them, and that is reported', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1']),
    reflector('rr2', ['10.0.0.2'], { asNumber: 65002 }),
  );
  const view = topology.speaker(at('10.0.0.1'));
  const session = sessionOf(view, 'Mesh_10_0_0_2');
  assert.deepEqual([session.localAs, session.peerAs, session.client], [64512, 65002, false]);
  assert.deepEqual(codesOf(view.problems()), ['as-mismatch RouteReflector/rr2']);
});

test("a node on a fellow reflector's machine changes nothing about their mesh and is no fault", () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1']),
    reflector('rr2', ['10.0.0.2']),
    node('host-of-rr1', ['10.0.0.1']),
    node('host-of-rr2', ['10.0.0.2']),
    peer('all', null, '10.0.0.1'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual(names(view), ['Mesh_10_0_0_2']);
  assert.deepEqual(view.problems(), []);
});
