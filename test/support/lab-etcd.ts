/** A real etcd on a host of the laboratory, written to with the documentation's curl commands. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import type { EtcdTree } from './calico-v2-config.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import type { Host } from './namespaces.ts';
import type { RunningProcess } from './processes.ts';
import type { Entry } from './rack.ts';
import { until } from './until.ts';

export interface LabEtcd {
  readonly url: string;
  readonly certificates: Certificates | undefined;
  /** Runs shell commands on the host, in order; stops at the first that fails. */
  shell(commands: readonly string[]): Promise<string>;
  /** Writes keys, with the command of the documentation. */
  put(entries: readonly Entry[]): Promise<void>;
  /** Deletes keys, or folders with all that is in them. */
  remove(keys: readonly string[]): Promise<void>;
  /** Every leaf under /calico. */
  tree(): Promise<EtcdTree>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /**
   * Starts it again on its data.
   * @param hidden listen on the host's loopback interface alone, where no reflector can reach it; `shell`, `put` and
   *   `remove` still do
   */
  start(hidden?: boolean): Promise<void>;
}

/**
 * Starts etcd with both APIs on port 2379 of `host` and waits until it answers.
 * @param tls serve https only and demand a client certificate
 */
export async function startLabEtcd(host: Host, folder: string, tls = false): Promise<LabEtcd> {
  mkdirSync(folder, { recursive: true });
  const certificates = tls ? await makeCertificates(folder, [host.ipv4]) : undefined;
  const scheme = tls ? 'https' : 'http';
  const advertised = `${scheme}://${host.ipv4}:2379`;
  let url = advertised;
  const env = {
    CURL_TLS:
      certificates === undefined
        ? ''
        : `--cacert ${certificates.ca} --cert ${certificates.client.cert} --key ${certificates.client.key}`,
  };
  const shell = (commands: readonly string[]): Promise<string> =>
    host.run('sh', ['-e', '-c', commands.join('\n')], { env });
  let process: RunningProcess | undefined;
  const start = async (hidden = false): Promise<void> => {
    url = hidden ? `${scheme}://127.0.0.1:2379` : advertised;
    const started = await host.start(
      debianTools().etcd,
      [
        ...[
          '--name',
          'lab',
          '--data-dir',
          join(folder, 'data'),
          '--enable-v2=true',
          '--log-level',
          'error',
          '--logger',
          'zap',
        ],
        ...['--listen-client-urls', url, '--advertise-client-urls', url],
        ...[
          '--listen-peer-urls',
          'http://127.0.0.1:2380',
          '--initial-advertise-peer-urls',
          'http://127.0.0.1:2380',
        ],
        ...['--initial-cluster', 'lab=http://127.0.0.1:2380'],
        ...(certificates === undefined
          ? []
          : [
              ...['--cert-file', certificates.server.cert, '--key-file', certificates.server.key],
              ...['--trusted-ca-file', certificates.ca, '--client-cert-auth=true'],
            ]),
      ],
      { logFile: join(folder, 'etcd.log') },
    );
    process = started;
    await until(
      async () => {
        if (!started.running) throw new Error(`etcd ended: ${started.output()}`);
        return (await shell([`curl -fsS $CURL_TLS ${url}/health`]).catch(() => '')).includes('true');
      },
      () => `etcd to get healthy: ${started.output()}`,
      30_000,
    );
  };
  await start();
  return {
    url: advertised,
    certificates,
    shell,
    put: async (entries) => void (await shell(entries.map((entry) => putCommand(url, entry)))),
    remove: async (keys) => void (await shell(keys.map((key) => removeCommand(url, key)))),
    async tree() {
      const reply: unknown = JSON.parse(
        await shell([`curl -fsS $CURL_TLS -L '${url}/v2/keys/calico?recursive=true&quorum=true'`]),
      );
      return new Map(leaves(new Map(entries(reply)).get('node')));
    },
    async kill() {
      await process?.stop('SIGKILL');
    },
    start,
  };
}

/** One key, written as the documentation of the route reflector image says. */
function putCommand(url: string, [key, value]: Entry): string {
  return `curl -fsS -o /dev/null $CURL_TLS -L ${url}/v2/keys${key} -XPUT -d value="${value.replaceAll('"', '\\"')}"`;
}

function removeCommand(url: string, key: string): string {
  return `curl -fsS -o /dev/null $CURL_TLS -L '${url}/v2/keys${key}?recursive=true' -XDELETE`;
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Leaves of an etcd v2 node, depth first. */
function leaves(node: unknown): [string, string][] {
  const fields = new Map(entries(node));
  const children: unknown = fields.get('nodes');
  if (Array.isArray(children)) return children.flatMap(leaves);
  const key = fields.get('key');
  const value = fields.get('value');
  return typeof key === 'string' && typeof value === 'string' ? [[key, value]] : [];
}
