import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, node, peer, reflector, resource } from '../../test/support/resources.ts';
import { at, codesOf, names, sessionOf, topologyOf } from '../../test/support/topology.ts';

test("original's bug: IPv6 session names held colons and BIRD refused the whole file", () => {
  const topology = topologyOf(
    reflector('rr1', ['fd00::1']),
    node('n1', ['fd00::7']),
    peer('all', null, 'fd00::1'),
  );
  assert.deepEqual(names(topology.speaker(at('fd00::1'))), ['Global_fd00__7']);
});

test("original's bug: IPv6 node-specific peers were compared with the IPv4 address and never matched", () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1', 'fd00::1']),
    node('n1', ['10.0.1.1', 'fd00::7']),
    peer('n1-rr1', 'n1', 'fd00::1'),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1', 'fd00::1'))), ['Node_fd00__7']);
});

test("original's bug: without an own entry there was no session, or no IPv6 session", () => {
  const topology = topologyOf(
    node('n1', ['10.0.1.1', 'fd00::7']),
    node('n2', ['10.0.1.2']),
    peer('all4', null, '10.0.0.1'),
    peer('n1-6', 'n1', 'fd00::1'),
  );
  const view = topology.speaker(at('10.0.0.1', 'fd00::1'));
  assert.equal(view.standing, 'standalone');
  assert.equal(view.config().standalone, true);
  assert.equal(view.config().routerId, '10.0.0.1');
  assert.deepEqual(names(view), ['Global_10_0_1_1', 'Global_10_0_1_2', 'Node_fd00__7']);
  assert.ok(view.config().sessions.every((session) => session.client && session.clusterId === null));
  assert.deepEqual(topology.reflectorsOf('n1'), ['10.0.0.1']);
});

test("original's bug: one AS mismatch froze everything; now that one session is plain eBGP and reported", () => {
  const topology = topologyOf(
    configuration({ asNumber: 64512 }),
    reflector('rr1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
    node('n1', ['10.0.1.1']),
    node('n2', ['10.0.1.2'], { asNumber: 65007 }),
    peer('all', null, '10.0.0.1'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  const good = sessionOf(view, 'Global_10_0_1_1');
  assert.deepEqual([good.client, good.clusterId, good.peerAs, good.localAs], [true, '1.0.0.1', 64512, 64512]);
  const odd = sessionOf(view, 'Global_10_0_1_2');
  assert.deepEqual([odd.client, odd.clusterId, odd.peerAs, odd.localAs], [false, null, 65007, 64512]);
  assert.deepEqual(codesOf(view.problems()), ['as-mismatch BGPPeer/all']);
  assert.match(view.problems()[0]?.message ?? '', /AS 64512.*Node\/n2.*AS 65007/);
  assert.match(view.problems()[0]?.hint ?? '', /65007.*64512/);
});

test("original's bug: a node with an empty or missing address broke the file for all", () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1', 'fd00::1']),
    node('n1', ['10.0.1.1']),
    node('n2', []),
    resource('Node', 'n3', {}),
    peer('all4', null, '10.0.0.1'),
    peer('all6', null, 'fd00::1'),
    peer('n2-rr1', 'n2', '10.0.0.1'),
    peer('n9-rr1', 'n9', '10.0.0.1'),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1', 'fd00::1'))), ['Global_10_0_1_1']);
  assert.deepEqual(codesOf(topology.problems()), [
    'no-address BGPPeer/n2-rr1',
    'no-such-node BGPPeer/n9-rr1',
  ]);
});

test("original's bug: a node under a global and a node-specific peer got two sessions with one address", () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1']),
    node('n1', ['10.0.1.1']),
    peer('a-specific', 'n1', '10.0.0.1', {
      asNumber: 64512,
      password: { secretKeyRef: { name: 's', key: 'k' } },
    }),
    peer('z-global', null, '10.0.0.1'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual(names(view), ['Global_10_0_1_1']);
  assert.equal(sessionOf(view, 'Global_10_0_1_1').because, 'BGPPeer/z-global');
  assert.deepEqual(codesOf(view.problems()), ['duplicate BGPPeer/a-specific']);
  assert.match(view.problems()[0]?.message ?? '', /BGPPeer\/z-global.*password is not used/);
});

test("original's bug: the text of addresses was compared, so two spellings were two addresses", () => {
  const topology = topologyOf(
    reflector('rr1', ['FD00:0::1']),
    reflector('rr2', ['fd00:0000::2']),
    node('n1', ['fd00:0:0::7/64']),
    peer('n1-rr1', 'n1', 'fd00:0:0:0::1'),
    peer('n1-rr1-port', 'n1', '[FD00::1]:179'),
  );
  const view = topology.speaker(at('fd00::1'));
  assert.deepEqual(names(view), ['Mesh_fd00__2', 'Node_fd00__7']);
  assert.deepEqual(codesOf(view.problems()), ['duplicate BGPPeer/n1-rr1-port']);
  assert.equal(topology.resolve('FD00::0:1')?.name, 'rr1');
});
