/** Taking a reflector out of service: two reflectors and a node, all three run by calico-rr on real BIRD. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type LocalAgent, startLocalAgent, temporaryFolder, writeCluster } from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const file = join(folder.path, 'calico.yaml');
let net: LoopbackNet;
const agents: LocalAgent[] = [];
let lonely: Neighbor | undefined;

async function agentAt(host: number, ...args: readonly string[]): Promise<LocalAgent> {
  const agent = await startLocalAgent(join(folder.path, `a${host}`), args, {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(host),
  });
  agents.push(agent);
  return agent;
}

const upWith = (address: string) => (status: Awaited<ReturnType<LocalAgent['status']>>) =>
  status.sessions.some((session) => session.peerAddress === address && session.state === 'Established');

before(async () => {
  net = await loopbackNet();
  writeCluster(file, net, { reflectors: [1, 2], nodes: [11] });
});

after(async () => {
  await lonely?.stop();
  for (const agent of agents) await agent.end();
  folder.remove();
});

test('a reflector whose clients all have another one is drained', async () => {
  const [rr1, rr2] = [await agentAt(1), await agentAt(2)];
  await agentAt(11, '--no-kernel');
  await rr1.untilStatus('the node at rr1', upWith(net.address(11)));
  await rr2.untilStatus('the node at rr2', upWith(net.address(11)));
  const { code, stdout, stderr } = await rr1.verb('drain', '--timeout', '40');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^drained: every session is closed/);
  const status = await rr1.status();
  assert.equal(status.phase, 'drained');
  assert.equal(status.ready, false);
  assert.ok(status.sessions.every((session) => session.state !== 'Established'));
});

test('a second drain is refused, and so is applying anything, until a restart', async () => {
  const [rr1] = agents;
  assert.ok(rr1 !== undefined);
  const { code, stderr } = await rr1.verb('drain');
  assert.equal(code, 1);
  assert.match(stderr, /this reflector is drained already/);
  await rr1.process.stop('SIGTERM');
  await rr1.restart();
  await rr1.untilStatus('the node at rr1 again', upWith(net.address(11)));
});

test('a reflector that a client has no other than is not drained, the client is named, and it stays in service', async () => {
  const [rr1] = agents;
  assert.ok(rr1 !== undefined);
  writeCluster(file, net, {
    reflectors: [1, 2],
    nodes: [11, 12],
    peers: [
      [11, 1],
      [11, 2],
      [12, 1],
    ],
  });
  lonely = await startNeighbor(folder.path, net, 12, net.address(1), { routes: ['10.65.12.0/26'] });
  await rr1.untilStatus('the lonely node', upWith(net.address(12)));
  const { code, stderr } = await rr1.verb('drain', '--timeout', '1');
  assert.equal(code, 1);
  assert.match(stderr, /clients would be cut off: .*n12 .*it has no other reflector \[E_DRAIN_UNSAFE\]/);
  const status = await rr1.untilStatus('rr1 in service', (now) => now.phase === 'running');
  assert.ok(upWith(net.address(12))(status));
});

test('--force cuts it off knowingly, and it is told why', async () => {
  const [rr1] = agents;
  const done = await rr1?.verb('drain', '--timeout', '0', '--force', '--message', 'rack 1 goes away');
  assert.equal(done?.code, 0, done?.stderr);
  await until(
    () => /Administrative shutdown.*rack 1 goes away/i.test(lonely?.log() ?? ''),
    () => `the text of the shutdown at the node; its log is ${lonely?.log()}`,
    30_000,
  );
});
