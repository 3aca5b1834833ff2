/**
 * Real etcd 3.4 for tests: one member or three, v2 and v3 API, TLS with client certificates, users and passwords,
 * on free loopback ports and in a temp folder of its own. Raw reads and writes go over etcd's HTTP (v2 keys, v3
 * JSON gateway), so that no test checks our client with our client.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureContextOptions } from 'node:tls';
import { debianTools } from '../../scripts/debian.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { unusedPorts } from './ports.ts';

export interface EtcdOptions {
  /** 1, or 3 for a cluster. */
  readonly members?: 1 | 3;
  /** Serve https only and demand a client certificate. */
  readonly tls?: boolean;
  /** Turn authentication on for this API, with user `root` and `ETCD_ROOT_PASSWORD`. */
  readonly auth?: 'v2' | 'v3';
}

export const ETCD_ROOT_PASSWORD = 'correct horse battery staple';

export interface EtcdMember {
  readonly endpoint: string;
  readonly port: number;
  readonly running: boolean;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts the member again on its old ports and data; resolves when it answers. */
  start(): Promise<void>;
  /** SIGSTOP: the machine hangs, its connections stay open. */
  pause(): void;
  resume(): void;
}

export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

export interface Etcd {
  readonly endpoints: readonly string[];
  readonly members: readonly EtcdMember[];
  readonly folder: string;
  readonly certificates: Certificates | undefined;
  /** One HTTP request to the first member that runs, with the client certificate and the root user. */
  request(method: string, path: string, body?: string, contentType?: string): Promise<HttpReply>;
  putV2(key: string, value: string): Promise<void>;
  deleteV2(key: string, options?: { readonly recursive?: boolean }): Promise<void>;
  /** The value; undefined where there is none. */
  getV2(key: string): Promise<string | undefined>;
  putV3(key: string, value: string): Promise<void>;
  deleteV3(key: string): Promise<void>;
  deletePrefixV3(prefix: string): Promise<void>;
  getV3(key: string): Promise<string | undefined>;
  /** Every key under the prefix, with its value. */
  listV3(prefix: string): Promise<ReadonlyMap<string, string>>;
  revisionV3(): Promise<number>;
  /** Forgets all v3 history before the present revision. */
  compactV3(): Promise<void>;
  /** SIGKILL to all members; start them again with `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Ends all members and removes the folder. */
  stop(): Promise<void>;
}

const rootV3 = { name: 'root', password: ETCD_ROOT_PASSWORD };

const START_MS = 30_000;

