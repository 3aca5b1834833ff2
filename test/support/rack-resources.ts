/** The rack topology as Calico v3's resources: for etcd v3 as its clients store them, and for a file. */
import {
  type Entry,
  POOL4,
  POOL6,
  RACK_AS,
  RACK_NODES,
  RACK_REFLECTORS,
  type RackNode,
  reflectorEntries,
  reflectorsOf,
} from './rack.ts';

interface RackResource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

const CALICO = 'projectcalico.org/v3';

function peersOf(node: RackNode): readonly RackResource[] {
  return reflectorsOf(node).flatMap((reflector) =>
    [reflector.ipv4, reflector.ipv6].map((peerIP, index) => ({
      apiVersion: CALICO,
      kind: 'BGPPeer',
      metadata: { name: peerName(node.name, reflector.name, index === 0 ? 4 : 6) },
      spec: { node: node.name, peerIP, asNumber: RACK_AS },
    })),
  );
}

export function peerName(node: string, reflector: string, family: 4 | 6): string {
  return `${node}-${reflector}-v${family}`;
}

const RESOURCES: readonly RackResource[] = [
  {
    apiVersion: CALICO,
    kind: 'BGPConfiguration',
    metadata: { name: 'default' },
    spec: { asNumber: RACK_AS, nodeToNodeMeshEnabled: false, logSeverityScreen: 'Info' },
  },
  ...[POOL4, POOL6].map((cidr, index) => ({
    apiVersion: CALICO,
    kind: 'IPPool',
    metadata: { name: `pool-v${index === 0 ? 4 : 6}` },
    spec: { cidr, ipipMode: 'Never', vxlanMode: 'Never', natOutgoing: false, disabled: false },
  })),
  ...RACK_NODES.map((node) => ({
    apiVersion: CALICO,
    kind: 'Node',
    metadata: { name: node.name },
    spec: { bgp: { ipv4Address: `${node.ipv4}/24`, ipv6Address: `${node.ipv6}/64` } },
  })),
  ...RACK_NODES.flatMap(peersOf),
];

const PLURALS: Readonly<Record<string, string>> = {
  BGPConfiguration: 'bgpconfigurations',
  IPPool: 'ippools',
  Node: 'nodes',
  BGPPeer: 'bgppeers',
};

/** The key of a resource in etcd v3. */
export function resourceKey(kind: string, name: string): string {
  return `/calico/resources/v3/projectcalico.org/${PLURALS[kind] ?? kind}/${name}`;
}

/** Keys and values of etcd v3: resources as a Calico v3 client stores them, IPAM's keys, and the reflectors' flat keys. */
export const RACK_ENTRIES_V3: readonly Entry[] = [
  // First, as the documentation has it: a reflector that nodes name before it has an entry is a standalone one.
  ...RACK_REFLECTORS.flatMap(reflectorEntries),
  ...RESOURCES.map(({ apiVersion, kind, metadata, spec }, index): Entry => {
    const stored = {
      kind,
      apiVersion,
      metadata: {
        ...metadata,
        uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        creationTimestamp: '2026-05-02T08:00:00Z',
      },
      spec,
      ...(kind === 'Node' ? { status: {} } : {}),
    };
    return [resourceKey(kind, String(metadata.name)), JSON.stringify(stored)];
  }),
  ...RACK_NODES.flatMap(({ name, block4, block6 }): readonly Entry[] => [
    [
      `/calico/ipam/v2/host/${name}/ipv4/block/${block4.replace('/', '-')}`,
      '{"state":"confirmed","deleted":false}',
    ],
    [
      `/calico/ipam/v2/host/${name}/ipv6/block/${block6.replace('/', '-')}`,
      '{"state":"confirmed","deleted":false}',
    ],
  ]),
];

/** The same as one file of documents; `without` leaves a BGPPeer out. JSON is YAML. */
export function rackFile(without?: string): string {
  const blocks = RACK_NODES.flatMap(({ name, block4, block6 }) =>
    [block4, block6].map((cidr) => ({
      apiVersion: CALICO,
      kind: 'BlockAffinity',
      metadata: { name: `${name}-${cidr.replaceAll(/[./:]/g, '-')}` },
      spec: { state: 'confirmed', node: name, cidr },
    })),
  );
  const reflectors = RACK_REFLECTORS.map(({ name, ipv4, ipv6, clusterId }) => ({
    apiVersion: 'calico-rr.io/v1',
    kind: 'RouteReflector',
    metadata: { name },
    spec: { ipv4, ipv6, clusterID: clusterId },
  }));
  return [...RESOURCES, ...blocks, ...reflectors]
    .filter(({ kind, metadata }) => !(kind === 'BGPPeer' && metadata.name === without))
    .map((resource) => JSON.stringify(resource, null, 2))
    .join('\n---\n');
}
