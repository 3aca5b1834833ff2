/** A running reflector with Kubernetes as its datastore: passwords from Secrets, and BIRD neighbors that prove them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startLocalAgent, temporaryFolder } from '../support/local-agent.ts';
import { loopbackNet, startNeighbor } from '../support/loopback-speaker.ts';
import { CALICO, startStandInCluster } from '../support/stand-in-cluster.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
after(() => folder.remove());

const SECRETS = '/api/v1/namespaces/calico-system/secrets';
const WAIT_MS = 60_000;

test('a changed Secret restarts the session that it is for with the new password, and touches no other', async () => {
  const net = await loopbackNet();
  const { server, admin } = await startStandInCluster(net.port);
  await admin('POST', '/apis/calico-rr.io/v1/routereflectors', {
    metadata: { name: 'rr1' },
    spec: { ipv4: net.address(1), clusterID: '1.0.0.1' },
  });
  for (const node of [21, 22, 23]) {
    const annotations = { 'projectcalico.org/IPv4Address': `${net.address(node)}/24` };
    await admin('POST', '/api/v1/nodes', { metadata: { name: `n${node}`, annotations } });
    const password = node === 23 ? {} : { password: { secretKeyRef: { name: 'bgp', key: `n${node}` } } };
    await admin('POST', `${CALICO}/bgppeers`, {
      metadata: { name: `n${node}-rr1` },
      spec: { node: `n${node}`, peerIP: net.address(1), asNumber: 64512, ...password },
    });
  }
  const agent = await startLocalAgent(
    join(folder.path, 'rr1'),
    ['--name', 'rr1', '--secrets-namespace', 'calico-system', '--max-session-loss', '100'],
    { DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: server.url },
  );
  const start = (host: number, password?: string) =>
    startNeighbor(folder.path, net, host, net.address(1), password === undefined ? {} : { password });
  let first = await start(21, 'battery-staple');
  const second = await start(22, 'correct-horse');
  const third = await start(23);
  const sinceOf = async (host: number): Promise<string> =>
    (await agent.status()).sessions.find((one) => one.peerAddress === net.address(host))?.since ??
    'no session';
  try {
    const before = await agent.untilStatus(
      'the missing Secret',
      (now) => now.ready && now.problems.some((one) => one.code === 'missing-password'),
      WAIT_MS,
    );
    assert.deepEqual(
      before.sessions.map((one) => one.peerAddress),
      [net.address(23)],
    );
    assert.match(before.problems[0]?.message ?? '', /there is no Secret bgp in the namespace calico-system/);

    await admin('POST', SECRETS, {
      metadata: { name: 'bgp' },
      stringData: { n21: 'battery-staple', n22: 'correct-horse' },
    });
    for (const neighbor of [first, second, third]) await neighbor.untilUp(WAIT_MS);
    await agent.untilStatus(
      'three sessions and no problem',
      (now) =>
        now.problems.length === 0 && now.sessions.filter((one) => one.state === 'Established').length === 3,
      WAIT_MS,
    );
    const untouched = [await sinceOf(22), await sinceOf(23)];

    await admin('PATCH', `${SECRETS}/bgp`, { stringData: { n21: 'tr0ub4dor' } });
    await until(() => agent.log().find((line) => line.msg === 'session restarted'), 'the restart', WAIT_MS);
    await until(async () => !(await first.session()).startsWith('Established'), 'the session to go', WAIT_MS);
    await first.stop();
    first = await start(21, 'tr0ub4dor');
    await first.untilUp(WAIT_MS);
    const restarted = agent.log().filter((line) => line.msg === 'session restarted');
    assert.deepEqual(
      restarted.map((line) => line.peer),
      [net.address(21)],
    );
    assert.deepEqual([await sinceOf(22), await sinceOf(23)], untouched);
    const status = await agent.verb('status', '-o', 'json');
    assert.doesNotMatch(status.stdout + agent.process.output(), /battery-staple|correct-horse|tr0ub4dor/);

    // Away at the next start: the passwords of the last run serve, and no session comes up without.
    await agent.process.stop('SIGKILL');
    await server.stop();
    await agent.restart();
    await agent.untilStatus(
      'the frozen state with all its sessions',
      (now) =>
        now.phase === 'frozen' && now.sessions.filter((one) => one.state === 'Established').length === 3,
      WAIT_MS,
    );
    for (const neighbor of [first, second, third]) await neighbor.untilUp(WAIT_MS);
  } finally {
    for (const neighbor of [first, second, third]) await neighbor.stop();
    await agent.end();
    await server.stop();
  }
});
