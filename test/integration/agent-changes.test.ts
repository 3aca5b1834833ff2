/** One agent on a file of resources and a real BIRD: changes, holds, approvals, and what survives a restart. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openControlSocket } from '../../src/engine/bird/control-socket.ts';
import {
  type LocalAgent,
  runProgram,
  startLocalAgent,
  temporaryFolder,
  writeCluster,
} from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const file = join(folder.path, 'calico.yaml');
const NODES = [11, 12, 13, 14, 15] as const;
let net: LoopbackNet;
let agent: LocalAgent;
const neighbors = new Map<number, Neighbor>();

const everybody = [...NODES];
/** rr2 is an entry alone: it makes every node one of two reflectors. */
const usual = { reflectors: [1, 2], nodes: everybody };
const without = (...nodes: readonly number[]) => ({
  ...usual,
  peers: everybody.flatMap((node) =>
    nodes.includes(node) ? [[node, 2] as const] : [[node, 1] as const, [node, 2] as const],
  ),
});
const sessionName = (host: number) => `Node_${net.address(host).replaceAll('.', '_')}`;
const established = (status: Awaited<ReturnType<LocalAgent['status']>>) =>
  status.sessions.filter((session) => session.state === 'Established').length;

/** How often the session of a node changed its state. It is up, and a session that was touched has changed since. */
async function changesOf(host: number): Promise<number | undefined> {
  const neighbor = neighbors.get(host);
  assert.match((await neighbor?.session()) ?? '', /^Established/);
  return neighbor?.stateChanges();
}

before(async () => {
  net = await loopbackNet();
  writeCluster(file, net, { ...usual, nodes: [11, 12, 13, 14] });
  const flags = ['--engine', 'bird', '--origin-guard', 'enforce', '--http', '127.0.0.1:0'];
  agent = await startLocalAgent(join(folder.path, 'rr1'), flags, {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(1),
  });
  for (const host of NODES) {
    const routes = [`10.65.${host}.0/26`];
    neighbors.set(host, await startNeighbor(folder.path, net, host, net.address(1), { routes }));
  }
});

after(async () => {
  for (const neighbor of neighbors.values()) await neighbor.stop();
  await agent?.end();
  folder.remove();
});

test('every client gets every other client’s routes', async () => {
  await agent.untilStatus('four established clients', (status) => established(status) === 4);
  await neighbors.get(11)?.untilRoutes(['10.65.12.0/26', '10.65.13.0/26', '10.65.14.0/26']);
  assert.match(readFileSync(join(agent.stateDir, 'bird.conf'), 'utf8'), /refuse_foreign_v4\(\);/);
});

test('status is printed in the table of calicoctl node status', async () => {
  const { code, stdout } = await agent.verb('status');
  assert.equal(code, 0);
  assert.match(stdout, /^Calico process is running\.\n\nIPv4 BGP status\n\+-+\+/);
  assert.match(stdout, /\| +PEER ADDRESS +\| +PEER TYPE +\| STATE \| +SINCE +\| +INFO +\|/);
  assert.match(stdout, new RegExp(`\\| ${net.address(11).replaceAll('.', '\\.')} +\\| node specific`));
  assert.match(stdout, /IPv6 BGP status\nNo IPv6 peers found\.\n/);
});

test('HTTP says that it lives, that it is ready, and the whole status', async () => {
  const address = agent.log().find((line) => /serving/.test(String(line.msg)))?.address;
  for (const [path, key] of [
    ['healthz', 'ok'],
    ['readyz', 'ready'],
    ['status', 'sessions'],
  ] as const) {
    const response = await fetch(`http://${address}/${path}`);
    assert.equal(response.status, 200);
    const body: unknown = await response.json();
    assert.ok(typeof body === 'object' && body !== null && key in body);
  }
  assert.equal((await fetch(`http://${address}/approve`, { method: 'POST' })).status, 405);
});

test('the control socket and the state folder are the owner’s alone', () => {
  assert.equal(statSync(agent.stateDir).mode & 0o777, 0o700);
  assert.equal(statSync(join(agent.stateDir, 'control.sock')).mode & 0o777, 0o600);
});

