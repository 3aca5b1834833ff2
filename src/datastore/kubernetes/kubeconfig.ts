/**
 * A kubeconfig, as `kubectl` reads it (kubernetes.io "Organizing Cluster Access Using kubeconfig Files"): one file,
 * or several that are merged, the first that says something wins. Gives the settings of one context.
 *
 * Written here and not taken from a library: docs/adr/0008-own-kubernetes-client.md says why.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { parseDocument } from 'yaml';
import { CalicoRrError, hasCode, messageOf } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import type { ExecPlugin, Identity, KubernetesSettings, Pem } from './settings.ts';

/** What a context of a kubeconfig says; the rest of the settings comes from elsewhere. */
export type KubeconfigSettings = Omit<KubernetesSettings, 'usePodCidr' | 'calicoApiGroup' | 'patience'>;

/** A named entry and the file that it stands in: its paths are relative to that file's folder. */
interface Entry {
  readonly fields: JsonObject;
  readonly file: string;
}

/**
 * @param paths the files, earlier ones win; at least one
 * @param context the context's name, or undefined for the file's current one
 * @throws E_SETTING naming the file and the entry
 */
export function readKubeconfig(paths: readonly string[], context?: string): KubeconfigSettings {
  const existing = paths.filter((path) => exists(path));
  if (existing.length === 0) {
    throw new CalicoRrError('E_SETTING', `KUBECONFIG names ${paths.join(':')}, which does not exist`, {
      hint: 'Set KUBECONFIG to a kubeconfig file, or unset it inside a pod to use the service account.',
    });
  }
  const files = existing.map((file) => ({ file, document: parseFile(file) }));
  const where = existing.join(':');
  const current =
    context ?? files.map(({ document }) => text(document['current-context'])).find((name) => name !== '');
  if (current === undefined || current === '') {
    throw wrong(where, 'names no current-context', 'Set K8S_CURRENT_CONTEXT to one of its contexts.');
  }
  const entry = (list: string, field: string, name: string, asked: string): Entry => {
    for (const { file, document } of files) {
      const found = namedEntry(document[list], name);
      if (found !== undefined) {
        const fields = found[field];
        if (isJsonObject(fields)) return { fields, file };
        throw wrong(file, `has no ${field} in its entry "${name}" of ${list}`);
      }
    }
    throw wrong(where, `has no "${name}" among its ${list}, which ${asked}`, namesOf(files, list));
  };
  const chosen = entry('contexts', 'context', current, context ? 'was asked for' : 'is the current-context');
  const cluster = entry('clusters', 'cluster', text(chosen.fields.cluster), `context ${current} names`);
  const userName = text(chosen.fields.user);
  const user = userName === '' ? undefined : entry('users', 'user', userName, `context ${current} names`);
  return {
    ...readCluster(cluster),
    origin: `context ${current} of ${where}`,
    ...(user === undefined ? { identity: { by: 'nothing' } } : readUser(user, userName)),
  };
}

function readCluster({ fields, file }: Entry): Omit<KubeconfigSettings, 'origin' | 'identity'> {
  const server = text(fields.server);
  if (server === '') throw wrong(file, 'names no server for the cluster');
  const ca = pem(fields, 'certificate-authority', file);
  const serverName = text(fields['tls-server-name']);
  const proxyUrl = text(fields['proxy-url']);
  return {
    server: checkServer(server, file),
    insecureSkipTlsVerify: fields['insecure-skip-tls-verify'] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === '' ? {} : { serverName }),
    ...(proxyUrl === '' ? {} : { proxyUrl }),
  };
}

function readUser(
  { fields, file }: Entry,
  name: string,
): Pick<KubeconfigSettings, 'identity' | 'clientCertificate' | 'impersonate'> {
  const cert = pem(fields, 'client-certificate', file);
  const key = pem(fields, 'client-key', file);
  if ((cert === undefined) !== (key === undefined)) {
    throw wrong(file, `gives user ${name} a client ${cert === undefined ? 'key' : 'certificate'} alone`);
  }
  const as = text(fields.as);
  const uid = text(fields['as-uid']);
  const extra = isJsonObject(fields['as-user-extra']) ? Object.entries(fields['as-user-extra']) : [];
  return {
    identity: readIdentity(fields, file, name),
    ...(cert === undefined || key === undefined ? {} : { clientCertificate: { cert, key } }),
    ...(as === ''
      ? {}
      : {
          impersonate: {
            user: as,
            ...(uid === '' ? {} : { uid }),
            groups: texts(fields['as-groups']),
            extra: Object.fromEntries(extra.map(([name, values]) => [name, texts(values)])),
          },
        }),
  };
}

