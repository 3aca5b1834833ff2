/**
 * How a large site lost all routes for hours: an upgrade renamed the label by which the reflectors were selected, every
 * node's own Calico recomputed its peers, and closed all of its sessions. Here the same change is met at each stage: found in
 * files, refused by the API server, let through by name, and written where nobody is asked. One node runs stock BIRD
 * on what is rendered for it, as Calico's nodes recompute theirs; another and both reflectors run `calico-rr run`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { isJsonObject, parseJson } from '../../src/model/json.ts';
import type { Administrator } from '../contract/kubernetes-home.ts';
import { configureWebhook, startAdmission, WEBHOOK_CONFIGURATIONS } from '../support/admission-webhook.ts';
import { makeCertificates } from '../support/certificates.ts';
import { checksOf } from '../support/checks.ts';
import { runCli } from '../support/cli.ts';
import {
  type ClusterLab,
  type ClusterNode,
  clusterNode,
  clusterResources,
  nodeResource,
  routesTo,
  startCluster,
  untilHeld,
  untilSessions,
} from '../support/cluster-lab.ts';
import { untilForwards } from '../support/kernel-routes.ts';
import { type LabHome, startEtcdHome, startKubernetesHome } from '../support/lab-homes.ts';
import { createLab, type Lab } from '../support/namespaces.ts';
import { type BirdSession, touchedSessions } from '../support/reflector-agent.ts';
import { configuration, resource } from '../support/resources.ts';

const checks = checksOf('pi-day');
const { check } = checks;

const WAIT_MS = 60_000;
const OLD = 'node-role.kubernetes.io/master';
const NEW = 'node-role.kubernetes.io/control-plane';

const n1 = clusterNode('n1', 1, 'bird2');
const n2 = clusterNode('n2', 2, 'agent');
const rr1 = clusterNode('rr1', 11, 'agent');
const rr2 = clusterNode('rr2', 12, 'agent');
const OURS = [n2, rr1, rr2];
const REFLECTORS = [rr1, rr2];
const NODES = [n1, ...OURS];

const RESOURCES = [
  configuration({ nodeToNodeMeshEnabled: false }),
  ...REFLECTORS.map((plan) => reflector(plan, OLD)),
  ...clusterResources(NODES).filter(
    ({ kind, metadata }) =>
      kind !== 'BGPConfiguration' && !(kind === 'Node' && metadata.name.startsWith('rr')),
  ),
  resource('BGPPeer', 'peer-with-masters', { nodeSelector: 'all()', peerSelector: `has(${OLD})` }),
];

function reflector(plan: ClusterNode, label: string) {
  return nodeResource(plan, { routeReflectorClusterID: '244.0.0.1' }, { [label]: '' });
}

function sessionsWith(peers: readonly ClusterNode[], except: ClusterNode): readonly string[] {
  return peers
    .filter((peer) => peer !== except)
    .flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6].map((address) => `Node_${address.replaceAll(/[.:]/g, '_')}`));
}

let lab: Lab;
let folder = '';
let home: LabHome;
let cluster: ClusterLab;

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'crr-'));
  lab = await createLab([...NODES, { name: 'store', ipv4: '10.0.0.200', ipv6: 'fd00:10::200' }]);
});

after(() => {
  lab?.close();
  if (checks.incomplete) process.stdout.write(`logs of all daemons are in ${folder}\n`);
  else rmSync(folder, { recursive: true, force: true });
});

/** As kubectl asks, from the API server's own host. */
const admin: Administrator = async (method, path, body) => {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const data = body === undefined ? [] : ['-H', `content-type: ${type}`, '-d', JSON.stringify(body)];
  const output = await lab
    .host('store')
    .run(debianTools().curl, [
      ...['-sS', '-w', '\n%{http_code}', '-X', method, ...data],
      `${home.env.K8S_API_ENDPOINT}${path}`,
    ]);
  const end = output.trimEnd().lastIndexOf('\n');
  const answer = parseJson(output.slice(0, end));
  return { code: Number(output.slice(end)), body: isJsonObject(answer) ? answer : {} };
};

/** `kubectl label node NAME OLD- NEW=`, and with it what else is written in one. */
function rename({ name }: ClusterNode, from = OLD, to = NEW, annotations = {}) {
  const metadata = { labels: { [from]: null, [to]: '' }, annotations };
  return admin('PATCH', `/api/v1/nodes/${name}`, { metadata });
}

async function sessionsOfOurs(): Promise<readonly ReadonlyMap<string, BirdSession>[]> {
  return Promise.all(OURS.map(({ name }) => cluster.agent(name).sessions()));
}

/** Of the sessions of our speakers, those with `peers`. */
async function assertUntouched(
  before: readonly ReadonlyMap<string, BirdSession>[],
  peers: readonly ClusterNode[],
): Promise<void> {
  const now = await sessionsOfOurs();
  for (const [index, plan] of OURS.entries()) {
    const names = sessionsWith(plan === n2 ? REFLECTORS : peers, plan);
    const old = [...(before[index] ?? [])].filter(([name]) => names.includes(name));
    assert.equal(old.length, names.length, plan.name);
    assert.deepEqual(touchedSessions(new Map(old), now[index] ?? new Map()), [], plan.name);
  }
}

async function forwards(nodes: readonly ClusterNode[], to: readonly ClusterNode[]): Promise<void> {
  for (const plan of nodes)
    for (const family of [4, 6] as const)
      await untilForwards(lab.host(plan.name), family, routesTo(to, family, plan), WAIT_MS);
}

