/**
 * Which datastore, where, and how to be let in: read from flags and the environment, with the names that Calico's
 * clients and the route reflector image use. Each variable is also taken with a `CALICO_` prefix, which wins, and a
 * flag of the same meaning wins over both. No flag takes a secret.
 *
 * Everything that can be known to be wrong before a connection is made is said here, by the variable's name.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { EtcdSettings } from './etcd-settings.ts';

export type DatastoreSettings =
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'etcdv2' | 'etcdv3'; readonly etcd: EtcdSettings }
  /** Read when it is opened, with everything that its files say. */
  | {
      readonly type: 'kubernetes';
      readonly environment: Environment;
      readonly kubeconfig?: string | undefined;
      readonly context?: string | undefined;
    }
  /** Whichever keyspace of this etcd holds Calico's data. */
  | { readonly type: 'undecided'; readonly etcd: EtcdSettings };

export interface DatastoreFlags {
  /** --datastore-type */
  readonly datastoreType?: string | undefined;
  /** --etcd-api v2|v3 */
  readonly etcdApi?: string | undefined;
  readonly etcdEndpoints?: string | undefined;
  readonly etcdCaCertFile?: string | undefined;
  readonly etcdCertFile?: string | undefined;
  readonly etcdKeyFile?: string | undefined;
  readonly etcdUsername?: string | undefined;
  readonly etcdPasswordFile?: string | undefined;
  readonly kubeconfig?: string | undefined;
  /** Of the kubeconfig. */
  readonly context?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that was given, and the name under which a person finds it. */
interface Given {
  readonly value: string;
  readonly from: string;
}

/**
 * @param readFile how a file is read; given by tests
 * @throws E_SETTING naming the variable or flag
 */
export function readDatastoreSettings(
  env: Environment,
  flags: DatastoreFlags = {},
  readFile: (path: string) => Buffer = (path) => readFileSync(path),
): DatastoreSettings {
  const given = (variable: string, flag?: string, flagValue?: string): Given | undefined => {
    if (flagValue !== undefined && flagValue !== '') return { value: flagValue, from: flag ?? variable };
    for (const name of [`CALICO_${variable}`, variable]) {
      const value = env[name];
      if (value !== undefined && value !== '') return { value, from: name };
    }
    return undefined;
  };

  const type = chosenType(given('DATASTORE_TYPE', '--datastore-type', flags.datastoreType), flags.etcdApi);
  const file = env.CALICO_RR_FILE === '' ? undefined : env.CALICO_RR_FILE;
  const endpoints = given('ETCD_ENDPOINTS', '--etcd-endpoints', flags.etcdEndpoints);
  const authority = given('ETCD_AUTHORITY');
  const etcdIsNamed = endpoints !== undefined || authority !== undefined;

  if (type === 'file') {
    if (file !== undefined) return { type, path: file };
    throw setting(
      'CALICO_RR_FILE is not set, and the datastore is a file.',
      'Set it to a YAML file or a folder of them.',
    );
  }
  const ofKubernetes = {
    type: 'kubernetes' as const,
    environment: env,
    kubeconfig: flags.kubeconfig,
    context: flags.context,
  };
  if (type === 'kubernetes') return ofKubernetes;
  if (type === undefined && file !== undefined) {
    if (!etcdIsNamed) return { type: 'file', path: file };
    throw setting(
      `CALICO_RR_FILE and ${(endpoints ?? authority)?.from} are both set, and DATASTORE_TYPE is not.`,
      'Set DATASTORE_TYPE to file, etcdv2, etcdv3 or kubernetes.',
    );
  }
  // As Calico's own clients: Kubernetes where no etcd is named. Here something must point at a cluster, so that
  // somebody's kubeconfig in a home folder is never used by surprise.
  const cluster =
    flags.kubeconfig ?? (given('KUBECONFIG') || given('K8S_API_ENDPOINT') || env.KUBERNETES_SERVICE_HOST);
  if (!etcdIsNamed && type === undefined && cluster) return ofKubernetes;
  if (!etcdIsNamed)
    throw setting(
      type === undefined
        ? 'No datastore is named: ETCD_ENDPOINTS is not set.'
        : `ETCD_ENDPOINTS is not set, and the datastore is ${type}.`,
      'Set ETCD_ENDPOINTS=http://HOST:2379, KUBECONFIG=PATH for Kubernetes, or CALICO_RR_FILE=PATH for resources in files.',
    );

  const list =
    endpoints === undefined ? fromAuthority(authority, given('ETCD_SCHEME')) : readEndpoints(endpoints);
  const etcd: EtcdSettings = {
    endpoints: list,
    ...readTls(
      list[0]?.startsWith('https:') === true,
      given('ETCD_CA_CERT_FILE', '--etcd-ca-cert-file', flags.etcdCaCertFile),
      given('ETCD_CERT_FILE', '--etcd-cert-file', flags.etcdCertFile),
      given('ETCD_KEY_FILE', '--etcd-key-file', flags.etcdKeyFile),
      readFile,
    ),
    ...readUser(
      given('ETCD_USERNAME', '--etcd-username', flags.etcdUsername),
      given('ETCD_PASSWORD'),
      given('ETCD_PASSWORD_FILE', '--etcd-password-file', flags.etcdPasswordFile),
      readFile,
    ),
  };
  return { type: type ?? 'undecided', etcd };
}

function chosenType(
  type: Given | undefined,
  etcdApi: string | undefined,
): 'file' | 'kubernetes' | 'etcdv2' | 'etcdv3' | undefined {
  const api = etcdApi?.replace(/^(?:etcd)?v?([23])$/, '$1');
  if (api !== undefined && api !== '2' && api !== '3')
    throw setting(
      `--etcd-api is "${etcdApi}"; it is v2 or v3.`,
      'Leave it out to look for the data in both.',
    );
  const named = type?.value.toLowerCase();
  switch (named) {
    case 'file':
    case 'kubernetes':
      if (api !== undefined)
        throw setting(`${type?.from} is ${named}, and --etcd-api is given.`, 'Leave one of them out.');
      return named;
    case undefined:
    case 'etcdv2':
    case 'etcdv3': {
      const fromApi = api === undefined ? undefined : api === '2' ? 'etcdv2' : 'etcdv3';
      // A flag wins over the environment; two flags must agree.
      if (fromApi !== undefined && type?.from.startsWith('--') === true && fromApi !== named)
        throw setting(
          `--datastore-type is ${named}, and --etcd-api is ${etcdApi}.`,
          'Leave one of them out.',
        );
      return fromApi ?? named;
    }
    default:
      throw setting(
        `${type?.from} is "${type?.value}"; it is etcdv2, etcdv3, kubernetes or file.`,
        "Leave it out to look for Calico's data in both keyspaces of etcd.",
      );
  }
}

const ENDPOINT = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^\s/:@[\]]+):(\d{1,5})\/?$/;

