/**
 * What Kubernetes brings to the datastore contract. Nodes belong to the cluster: creating and deleting one is the
 * kubelet's part and an administrator's, which are played here by plain requests, so that the suite can be the same
 * for every home.
 */
import { type IncomingMessage, request } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { encodeNode } from '../../src/datastore/kubernetes/calico-node.ts';
import { openKubernetes } from '../../src/datastore/kubernetes/kubernetes.ts';
import type { KubernetesSettings, Patience } from '../../src/datastore/kubernetes/settings.ts';
import { conflict, exists, notFound } from '../../src/datastore/write-errors.ts';
import { isJsonObject, parseJson } from '../../src/model/json.ts';
import type { Json, JsonObject } from '../../src/model/resource.ts';
import { startStandIn } from '../standin/kubernetes/server.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { ContractHome } from './datastore.ts';

/** An API server under test: the stand-in, or a real one. */
export interface ApiServer {
  readonly url: string;
  readonly port: number;
  /** For whom everything is allowed. */
  readonly settings: Pick<KubernetesSettings, 'identity' | 'ca' | 'insecureSkipTlsVerify'>;
  stop(): Promise<void>;
  start(): Promise<void>;
  forgetHistory(): Promise<void>;
  close(): Promise<void>;
}

/** Short enough for tests that wait for a time to pass, long enough for a loaded machine. */
export const TEST_PATIENCE: Partial<Patience> = { answer: 10_000, piece: 10_000, refused: 200 };

export function settingsFor(url: string, more: Partial<KubernetesSettings> = {}): KubernetesSettings {
  return {
    server: url,
    origin: 'the test',
    insecureSkipTlsVerify: false,
    identity: { by: 'nothing' },
    usePodCidr: false,
    patience: TEST_PATIENCE,
    ...more,
  };
}

export async function standInServer(): Promise<ApiServer> {
  const standIn = await startStandIn();
  return {
    url: standIn.url,
    port: standIn.port,
    settings: { identity: { by: 'nothing' }, insecureSkipTlsVerify: false },
    stop: standIn.stop,
    start: standIn.start,
    async forgetHistory() {
      standIn.store.compact();
    },
    close: standIn.stop,
  };
}

const BROKEN = 'broken-labels';
const VENDOR = 'with-provider';
const LABELS = 'projectcalico.org/labels';

export async function startKubernetesHome(server: ApiServer): Promise<ContractHome> {
  const proxy = await startTcpProxy(server.port);
  const admin = administrator(server);
  const nodeBody = (name: string, annotations: JsonObject, spec: JsonObject = {}): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, annotations },
    spec,
  });
  const open = (url: string): Datastore =>
    withKubelet(openKubernetes(settingsFor(url, server.settings)), admin);
  const breakLabels = async (text: string): Promise<void> => {
    const made = await admin('POST', '/api/v1/nodes', nodeBody(BROKEN, { [LABELS]: text }));
    if (made.code !== 409) return;
    await admin('PATCH', `/api/v1/nodes/${BROKEN}`, { metadata: { annotations: { [LABELS]: text } } });
  };

  return {
    readOnly: ['BlockAffinity', 'CustomFilter'],
    open: async () => open(server.url.replace(/:\d+$/, `:${proxy.port}`)),
    openAsOther: async () => open(server.url),
    async wipe() {
      for (const path of [
        '/api/v1/nodes',
        ...['bgppeers', 'bgpconfigurations', 'ippools'].map(
          (plural) => `/apis/crd.projectcalico.org/v1/${plural}`,
        ),
        ...['routereflectors', 'routereflectorstatuses'].map((plural) => `/apis/calico-rr.io/v1/${plural}`),
      ])
        await admin('DELETE', path);
    },
    async putBroken() {
      await breakLabels('{"rack":');
      return { kind: 'Node', name: BROKEN };
    },
    mendBroken: () => breakLabels('{"rack":"7"}'),
    async removeBroken() {
      await admin('DELETE', `/api/v1/nodes/${BROKEN}`);
    },
    async putUnknownField() {
      const value: Json = { providerID: 'vendor://7' };
      await admin('POST', '/api/v1/nodes', nodeBody(VENDOR, {}, value));
      return {
        kind: 'Node',
        name: VENDOR,
        value: 'vendor://7',
        async read() {
          const { body } = await admin('GET', `/api/v1/nodes/${VENDOR}`);
          return isJsonObject(body.spec) ? (body.spec.providerID ?? null) : null;
        },
      };
    },
    server: { stop: server.stop, start: server.start },
    link: proxy,
    forgetHistory: server.forgetHistory,
    async close() {
      await proxy.close();
      await server.close();
    },
  };
}

export type Administrator = (
  method: string,
  path: string,
  body?: JsonObject,
) => Promise<{ readonly code: number; readonly body: JsonObject }>;

/** Plain requests with the server's own credentials; patches are merge patches. */
export function administrator({ url, settings }: Pick<ApiServer, 'url' | 'settings'>): Administrator {
  const { identity } = settings;
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? requestTls : request;
      const text = body === undefined ? '' : JSON.stringify(body);
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const asked = send(
        url + path,
        {
          method,
          agent: false,
          rejectUnauthorized: false,
          headers: {
            'content-type': type,
            'content-length': Buffer.byteLength(text),
            ...(identity.by === 'token' ? { authorization: `Bearer ${identity.token}` } : {}),
          },
        },
        (answer: IncomingMessage) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const value = parseJson(Buffer.concat(chunks).toString('utf8'));
            resolve({ code: answer.statusCode ?? 0, body: isJsonObject(value) ? value : {} });
          });
        },
      );
      asked.on('error', reject);
      asked.end(text);
    });
}

/** The datastore in a cluster in which nodes come and go when the suite says so. */
function withKubelet(datastore: Datastore, admin: Administrator): Datastore {
  return {
    ...datastore,
    async create(resource) {
      if (resource.kind !== 'Node') return datastore.create(resource);
      const { name } = resource.metadata;
      const annotations = encodeNode(resource, { metadata: { name } }, false);
      const made = await admin('POST', '/api/v1/nodes', { metadata: { name, annotations } });
      if (made.code === 409) throw exists('Node', name);
      if (made.code !== 201)
        throw new Error(`creating node ${name}: ${made.code} ${JSON.stringify(made.body)}`);
      return datastore.get('Node', name);
    },
    async delete(kind, name, options = {}) {
      if (kind !== 'Node') return datastore.delete(kind, name, options);
      const { resourceVersion } = options;
      const gone = await admin(
        'DELETE',
        `/api/v1/nodes/${name}`,
        resourceVersion === undefined ? undefined : { preconditions: { resourceVersion } },
      );
      if (gone.code === 404) throw notFound('Node', name);
      if (gone.code === 409) throw conflict('Node', name);
      if (gone.code !== 200) throw new Error(`deleting node ${name}: ${gone.code}`);
    },
  };
}
