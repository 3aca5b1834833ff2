/**
 * What one BGP speaker has to do, as data. This is the contract between topology and engine and also what
 * `calico-rr sessions NAME -o json` prints, so fields are added but never renamed. No secret is ever in it.
 */
import type { Family, IpAddress, Prefix } from '../model/address.ts';
import type { AsNumber } from '../model/as-number.ts';
import type { PrefixAdvertisement } from '../model/bgp-configuration.ts';
import type { BgpFilter } from '../model/bgp-filter.ts';
import type { ResourceKey } from '../model/resource.ts';

export type Role = 'reflector' | 'node';

/**
 * Why a session is there: `mesh` node-to-node mesh; `global` a peer entry of every node; `node` a peer entry of
 * some nodes; `reflector` two reflectors of one group; `external` a router named in a reflector's own entry.
 */
export type SessionKind = 'mesh' | 'global' | 'node' | 'reflector' | 'external';

export interface SessionConfig {
  /** Protocol name: `Mesh_`, `Global_` or `Node_` and the peer's address with `.` and `:` as `_`. Unique. */
  readonly name: string;
  readonly kind: SessionKind;
  readonly family: Family;
  readonly peerAddress: IpAddress;
  readonly peerPort: number;
  readonly peerAs: AsNumber;
  readonly localAs: AsNumber;
  /** Name of the Node or RouteReflector at the other end, or null for a router that Calico does not know. */
  readonly peerName: string | null;
  /** True: the peer is a client of this reflector (RFC 4456). Only ever within one AS. */
  readonly client: boolean;
  /** Cluster ID to reflect with on this session, or null for the engine's default (the router ID). */
  readonly clusterId: string | null;
  readonly passive: boolean;
  readonly nextHop: 'auto' | 'self' | 'keep';
  readonly sourceAddress: IpAddress | null;
  /** True: TCP-MD5 with a password that the engine is handed apart from this. */
  readonly password: boolean;
  /** Name of that password in the secrets file (`NAME` or `NAME/KEY`); the value is never here. */
  readonly passwordRef: string | null;
  readonly ttlSecurityHops: number | null;
  /** Restart time that we announce (RFC 4724), seconds. */
  readonly gracefulRestartSeconds: number;
  readonly keepaliveSeconds: number | null;
  readonly holdTimeSeconds: number | null;
  readonly allowLocalAs: number;
  /** Prefixes to take from and to give to an external peer; `default deny` where `policy` says so. */
  readonly importFilters: readonly Prefix[];
  readonly exportFilters: readonly Prefix[];
  /** `accept`: all but what the role always rejects. `listed`: only the prefixes above (RFC 8212 on eBGP). */
  readonly importPolicy: 'accept' | 'listed';
  /** `pools`: only what lies in enabled IP pools and in service ranges, as Calico's nodes announce. */
  readonly exportPolicy: 'accept' | 'listed' | 'pools';
  /** BGPFilters that routes are asked by, in order; those that `SpeakerConfig.filters` has not are skipped. */
  readonly filters: readonly string[];
  /** Gateway of a route to the peer, which a node that forwards has to have; or null. */
  readonly reachableBy: IpAddress | null;
  /** Routes taken at most; the excess is refused and the session stays. Null: the agent's default. */
  readonly maxPrefixes: number | null;
  /** The resource that asked for this session. */
  readonly because: ResourceKey;
}

export interface PoolConfig {
  readonly cidr: Prefix;
  readonly disabled: boolean;
  readonly ipip: 'Never' | 'Always' | 'CrossSubnet';
  readonly vxlan: 'Never' | 'Always' | 'CrossSubnet';
  /** True: its routes are announced to nobody, unless a filter accepts them. */
  readonly disableBgpExport: boolean;
  readonly because: ResourceKey;
}

export interface FilterConfig extends BgpFilter {
  readonly because: ResourceKey;
}

export interface SpeakerConfig {
  readonly speaker: string;
  /** `reflector`: it passes on what its clients announce. A Calico node with a cluster ID is one too. */
  readonly role: Role;
  /** True: a Calico node, which announces its own blocks and programs its kernel's routes, reflecting or not. */
  readonly forwards: boolean;
  /** True: neither an own entry nor a node of its name; cluster ID is the router ID. */
  readonly standalone: boolean;
  readonly asNumber: AsNumber;
  readonly routerId: string;
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
  /** For a node: the network of its IPv4 address, within which CrossSubnet pools need no tunnel; else null. */
  readonly ipv4Network: Prefix | null;
  readonly clusterId: string | null;
  /** Reflector group, or null for a node. */
  readonly group: string | null;
  readonly listenPort: number;
  readonly logLevel: 'none' | 'info' | 'debug';
  /** IP pools (disabled ones too): what a node programs and announces, what `--accept-prefixes pools` allows. */
  readonly pools: readonly PoolConfig[];
  /** Service ranges (cluster, external and load-balancer IPs) of the BGPConfiguration. */
  readonly serviceRanges: readonly Prefix[];
  /** For a node: those of them, and the single addresses within them, that it announces. */
  readonly serviceRoutes: readonly Prefix[];
  /** The BGPFilters that sessions name, sorted by name. */
  readonly filters: readonly FilterConfig[];
  /** For a node: communities that routes within a range get when they are announced, in order. */
  readonly prefixAdvertisements: readonly PrefixAdvertisement[];
  /** For a node: interfaces whose networks it does not announce (`*` for any letters). */
  readonly ignoredInterfaces: readonly string[];
  /** A node's own blocks. */
  readonly blocks: readonly Prefix[];
  /** For a node: raw BIRD filter text of etcd v2's custom_filters, by family. */
  readonly customFilters: readonly {
    readonly family: Family;
    readonly name: string;
    readonly text: string;
  }[];
  /** Sorted by name. */
  readonly sessions: readonly SessionConfig[];
}