export async function startEtcd(options: EtcdOptions = {}): Promise<Etcd> {
  const folder = await mkdtemp(join(tmpdir(), 'calico-rr-etcd-'));
  try {
    return await startIn(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, options: EtcdOptions): Promise<Etcd> {
  const certificates = options.tls === true ? await makeCertificates(folder) : undefined;
  const scheme = certificates === undefined ? 'http' : 'https';
  const count = options.members ?? 1;
  const ports = await unusedPorts(count * 2);
  const plans = Array.from({ length: count }, (_, index) => {
    const port = ports[index * 2] ?? 0;
    const peerPort = ports[index * 2 + 1] ?? 0;
    return {
      name: `m${index}`,
      port,
      endpoint: `${scheme}://127.0.0.1:${port}`,
      peer: `http://127.0.0.1:${peerPort}`,
    };
  });
  const cluster = plans.map((plan) => `${plan.name}=${plan.peer}`).join(',');
  const credentials = { user: undefined as string | undefined };

  const tlsOptions: RequestOptions & SecureContextOptions =
    certificates === undefined
      ? {}
      : {
          ca: await readFile(certificates.ca),
          cert: await readFile(certificates.client.cert),
          key: await readFile(certificates.client.key),
        };
  const requestTo = (endpoint: string, method: string, path: string, body?: string, type?: string) =>
    exchange(endpoint, tlsOptions, credentials.user, method, path, body, type);

  const members = plans.map((plan) =>
    memberOf(
      plan.endpoint,
      plan.port,
      [
        ...['--name', plan.name, '--data-dir', join(folder, plan.name), '--enable-v2=true'],
        ...['--listen-client-urls', plan.endpoint, '--advertise-client-urls', plan.endpoint],
        ...['--listen-peer-urls', plan.peer, '--initial-advertise-peer-urls', plan.peer],
        ...['--initial-cluster', cluster, '--initial-cluster-state', 'new', '--logger', 'zap'],
        ...['--log-level', 'error'],
        ...(certificates === undefined
          ? []
          : [
              ...['--cert-file', certificates.server.cert, '--key-file', certificates.server.key],
              ...['--trusted-ca-file', certificates.ca, '--client-cert-auth=true'],
            ]),
      ],
      () => requestTo(plan.endpoint, 'GET', '/health'),
    ),
  );
  const startAll = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.start()));
  };
  const killAll = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()));
  };
  const first = (): string => {
    const member = members.find((one) => one.running);
    if (member === undefined) throw new Error('no etcd member runs');
    return member.endpoint;
  };
  const request: Etcd['request'] = (method, path, body, type) => requestTo(first(), method, path, body, type);
  const v2 = async (method: string, key: string, query = '', value?: string): Promise<HttpReply> => {
    const path = `/v2/keys${key.split('/').map(encodeURIComponent).join('/')}${query}`;
    const body = value === undefined ? undefined : new URLSearchParams({ value }).toString();
    return request(method, path, body, 'application/x-www-form-urlencoded');
  };
  let token: string | undefined;
  const postV3 = (path: string, body: object): Promise<HttpReply> =>
    exchange(
      first(),
      token === undefined ? tlsOptions : { ...tlsOptions, headers: { authorization: token } },
      undefined,
      'POST',
      `/v3/${path}`,
      JSON.stringify(body),
      'application/json',
    );
  const v3 = async (path: string, body: object): Promise<Record<string, unknown>> => {
    let reply = await postV3(path, body);
    if (reply.status === 401 && token !== undefined) {
      // Tokens live in the member's memory: a restart forgets them.
      token = undefined;
      token = String(asRecord(JSON.parse((await postV3('auth/authenticate', rootV3)).body)).token);
      reply = await postV3(path, body);
    }
    if (reply.status !== 200) throw new Error(`etcd said ${reply.status} to ${path}: ${reply.body}`);
    return asRecord(JSON.parse(reply.body));
  };
  const range = async (key: string, end?: string): Promise<ReadonlyMap<string, string>> => {
    const reply = await v3('kv/range', {
      key: base64(key),
      ...(end === undefined ? {} : { range_end: base64(end) }),
    });
    const found = new Map<string, string>();
    for (const entry of Array.isArray(reply.kvs) ? reply.kvs : []) {
      const { key: name, value } = asRecord(entry);
      found.set(fromBase64(name), fromBase64(value));
    }
    return found;
  };
  const revisionV3 = async (): Promise<number> => {
    const reply = await v3('kv/range', { key: base64('/'), limit: 1 });
    return Number(asRecord(reply.header).revision);
  };

  const etcd: Etcd = {
    endpoints: plans.map((plan) => plan.endpoint),
    members,
    folder,
    certificates,
    request,
    async putV2(key, value) {
      const reply = await v2('PUT', key, '', value);
      if (reply.status >= 300) throw new Error(`etcd said ${reply.status} to PUT ${key}: ${reply.body}`);
    },
    async deleteV2(key, deleteOptions = {}) {
      const reply = await v2('DELETE', key, deleteOptions.recursive === true ? '?recursive=true' : '');
      if (reply.status >= 300 && reply.status !== 404)
        throw new Error(`etcd said ${reply.status} to DELETE ${key}: ${reply.body}`);
    },
    async getV2(key) {
      const reply = await v2('GET', key, '?quorum=true');
      if (reply.status === 404) return undefined;
      const { value } = asRecord(asRecord(JSON.parse(reply.body)).node);
      return typeof value === 'string' ? value : undefined;
    },
    async putV3(key, value) {
      await v3('kv/put', { key: base64(key), value: base64(value) });
    },
    async deleteV3(key) {
      await v3('kv/deleterange', { key: base64(key) });
    },
    async deletePrefixV3(prefix) {
      await v3('kv/deleterange', { key: base64(prefix), range_end: base64(prefixEnd(prefix)) });
    },
    getV3: async (key) => (await range(key)).get(key),
    listV3: (prefix) => range(prefix, prefixEnd(prefix)),
    revisionV3,
    async compactV3() {
      await v3('kv/compaction', { revision: String(await revisionV3()), physical: true });
    },
    kill: killAll,
    start: startAll,
    async restart() {
      await killAll();
      await startAll();
    },
    async stop() {
      await killAll();
      await rm(folder, { recursive: true, force: true });
    },
  };

  try {
    await startAll();
    if (options.auth === 'v2') {
      const root = JSON.stringify({ user: 'root', password: ETCD_ROOT_PASSWORD });
      await expectOk(request('PUT', '/v2/auth/users/root', root, 'application/json'));
      await expectOk(request('PUT', '/v2/auth/enable'));
      credentials.user = `root:${ETCD_ROOT_PASSWORD}`;
      // Without this the guest keeps every right and nobody would notice a missing password.
      const guest = { role: 'guest', revoke: { kv: { read: ['/*'], write: ['/*'] } } };
      await expectOk(request('PUT', '/v2/auth/roles/guest', JSON.stringify(guest), 'application/json'));
    }
    if (options.auth === 'v3') {
      await v3('auth/user/add', rootV3);
      await v3('auth/role/add', { name: 'root' });
      await v3('auth/user/grant', { user: 'root', role: 'root' });
      await v3('auth/enable', {});
      token = String((await v3('auth/authenticate', rootV3)).token);
    }
  } catch (error) {
    await killAll();
    throw error;
  }
  return etcd;
}

