/**
 * What an agent knows of its sessions before they are up again, and which of them a change of names leaves alone. Four
 * nodes are configured; only two of them ever were there.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  type Cluster,
  type LocalAgent,
  startLocalAgent,
  temporaryFolder,
  writeCluster,
} from '../support/local-agent.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { until } from '../support/until.ts';

const folder = temporaryFolder();
const file = join(folder.path, 'calico.yaml');
const REFLECTORS = [1, 2, 3] as const;
const PRESENT = [11, 12] as const;
const NODES = [...PRESENT, 13, 14, 15, 16, 17, 18] as const;
let net: LoopbackNet;
let agent: LocalAgent;
const neighbors: Neighbor[] = [];

const everyPeer = NODES.flatMap((node) => REFLECTORS.map((reflector) => [node, reflector] as const));
const nameOf = (host: number) => `Node_${net.address(host).replaceAll('.', '_')}`;

function write(cluster: Pick<Cluster, 'peers' | 'extra'>): void {
  writeCluster(file, net, { reflectors: [...REFLECTORS], nodes: [...NODES], ...cluster });
}

async function untilBothUp(): Promise<void> {
  await agent.untilStatus(
    'both nodes to be up',
    ({ sessions }) => sessions.filter(({ state }) => state === 'Established').length === PRESENT.length,
    60_000,
  );
}

before(async () => {
  net = await loopbackNet();
  write({ peers: everyPeer });
  agent = await startLocalAgent(join(folder.path, 'rr1'), [], {
    DATASTORE_TYPE: 'file',
    CALICO_RR_FILE: file,
    IP: net.address(1),
  });
  for (const host of PRESENT) neighbors.push(await startNeighbor(folder.path, net, host, net.address(1), {}));
  await untilBothUp();
});

after(async () => {
  for (const neighbor of neighbors) await neighbor.stop();
  await agent?.end();
  folder.remove();
});

test('a BGPPeer for all nodes in the place of those of single nodes touches no session and keeps the names', async () => {
  const turns = () => neighbors.map((neighbor) => neighbor.log().split('State changed to').length);
  const before = turns();
  const all = `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: all-rr1}\nspec: {peerIP: ${net.address(1)}, asNumber: 64512}`;
  write({ peers: everyPeer.filter(([, reflector]) => reflector !== 1), extra: all });
  const now = await agent.untilStatus('the sessions to be those of the BGPPeer for all', (status) =>
    status.sessions.some(({ name, because }) => name === nameOf(11) && because === 'BGPPeer/all-rr1'),
  );
  assert.deepEqual(now.held, []);
  write({ peers: everyPeer });
  await agent.untilStatus('the sessions to be those of single nodes', (status) =>
    status.sessions.some(({ name, because }) => name === nameOf(11) && because === 'BGPPeer/n11-rr1'),
  );
  assert.deepEqual(turns(), before);
});

test('after a cold start the guard counts what was up, and not the nodes that never were', async () => {
  const record = join(agent.stateDir, 'established.json');
  await until(
    () => existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).sessions.length === PRESENT.length,
    'the record of what is up',
    30_000,
  );
  await agent.end();
  // One of two sessions that are up; of eight that are configured it would be too few to be held.
  write({ peers: everyPeer.filter(([node, reflector]) => node !== 11 || reflector !== 1) });
  await agent.restart();
  const { held } = await agent.untilStatus('the loss to be held', (status) => status.held.length > 0);
  assert.deepEqual(held[0]?.rules, ['session-loss']);
  assert.deepEqual(
    held[0]?.sessions.map(({ name }) => name),
    [nameOf(11)],
  );
  await untilBothUp();
});
