/**
 * The resources that the stand-in serves: what calico-rr and Calico need of the core, Calico's custom resources as of
 * v3.26 (the fields that its BGP kinds have there), and ours from the manifest that users apply.
 */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { isJsonObject } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';

export interface Served {
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Of the core and its like: items of lists carry no kind, strategic patches are taken. */
  readonly builtIn: boolean;
  readonly statusSubresource: boolean;
  /** OpenAPI v3, structural, of a custom resource. */
  readonly schema?: JsonObject;
}

export function apiVersionOf({ group, version }: Served): string {
  return group === '' ? version : `${group}/${version}`;
}

const builtIn = (
  group: string,
  version: string,
  resource: string,
  kind: string,
  namespaced: boolean,
): Served => ({
  ...{ group, version, resource, kind, namespaced },
  builtIn: true,
  statusSubresource: resource === 'nodes',
});

export const CORE: readonly Served[] = [
  builtIn('', 'v1', 'nodes', 'Node', false),
  builtIn('', 'v1', 'secrets', 'Secret', true),
  builtIn('', 'v1', 'events', 'Event', true),
  builtIn('', 'v1', 'services', 'Service', true),
  builtIn('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice', true),
  builtIn('coordination.k8s.io', 'v1', 'leases', 'Lease', true),
  builtIn(
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
  ),
];

const text = { type: 'string' };
const whole = { type: 'integer' };
const flag = { type: 'boolean' };
const anything = { 'x-kubernetes-preserve-unknown-fields': true };
const list = (items: JsonObject): JsonObject => ({ type: 'array', items });

function calico(
  kind: string,
  resource: string,
  properties: JsonObject,
  required: readonly string[] = [],
): Served {
  const spec: JsonObject = { type: 'object', properties, ...(required.length === 0 ? {} : { required }) };
  return {
    ...{ group: 'crd.projectcalico.org', version: 'v1', resource, kind, namespaced: false },
    builtIn: false,
    statusSubresource: false,
    schema: { type: 'object', properties: { spec } },
  };
}

export const CALICO_CRDS: readonly Served[] = [
  calico('BGPPeer', 'bgppeers', {
    ...{ node: text, peerIP: text, asNumber: whole, nodeSelector: text, peerSelector: text },
    ...{ keepOriginalNextHop: flag, password: anything, sourceAddress: text, maxRestartTime: text },
    ...{ numAllowedLocalASNumbers: whole, ttlSecurity: whole, reachableBy: text, filters: list(text) },
  }),
  calico('BGPConfiguration', 'bgpconfigurations', {
    ...{ logSeverityScreen: text, nodeToNodeMeshEnabled: flag, asNumber: whole, listenPort: whole },
    ...{ serviceClusterIPs: list(anything), serviceExternalIPs: list(anything) },
    ...{ serviceLoadBalancerIPs: list(anything), communities: list(anything) },
    ...{ prefixAdvertisements: list(anything), nodeMeshPassword: anything, nodeMeshMaxRestartTime: text },
    ...{ bindMode: text, ignoredInterfaces: list(text) },
  }),
  calico(
    'IPPool',
    'ippools',
    {
      ...{ cidr: text, ipipMode: text, vxlanMode: text, natOutgoing: flag, blockSize: whole, disabled: flag },
      ...{ nodeSelector: text, disableBGPExport: flag, allowedUses: list(text), ipip: anything },
      'nat-outgoing': flag,
    },
    ['cidr'],
  ),
  calico('BlockAffinity', 'blockaffinities', { cidr: text, node: text, state: text, deleted: text }, [
    'cidr',
    'deleted',
    'node',
    'state',
  ]),
  calico('BGPFilter', 'bgpfilters', {
    exportV4: list(anything),
    importV4: list(anything),
    exportV6: list(anything),
    importV6: list(anything),
  }),
  calico('CalicoNodeStatus', 'caliconodestatuses', {
    ...{ node: text, classes: list(text), updatePeriodSeconds: whole },
  }),
];

/** Calico's kinds in the group of its newest releases. */
export const CALICO_V3_CRDS: readonly Served[] = CALICO_CRDS.map((served) => ({
  ...served,
  group: 'projectcalico.org',
  version: 'v3',
}));

const MANIFEST = new URL('../../../deploy/kubernetes/crd.yaml', import.meta.url);

/** The custom resources of a manifest of CustomResourceDefinitions; ours unless told otherwise. */
export function readCrds(manifest: URL = MANIFEST): readonly Served[] {
  return parseAllDocuments(readFileSync(manifest, 'utf8')).map((document) => {
    const crd: Json = document.toJS();
    const spec = isJsonObject(crd) && isJsonObject(crd.spec) ? crd.spec : {};
    const names = isJsonObject(spec.names) ? spec.names : {};
    const [version] = Array.isArray(spec.versions) ? spec.versions : [];
    const schema = isJsonObject(version?.schema) ? version.schema.openAPIV3Schema : undefined;
    const subresources = isJsonObject(version?.subresources) ? version.subresources : {};
    if (typeof spec.group !== 'string' || typeof names.plural !== 'string' || !isJsonObject(schema))
      throw new Error(`${manifest} holds what is no CustomResourceDefinition`);
    return {
      group: spec.group,
      version: String(version?.name),
      resource: names.plural,
      kind: String(names.kind),
      namespaced: spec.scope === 'Namespaced',
      builtIn: false,
      statusSubresource: 'status' in subresources,
      schema,
    };
  });
}
