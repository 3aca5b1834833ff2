/**
 * The three homes of Calico's resources in a laboratory: one file, etcd v3 as a Calico v3 client fills it, and the
 * Kubernetes stand-in, written to as kubectl and calicoctl write. One interface, so that a walk-through is written once.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import type { JsonObject, Kind, Resource } from '../../src/model/resource.ts';
import { startLabEtcd } from './lab-etcd.ts';
import type { Host } from './namespaces.ts';
import { until } from './until.ts';

export interface LabHome {
  readonly name: string;
  /** Environment that leads calico-rr here. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes resources, new ones and changed ones, in this order. Fields are added and changed, never taken away. */
  put(...resources: readonly Resource[]): Promise<void>;
  remove(kind: Kind, name: string): Promise<void>;
  close(): Promise<void>;
}

/** @param host where the datastore runs, if it runs at all */
export type StartHome = (host: Host, folder: string) => Promise<LabHome>;

export const startFileHome: StartHome = async (_host, folder) => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'cluster.yaml');
  const resources = new Map<string, Resource>();
  const write = (): void => {
    // JSON is YAML.
    const text = [...resources.values()].map((resource) => JSON.stringify(resource, null, 2)).join('\n---\n');
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    name: 'file',
    env: { DATASTORE_TYPE: 'file', CALICO_RR_FILE: file },
    async put(...changed) {
      for (const one of changed) resources.set(`${one.kind}/${one.metadata.name}`, one);
      write();
    },
    async remove(kind, name) {
      resources.delete(`${kind}/${name}`);
      write();
    },
    async close() {},
  };
};

const PLURALS: Readonly<Record<string, string>> = {
  Node: 'nodes',
  BGPPeer: 'bgppeers',
  BGPConfiguration: 'bgpconfigurations',
  BGPFilter: 'bgpfilters',
  IPPool: 'ippools',
  BlockAffinity: 'blockaffinities',
};

function pluralOf(kind: Kind): string {
  const plural = PLURALS[kind];
  if (plural === undefined) throw new Error(`no laboratory writes a ${kind}`);
  return plural;
}

export const startEtcdHome: StartHome = async (host, folder) => {
  const etcd = await startLabEtcd(host, folder);
  const etcdctl = `ETCDCTL_API=3 ${debianTools().etcdctl} --endpoints=${etcd.url}`;
  return {
    name: 'etcd v3',
    env: { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: etcd.url },
    async put(...changed) {
      await etcd.shell(
        changed.map((resource) => {
          const [key, value] = etcdEntry(resource);
          return `${etcdctl} put '${key}' '${value}' >/dev/null`;
        }),
      );
    },
    async remove(kind, name) {
      await etcd.shell([`${etcdctl} del '/calico/resources/v3/projectcalico.org/${pluralOf(kind)}/${name}'`]);
    },
    close: etcd.kill,
  };
};

/** A block is IPAM's key; everything else is stored whole, with a uid and the time of its creation. */
function etcdEntry(resource: Resource): readonly [key: string, value: string] {
  const { kind, apiVersion, metadata, spec } = resource;
  if (kind === 'BlockAffinity') {
    const cidr = String(spec.cidr);
    const family = cidr.includes(':') ? 6 : 4;
    return [
      `/calico/ipam/v2/host/${spec.node}/ipv${family}/block/${cidr.replace('/', '-')}`,
      '{"state":"confirmed","deleted":false}',
    ];
  }
  const uid = '6f0c1c0e-8f0e-4a55-9d4e-1f3a3d2b7a10';
  const stored = { ...metadata, uid, creationTimestamp: '2026-05-02T08:11:04Z' };
  const value = { kind, apiVersion, metadata: stored, spec, ...(kind === 'Node' ? { status: {} } : {}) };
  return [
    `/calico/resources/v3/projectcalico.org/${pluralOf(kind)}/${metadata.name}`,
    JSON.stringify(value).replaceAll("'", "'\\''"),
  ];
}

const API_PORT = 6443;

export const startKubernetesHome: StartHome = async (host, folder) => {
  mkdirSync(folder, { recursive: true });
  const url = `http://${host.ipv4}:${API_PORT}`;
  const program = join(import.meta.dirname, '../standin/kubernetes/serve.ts');
  const server = await host.start(process.execPath, [program, host.ipv4, String(API_PORT)], {
    logFile: join(folder, 'api.log'),
  });
  await until(
    () => {
      if (!server.running) throw new Error(`the API server ended: ${server.output()}`);
      return server.output().includes('serving');
    },
    () => `the API server: ${server.output()}`,
    30_000,
  );
  const known = new Set<string>();
  const ask = (method: string, path: string, body?: JsonObject): string => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const data =
      body === undefined
        ? ''
        : ` -H 'content-type: ${type}' -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
    return `${debianTools().curl} -fsS -o /dev/null -X ${method} ${url}${path}${data}`;
  };
  const commandsFor = ({ apiVersion: _, kind, metadata, spec }: Resource): readonly string[] => {
    const { name } = metadata;
    const collection = kind === 'Node' ? '/api/v1/nodes' : `/apis/crd.projectcalico.org/v1/${pluralOf(kind)}`;
    const isNew = !known.has(`${kind}/${name}`);
    known.add(`${kind}/${name}`);
    if (kind === 'Node') {
      // As `kubectl label` and calicoctl do it; a kubelet made the Node.
      const labels = { metadata: { labels: { ...metadata.labels } } };
      return [
        ...(isNew ? [ask('POST', collection, { apiVersion: 'v1', kind, metadata: { name } })] : []),
        ask('PATCH', `${collection}/${name}`, labels),
        ask('PATCH', `${collection}/${name}/status`, { metadata: { annotations: annotationsOf(spec) } }),
      ];
    }
    const shown = kind === 'BlockAffinity' ? { ...spec, deleted: 'false' } : spec;
    const object = { apiVersion: 'crd.projectcalico.org/v1', kind, metadata: { name }, spec: shown };
    // Never deleted and made anew: what a BGPConfiguration says would be gone for a moment.
    return [isNew ? ask('POST', collection, object) : ask('PATCH', `${collection}/${name}`, { spec: shown })];
  };
  return {
    name: 'Kubernetes',
    env: { DATASTORE_TYPE: 'kubernetes', K8S_API_ENDPOINT: url },
    async put(...changed) {
      await host.run('sh', ['-e', '-c', changed.flatMap(commandsFor).join('\n')]);
    },
    async remove(kind, name) {
      const collection =
        kind === 'Node' ? '/api/v1/nodes' : `/apis/crd.projectcalico.org/v1/${pluralOf(kind)}`;
      known.delete(`${kind}/${name}`);
      await host.run('sh', ['-e', '-c', ask('DELETE', `${collection}/${name}`)]);
    },
    close: async () => void (await server.stop()),
  };
};

function annotationsOf(spec: JsonObject): JsonObject {
  const bgp = typeof spec.bgp === 'object' && spec.bgp !== null ? Object.entries(spec.bgp) : [];
  return Object.fromEntries(
    bgp.map(([field, value]) => {
      const name = field === 'asNumber' ? 'ASNumber' : field.replace(/^ip/, 'IP').replace(/^route/, 'Route');
      return [`projectcalico.org/${name}`, String(value)];
    }),
  );
}
