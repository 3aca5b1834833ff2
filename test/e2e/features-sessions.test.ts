/**
 * What Calico's resources say of sessions, seen on the wire: passwords and their change, TTL security, a peer behind a
 * gateway, an AS of one session. Two nodes on rendered BIRDs (2 and 1.6) and a reflector that is a node; IPv4 and IPv6.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { prepareDebian } from '../../scripts/debian.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import { bgpSessions, startBird } from '../support/bird-daemon.ts';
import { checksOf } from '../support/checks.ts';
import {
  type ClusterLab,
  type ClusterNode,
  CONVERGE_MS,
  clusterNode,
  clusterResources,
  nodeResource,
  startCluster,
  untilHeld,
  untilSessions,
} from '../support/cluster-lab.ts';
import { kernelRoutes } from '../support/kernel-routes.ts';
import { type LabHome, startFileHome } from '../support/lab-homes.ts';
import { createLab, type Lab } from '../support/namespaces.ts';
import { CALICO_RR } from '../support/reflector-agent.ts';
import { configuration, resource } from '../support/resources.ts';
import { staysTrue, until } from '../support/until.ts';

const checks = checksOf('features-sessions');
const { check } = checks;

const n1 = clusterNode('n1', 1, 'bird2');
const n2 = clusterNode('n2', 2, 'bird1');
const rr1 = { ...clusterNode('rr1', 11, 'agent'), workloads: [] };
const PLAIN = [n1, n2];
/** The edge router speaks from an address that only its gateway, its own interface, leads to. */
const edgeHost = { name: 'edge', ipv4: '10.0.0.201', ipv6: 'fd00:10::201', workloads: ['172.20.0.1'] };
const EDGE = '172.20.0.1';
const EDGE_AS = 65000;
const LOCAL_AS = 64900;

const PASSWORD = { name: 'bgp', key: 'rack' };
const FIRST = 'correct horse battery # staple';
const SECOND = 'correct horse \\battery; staple';

let lab: Lab;
let folder = '';
let home: LabHome;
let cluster: ClusterLab;

function putSecret(password: string): void {
  const text = JSON.stringify({ [`${PASSWORD.name}/${PASSWORD.key}`]: password });
  writeFileSync(join(folder, 'secrets.yaml'), text, { mode: 0o600 });
}

async function putPeers(spec: JsonObject): Promise<void> {
  await home.put(
    resource('BGPPeer', 'nodes-to-rr', {
      nodeSelector: '!has(route-reflector)',
      peerSelector: 'has(route-reflector)',
      password: { secretKeyRef: PASSWORD },
      ...spec,
    }),
  );
}

/** Sessions of the reflector with these nodes, in both families. */
function sessionsWith(nodes: readonly ClusterNode[]): readonly string[] {
  return nodes.flatMap(({ ipv4, ipv6 }) => [
    `Node_${ipv4.replaceAll('.', '_')}`,
    `Node_${ipv6.replaceAll(':', '_')}`,
  ]);
}

async function untilAllUp(): Promise<void> {
  await untilSessions(cluster, 'rr1', sessionsWith(PLAIN));
  await cluster.converged(PLAIN);
}

/** What restarts all sessions of clients waits for a person. */
async function approveHeld(): Promise<void> {
  const held = await untilHeld(cluster.agent('rr1'), ({ text }) => text.includes('all-clients'));
  await cluster.agent('rr1').verb(['approve', held.id]);
}

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'crr-'));
  lab = await createLab([...PLAIN, rr1, edgeHost]);
  home = await startFileHome(lab.host('rr1'), join(folder, 'home'));
  await home.put(
    ...clusterResources(PLAIN),
    configuration({ nodeToNodeMeshEnabled: false }),
    nodeResource(rr1, { routeReflectorClusterID: '1.0.0.1' }, { 'route-reflector': 'true' }),
  );
  await putPeers({});
  putSecret(FIRST);
  const secrets = ['--secrets-file', join(folder, 'secrets.yaml')];
  cluster = await startCluster(lab, folder, home, [...PLAIN, rr1], {
    args: secrets,
    renderArgs: ['--show-secrets', ...secrets],
  });
});

