/** The datastores on which the command line is tried: real etcd under both APIs, the Kubernetes stand-in, a folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { openEtcdV2 } from '../../src/datastore/etcd-v2/etcd-v2.ts';
import { openEtcdV3 } from '../../src/datastore/etcd-v3/etcd-v3.ts';
import { openFile } from '../../src/datastore/file/file.ts';
import { openKubernetes } from '../../src/datastore/kubernetes/kubernetes.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import { administrator, settingsFor, standInServer } from '../contract/kubernetes-home.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';

export interface CliHome {
  /** What a shell would export to mean it. */
  readonly env: Readonly<Record<string, string>>;
  /** The same datastore, to look at what a command did. */
  readonly datastore: Datastore;
  /** Puts a node there as the cluster does, where the command line cannot. */
  addNode(name: string, bgp: JsonObject): Promise<void>;
  close(): Promise<void>;
}

export interface EtcdCliHome extends CliHome {
  readonly etcd: Etcd;
}

export async function etcdHome(api: 'v2' | 'v3'): Promise<EtcdCliHome> {
  const etcd = await startEtcd();
  const { endpoints } = etcd;
  const datastore = api === 'v2' ? openEtcdV2({ endpoints }) : openEtcdV3({ endpoints });
  return {
    env: { DATASTORE_TYPE: `etcd${api}`, ETCD_ENDPOINTS: endpoints.join(',') },
    etcd,
    datastore,
    addNode: (name, bgp) => addNode(datastore, name, bgp),
    async close() {
      await datastore.close();
      await etcd.stop();
    },
  };
}

export async function fileHome(): Promise<CliHome> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-cli-'));
  const datastore = openFile(folder);
  return {
    env: { CALICO_RR_FILE: folder },
    datastore,
    addNode: (name, bgp) => addNode(datastore, name, bgp),
    async close() {
      await datastore.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function kubernetesHome(): Promise<CliHome> {
  const server = await standInServer();
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-cli-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(server.url));
  const datastore = openKubernetes(settingsFor(server.url));
  const admin = administrator(server);
  return {
    env: { DATASTORE_TYPE: 'kubernetes', KUBECONFIG: kubeconfig },
    datastore,
    async addNode(name, bgp) {
      const annotations =
        bgp.ipv4Address === undefined ? {} : { 'projectcalico.org/IPv4Address': bgp.ipv4Address };
      await admin('POST', '/api/v1/nodes', { metadata: { name, annotations } });
    },
    async close() {
      await datastore.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Two contexts for one server; `other` leads nowhere. */
function kubeconfigFor(url: string): string {
  const cluster = (name: string, server: string): string =>
    `- name: ${name}\n  cluster: {server: "${server}"}\n`;
  const context = (name: string): string => `- name: ${name}\n  context: {cluster: ${name}, user: nobody}\n`;
  return [
    'apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n',
    cluster('here', url),
    cluster('other', 'http://127.0.0.1:1'),
    'contexts:\n',
    context('here'),
    context('other'),
    'users:\n- name: nobody\n  user: {}\n',
  ].join('');
}

async function addNode(datastore: Datastore, name: string, bgp: JsonObject): Promise<void> {
  await datastore.create({
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name },
    spec: { bgp },
  });
}