function readEndpoints({ value, from }: Given): string[] {
  const texts = value
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (texts.length === 0) throw setting(`${from} names no endpoint.`, 'Set it to http://HOST:2379.');
  const endpoints = texts.map((text) => readEndpoint(text, from));
  if (new Set(endpoints.map((endpoint) => endpoint.slice(0, endpoint.indexOf(':')))).size > 1)
    throw setting(`${from} mixes http and https.`, 'Use one scheme for all endpoints.');
  return [...new Set(endpoints)];
}

function readEndpoint(text: string, from: string): string {
  if (text.includes('@'))
    throw setting(
      `An endpoint in ${from} has a user in it.`,
      'Set ETCD_USERNAME and ETCD_PASSWORD_FILE instead.',
    );
  const match = ENDPOINT.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65535)
    throw setting(
      `"${text}" in ${from} is no endpoint.`,
      'Endpoints are http://HOST:PORT or https://HOST:PORT, separated by commas.',
    );
  return `${match[1]}://${match[2]}:${port}`;
}

function fromAuthority(authority: Given | undefined, scheme: Given | undefined): string[] {
  if (scheme !== undefined && scheme.value !== 'http' && scheme.value !== 'https')
    throw setting(`${scheme.from} is "${scheme.value}"; it is http or https.`, 'Leave it out for http.');
  if (authority === undefined) return [];
  const endpoint = ENDPOINT.exec(`${scheme?.value ?? 'http'}://${authority.value}`);
  if (endpoint === null)
    throw setting(
      `${authority.from} is no HOST:PORT.`,
      'ETCD_ENDPOINTS takes whole URLs, and several of them.',
    );
  return [readEndpoint(endpoint[0], authority.from)];
}