function memberOf(
  endpoint: string,
  port: number,
  args: readonly string[],
  health: () => Promise<HttpReply>,
): EtcdMember {
  let child: ChildProcess | undefined;
  const gone = (process: ChildProcess): Promise<void> =>
    process.exitCode !== null || process.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => {
          process.once('exit', () => resolve());
        });
  return {
    endpoint,
    port,
    get running() {
      return child !== undefined && child.exitCode === null && child.signalCode === null;
    },
    async kill() {
      if (child === undefined) return;
      child.kill('SIGKILL');
      await gone(child);
      child = undefined;
    },
    async start() {
      // The kernel ends the server with us, however we end: no test leaves one behind.
      const command = ['--pdeathsig', 'KILL', '--', debianTools().etcd, ...args];
      const started = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      let output = '';
      started.stderr.setEncoding('utf8');
      started.stderr.on('data', (text: string) => {
        output = (output + text).slice(-4000);
      });
      const deadline = Date.now() + START_MS;
      for (;;) {
        if (started.exitCode !== null || started.signalCode !== null)
          throw new Error(`etcd ended while starting:\n${output}`);
        const reply = await health().catch(() => undefined);
        if (reply?.status === 200 && reply.body.includes('true')) return;
        if (Date.now() > deadline) throw new Error(`etcd at ${endpoint} does not get healthy:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    pause() {
      child?.kill('SIGSTOP');
    },
    resume() {
      child?.kill('SIGCONT');
    },
  };
}

/** One request on a connection of its own, so that no socket stays behind. */
function exchange(
  endpoint: string,
  options: RequestOptions & SecureContextOptions,
  user: string | undefined,
  method: string,
  path: string,
  body?: string,
  contentType = 'application/x-www-form-urlencoded',
): Promise<HttpReply> {
  const send = endpoint.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      `${endpoint}${path}`,
      {
        ...options,
        method,
        agent: false,
        timeout: 10_000,
        ...(user === undefined ? {} : { auth: user }),
        headers: {
          ...options.headers,
          ...(body === undefined
            ? {}
            : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error(`${endpoint}${path} gives no answer`)));
    request.on('error', reject);
    request.end(body);
  });
}

async function expectOk(reply: Promise<HttpReply>): Promise<void> {
  const { status, body } = await reply;
  if (status >= 300) throw new Error(`etcd said ${status}: ${body}`);
}

function asRecord(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new Error(`etcd gave ${JSON.stringify(value)}`);
  return Object.fromEntries(Object.entries(value));
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const fromBase64 = (value: unknown): string =>
  typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '';

/** The key after the last one with this prefix. */
function prefixEnd(prefix: string): string {
  return `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
}
