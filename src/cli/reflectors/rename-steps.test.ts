import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, reflector } from '../../../test/support/resources.ts';
import type { ReadReport } from '../../agent/status-object.ts';
import { clusterIdsOf, renamed, renameSteps } from './rename-steps.ts';

const report: ReadReport = {
  addresses: ['10.0.0.1', 'fd00::1'],
  state: 'running',
  version: '0.1.0',
  configured: 1,
  established: 1,
  down: [],
  downOmitted: 0,
  held: 0,
  control: null,
  updated: 0,
};
const resources = [
  reflector('10.0.0.1', ['10.0.0.1'], { clusterID: '1.0.0.1' }),
  reflector('fd00::1', ['fd00::1'], { clusterID: '1.0.0.1' }),
  reflector('rr2', ['10.0.0.2'], { clusterID: '1.0.0.2' }),
  node('n1', ['10.0.1.1'], { routeReflectorClusterID: '1.0.0.1' }),
  node('n2', ['10.0.1.2']),
];

test('each reflector of the cluster is one step, and the two entries of one process are one', () => {
  const steps = renameSteps(resources, [{ name: 'rr1', report }], '1.0.0.1');
  assert.deepEqual(
    steps.map(({ name, before }) => [name, before.map(({ kind, metadata }) => `${kind}/${metadata.name}`)]),
    [
      ['n1', ['Node/n1']],
      ['rr1', ['RouteReflector/10.0.0.1', 'RouteReflector/fd00::1']],
    ],
  );
  assert.deepEqual(steps[1]?.names, ['rr1', '10.0.0.1', 'fd00::1']);
  assert.equal(renameSteps(resources, [], '1.0.0.1').length, 3);
  assert.deepEqual(clusterIdsOf(resources), ['1.0.0.1', '1.0.0.2']);
});

test('only the cluster ID becomes another', () => {
  const [entry, , , reflecting] = resources;
  assert.ok(entry !== undefined && reflecting !== undefined);
  assert.deepEqual(renamed(entry, '1.0.0.9').spec, { ...entry.spec, clusterID: '1.0.0.9' });
  assert.deepEqual(renamed(reflecting, '1.0.0.9').spec.bgp, {
    ipv4Address: '10.0.1.1',
    ipv6Address: '',
    routeReflectorClusterID: '1.0.0.9',
  });
});
