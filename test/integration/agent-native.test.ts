/** `calico-rr run --engine native`: however the agent ends, and with it its BGP, no client loses a route. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
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
const NODES = [11, 12, 13] as const;
const routeOf = (host: number): string => `10.65.${host}.0/26`;
const ALL = NODES.map(routeOf);
let net: LoopbackNet;
let agent: LocalAgent;
const neighbors = new Map<number, Neighbor>();

const neighbor = (host: number): Neighbor => {
  const found = neighbors.get(host);
  assert(found !== undefined);
  return found;
};
const othersOf = (host: number): readonly string[] => ALL.filter((route) => route !== routeOf(host));
/** Routes from the reflector that a neighbor's log tells the removal of. */
const removals = (host: number): number =>
  neighbor(host)
    .log()
    .split('\n')
    .filter((line) => /speaker.*removed/.test(line)).length;

async function allUp(): Promise<void> {
  await agent.untilStatus(
    'three established clients',
    ({ sessions, engine }) =>
      engine?.recovering === false && sessions.filter(({ state }) => state === 'Established').length === 3,
    120_000,
  );
}

before(async () => {
  net = await loopbackNet();
  writeCluster(file, net, { nodes: NODES });
  agent = await startLocalAgent(
    join(folder.path, 'rr1'),
    ['--engine', 'native', '--origin-guard', 'enforce', '--min-reflectors', '1', '--max-session-loss', '0'],
    { DATASTORE_TYPE: 'file', CALICO_RR_FILE: file, IP: net.address(1) },
  );
  for (const host of NODES) {
    const options = { routes: [routeOf(host)], extra: 'debug { states, routes };' };
    const generation = host === 13 ? 1 : 2;
    neighbors.set(
      host,
      await startNeighbor(folder.path, net, host, net.address(1), { ...options, generation }),
    );
  }
});

after(async () => {
  for (const one of neighbors.values()) await one.stop();
  await agent?.end();
  folder.remove();
});

test('every client gets every other client’s route, and no BIRD runs here', async () => {
  await allUp();
  for (const host of NODES) await neighbor(host).untilRoutes(othersOf(host));
  const { engine } = await agent.status();
  assert.equal(engine?.name, 'native');
  assert.equal(existsSync(join(agent.stateDir, 'bird.conf')), false);
});

test('status counts the routes and messages of each session', async () => {
  const { sessions } = await agent.status();
  const counted = sessions.map(({ counters }) => [
    counters?.accepted,
    counters?.told,
    counters?.stale,
    counters?.established,
  ]);
  assert.deepEqual(counted, [
    [1, 2, 0, 1],
    [1, 2, 0, 1],
    [1, 2, 0, 1],
  ]);
  assert(sessions.every(({ counters }) => (counters?.messagesIn ?? 0) > 2 && (counters?.octetsOut ?? 0) > 0));
});

test('explain route tells who told it, which route won, and whom we told', async () => {
  const [address] = routeOf(11).split('/');
  const { stdout } = await agent.verb('explain', 'route', address ?? '');
  const [heading, , incoming, , outgoing, , ...groups] = stdout.trimEnd().split('\n');
  assert.equal(heading, `${routeOf(11)}, as it came in:`);
  assert.match(incoming ?? '', new RegExp(`^Node_\\S+_11  +${neighbor(11).address} .* used$`));
  assert.equal(outgoing, 'As it goes out:');
  assert.match(groups.join('\n'), /^Node_\S+_12 Node_\S+_13 .* 1\.0\.0\.1 /);
  const json = await agent.verb('explain', 'route', routeOf(11), '-o', 'json');
  assert.equal(JSON.parse(json.stdout).routes[0].verdict, 'used');
  const unknown = await agent.verb('explain', 'route', '10.99.0.0/26');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /nobody told this speaker a route to 10\.99\.0\.0\/26 \[E_NOT_FOUND\]/);
  const wrong = await agent.verb('explain', 'route', 'n11');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /"n11" is neither a prefix nor an address \[E_USAGE\]/);
});