function readTls(
  https: boolean,
  ca: Given | undefined,
  cert: Given | undefined,
  key: Given | undefined,
  readFile: (path: string) => Buffer,
): Pick<EtcdSettings, 'tls'> {
  const first = ca ?? cert ?? key;
  if (!https) {
    if (first !== undefined)
      throw setting(
        `${first.from} is set, but the endpoints are http.`,
        'Use https endpoints, or leave it out.',
      );
    return {};
  }
  if (cert !== undefined && key === undefined)
    throw setting(`${cert.from} is set and ETCD_KEY_FILE is not.`, 'A client certificate needs its key.');
  if (key !== undefined && cert === undefined)
    throw setting(`${key.from} is set and ETCD_CERT_FILE is not.`, 'A client key needs its certificate.');
  const caText = ca && readSecretFile(ca, readFile);
  const certText = cert && readSecretFile(cert, readFile);
  const keyText = key && readSecretFile(key, readFile);
  if (ca && caText) parseCertificate(ca, caText);
  if (cert && certText && key && keyText) {
    const certificate = parseCertificate(cert, certText);
    if (!certificate.checkPrivateKey(parseKey(key, keyText)))
      throw setting(
        `The key of ${key.from} does not belong to the certificate of ${cert.from}.`,
        'Give the pair that was made together.',
      );
  }
  return {
    tls: {
      ...(caText === undefined ? {} : { ca: caText }),
      ...(certText === undefined ? {} : { cert: certText }),
      ...(keyText === undefined ? {} : { key: keyText }),
    },
  };
}

function readUser(
  username: Given | undefined,
  password: Given | undefined,
  passwordFile: Given | undefined,
  readFile: (path: string) => Buffer,
): Pick<EtcdSettings, 'username' | 'password'> {
  if (password !== undefined && passwordFile !== undefined && !passwordFile.from.startsWith('--'))
    throw setting(
      `${password.from} and ${passwordFile.from} are both set.`,
      'Keep the file: others can read an environment.',
    );
  const source = passwordFile ?? password;
  if (username === undefined) {
    if (source === undefined) return {};
    throw setting(`${source.from} is set and ETCD_USERNAME is not.`, 'Set both or neither.');
  }
  if (source === undefined)
    throw setting(
      `${username.from} is set and neither ETCD_PASSWORD_FILE nor ETCD_PASSWORD is.`,
      'Set both or neither.',
    );
  const text =
    passwordFile === undefined
      ? source.value
      : readSecretFile(passwordFile, readFile)
          .toString('utf8')
          .replace(/\r?\n$/, '');
  if (text === '') throw setting(`The file of ${source.from} is empty.`, 'Write the password into it.');
  return { username: username.value, password: text };
}

function readSecretFile({ value, from }: Given, readFile: (path: string) => Buffer): Buffer {
  try {
    return readFile(value);
  } catch (error) {
    throw setting(
      `${from}: ${value} cannot be read: ${messageOf(error)}.`,
      'Check the path, and its owner and mode.',
    );
  }
}

function parseCertificate({ value, from }: Given, text: Buffer): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw setting(
      `${from}: ${value} holds no PEM certificate.`,
      'It begins with -----BEGIN CERTIFICATE-----.',
    );
  }
}

function parseKey({ value, from }: Given, text: Buffer): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    throw setting(
      `${from}: ${value} holds no PEM private key without a passphrase.`,
      'Decrypt the key (openssl pkey), and keep its file 0600.',
    );
  }
}

function setting(message: string, hint: string): CalicoRrError {
  return new CalicoRrError('E_SETTING', message, { hint });
}
