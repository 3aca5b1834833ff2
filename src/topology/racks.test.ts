import assert from 'node:assert/strict';
import { test } from 'node:test';
import { names, RACKS, racks, topologyOf } from '../../test/support/topology.ts';

test('in the rack topology each reflector meshes with the five others and serves its own three nodes', () => {
  const topology = topologyOf(...racks());
  for (const { clusterID, reflectors, nodes } of RACKS) {
    for (const r of reflectors) {
      const identity = topology.resolve(`rr${r}`);
      assert.ok(identity !== undefined);
      const view = topology.speaker(identity);
      const others = [1, 2, 3, 4, 5, 6].filter((other) => other !== r);
      const expected = [
        ...others.flatMap((other) => [
          `Mesh_10_0_0_${other} non-client - rr${other}`,
          `Mesh_fd00__${other} non-client - rr${other}`,
        ]),
        ...nodes.flatMap((n) => [
          `Node_10_0_1_${n} client ${clusterID} n${n}`,
          `Node_fd00__1_${n} client ${clusterID} n${n}`,
        ]),
      ].sort();
      const actual = view.config().sessions.map((session) => {
        const client = session.client ? 'client' : 'non-client';
        return `${session.name} ${client} ${session.clusterId ?? '-'} ${session.peerName}`;
      });
      assert.deepEqual(actual, expected);
      assert.deepEqual(view.problems(), []);
      assert.equal(view.standing, 'entry');
    }
  }
  assert.deepEqual(topology.problems(), []);
  assert.deepEqual(topology.reflectorsOf('n5'), ['rr3', 'rr4']);
  assert.deepEqual(topology.reflectorsOf('n5', 6), ['rr3', 'rr4']);
  assert.deepEqual(topology.reflectorsOfGroup('default'), ['rr1', 'rr2', 'rr3', 'rr4', 'rr5', 'rr6']);
});

test('in the rack topology each node peers with the two reflectors of its rack and with nobody else', () => {
  const topology = topologyOf(...racks());
  for (const { reflectors, nodes } of RACKS) {
    for (const n of nodes) {
      const identity = topology.resolve(`10.0.1.${n}`);
      assert.ok(identity !== undefined);
      const view = topology.speaker(identity);
      const expected = reflectors.flatMap((r) => [`Node_10_0_0_${r}`, `Node_fd00__${r}`]);
      assert.deepEqual(names(view), expected.sort());
      assert.equal(view.standing, 'node');
      assert.ok(view.config().sessions.every((session) => !session.passive && session.peerAs === 64512));
    }
  }
});
