/**
 * The pages of docs/how-to that start containers, run as they stand there. `docker` is podman here, and "the host" of
 * each page a network namespace with the datastore that the page names.
 */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { buildImage } from '../../scripts/image.ts';
import { type Podman, ULIMITS } from '../../scripts/podman.ts';
import {
  HOW_TO_ADDRESSES,
  type HowToPage,
  howToNodes,
  howToPages,
  type Shell,
  shellIn,
  testPage,
} from '../support/how-to.ts';
import { type LabEtcd, startLabEtcd } from '../support/lab-etcd.ts';
import { startEtcdHome, startKubernetesHome } from '../support/lab-homes.ts';
import { createLab, type Host, type Lab } from '../support/namespaces.ts';
import { node } from '../support/resources.ts';

const BIN = join(import.meta.dirname, '../../bin');

type Environment = Readonly<Record<string, string>>;

const folder = mkdtempSync(join(tmpdir(), 'calico-rr-how-to-'));
let lab: Lab | undefined;
let podman: Podman | undefined;

after(async () => {
  if (podman !== undefined)
    await lab?.host('h1').run(dockerIn(folder, podman), ['rm', '-fai', '-v', '-t', '0']);
  lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const [index, page] of howToPages()
  .filter(({ containers }) => containers)
  .entries()) {
  testPage(page, () => open(page, index + 1));
}

async function open(page: HowToPage, number: number): Promise<Shell> {
  podman ??= await buildImage();
  lab ??= await createLab([]);
  const { RR1, RR2 } = HOW_TO_ADDRESSES;
  const host = await lab.add({ name: `h${number}`, ipv4: `10.0.0.${200 + number}`, workloads: [RR1, RR2] });
  const cwd = join(folder, host.name);
  mkdirSync(cwd);
  const docker = dockerIn(cwd, podman);
  // What a run that was cut off has left.
  await host.run(docker, ['rm', '-fi', '-v', '-t', '0', 'rr1']);
  const datastore = await startDatastore(page, host, join(cwd, 'datastore'));
  const env = { ...HOW_TO_ADDRESSES, ...datastore, PATH: `${cwd}:${BIN}:${process.env.PATH}` };
  return shellIn(host.start, env, cwd);
}

/** A program `docker` that is our podman, with the options that it needs here. */
function dockerIn(target: string, { command, options, env }: Podman): string {
  const words = [command, ...options].join(' ');
  const file = join(target, 'docker');
  writeFileSync(
    file,
    [
      '#!/bin/sh',
      `export HOME=${env.HOME}`,
      `[ "$1" != run ] || { shift; set -- run --no-healthcheck ${ULIMITS.join(' ')} "$@"; }`,
      `exec ${words} "$@"\n`,
    ].join('\n'),
  );
  chmodSync(file, 0o755);
  return file;
}

/** @returns the variables that lead a page's commands to it */
async function startDatastore({ name, settings }: HowToPage, host: Host, data: string): Promise<Environment> {
  const nodes = howToNodes(settings);
  const resources = nodes.map((one) => node(one.name, [`${one.ipv4}/24`]));
  switch (settings.get('datastore')) {
    case 'etcdv2': {
      const etcd = await startLabEtcd(host, data);
      await putNodes(etcd, nodes);
      return { ETCD_ENDPOINTS: etcd.url };
    }
    case 'etcdv2-tls': {
      const etcd = await startLabEtcd(host, data, true);
      await putNodes(etcd, nodes);
      return { ETCD_ENDPOINTS: etcd.url, CERT_DIR: certificatesOf(etcd, join(data, 'mounted')) };
    }
    case 'etcdv3': {
      const home = await startEtcdHome(host, data);
      await home.put(...resources);
      return { ETCD_ENDPOINTS: home.env.ETCD_ENDPOINTS ?? '' };
    }
    case 'kubernetes': {
      const home = await startKubernetesHome(host, data);
      await home.put(...resources);
      return { DATASTORE_TYPE: 'kubernetes', KUBECONFIG: kubeconfig(home.env.K8S_API_ENDPOINT ?? '', data) };
    }
    default:
      throw new Error(`${name} names no datastore`);
  }
}

async function putNodes(etcd: LabEtcd, nodes: ReturnType<typeof howToNodes>): Promise<void> {
  await etcd.put(
    nodes.flatMap(({ name, ipv4 }) => [
      [`/calico/bgp/v1/host/${name}/ip_addr_v4`, ipv4] as const,
      [`/calico/bgp/v1/host/${name}/ip_addr_v6`, ''] as const,
    ]),
  );
}

function certificatesOf({ certificates }: LabEtcd, target: string): string {
  if (certificates === undefined) throw new Error('this etcd has no certificates');
  mkdirSync(target);
  const { ca, client } = certificates;
  for (const [name, source] of [
    ['ca.pem', ca],
    ['cert.pem', client.cert],
    ['key.pem', client.key],
  ] as const) {
    copyFileSync(source, join(target, name));
    chmodSync(join(target, name), 0o600);
  }
  return target;
}

function kubeconfig(url: string, target: string): string {
  const file = join(target, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server: url } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'nobody' } }],
    users: [{ name: 'nobody', user: {} }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
