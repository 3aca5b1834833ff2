/**
 * The Kubernetes settings that Calico's programs take from the environment (libcalico-go, lib/apiconfig): KUBECONFIG,
 * else `$HOME/.kube/config` where it exists, else the pod's service account; K8S_* variables override what those
 * say. Each name is also taken with the prefix CALICO_, which wins.
 */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CalicoRrError } from '../../model/errors.ts';
import { checkServer, type KubeconfigSettings, readKubeconfig } from './kubeconfig.ts';
import type { CalicoApiGroup, Identity, KubernetesSettings } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface KubernetesFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** Where a pod finds its service account. */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * @param serviceAccount the folder of `token` and `ca.crt`
 * @throws E_SETTING naming the variable
 */
export function readKubernetesSettings(
  environment: Environment,
  flags: KubernetesFlags = {},
  serviceAccount: string = SERVICE_ACCOUNT,
): KubernetesSettings {
  const given = (name: string): string | undefined => {
    const value = environment[`CALICO_${name}`]?.trim() || environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const apiGroup = readApiGroup(environment.CALICO_API_GROUP?.trim());
  return {
    ...override(readBase(given, environment, flags, serviceAccount), given),
    usePodCidr: readFlag('USE_POD_CIDR', given('USE_POD_CIDR')),
    ...(apiGroup === undefined ? {} : { calicoApiGroup: apiGroup }),
  };
}

/** Where the Secrets of a cluster are whose operator says nothing else, as for Calico's own nodes. */
const DEFAULT_NAMESPACE = 'kube-system';
const NAMESPACE_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * The namespace in which Secrets with session passwords are: as told, else NAMESPACE as Calico's nodes are told it,
 * else the pod's own.
 * @param flag --secrets-namespace
 * @throws E_SETTING
 */
export function readSecretsNamespace(
  environment: Environment,
  flag: string | null = null,
  serviceAccount: string = SERVICE_ACCOUNT,
): string {
  const ofPod = join(serviceAccount, 'namespace');
  const sources: readonly (readonly [string, string | null | undefined])[] = [
    ['--secrets-namespace', flag],
    ['CALICO_RR_SECRETS_NAMESPACE', environment.CALICO_RR_SECRETS_NAMESPACE],
    ['NAMESPACE', environment.NAMESPACE],
    [ofPod, existsSync(ofPod) ? readFileSync(ofPod, 'utf8') : null],
  ];
  for (const [source, text] of sources) {
    const name = text?.trim();
    if (name === undefined || name === '') continue;
    if (NAMESPACE_NAME.test(name)) return name;
    throw wrong(source, `is "${name}", which is no name of a namespace`);
  }
  return DEFAULT_NAMESPACE;
}

type Given = (name: string) => string | undefined;

function readBase(
  given: Given,
  environment: Environment,
  flags: KubernetesFlags,
  serviceAccount: string,
): KubeconfigSettings {
  const context = flags.context ?? given('K8S_CURRENT_CONTEXT');
  const kubeconfig = flags.kubeconfig ?? given('KUBECONFIG');
  if (kubeconfig !== undefined) {
    return readKubeconfig(
      kubeconfig.split(delimiter).filter((path) => path !== ''),
      context,
    );
  }
  const standard = environment.HOME === undefined ? undefined : join(environment.HOME, '.kube', 'config');
  const endpoint = given('K8S_API_ENDPOINT');
  if (standard !== undefined && existsSync(standard) && endpoint === undefined) {
    return readKubeconfig([standard], context);
  }
  if (endpoint !== undefined) {
    return {
      server: checkServer(endpoint, 'K8S_API_ENDPOINT'),
      origin: 'K8S_API_ENDPOINT',
      insecureSkipTlsVerify: false,
      identity: { by: 'nothing' },
    };
  }
  return readServiceAccount(environment, serviceAccount);
}

function readServiceAccount(environment: Environment, folder: string): KubeconfigSettings {
  const host = environment.KUBERNETES_SERVICE_HOST;
  const port = environment.KUBERNETES_SERVICE_PORT_HTTPS ?? environment.KUBERNETES_SERVICE_PORT;
  if (host === undefined || host === '' || port === undefined || port === '') {
    throw new CalicoRrError('E_SETTING', 'KUBECONFIG is not set, and this is no pod of a cluster', {
      hint: 'Set KUBECONFIG to a kubeconfig file, or K8S_API_ENDPOINT to the URL of the API server.',
    });
  }
  const token = join(folder, 'token');
  if (!existsSync(token)) {
    throw new CalicoRrError('E_SETTING', `This pod has no service account token at ${token}`, {
      hint: 'Give the pod a serviceAccountName and do not set automountServiceAccountToken: false, or set KUBECONFIG.',
    });
  }
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    origin: `the service account at ${folder}`,
    ca: { file: join(folder, 'ca.crt') },
    insecureSkipTlsVerify: false,
    identity: { by: 'token-file', file: token },
  };
}

function override(base: KubeconfigSettings, given: Given): KubeconfigSettings {
  const endpoint = given('K8S_API_ENDPOINT');
  const ca = given('K8S_CA_FILE');
  const cert = given('K8S_CERT_FILE');
  const key = given('K8S_KEY_FILE');
  const token = given('K8S_API_TOKEN');
  if ((cert === undefined) !== (key === undefined)) {
    const [has, lacks] =
      cert === undefined ? ['K8S_KEY_FILE', 'K8S_CERT_FILE'] : ['K8S_CERT_FILE', 'K8S_KEY_FILE'];
    throw wrong(lacks, `is not set, but ${has} is; they come together`);
  }
  for (const [name, file] of [
    ['K8S_CA_FILE', ca],
    ['K8S_CERT_FILE', cert],
    ['K8S_KEY_FILE', key],
  ] as const) {
    if (file !== undefined && !existsSync(file)) throw wrong(name, `is "${file}", which does not exist`);
  }
  const identity: Identity = token === undefined ? base.identity : { by: 'token', token };
  return {
    ...base,
    ...(endpoint === undefined ? {} : { server: checkServer(endpoint, 'K8S_API_ENDPOINT') }),
    ...(ca === undefined ? {} : { ca: { file: ca } }),
    ...(cert === undefined || key === undefined
      ? {}
      : { clientCertificate: { cert: { file: cert }, key: { file: key } } }),
    insecureSkipTlsVerify:
      base.insecureSkipTlsVerify ||
      readFlag('K8S_INSECURE_SKIP_TLS_VERIFY', given('K8S_INSECURE_SKIP_TLS_VERIFY')),
    identity,
  };
}

function readFlag(name: string, value: string | undefined): boolean {
  if (value === undefined || /^(false|0|no|f)$/i.test(value)) return false;
  if (/^(true|1|yes|t)$/i.test(value)) return true;
  throw wrong(name, `is "${value}", not true or false`);
}

function readApiGroup(value: string | undefined): CalicoApiGroup | undefined {
  if (value === undefined || value === '') return undefined;
  if (value === 'crd.projectcalico.org/v1' || value === 'projectcalico.org/v3') return value;
  throw wrong('CALICO_API_GROUP', `is "${value}", not crd.projectcalico.org/v1 or projectcalico.org/v3`);
}

function wrong(name: string, what: string): CalicoRrError {
  return new CalicoRrError('E_SETTING', `${name} ${what}`, { hint: `Correct ${name} and start again.` });
}