for (const [signal, promise] of [
  [
    'SIGKILL',
    'promise 2: an agent with its own BGP is killed and started again, and no client removes a route',
  ],
  [
    'SIGTERM',
    'promise 2: an agent with its own BGP is stopped and started again, and no client removes a route',
  ],
] as const) {
  test(promise, async () => {
    const before = NODES.map(removals);
    // The list of peers that were up is on the disk, so that they are waited for.
    const list = join(agent.stateDir, 'native-engine.json');
    await until(
      () => readFileSync(list, 'utf8').split('Node_').length === 4,
      'the list of peers that are up',
      60_000,
    );
    await agent.process.stop(signal);
    for (const host of NODES) {
      await until(
        async () => !(await neighbor(host).session()).startsWith('Established'),
        `${host} to see the end`,
        60_000,
      );
      assert.deepEqual([...(await neighbor(host).routes()).keys()].sort(), othersOf(host));
    }
    await agent.restart();
    await allUp();
    for (const host of NODES) {
      await until(
        async () => [...(await neighbor(host).routes()).values()].every(({ stale }) => !stale),
        'fresh routes',
        60_000,
      );
    }
    for (const host of NODES) await neighbor(host).untilRoutes(othersOf(host));
    assert.deepEqual(NODES.map(removals), before);
    assert(agent.log().some(({ msg }) => /^recovered/.test(String(msg))));
  });
}

test('a block that IPAM gave to another node is refused from whoever announces it, until it moves', async () => {
  const stolen = '10.65.99.0/26';
  const given = (node: number) =>
    [
      '{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: pods}, spec: {cidr: 10.65.0.0/16}}',
      `{apiVersion: crd.projectcalico.org/v1, kind: BlockAffinity, metadata: {name: b99}, spec: {cidr: ${stolen}, node: n${node}, state: confirmed, deleted: "false"}}`,
    ].join('\n---\n');
  writeCluster(file, net, { nodes: NODES, extra: given(12) });
  await neighbor(11).announce([routeOf(11), stolen]);
  const { problems } = await agent.untilStatus(
    'the problem',
    (now) => now.problems.some(({ code }) => code === 'foreign-origin'),
    60_000,
  );
  const foreign = problems.find(({ code }) => code === 'foreign-origin');
  assert.equal(foreign?.subject, 'Node/n11');
  assert.equal(foreign?.message, `n11 announces ${stolen}, and the block is n12’s: refused.`);
  await neighbor(13).untilRoutes(othersOf(13));
  writeCluster(file, net, { nodes: NODES, extra: given(11) });
  await neighbor(13).untilRoutes([...othersOf(13), stolen]);
  await agent.untilStatus('no problem', (now) => now.problems.length === 0, 60_000);
  await neighbor(11).announce([routeOf(11)]);
  await neighbor(13).untilRoutes(othersOf(13));
});

test('control: a route that is withdrawn is told by the log that was looked at', async () => {
  const before = removals(12);
  await neighbor(11).announce([]);
  await neighbor(12).untilRoutes([routeOf(13)]);
  await until(() => removals(12) > before, 'the removal in the log', 60_000);
});

test('a Calico node is refused, and told which engine it needs', async () => {
  const nodes = join(folder.path, 'node.yaml');
  writeCluster(nodes, net, { reflectors: [2], nodes: [14] });
  const { code, stderr, stdout } = await runProgram(
    ['run', '--engine', 'native', '--name', 'n14', '--state-dir', join(folder.path, 'n14')],
    { DATASTORE_TYPE: 'file', CALICO_RR_FILE: nodes },
  );
  assert.equal(code, 2);
  assert.match(`${stdout}${stderr}`, /n14 is a Calico node.*\[E_SETTING\]\n {2}Run it with --engine bird/s);
});
