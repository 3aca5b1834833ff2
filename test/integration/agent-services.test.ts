/** A running node of a Kubernetes cluster: what it announces of services follows their endpoints; and `render` says it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram, startLocalAgent, temporaryFolder } from '../support/local-agent.ts';
import { loopbackNet, startNeighbor } from '../support/loopback-speaker.ts';
import { CALICO, startStandInCluster } from '../support/stand-in-cluster.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
after(() => folder.remove());

const SLICES = '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices';
const WAIT_MS = 60_000;

test('a node announces a service with the policy Local while it has a ready endpoint of it', async () => {
  const net = await loopbackNet();
  const { server, admin } = await startStandInCluster(net.port);
  const annotations = { 'projectcalico.org/IPv4Address': `${net.address(1)}/24` };
  await admin('POST', '/api/v1/nodes', { metadata: { name: 'n1', annotations } });
  await admin('POST', `${CALICO}/bgppeers`, {
    metadata: { name: 'n1-router' },
    spec: { node: 'n1', peerIP: `${net.address(21)}:${net.port}`, asNumber: 64512 },
  });
  await admin('POST', '/api/v1/namespaces/shop/services', {
    metadata: { name: 'web' },
    spec: { type: 'NodePort', clusterIPs: ['10.96.0.10'], externalTrafficPolicy: 'Local' },
  });
  await admin('POST', SLICES, {
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ nodeName: 'n1', conditions: { ready: true } }],
  });
  const env = { DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: server.url };
  const agent = await startLocalAgent(join(folder.path, 'n1'), ['--name', 'n1', '--no-kernel'], env);
  const neighbor = await startNeighbor(folder.path, net, 21, net.address(1));
  const askedForServices = () =>
    server.asked.some(({ verb, resource }) => verb === 'list' && resource === 'services');
  const services = async () =>
    [...(await neighbor.routes()).keys()].filter((one) => one.startsWith('10.96.')).sort();
  const untilServices = (...wanted: readonly string[]) =>
    until(async () => (await services()).join(' ') === wanted.join(' '), `"${wanted.join(' ')}"`, WAIT_MS);
  try {
    await neighbor.untilUp(WAIT_MS);
    assert.equal(askedForServices(), false);
    assert.deepEqual(await services(), []);

    const spec = { serviceClusterIPs: [{ cidr: '10.96.0.0/12' }] };
    await admin('PATCH', `${CALICO}/bgpconfigurations/default`, { spec });
    await untilServices('10.96.0.0/12', '10.96.0.10/32');
    const rendered = await runProgram(['render', 'n1'], env);
    assert.equal(rendered.code, 0, rendered.stderr);
    assert.match(rendered.stdout, /route 10\.96\.0\.10\/32 blackhole;/);

    // What Calico's nodes are told by their environment counts instead.
    const told = { ...env, CALICO_ADVERTISE_CLUSTER_IPS: '10.112.0.0/16' };
    const instead = await runProgram(['render', 'n1'], told);
    assert.match(instead.stdout, /route 10\.112\.0\.0\/16 blackhole;/);
    assert.doesNotMatch(instead.stdout, /10\.96\./);

    await admin('PATCH', `${SLICES}/web-1`, { endpoints: [{ nodeName: 'n2', conditions: { ready: true } }] });
    await untilServices('10.96.0.0/12');
    assert.deepEqual((await agent.status()).problems, []);
  } finally {
    await neighbor.stop();
    await agent.end();
    await server.stop();
  }
});
