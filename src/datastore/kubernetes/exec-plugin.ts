/**
 * Credentials from a program (kubernetes.io "client-go credential plugins", client.authentication.k8s.io/v1): it is
 * started without a shell, told about the cluster in KUBERNETES_EXEC_INFO where it asks for that, and prints an
 * ExecCredential. What it prints is a secret: it appears in no error.
 */
import { execFile } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { ExecPlugin } from './settings.ts';

export interface ExecCredential {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Milliseconds since 1970; absent: until the server refuses it. */
  readonly expires?: number;
}

/** What a plugin that asks for it is told of the cluster. */
export interface ClusterInfo {
  readonly server: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly ca?: string;
  readonly serverName?: string;
}

const LONGEST_MS = 60_000;
const MOST_BYTES = 1 << 20;

/** @throws E_DATASTORE_AUTH naming the program and what it said on standard error */
export async function runExecPlugin(plugin: ExecPlugin, cluster: ClusterInfo): Promise<ExecCredential> {
  const command =
    plugin.command.includes('/') && !isAbsolute(plugin.command)
      ? join(plugin.folder, plugin.command)
      : plugin.command;
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: {
      // Nobody sits at the terminal of a route reflector, and a verb must not stop to ask in a script.
      interactive: false,
      ...(plugin.provideClusterInfo ? { cluster: clusterInfo(cluster) } : {}),
    },
  };
  if (plugin.interactiveMode === 'Always') {
    throw failed(plugin, 'must be run by hand (interactiveMode: Always), which calico-rr cannot do');
  }
  const stdout = await run(plugin, command, { ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) });
  const printed = parseJson(stdout);
  const status = isJsonObject(printed) ? printed.status : undefined;
  if (!isJsonObject(printed) || printed.kind !== 'ExecCredential' || !isJsonObject(status)) {
    throw failed(plugin, 'printed no ExecCredential with a status');
  }
  if (printed.apiVersion !== plugin.apiVersion) {
    throw failed(plugin, `printed an ExecCredential of another apiVersion than ${plugin.apiVersion}`);
  }
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status;
  if ((typeof cert === 'string') !== (typeof key === 'string')) {
    throw failed(plugin, 'printed a client certificate without its key, or a key alone');
  }
  if (typeof token !== 'string' && typeof cert !== 'string') {
    throw failed(plugin, 'printed neither a token nor a client certificate');
  }
  const expires = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.NaN;
  return {
    ...(typeof token === 'string' ? { token } : {}),
    ...(typeof cert === 'string' && typeof key === 'string' ? { cert, key } : {}),
    ...(Number.isNaN(expires) ? {} : { expires }),
  };
}

function run(plugin: ExecPlugin, command: string, env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: LONGEST_MS, maxBuffer: MOST_BYTES, env: { ...process.env, ...env } };
    const child = execFile(command, [...plugin.args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = stderr.trim().split('\n').at(-1) ?? '';
      const how =
        error.code === 'ENOENT'
          ? 'is not installed'
          : error.killed === true
            ? `did not end within ${LONGEST_MS / 1000} s`
            : `ended with status ${error.code ?? error.signal}${said === '' ? '' : `: ${said.slice(0, 300)}`}`;
      reject(failed(plugin, how));
    });
    child.stdin?.end();
  });
}

function clusterInfo(cluster: ClusterInfo): object {
  return {
    server: cluster.server,
    'insecure-skip-tls-verify': cluster.insecureSkipTlsVerify,
    ...(cluster.serverName === undefined ? {} : { 'tls-server-name': cluster.serverName }),
    ...(cluster.ca === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(cluster.ca).toString('base64') }),
  };
}

function failed(plugin: ExecPlugin, how: string): CalicoRrError {
  return new CalicoRrError('E_DATASTORE_AUTH', `The credential plugin ${plugin.command} ${how}`, {
    hint:
      plugin.installHint ?? 'Run it by hand to see what is wrong; the kubeconfig names it under users.exec.',
  });
}
