/**
 * The container image in the place of the original one: the rack topology with all six reflectors as containers,
 * started with the commands of the original's documentation, from an etcd that demands client certificates.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { buildImage, IMAGE } from '../../scripts/image.ts';
import type { Podman } from '../../scripts/podman.ts';
import { checksOf } from '../support/checks.ts';
import { type Container, runContainer, untilContainerEstablished } from '../support/container.ts';
import { type LabEtcd, startLabEtcd } from '../support/lab-etcd.ts';
import { RACK_ENTRIES, RACK_REFLECTORS, type RackReflector } from '../support/rack.ts';
import { CONVERGE_MS, createRackHosts, type RackLab, rackLab } from '../support/rack-lab.ts';
import { assertNothingLost } from '../support/rack-observation.ts';
import { reflectorSessions } from '../support/rack-sessions.ts';
import { until } from '../support/until.ts';

const checks = checksOf('image');
const { check } = checks;

/** A user that this system need not know. */
const UNPRIVILEGED = 4711;

let podman: Podman;
let rack: RackLab;
let etcd: LabEtcd;
const containers = new Map<string, Container>();

function container(name: string): Container {
  const found = containers.get(name);
  if (found === undefined) throw new Error(`no container runs on ${name}`);
  return found;
}

function plan(name: string): RackReflector {
  const found = RACK_REFLECTORS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the rack topology has no reflector ${name}`);
  return found;
}

/** A folder to mount: authority, certificate and key, the key readable by its owner alone. */
function certificateFolder(name: string, owner: number): string {
  const folder = join(rack.folder, `certificates-${name}`);
  mkdirSync(folder, { recursive: true });
  assert.ok(etcd.certificates);
  const { ca, client } = etcd.certificates;
  for (const [file, source] of [
    ['ca.pem', ca],
    ['cert.pem', client.cert],
    ['key.pem', client.key],
  ] as const) {
    const target = join(folder, file);
    copyFileSync(source, target);
    chownSync(target, owner, owner);
    chmodSync(target, 0o600);
  }
  return folder;
}

/** "Route Reflector with TLS/SSL Etcd" of the original's documentation. */
function documented({ ipv4, ipv6 }: RackReflector, certificates: string): readonly string[] {
  return [
    ...['-e', `IP=${ipv4}`, '-e', `IP6=${ipv6}`, '-e', `ETCD_ENDPOINTS=${etcd.url}`],
    ...['-v', `${certificates}:/certs`, '-e', 'ETCD_CA_CERT_FILE=/certs/ca.pem'],
    ...['-e', 'ETCD_CERT_FILE=/certs/cert.pem', '-e', 'ETCD_KEY_FILE=/certs/key.pem'],
  ];
}

async function runReflector(name: string, options: readonly string[], owner = 0): Promise<void> {
  const args = [...options, ...documented(plan(name), certificateFolder(name, owner))];
  containers.set(name, await runContainer(podman, rack.lab.host(name), IMAGE, args));
}

/** The process that speaks BGP's configuration: Node, below tini and the entry point. */
async function capabilities(one: Container): Promise<string> {
  const text = await one.exec(
    'sh',
    '-c',
    'for p in /proc/[0-9]*; do case $(readlink $p/exe) in */node) grep CapEff $p/status; exit;; esac; done',
  );
  return text.trim().replace(/\s+/, ' ');
}

before(async () => {
  podman = await buildImage();
  const { lab, folder } = await createRackHosts();
  etcd = await startLabEtcd(lab.host('etcd'), `${folder}/etcd`, true);
  const { certificates } = etcd;
  assert.ok(certificates);
  const datastore = {
    DATASTORE_TYPE: 'etcdv2',
    ETCD_ENDPOINTS: etcd.url,
    ETCD_CA_CERT_FILE: certificates.ca,
    ETCD_CERT_FILE: certificates.client.cert,
    ETCD_KEY_FILE: certificates.client.key,
  };
  rack = rackLab(lab, folder, { datastore, tree: () => etcd.tree(), renderOn: 'n2' });
  await etcd.put(RACK_ENTRIES);
  await rack.startNodes();
});

after(async () => {
  for (const one of containers.values()) await one.remove();
  rack?.close(checks.incomplete);
});

check('image-rack', async () => {
  for (const name of ['rr1', 'rr2', 'rr4', 'rr5', 'rr6']) await runReflector(name, ['--privileged']);
  await runReflector('rr3', ['--cap-drop=all', '--cap-add=NET_BIND_SERVICE']);
  await rack.converged();
  for (const one of RACK_REFLECTORS) {
    await untilContainerEstablished(container(one.name), reflectorSessions(one), CONVERGE_MS);
    const names = (await container(one.name).sessions()).map(({ name }) => name);
    assert.deepEqual(names.sort(), [...reflectorSessions(one)].sort());
  }
});

check('image-capabilities', async () => {
  // DAC_OVERRIDE, DAC_READ_SEARCH and NET_BIND_SERVICE; NET_BIND_SERVICE alone.
  assert.equal(await capabilities(container('rr1')), 'CapEff: 0000000000000406');
  assert.equal(await capabilities(container('rr3')), 'CapEff: 0000000000000400');
  // Nor does anything of the build's environment stay in it.
  assert.doesNotMatch(await container('rr1').exec('env'), /^NODE_EXTRA_CA_CERTS=/m);
});

check('image-sigterm', async () => {
  await container('rr2').stop();
  const observed = await rack.watched(async () => {
    await container('rr1').stop();
    await container('rr1').start();
    const others = RACK_REFLECTORS.filter(({ name }) => name !== 'rr2');
    await untilContainerEstablished(container('rr1'), reflectorSessions(plan('rr1'), others), CONVERGE_MS);
    await rack.converged();
  });
  assertNothingLost(observed);
});

check('image-read-only', async () => {
  await container('rr2').remove();
  await runReflector('rr2', ['--read-only', '--read-only-tmpfs=false']);
  await untilContainerEstablished(container('rr2'), reflectorSessions(plan('rr2')), CONVERGE_MS);
});

check('image-unprivileged', async () => {
  await container('rr5').remove();
  const { host } = container('rr5');
  await host.run('sh', ['-c', 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start']);
  const state = join(rack.folder, 'state-of-rr5');
  mkdirSync(state);
  chownSync(state, UNPRIVILEGED, UNPRIVILEGED);
  const options = ['--user', String(UNPRIVILEGED), '-v', `${state}:/var/lib/calico-rr`];
  await runReflector('rr5', options, UNPRIVILEGED);
  await untilContainerEstablished(container('rr5'), reflectorSessions(plan('rr5')), CONVERGE_MS);
  assert.equal(await capabilities(container('rr5')), 'CapEff: 0000000000000000');
});

check('image-user-without-port', async () => {
  await container('rr6').remove();
  await runReflector('rr6', ['--user', String(UNPRIVILEGED)], UNPRIVILEGED);
  const { logs } = container('rr6');
  await until(
    async () => /179/.test(await logs()),
    async () => `the log to name port 179: ${await logs()}`,
    60_000,
  );
  assert.deepEqual(
    (await container('rr6').sessions()).filter(({ state }) => state === 'Established'),
    [],
  );
});

checks.allShown();
