/** Who is in the node-to-node mesh, by the version of Calico that the nodes run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, node } from '../../test/support/resources.ts';
import { at, names, topologyWith } from '../../test/support/topology.ts';

const NODE = at('10.0.0.1', 'fd00::1');
const REFLECTOR = at('10.0.0.5', 'fd00::5');
const RESOURCES = [
  node('n1', ['10.0.0.1', 'fd00::1']),
  node('n2', ['10.0.0.2', 'fd00::2']),
  node('r1', ['10.0.0.5', 'fd00::5'], { routeReflectorClusterID: '1.0.0.1' }),
  node('r2', ['10.0.0.6', 'fd00::6'], { routeReflectorClusterID: '1.0.0.1' }),
];
const NODES_ALONE = ['Mesh_10_0_0_2', 'Mesh_fd00__2'];
const EVERYBODY = [
  ...['Mesh_10_0_0_2', 'Mesh_10_0_0_5', 'Mesh_10_0_0_6'],
  ...['Mesh_fd00__2', 'Mesh_fd00__5', 'Mesh_fd00__6'],
];
const EVERYBODY_V4 = ['Mesh_10_0_0_1', 'Mesh_10_0_0_2', 'Mesh_10_0_0_6'];

const ERAS: readonly (readonly [
  string,
  readonly (string | undefined)[],
  readonly string[],
  readonly string[],
])[] = [
  [
    'before 3.13 a node with a cluster ID builds no mesh session, and the others build theirs all the same',
    ['v3.12.3', '3.3', '3.12', 'v2.6.0'],
    EVERYBODY,
    [],
  ],
  [
    'from 3.13 to 3.20 nodes with a cluster ID are in the IPv4 mesh, and build none over IPv6',
    ['v3.13.0', '3.15.1', 'v3.20', 'v3.20.6-0.dev'],
    EVERYBODY,
    EVERYBODY_V4,
  ],
  [
    'from 3.21 on nodes with a cluster ID are in no mesh, and the others leave them out',
    ['v3.21.0', 'v3.32.0', '3.100', 'v4.0', undefined],
    NODES_ALONE,
    [],
  ],
];

for (const [sentence, versions, ofNode, ofReflector] of ERAS) {
  test(sentence, () => {
    for (const calicoVersion of versions) {
      const topology = topologyWith(calicoVersion === undefined ? {} : { calicoVersion }, ...RESOURCES);
      assert.deepEqual(names(topology.speaker(NODE)), ofNode, calicoVersion);
      assert.deepEqual(names(topology.speaker(REFLECTOR)), ofReflector, calicoVersion);
    }
  });
}

test('with the mesh off there is none in any era', () => {
  const off = configuration({ nodeToNodeMeshEnabled: false });
  for (const calicoVersion of ['v3.12.3', 'v3.13.0', 'v3.21.0']) {
    const topology = topologyWith({ calicoVersion }, ...RESOURCES, off);
    for (const speaker of [NODE, REFLECTOR])
      assert.deepEqual(names(topology.speaker(speaker)), [], calicoVersion);
  }
});