test('a node more is one session more, and no other session is touched', async () => {
  const before = await changesOf(11);
  const lines = agent.log().length;
  writeCluster(file, net, usual);
  await agent.untilStatus('the fifth client', (status) => established(status) === 5);
  assert.equal(await changesOf(11), before);
  const outcomes = agent
    .log()
    .slice(lines)
    .filter((line) => /^session (added|changed|removed|restarted)$/.test(String(line.msg)));
  assert.deepEqual(
    outcomes.map((line) => [line.msg, line.session, line.because]),
    [['session added', sessionName(15), 'BGPPeer/n15-rr1']],
  );
  await neighbors.get(15)?.untilRoutes([11, 12, 13, 14].map((host) => `10.65.${host}.0/26`));
});

test('a change that leaves a node with one of two reflectors is held; a harmless one beside it is applied', async () => {
  const before = await changesOf(11);
  writeCluster(file, net, {
    ...without(11),
    extra: `apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n16}\nspec: {bgp: {ipv4Address: ${net.address(16)}/24}}\n---\napiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: n16-rr1}\nspec: {node: n16, peerIP: ${net.address(1)}, asNumber: 64512}`,
  });
  const status = await agent.untilStatus(
    'a held change',
    (now) => now.held.length === 1 && now.sessions.length === 7,
  );
  assert.deepEqual(status.held[0]?.rules, ['min-reflectors']);
  assert.deepEqual(
    status.held[0]?.sessions.map((session) => session.name),
    [sessionName(11)],
  );
  assert.ok(status.held[0]?.resources.includes('BGPPeer/n11-rr1'));
  assert.ok(status.sessions.some((session) => session.name === sessionName(16)));
  assert.equal(await changesOf(11), before);
  const { stdout } = await agent.verb('status');
  assert.match(stdout, new RegExp(`calico-rr approve ${status.held[0]?.id}`));
});

test('status tells what all speakers together show, once things came to rest', async () => {
  const { cluster } = await agent.untilStatus(
    'the nodes with one reflector to be told of',
    (now) => now.cluster.problems.some(({ code }) => code === 'too-few-reflectors'),
    60_000,
  );
  assert.match(
    cluster.problems.map(({ message }) => message).join('\n'),
    /^n11 and n16 have 1 reflector over IPv4, fewer than 2\.$/m,
  );
});

test('taking the change back clears the hold', async () => {
  writeCluster(file, net, usual);
  await agent.untilStatus('no held change', (status) => status.held.length === 0);
});

test('an ID that is not held is refused with those that are', async () => {
  const { code, stderr } = await agent.verb('approve', 'ffffffff');
  assert.equal(code, 1);
  assert.match(stderr, /no change with the ID ffffffff is held \[E_APPROVE_UNKNOWN\]/);
});

test('a restart neither applies nor forgets a held change', async () => {
  const before = await changesOf(11);
  writeCluster(file, net, without(11));
  const { held } = await agent.untilStatus('a held change', (status) => status.held.length === 1);
  const bird = agent.birdPid();
  agent.process.kill('SIGKILL');
  await agent.process.exit;
  await agent.restart();
  const status = await agent.untilStatus('the same held change', (now) => now.held.length === 1 && now.ready);
  assert.equal(status.held[0]?.id, held[0]?.id);
  assert.equal(status.held[0]?.since, held[0]?.since);
  assert.equal(agent.birdPid(), bird);
  assert.equal(await changesOf(11), before);
});

test('after a restart beside a living BIRD, sessions that are down do not count as established', async () => {
  // Sessions to reflectors that are away: of the saved state, and never up.
  const away = [3, 4, 5, 6];
  writeCluster(file, net, { ...without(11), reflectors: [1, 2, ...away] });
  await agent.untilStatus('their sessions', (now) => now.sessions.length === 5 + 1 + away.length);
  agent.process.kill('SIGKILL');
  await agent.process.exit;
  await agent.restart();
  await agent.untilStatus('a ready agent', (now) => now.ready);
  writeCluster(file, net, without(11));
  const status = await agent.untilStatus('them gone', (now) => now.sessions.length === 5 + 1);
  assert.equal(status.held.length, 1);
});