/** The order in which client-go decides when several ways are given: a token file before a token, exec before none. */
function readIdentity(fields: JsonObject, file: string, name: string): Identity {
  if (isJsonObject(fields.exec)) return { by: 'exec', plugin: readExec(fields.exec, file, name) };
  if (isJsonObject(fields['auth-provider'])) {
    const provider = text(fields['auth-provider'].name);
    throw wrong(
      file,
      `gives user ${name} the auth-provider "${provider}", which Kubernetes has given up`,
      `Use an exec plugin instead (for oidc: kubelogin), or a token.`,
    );
  }
  const tokenFile = text(fields.tokenFile);
  if (tokenFile !== '') return { by: 'token-file', file: beside(file, tokenFile) };
  const token = text(fields.token);
  if (token !== '') return { by: 'token', token };
  const username = text(fields.username);
  if (username !== '') return { by: 'password', username, password: text(fields.password) };
  return { by: 'nothing' };
}

function readExec(exec: JsonObject, file: string, user: string): ExecPlugin {
  const command = text(exec.command);
  const apiVersion = text(exec.apiVersion);
  if (command === '') throw wrong(file, `gives user ${user} an exec plugin without a command`);
  if (!/^client\.authentication\.k8s\.io\/v1(beta1)?$/.test(apiVersion)) {
    throw wrong(
      file,
      `gives user ${user} an exec plugin of apiVersion "${apiVersion}"`,
      'Write client.authentication.k8s.io/v1.',
    );
  }
  const mode = text(exec.interactiveMode);
  const hint = text(exec.installHint);
  return {
    command,
    apiVersion,
    args: texts(exec.args),
    env: Object.fromEntries(
      (Array.isArray(exec.env) ? exec.env : [])
        .filter((entry) => isJsonObject(entry))
        .map((entry) => [text(entry.name), text(entry.value)]),
    ),
    provideClusterInfo: exec.provideClusterInfo === true,
    interactiveMode: mode === 'Always' || mode === 'Never' ? mode : 'IfAvailable',
    folder: dirname(file),
    ...(hint === '' ? {} : { installHint: hint }),
  };
}

/** @throws E_SETTING where `server` is no URL of an API server */
export function checkServer(server: string, origin: string): string {
  // Where it is shown, in messages and in the status, nobody expects a secret.
  if (server.includes('@')) {
    const hint =
      'Name a token, a client certificate, or username and password of the user in the kubeconfig instead.';
    throw wrong(origin, 'names a server with a user in its URL', hint);
  }
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw wrong(origin, `names the server "${server}", which is no http or https URL`);
  }
  return server.replace(/\/+$/, '');
}

function parseFile(file: string): JsonObject {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CalicoRrError('E_SETTING', `KUBECONFIG ${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Let the user that runs calico-rr read it.',
    });
  }
  const document = parseDocument(source);
  // A warning is a value that YAML takes for a tag: it would lose its first word.
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    const [place] = fault.linePos ?? [];
    const what =
      fault.name === 'YAMLWarning'
        ? 'has a value without quotes that is a YAML tag'
        : `is no YAML: ${fault.message.split('\n')[0]}`;
    throw new CalicoRrError('E_SETTING', `${file} ${what}`, {
      place: { file, ...(place === undefined ? {} : { line: place.line, column: place.col }) },
    });
  }
  const value: Json = document.toJS();
  if (!isJsonObject(value)) throw wrong(file, 'holds no kubeconfig');
  return value;
}

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    return !hasCode(error, 'ENOENT');
  }
}

function namedEntry(list: Json | undefined, name: string): JsonObject | undefined {
  if (!Array.isArray(list)) return undefined;
  return list.filter((entry) => isJsonObject(entry)).find((entry) => entry.name === name);
}

function namesOf(files: readonly { readonly document: JsonObject }[], list: string): string {
  const names = files
    .flatMap(({ document }) => (Array.isArray(document[list]) ? document[list] : []))
    .map((entry) => (isJsonObject(entry) ? text(entry.name) : ''));
  return `It has: ${names.join(', ') || 'none'}.`;
}

/** `NAME-data` (base64) wins over `NAME` (a path), as in client-go. */
function pem(fields: JsonObject, name: string, file: string): Pem | undefined {
  const data = text(fields[`${name}-data`]);
  if (data !== '') return { text: Buffer.from(data, 'base64').toString('utf8') };
  const path = text(fields[name]);
  return path === '' ? undefined : { file: beside(file, path) };
}

function beside(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map((one) => text(one)) : [];
}

function wrong(file: string, what: string, hint = 'Correct the kubeconfig.'): CalicoRrError {
  return new CalicoRrError('E_SETTING', `${file} ${what}`, { hint });
}
