/**
 * calicoctl's configuration file (libcalico-go, lib/apiconfig): where the datastore is, in the words of the
 * environment variables. File or environment, never both: what the file leaves out is not taken from variables.
 * Read as strictly as calicoctl does: a key that it does not know is an error.
 */
import { LineCounter, parseDocument } from 'yaml';
import { CalicoRrError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/resource.ts';

/** Fields of `spec`, and the variable that each is. */
const VARIABLE_OF_FIELD: ReadonlyMap<string, string> = new Map([
  ['datastoreType', 'DATASTORE_TYPE'],
  ['etcdEndpoints', 'ETCD_ENDPOINTS'],
  ['etcdDiscoverySrv', 'ETCD_DISCOVERY_SRV'],
  ['etcdAuthority', 'ETCD_AUTHORITY'],
  ['etcdScheme', 'ETCD_SCHEME'],
  ['etcdUsername', 'ETCD_USERNAME'],
  ['etcdPassword', 'ETCD_PASSWORD'],
  ['etcdKeyFile', 'ETCD_KEY_FILE'],
  ['etcdCertFile', 'ETCD_CERT_FILE'],
  ['etcdCACertFile', 'ETCD_CA_CERT_FILE'],
  ['kubeconfig', 'KUBECONFIG'],
  ['k8sAPIEndpoint', 'K8S_API_ENDPOINT'],
  ['k8sKeyFile', 'K8S_KEY_FILE'],
  ['k8sCertFile', 'K8S_CERT_FILE'],
  ['k8sCAFile', 'K8S_CA_FILE'],
  ['k8sAPIToken', 'K8S_API_TOKEN'],
  ['k8sInsecureSkipTLSVerify', 'K8S_INSECURE_SKIP_TLS_VERIFY'],
  ['k8sCurrentContext', 'K8S_CURRENT_CONTEXT'],
  ['usePodCIDR', 'USE_POD_CIDR'],
  ['calicoAPIGroup', 'CALICO_API_GROUP'],
]);

/** Fields with a PEM text in them, and the variable of the file that it stands for. */
const INLINE: ReadonlyMap<string, string> = new Map([
  ['etcdKey', 'ETCD_KEY_FILE'],
  ['etcdCert', 'ETCD_CERT_FILE'],
  ['etcdCACert', 'ETCD_CA_CERT_FILE'],
]);

/** Of no use to us: how fast Kubernetes is asked. */
const PASSED_OVER = new Set(['k8sClientQPS', 'k8sClientBurst', 'k8sDisableNodePoll']);

/** The API version and kind of each era. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['projectcalico.org/v3', 'CalicoAPIConfig'],
  ['v1', 'calicoApiConfig'],
]);

export interface CalicoctlConfig {
  /** What the environment would have to say for the same. */
  readonly environment: Readonly<Record<string, string>>;
  /** Texts that stand in the file itself, by the made-up path that `environment` names. */
  readonly inline: ReadonlyMap<string, Buffer>;
}

/**
 * @param file its path, for messages
 * @throws E_SETTING naming the file, the line and the key
 */
export function readCalicoctlConfig(file: string, text: string): CalicoctlConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw wrong(`${file}:${line}:${col}`, fault.message);
  }
  const placeOf = (...path: string[]): string => {
    const node: unknown = document.getIn(path, true);
    const offset = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
    const at = Array.isArray(offset) && typeof offset[0] === 'number' ? offset[0] : 0;
    const { line, col } = lines.linePos(at);
    return `${file}:${line}:${col}`;
  };
  const root: Json = document.toJS() ?? {};
  if (!isJsonObject(root)) throw wrong(file, 'it holds no object');
  const { apiVersion, kind, spec = {} } = root;
  for (const key of Object.keys(root))
    if (!['apiVersion', 'kind', 'metadata', 'spec'].includes(key))
      throw wrong(placeOf(key), `the key ${key} is not known`);
  if (typeof apiVersion !== 'string' || KINDS.get(apiVersion) !== kind)
    throw wrong(
      placeOf('kind'),
      `kind ${String(kind)} with apiVersion ${String(apiVersion)} is no configuration of calicoctl`,
      'It is apiVersion: projectcalico.org/v3 with kind: CalicoAPIConfig.',
    );
  if (!isJsonObject(spec)) throw wrong(placeOf('spec'), 'spec is no object');
  return readSpec(spec, apiVersion, (key) => placeOf('spec', key));
}

function readSpec(spec: JsonObject, apiVersion: string, placeOf: (key: string) => string): CalicoctlConfig {
  const environment: Record<string, string> = {};
  const inline = new Map<string, Buffer>();
  for (const [key, value] of Object.entries(spec)) {
    if (PASSED_OVER.has(key) || value === null || value === '') continue;
    if (key === 'kubeconfigInline')
      throw wrong(
        placeOf(key),
        'kubeconfigInline is not supported',
        'Write it to a file of its own and name that with kubeconfig.',
      );
    const pem = INLINE.get(key);
    const variable = pem ?? VARIABLE_OF_FIELD.get(key);
    if (variable === undefined) throw wrong(placeOf(key), `the key spec.${key} is not known`);
    if (typeof value === 'object') throw wrong(placeOf(key), `spec.${key} is no text`);
    if (environment[variable] !== undefined)
      throw wrong(placeOf(key), `spec.${key} and its file are both given`, 'Keep one of them.');
    if (pem === undefined) environment[variable] = String(value);
    else {
      const path = `spec.${key}`;
      environment[variable] = path;
      inline.set(path, Buffer.from(String(value)));
    }
  }
  // Calico's own default of each era; an etcd that is named in the file is taken as it says.
  if (environment.DATASTORE_TYPE === undefined)
    environment.DATASTORE_TYPE =
      environment.ETCD_ENDPOINTS === undefined &&
      environment.ETCD_AUTHORITY === undefined &&
      environment.ETCD_DISCOVERY_SRV === undefined
        ? 'kubernetes'
        : apiVersion === 'v1'
          ? 'etcdv2'
          : 'etcdv3';
  return { environment, inline };
}

function wrong(place: string, what: string, hint = 'Correct the file, or name another with --config.') {
  return new CalicoRrError('E_SETTING', `${place}: ${what.replace(/\.$/, '')}`, { hint });
}
