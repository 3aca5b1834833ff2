/**
 * The rack topology of the route reflector image's documentation, as data and as the very commands that its text
 * gives: three racks of three nodes, two reflectors for each rack with the rack's cluster ID, all reflectors meshed,
 * the node mesh off. (That text pairs reflectors and cluster IDs wrongly; this is the right pairing.)
 */
import type { HostPlan } from './namespaces.ts';

export const RACK_AS = 64512;

export interface RackNode extends HostPlan {
  readonly ipv6: string;
  readonly rack: number;
  readonly block4: string;
  readonly block6: string;
  readonly workload4: string;
  readonly workload6: string;
  /** How this node runs BGP: as Calico v2 did with BIRD 1.6, or on BIRD 2 with what `calico-rr render` prints. */
  readonly flavour: 'calico-v2' | 'bird2';
}

export interface RackReflector extends HostPlan {
  readonly ipv6: string;
  readonly clusterId: string;
  readonly rack: number;
}

/** Nodes that run BIRD 1.6.8, as Calico nodes do; there is one in each rack at least. */
const CALICO_V2_NODES = [1, 4, 7, 8];

function node(number: number): RackNode {
  const workload4 = `10.65.${number}.2`;
  const workload6 = `fd00:65:0:${number}::2`;
  return {
    name: `n${number}`,
    ipv4: `10.0.0.${number}`,
    ipv6: `fd00:10::${number}`,
    rack: Math.ceil(number / 3),
    block4: `10.65.${number}.0/26`,
    block6: `fd00:65:0:${number}::/122`,
    workload4,
    workload6,
    workloads: [workload4, workload6],
    flavour: CALICO_V2_NODES.includes(number) ? 'calico-v2' : 'bird2',
  };
}

export function reflector(number: number): RackReflector {
  const rack = Math.ceil(number / 2);
  return {
    name: `rr${number}`,
    ipv4: `10.0.0.${100 + number}`,
    ipv6: `fd00:10::${100 + number}`,
    rack,
    clusterId: `1.0.0.${rack}`,
  };
}

export const RACK_NODES: readonly RackNode[] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(node);
export const RACK_REFLECTORS: readonly RackReflector[] = [1, 2, 3, 4, 5, 6].map(reflector);
export const ETCD_HOST: HostPlan = { name: 'etcd', ipv4: '10.0.0.200', ipv6: 'fd00:10::200' };

export const POOL4 = '10.65.0.0/16';
export const POOL6 = 'fd00:65::/32';

/** The reflectors of a node's rack. */
export function reflectorsOf(node: RackNode): readonly RackReflector[] {
  return RACK_REFLECTORS.filter((reflector) => reflector.rack === node.rack);
}

/** What a node must forward when all the `present` nodes are up: every other block straight to its node. */
export function expectedRoutes(
  node: RackNode,
  family: 4 | 6,
  present: readonly RackNode[] = RACK_NODES,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    present
      .filter((other) => other.name !== node.name)
      .map((other) => (family === 4 ? [other.block4, other.ipv4] : [other.block6, other.ipv6])),
  );
}

/** A key of etcd v2 and its value. */
export type Entry = readonly [key: string, value: string];

const BGP = '/calico/bgp/v1';

/** The entries of a reflector: "IPv4 entries" and "IPv6 entries" of the documentation. */
export function reflectorEntries({ ipv4, ipv6, clusterId }: RackReflector): readonly Entry[] {
  return [
    [`${BGP}/rr_v4/${ipv4}`, `{"ip":"${ipv4}","cluster_id":"${clusterId}"}`],
    [`${BGP}/rr_v6/${ipv6}`, `{"ip":"${ipv6}","cluster_id":"${clusterId}"}`],
  ];
}

/** What `calicoctl config set nodeToNodeMesh on|off` writes. */
export function meshEntry(enabled: boolean): Entry {
  return [`${BGP}/global/node_mesh`, `{"enabled": ${enabled}}`];
}

/** What calico/node writes of itself when it starts, and the blocks that its workloads' addresses come from. */
export function nodeEntries(node: RackNode): readonly Entry[] {
  const host = `${BGP}/host/${node.name}`;
  const blocks = `/calico/ipam/v2/host/${node.name}`;
  return [
    [`${host}/ip_addr_v4`, node.ipv4],
    [`${host}/ip_addr_v6`, node.ipv6],
    [`${host}/network_v4`, '10.0.0.0/24'],
    [`${blocks}/ipv4/block/${node.block4.replace('/', '-')}`, '{}'],
    [`${blocks}/ipv6/block/${node.block6.replace('/', '-')}`, '{}'],
  ];
}

/** A node-specific peer in both families, as `calicoctl create` of a bgpPeer with `scope: node` writes it. */
export function peerEntries(node: RackNode, peer: RackReflector): readonly Entry[] {
  const host = `${BGP}/host/${node.name}`;
  return [
    [`${host}/peer_v4/${peer.ipv4}`, `{"ip": "${peer.ipv4}", "as_num": "${RACK_AS}"}`],
    [`${host}/peer_v6/${peer.ipv6}`, `{"ip": "${peer.ipv6}", "as_num": "${RACK_AS}"}`],
  ];
}

function poolEntry(family: 4 | 6, cidr: string): Entry {
  const value = { cidr, ipip: '', ipip_mode: '', masquerade: false, ipam: true, disabled: false };
  return [`/calico/v1/ipam/v${family}/pool/${cidr.replace('/', '-')}`, JSON.stringify(value)];
}

/** Everything that makes the rack topology on an empty etcd v2. */
export const RACK_ENTRIES: readonly Entry[] = [
  ...RACK_REFLECTORS.flatMap(reflectorEntries),
  [`${BGP}/global/as_num`, String(RACK_AS)],
  meshEntry(false),
  poolEntry(4, POOL4),
  poolEntry(6, POOL6),
  ...RACK_NODES.flatMap(nodeEntries),
  ...RACK_NODES.flatMap((node) => reflectorsOf(node).flatMap((peer) => peerEntries(node, peer))),
];
