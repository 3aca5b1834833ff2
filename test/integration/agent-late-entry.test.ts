/** A reflector that runs before its entry is there: standalone first, and held when the entry comes. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type LocalAgent, startLocalAgent, temporaryFolder, writeCluster } from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';

const folder = temporaryFolder();
const file = join(folder.path, 'calico.yaml');
const NODES = [11, 12] as const;
let net: LoopbackNet;
let agent: LocalAgent;
const neighbors: Neighbor[] = [];

const bothPeers = NODES.flatMap((node) => [[node, 1] as const, [node, 2] as const]);
const sessionName = (host: number) => `Node_${net.address(host).replaceAll('.', '_')}`;

before(async () => {
  net = await loopbackNet();
  writeCluster(file, net, { reflectors: [], nodes: [...NODES], peers: bothPeers });
  agent = await startLocalAgent(join(folder.path, 'rr1'), [], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(1),
  });
  for (const host of NODES) neighbors.push(await startNeighbor(folder.path, net, host, net.address(1), {}));
});

after(async () => {
  for (const neighbor of neighbors) await neighbor.stop();
  await agent?.end();
  folder.remove();
});

test('without an entry it is standalone and serves the nodes that name it', async () => {
  const status = await agent.untilStatus(
    'two established clients',
    ({ sessions }) => sessions.every(({ state }) => state === 'Established') && sessions.length === 2,
  );
  assert.equal(status.speaker?.standing, 'standalone');
});

test('its entry, which restarts every client for its cluster ID, is held', async () => {
  writeCluster(file, net, { reflectors: [1, 2], nodes: [...NODES], peers: bothPeers });
  const status = await agent.untilStatus('a held change', ({ held }) => held.length > 0);
  assert.deepEqual(status.held[0]?.sessions.map(({ name }) => name).sort(), NODES.map(sessionName));
  assert.ok(status.held[0]?.rules.includes('all-clients'));
});

test('meanwhile, the loss of one of the two reflectors that a node has got by now is held as well', async () => {
  const peers = bothPeers.filter(([node, reflector]) => node !== 12 || reflector !== 1);
  writeCluster(file, net, { reflectors: [1, 2], nodes: [...NODES], peers });
  const status = await agent.untilStatus('word of the removal', ({ held }) =>
    held.some(({ resources }) => resources.includes('BGPPeer/n12-rr1')),
  );
  const removal = status.held.find(({ sessions }) =>
    sessions.some(({ name, effect }) => name === sessionName(12) && effect === 'removed'),
  );
  assert.ok(removal?.rules.includes('min-reflectors'), JSON.stringify(status.held));
  assert.ok(status.sessions.some(({ name, state }) => name === sessionName(12) && state === 'Established'));
});