/** All routes are there, and all sessions: the routes come with the first of two reflectors. */
async function converged(nodes: readonly ClusterNode[]): Promise<void> {
  await cluster.converged(nodes);
  for (const plan of nodes) {
    const peers = REFLECTORS.includes(plan) ? nodes : REFLECTORS;
    await untilSessions(cluster, plan.name, sessionsWith(peers, plan));
  }
}

const TEXT = RESOURCES.map((one) => JSON.stringify(one)).join('\n---\n');

check('pi-day-check', async () => {
  const file = join(folder, 'cluster.json');
  const outcome = (text: string) => {
    writeFileSync(file, text);
    return runCli('calico-rr', ['check', '-f', file]);
  };
  const good = await outcome(TEXT);
  assert.equal(good.code, 0, good.stdout);
  const bad = await outcome(TEXT.replaceAll(`"labels":{"${OLD}"`, `"labels":{"${NEW}"`));
  assert.equal(bad.code, 3, bad.stdout);
  assert.match(bad.stdout, /peerSelector "has\(node-role\.kubernetes\.io\/master\)" finds nothing/);
  assert.match(bad.stdout, /mesh-off/);
});

check('pi-day-verbs', async () => {
  const file = join(folder, 'store.json');
  writeFileSync(file, TEXT);
  const env = { DATASTORE_TYPE: 'file', CALICO_RR_FILE: file };
  const losses = /n1 and n2 have too few reflectors \(IPv4: 2 now, 1 after\)/;
  const words = ['label', 'node', 'rr1', `${OLD}-`];
  const dry = await runCli('calico-rr', [...words, '--dry-run'], { env });
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, losses);
  const refused = await runCli('calico-rr', words, { env });
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stdout + refused.stderr, losses);
  assert.equal(readFileSync(file, 'utf8'), TEXT);
});

check('pi-day-up', async () => {
  home = await startKubernetesHome(lab.host('store'), join(folder, 'store'));
  await home.put(...RESOURCES);
  cluster = await startCluster(lab, join(folder, 'nodes'), home, NODES);
  await converged(NODES);
});

check('pi-day-webhook', async () => {
  const { ca, server } = await makeCertificates(folder);
  const url = home.env.K8S_API_ENDPOINT ?? '';
  await startAdmission(url, 8443, server, [], lab.host('store').start);
  const caBundle = readFileSync(ca).toString('base64');
  await configureWebhook(admin, ca, { clientConfig: { url: 'https://localhost:8443/validate', caBundle } });
  const before = await sessionsOfOurs();
  for (const plan of REFLECTORS) {
    const { code, body } = await rename(plan);
    assert.equal(code, 403, JSON.stringify(body));
    assert.match(String(body.message), /n1 and n2 have too few reflectors \(IPv4: 2 now, 1 after\)/);
  }
  await cluster.refresh();
  await forwards(NODES, NODES);
  await assertUntouched(before, NODES);
});

check('pi-day-override', async () => {
  const refused = await rename(rr1);
  const id = /allow-loss=([0-9a-f]{8})/.exec(String(refused.body.message))?.[1] ?? '';
  const let_through = await rename(rr1, OLD, NEW, { 'calico-rr.io/allow-loss': id });
  assert.equal(let_through.code, 200, JSON.stringify(let_through.body));
  // The last reflector is another change of another object.
  assert.equal((await rename(rr2)).code, 403);
  await cluster.refresh();
  await untilSessions(cluster, n1.name, sessionsWith([rr2], n1));
  await forwards(NODES, NODES);
  assert.equal((await rename(rr1, NEW, OLD)).code, 200);
  await cluster.refresh();
  await converged(NODES);
});

check('pi-day-raw', async () => {
  const before = await sessionsOfOurs();
  await admin('DELETE', `${WEBHOOK_CONFIGURATIONS}/calico-rr`);
  for (const plan of REFLECTORS) assert.equal((await rename(plan)).code, 200);
  for (const { name } of OURS) await untilHeld(cluster.agent(name));
  // What is stored reaches Calico's own nodes with their next look.
  await forwards(NODES, NODES);
  await cluster.refresh();
  await untilSessions(cluster, n1.name, []);
  await forwards([n1], []);
  await forwards(OURS, OURS);
  await assertUntouched(before, OURS);
  const status = await cluster.agent(rr1.name).verb(['status']);
  assert.match(status, /Guard: +holds this speaker's own side; .* only the admission webhook stops a change/);
  assert.match(status, /every client session/);
  for (const plan of REFLECTORS) assert.equal((await rename(plan, NEW, OLD)).code, 200);
  await cluster.refresh();
  await converged(NODES);
  await cluster.stop();
  await home.close();
});

check('pi-day-etcd', async () => {
  home = await startEtcdHome(lab.host('store'), join(folder, 'etcd'));
  await home.put(...RESOURCES.filter((one) => !/^n1\b/.test(one.metadata.name)));
  cluster = await startCluster(lab, join(folder, 'etcd-nodes'), home, OURS);
  await converged(OURS);
  const before = await sessionsOfOurs();
  await home.put(...REFLECTORS.map((plan) => reflector(plan, NEW)));
  for (const { name } of OURS) await untilHeld(cluster.agent(name));
  await forwards(OURS, OURS);
  await assertUntouched(before, OURS);
  await cluster.stop();
  await home.close();
});

checks.allShown();