test('an approval lets the change through', async () => {
  const [hold] = (await agent.status()).held;
  const { code, stdout } = await agent.verb('approve', hold?.id ?? '');
  assert.equal(code, 0);
  assert.equal(stdout, `approved and applied: ${hold?.id}\n`);
  const status = await agent.status();
  assert.deepEqual(status.held, []);
  assert.ok(!status.sessions.some((session) => session.name === sessionName(11)));
});

test('a new cluster ID, which restarts every client, is held', async () => {
  writeCluster(file, net, { ...without(11), clusterId: '1.0.0.9' });
  const status = await agent.untilStatus('a held change', (now) => now.held.length === 1);
  assert.ok(status.held[0]?.rules.includes('all-clients'));
  writeCluster(file, net, usual);
  await agent.untilStatus('five clients again', (now) => now.held.length === 0 && established(now) === 5);
});

test('an own entry that vanishes keeps its meaning until that is approved, by itself', async () => {
  writeCluster(file, net, { ...usual, reflectors: [2], peers: without(11).peers });
  const status = await agent.untilStatus('two held changes', (now) => now.held.length === 2);
  const [loss, other] = status.held;
  assert.deepEqual([loss?.rules, other?.rules], [['own-entry'], ['min-reflectors']]);
  assert.ok(loss?.sessions.some(({ name, effect }) => name.startsWith('Mesh_') && effect === 'removed'));
  assert.ok(!loss?.sessions.some(({ name }) => name === sessionName(11)));
  assert.equal(status.speaker?.standing, 'entry');
  assert.equal(established(status), 5);
  const { stdout } = await agent.verb('approve', loss?.id ?? '');
  assert.match(stdout, /approved and applied/);
  const after = await agent.untilStatus(
    'a standalone reflector',
    (now) => now.speaker?.standing === 'standalone' && established(now) === 5,
    60_000,
  );
  assert.deepEqual(
    after.held.map((hold) => hold.id),
    [other?.id],
  );
  assert.ok(after.sessions.some((session) => session.name === sessionName(11)));
  writeCluster(file, net, usual);
  await agent.untilStatus('an entry, its sessions held', (now) => now.held.length > 0);
  for (const hold of (await agent.status()).held) await agent.verb('approve', hold.id);
  await agent.untilStatus(
    'five clients again',
    (now) => now.held.length === 0 && established(now) === 5,
    60_000,
  );
});

test('SIGHUP lists and verifies anew, and changes nothing', async () => {
  const lines = agent.log().length;
  const config = readFileSync(join(agent.stateDir, 'bird.conf'), 'utf8');
  agent.process.kill('SIGHUP');
  await until(
    () =>
      agent
        .log()
        .slice(lines)
        .some((line) => /listing everything anew/.test(String(line.msg))),
    'the log to tell of the signal',
    30_000,
  );
  const status = await agent.untilStatus('five clients', (now) => now.ready && established(now) === 5);
  assert.deepEqual(status.held, []);
  assert.equal(readFileSync(join(agent.stateDir, 'bird.conf'), 'utf8'), config);
  assert.ok(
    !agent
      .log()
      .slice(lines)
      .some((line) => /^session /.test(String(line.msg))),
  );
});

test('a BIRD that others reconfigured behind our back is put right, and the log says so', async () => {
  const other = join(folder.path, 'other.conf');
  writeFileSync(other, 'router id 9.9.9.9;\nprotocol device { }\n');
  const control = await openControlSocket(join(agent.stateDir, 'bird.ctl'));
  await control.request(`configure "${other}"`);
  control.close();
  await until(
    () => agent.log().some((line) => /given another configuration by others/.test(String(line.msg))),
    'the log to tell of it',
    30_000,
  );
  await agent.untilStatus('five clients again', (now) => established(now) === 5, 60_000);
});