after(() => {
  lab?.close();
  if (checks.incomplete) process.stdout.write(`logs of all daemons are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
});

check('password', async () => {
  await untilAllUp();
  const shown = await lab.host('rr1').run(CALICO_RR, ['render', 'rr1'], { env: home.env });
  assert.ok(!shown.includes('horse'), shown);
  const told = await cluster.agent('rr1').verb(['status', '-o', 'json']);
  assert.ok(!told.includes('horse'), told);
});

check('password-changed', async () => {
  putSecret(SECOND);
  await approveHeld();
  await untilSessions(cluster, 'rr1', []);
  await cluster.rendered('n1').refresh();
  await untilSessions(cluster, 'rr1', sessionsWith([n1]));
  await cluster.rendered('n2').refresh();
  await untilAllUp();
  assert.ok(!readFileSync(join(folder, 'rr1.agent.log'), 'utf8').includes('horse'));
});

/**
 * Gives reflector and n1 other settings. n1 is silent meanwhile: what one end cannot hear of the other any more keeps
 * the place of the next connection until the hold time is over. Loading its new settings brings it back.
 */
async function turnTtlSecurity(on: boolean): Promise<void> {
  await cluster.rendered('n1').ask('disable "Node_*"');
  await putPeers({ ttlSecurity: on ? 1 : 0 });
  await approveHeld();
  await until(
    async () => /ttl security on/.test(readFileSync(join(folder, 'rr1/bird.conf'), 'utf8')) === on,
    'the reflector to have the new setting',
    CONVERGE_MS,
  );
  await cluster.rendered('n1').refresh();
}

check('ttl-security', async () => {
  await turnTtlSecurity(true);
  await untilSessions(cluster, 'rr1', sessionsWith([n1]));
  // n2 keeps what it had: it sends with an ordinary TTL.
  await staysTrue(
    async () => (await cluster.established('rr1')).join() === sessionsWith([n1]).join(),
    'just the node with TTL security is up',
    3_000,
  );
  await turnTtlSecurity(false);
  await untilAllUp();
});

check('reachable-by', async () => {
  const edge = await startBird(
    lab.host('edge'),
    '2',
    folder,
    'edge',
    `router id ${edgeHost.ipv4};
protocol device {}
protocol bgp rr1 {
  local ${EDGE} as ${EDGE_AS};
  neighbor ${rr1.ipv4} as ${LOCAL_AS};
  multihop;
  connect retry time 2; error wait time 1,2;
  ipv4 { import all; export none; };
}
`,
  );
  const infoAtEdge = async () => (await bgpSessions(edge)).get('rr1') ?? '';
  const put = (spec: JsonObject) =>
    home.put(
      resource('BGPPeer', 'edge', {
        nodeSelector: 'has(route-reflector)',
        peerIP: EDGE,
        asNumber: EDGE_AS,
        ...spec,
      }),
    );
  const gateways = async () =>
    (await kernelRoutes(lab.host('rr1'), 4)).find(({ prefix }) => prefix === EDGE)?.via ?? [];
  await put({});
  await until(
    async () => (await cluster.agent('rr1').sessions()).has('Node_172_20_0_1'),
    'rr1 to know the edge router',
    CONVERGE_MS,
  );
  assert.deepEqual(await gateways(), []);
  await put({ reachableBy: edgeHost.ipv4 });
  await until(
    async () => (await gateways()).join() === edgeHost.ipv4,
    async () => `rr1 to route ${EDGE} by its gateway: ${(await gateways()).join()}`,
    CONVERGE_MS,
  );
  // It is reached now, and finds another AS than it was told.
  await until(
    async () => (await infoAtEdge()).includes('Bad peer AS'),
    async () => `the edge router to refuse AS 64512: ${await infoAtEdge()}`,
    CONVERGE_MS,
  );
  await put({ reachableBy: edgeHost.ipv4, localASNumber: LOCAL_AS });
  for (const { block4 } of PLAIN) {
    await until(
      async () => /BGP\.as_path: 64900\n/.test(await edge.ask(`show route ${block4} all`).catch(() => '')),
      async () => `the edge router to learn ${block4} from AS ${LOCAL_AS}: ${await infoAtEdge()}`,
      CONVERGE_MS,
    );
  }
  await edge.stop();
});

checks.allShown();
