import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, node, peer, resource } from '../../test/support/resources.ts';
import { at, codesOf, names, sessionOf, topologyOf } from '../../test/support/topology.ts';

test('node role: the mesh is on unless it is turned off, and the end with the greater text opens', () => {
  const nodes = [node('a', ['10.0.0.9']), node('b', ['10.0.0.10']), node('c', ['fd00::3'])];
  const on = topologyOf(...nodes);
  assert.deepEqual(names(on.speaker(at('10.0.0.9'))), ['Mesh_10_0_0_10']);
  assert.equal(sessionOf(on.speaker(at('10.0.0.9')), 'Mesh_10_0_0_10').passive, false);
  assert.equal(sessionOf(on.speaker(at('10.0.0.10')), 'Mesh_10_0_0_9').passive, true);
  assert.deepEqual(names(on.speaker(at('fd00::3'))), []);
  const off = topologyOf(...nodes, configuration({ nodeToNodeMeshEnabled: false }));
  assert.deepEqual(names(off.speaker(at('10.0.0.9'))), []);
});

test('node role: a node that reflects is no member of the mesh, on either side', () => {
  const topology = topologyOf(
    node('a', ['10.0.0.1']),
    node('b', ['10.0.0.2']),
    node('r', ['10.0.0.3'], { routeReflectorClusterID: '1.0.0.1' }),
    peer('to-a', 'r', '10.0.0.1'),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), ['Mesh_10_0_0_2', 'Node_10_0_0_3']);
  const reflecting = topology.speaker(at('10.0.0.3'));
  assert.deepEqual(names(reflecting), ['Node_10_0_0_1']);
  assert.deepEqual(
    [reflecting.config().sessions[0]?.client, reflecting.config().clusterId],
    [true, '1.0.0.1'],
  );
});

test('node role: mesh sessions carry the password and the restart time of the mesh', () => {
  const topology = topologyOf(
    configuration({
      nodeMeshPassword: { secretKeyRef: { name: 'mesh', key: 'key' } },
      nodeMeshMaxRestartTime: '200s',
    }),
    node('a', ['10.0.0.1']),
    node('b', ['10.0.0.2'], { asNumber: 65002 }),
  );
  const session = sessionOf(topology.speaker(at('10.0.0.1')), 'Mesh_10_0_0_2');
  assert.deepEqual([session.passwordRef, session.gracefulRestartSeconds], ['mesh/key', 200]);
  assert.deepEqual([session.localAs, session.peerAs, session.client], [64512, 65002, false]);
});

test('node role: a node never peers with itself, and an entry of its own that says so is reported', () => {
  const topology = topologyOf(
    configuration({ nodeToNodeMeshEnabled: false }),
    node('a', ['10.0.0.1']),
    node('b', ['10.0.0.2']),
    peer('all', null, '10.0.0.1'),
    peer('self', 'a', '10.0.0.1'),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), ['Node_10_0_0_2']);
  assert.deepEqual(names(topology.speaker(at('10.0.0.2'))), ['Global_10_0_0_1']);
  assert.deepEqual(codesOf(topology.problems()), ['self-peer BGPPeer/self']);
});

test('node role: pools, own confirmed blocks, service ranges and filters are there, in one order', () => {
  const topology = topologyOf(
    configuration({
      serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
      serviceExternalIPs: [{ cidr: '10.2.0.0/16' }],
    }),
    node('a', ['10.0.0.1']),
    resource('IPPool', 'b', { cidr: '10.66.0.0/16', disabled: true }),
    resource('IPPool', 'a', { cidr: '10.65.0.0/16', ipipMode: 'Always' }),
    resource('BlockAffinity', 'a-1', { node: 'a', cidr: '10.65.1.0/26', state: 'confirmed' }),
    resource('BlockAffinity', 'a-2', { node: 'a', cidr: '10.65.2.0/26', state: 'pending' }),
    resource('BlockAffinity', 'a-3', { node: 'a', cidr: '10.65.3.1/32', state: 'confirmed' }),
    resource('BlockAffinity', 'b-1', { node: 'b', cidr: '10.65.4.0/26', state: 'confirmed' }),
    resource('CustomFilter', 'f', { family: 4, text: 'accept;' }),
  );
  const config = topology.speaker(at('10.0.0.1')).config();
  assert.deepEqual(
    config.pools.map((pool) => [pool.cidr, pool.disabled, pool.ipip, pool.because]),
    [
      ['10.65.0.0/16', false, 'Always', 'IPPool/a'],
      ['10.66.0.0/16', true, 'Never', 'IPPool/b'],
    ],
  );
  assert.deepEqual(config.blocks, ['10.65.1.0/26']);
  assert.deepEqual(config.serviceRanges, ['10.2.0.0/16', '10.96.0.0/12']);
  assert.deepEqual(config.customFilters, [{ name: 'f', family: 4, text: 'accept;' }]);
});

test('node role: an entry that names a node of the mesh takes the place of the mesh session, and says so', () => {
  const topology = topologyOf(node('a', ['10.0.0.1']), node('b', ['10.0.0.2']), peer('a-b', 'a', '10.0.0.2'));
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual(names(view), ['Node_10_0_0_2']);
  assert.deepEqual(codesOf(view.problems()), ['duplicate BGPPeer/a-b']);
});