test('a first prefix bound that would drop routes is held and lists them; approved, it drops them', async () => {
  const pool = (cidr: string) =>
    `apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: pool}\nspec: {cidr: ${cidr}}`;
  const neighbor = neighbors.get(12);
  const others = [11, 13, 14, 15].map((host) => `10.65.${host}.0/26`);
  await neighbor?.untilRoutes(others);
  writeCluster(file, net, { ...usual, extra: pool('10.65.0.0/20') });
  await agent.process.stop('SIGKILL');
  await agent.restart(undefined, ['--engine', 'bird', '--accept-prefixes', 'pools']);
  await agent.untilStatus('five clients within the bound', (now) => now.ready && established(now) === 5);
  assert.deepEqual((await agent.status()).held, []);
  writeCluster(file, net, { ...usual, extra: pool('10.65.11.0/24') });
  const status = await agent.untilStatus('held bounds', (now) => now.held.length === 1);
  assert.deepEqual(status.held[0]?.rules, ['narrower-bounds']);
  assert.deepEqual(status.held[0]?.routes.map((route) => route.prefix).sort(), [
    '10.65.12.0/26',
    '10.65.13.0/26',
    '10.65.14.0/26',
    '10.65.15.0/26',
  ]);
  assert.equal((await neighbor?.routes())?.size, 4);
  await agent.verb('approve', status.held[0]?.id ?? '');
  await neighbor?.untilRoutes(['10.65.11.0/26']);
  assert.equal(established(await agent.status()), 5);
  await agent.process.stop('SIGKILL');
  await agent.restart(undefined, ['--engine', 'bird']);
  await agent.untilStatus('a ready agent', (now) => now.ready);
  writeCluster(file, net, usual);
  await neighbor?.untilRoutes(others);
});

test('SIGTERM ends agent and BIRD, and clients keep our routes as stale', async () => {
  const neighbor = neighbors.get(12);
  assert.ok(neighbor !== undefined);
  const routes = [11, 13, 14, 15].map((host) => `10.65.${host}.0/26`);
  await neighbor.untilRoutes(routes);
  const { code } = await agent.process.stop('SIGTERM');
  assert.equal(code, 0);
  assert.equal(agent.birdPid(), undefined);
  await until(
    async () => !(await neighbor.session()).startsWith('Established'),
    'the session to be lost',
    30_000,
  );
  assert.deepEqual([...(await neighbor.routes()).keys()].sort(), routes);
  assert.doesNotMatch(neighbor.log(), /Received: (Administrative shutdown|Cease)/i);
});

test('with no agent running, status says so and exits with 1', async () => {
  const { code, stderr } = await agent.verb('status');
  assert.equal(code, 1);
  assert.match(stderr, /no calico-rr runs here: nothing answers at .*control\.sock \[E_AGENT_UNREACHABLE\]/);
});

test('a datastore that is away at start: the last approved state runs, and status says so', async () => {
  await agent.restart({
    DATASTORE_TYPE: 'etcdv3',
    ETCD_ENDPOINTS: 'http://127.0.0.1:1',
    IP: net.address(1),
  });
  const status = await agent.untilStatus(
    'five clients with no datastore',
    (now) => established(now) === 5,
    60_000,
  );
  assert.equal(status.phase, 'frozen');
  assert.equal(status.ready, true);
  assert.equal(status.datastore.connected, false);
  assert.ok(
    agent.log().some((line) => /starting from the last approved state on disk/.test(String(line.msg))),
  );
  assert.match((await agent.verb('status')).stdout, /NOT REACHABLE/);
});

test('two agents cannot share a state folder', async () => {
  const second = await runProgram(['run', '--state-dir', agent.stateDir], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(1),
  });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another calico-rr \(process \d+\) runs with the state folder/);
});

test('with its saved state lost, a first state that would empty a living BIRD is held', async () => {
  agent.process.kill('SIGKILL');
  await agent.process.exit;
  rmSync(join(agent.stateDir, 'approved.json'));
  rmSync(join(agent.stateDir, 'held.json'), { force: true });
  const bird = agent.birdPid();
  writeCluster(file, net, { ...usual, nodes: [] });
  await agent.restart({ DATASTORE_TYPE: 'file', CALICO_RR_FILE: file, IP: net.address(1) });
  const status = await agent.untilStatus('a held first state', (now) => now.held.length === 1);
  assert.deepEqual(status.held[0]?.rules, ['first-state']);
  assert.equal(status.ready, false);
  assert.match(status.reason, /no approved state is on disk/);
  assert.equal(agent.birdPid(), bird);
  assert.ok((await neighbors.get(12)?.session())?.startsWith('Established'));
  writeCluster(file, net, usual);
  await agent.untilStatus('five clients', (now) => now.held.length === 0 && established(now) === 5);
});
