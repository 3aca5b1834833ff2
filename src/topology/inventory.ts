/**
 * What all resources mean, found by every key that the rules ask for, kept current change by change: a Node that
 * moves costs two index entries, not a walk over the cluster (bench/compile.ts measures it).
 */
import type { Family, IpAddress, Prefix } from '../model/address.ts';
import { type AsNumber, DEFAULT_AS_NUMBER } from '../model/as-number.ts';
import {
  type BgpConfiguration,
  readBgpConfiguration,
  type ServiceRanges,
} from '../model/bgp-configuration.ts';
import { type BgpFilter, readBgpFilter } from '../model/bgp-filter.ts';
import { type BgpPeer, readBgpPeer } from '../model/bgp-peer.ts';
import { type BlockAffinity, readBlockAffinity } from '../model/block-affinity.ts';
import type { Change, Listing } from '../model/change.ts';
import { type CustomFilter, readCustomFilter } from '../model/custom-filter.ts';
import { type IpPool, readIpPool } from '../model/ip-pool.ts';
import { type Node, readNode } from '../model/node.ts';
import type { Problem } from '../model/problem.ts';
import type { Kind } from '../model/resource.ts';
import { type RouteReflector, readRouteReflector } from '../model/route-reflector.ts';
import type { Service } from '../model/service.ts';
import { createNameIndex } from './name-index.ts';
import { createPeerIndex, type PeerIndex } from './peer-index.ts';
import { createResourceTable, type MeaningChange } from './resource-table.ts';
import { sameRecord } from './same-record.ts';
import { createSelections, type Labelled, type Selections } from './selections.ts';

/** Something that stands at an IPv4 and an IPv6 address. */
export interface DualStack {
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
}

export function addressOf(speaker: DualStack, family: Family): IpAddress | null {
  return family === 4 ? speaker.ipv4 : speaker.ipv6;
}

export function addressesOf(speaker: DualStack | undefined): readonly IpAddress[] {
  return [speaker?.ipv4 ?? null, speaker?.ipv6 ?? null].filter((address) => address !== null);
}

export type InventoryChange =
  | ({ readonly kind: 'Node' } & MeaningChange<Node>)
  | ({ readonly kind: 'BGPPeer' } & MeaningChange<BgpPeer>)
  | ({ readonly kind: 'RouteReflector' } & MeaningChange<RouteReflector>)
  | ({ readonly kind: 'BGPConfiguration' } & MeaningChange<BgpConfiguration>)
  | ({ readonly kind: 'BGPFilter' } & MeaningChange<BgpFilter>)
  | ({ readonly kind: 'IPPool' } & MeaningChange<IpPool>)
  | ({ readonly kind: 'BlockAffinity' } & MeaningChange<BlockAffinity>)
  | ({ readonly kind: 'CustomFilter' } & MeaningChange<CustomFilter>);

/** Lists are sorted by name. */
export interface Inventory {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly reflectors: ReadonlyMap<string, RouteReflector>;
  readonly pools: ReadonlyMap<string, IpPool>;
  readonly filters: ReadonlyMap<string, BgpFilter>;
  readonly customFilters: ReadonlyMap<string, CustomFilter>;
  nodesAt(address: IpAddress): readonly Node[];
  reflectorsAt(address: IpAddress): readonly RouteReflector[];
  readonly bgpPeers: ReadonlyMap<string, BgpPeer>;
  readonly peers: Omit<PeerIndex, 'add' | 'remove' | 'clear'>;
  /** Which nodes each selector of a BGPPeer finds. */
  readonly selections: Pick<Selections, 'foundBy' | 'selectorsOf'>;
  /** The same for RouteReflectors: by nodeSelectors of entries with an address, and never by negation. */
  readonly reflectorSelections: Pick<Selections, 'foundBy' | 'selectorsOf'>;
  /** Nodes that reflect: those with a cluster ID; unsorted. */
  readonly reflectorNodes: ReadonlySet<string>;
  /** Reflectors whose own entry names this address as a peer; unsorted. */
  reflectorsNaming(address: IpAddress): readonly RouteReflector[];
  blocksOf(node: string): readonly BlockAffinity[];
  /** All of them, by name. */
  readonly blocks: ReadonlyMap<string, BlockAffinity>;
  readonly defaults: BgpConfiguration | undefined;
  /** Those of the default BGPConfiguration, or what is counted instead of its cluster IPs. */
  readonly serviceRanges: ServiceRanges;
  configurationOf(node: string): BgpConfiguration | undefined;
  /** The AS of everything that names none. */
  readonly globalAs: AsNumber;
  /** TCP port on which the node or reflector of this name listens. */
  listenPortOf(name: string): number;
  /** The same, or null where no BGPConfiguration says one. */
  configuredPortOf(name: string): number | null;
  /** As they were last set for this node, or null: nothing is known of them. */
  servicesOf(node: string): readonly Service[] | null;
  /** @param services null: nothing is known of them any more */
  setServices(node: string, services: readonly Service[] | null): void;
  /** Problems of the resources' own fields; unsorted. */
  problems(): Iterable<Problem>;
  load(listing: Listing): void;
  apply(change: Change): void;
  /** @returns a function that makes this one resource be as it is now */
  capture(kind: Kind, name: string): () => void;
}

const NO_RANGES: ServiceRanges = {
  clusterIps: [],
  externalIps: [],
  loadBalancerIps: [],
  loadBalancerAggregation: true,
};

/**
 * @param onChange called after the indices are right, for changes of meaning only, and not during `load`
 * @param clusterIps count instead of `serviceClusterIPs` (CALICO_ADVERTISE_CLUSTER_IPS); null: those count
 */
export function createInventory(
  onChange: (change: InventoryChange) => void,
  clusterIps: readonly Prefix[] | null = null,
): Inventory {
  const nodesByAddress = createNameIndex<IpAddress, Node>();
  const reflectorsByAddress = createNameIndex<IpAddress, RouteReflector>();
  const reflectorsByPeer = createNameIndex<IpAddress, RouteReflector>();
  const peerIndex = createPeerIndex();
  const selections = createSelections('matches');
  const reflectorSelections = createSelections('means');
  const reflectorNodes = new Set<string>();
  const services = new Map<string, readonly Service[]>();
  const blocksByNode = createNameIndex<string, BlockAffinity>();
  let loading = false;

  function tell(change: InventoryChange): void {
    if (!loading) onChange(change);
  }

  const nodes = createResourceTable<Node>(readNode, ({ before, after }) => {
    if (before !== undefined) {
      for (const address of addressesOf(before)) nodesByAddress.remove(address, before);
      reflectorNodes.delete(before.name);
    }
    if (after !== undefined) {
      for (const address of addressesOf(after)) nodesByAddress.add(address, after);
      if (after.clusterId !== null) reflectorNodes.add(after.name);
    }
    const foundAnew = follow(selections, before, after);
    if (foundAnew || !differOnlyInLabels(before, after)) tell({ kind: 'Node', before, after });
  });

  const reflectors = createResourceTable<RouteReflector>(readRouteReflector, ({ before, after }) => {
    if (before !== undefined) {
      for (const address of addressesOf(before)) reflectorsByAddress.remove(address, before);
      for (const peer of before.peers) reflectorsByPeer.remove(peer.address, before);
    }
    if (after !== undefined) {
      for (const address of addressesOf(after)) reflectorsByAddress.add(address, after);
      for (const peer of after.peers) reflectorsByPeer.add(peer.address, after);
    }
    const foundAnew = follow(reflectorSelections, before, after);
    if (foundAnew || !differOnlyInLabels(before, after)) tell({ kind: 'RouteReflector', before, after });
  });

  const peers = createResourceTable<BgpPeer>(readBgpPeer, (change) => {
    if (change.after !== undefined) {
      for (const [selection, selector] of selectorsOf(change.after)) selection.hold(selector);
    }
    if (change.before !== undefined) peerIndex.remove(change.before);
    if (change.after !== undefined) peerIndex.add(change.after);
    tell({ kind: 'BGPPeer', ...change });
    // Only now: whom the entry concerned before is still asked by those who are told.
    if (change.before !== undefined) {
      for (const [selection, selector] of selectorsOf(change.before)) selection.release(selector);
    }
  });

  function* selectorsOf({ local, remote }: BgpPeer): Iterable<readonly [Selections, string]> {
    if (remote.type === 'workloads') return;
    if (local.scope === 'selected') yield [selections, local.selector];
    if (local.scope === 'selected' && remote.type === 'address') yield [reflectorSelections, local.selector];
    if (remote.type === 'selected') yield [selections, remote.selector];
  }

  const configurations = createResourceTable<BgpConfiguration>(readBgpConfiguration, (change) =>
    tell({ kind: 'BGPConfiguration', ...change }),
  );
  const filters = createResourceTable<BgpFilter>(readBgpFilter, (change) =>
    tell({ kind: 'BGPFilter', ...change }),
  );
  const pools = createResourceTable<IpPool>(readIpPool, (change) => tell({ kind: 'IPPool', ...change }));
  const customFilters = createResourceTable<CustomFilter>(readCustomFilter, (change) =>
    tell({ kind: 'CustomFilter', ...change }),
  );
  const blocks = createResourceTable<BlockAffinity>(readBlockAffinity, (change) => {
    if (change.before !== undefined) blocksByNode.remove(change.before.node, change.before);
    if (change.after !== undefined) blocksByNode.add(change.after.node, change.after);
    tell({ kind: 'BlockAffinity', ...change });
  });

  const tables = {
    Node: nodes,
    BGPPeer: peers,
    BGPConfiguration: configurations,
    BGPFilter: filters,
    IPPool: pools,
    BlockAffinity: blocks,
    RouteReflector: reflectors,
    CustomFilter: customFilters,
    // What reflectors and nodes say of themselves is not configuration.
    CalicoNodeStatus: undefined,
    RouteReflectorStatus: undefined,
  } satisfies Record<Kind, unknown>;
  const all = Object.values(tables).filter((table) => table !== undefined);
  const indices = [nodesByAddress, reflectorsByAddress, reflectorsByPeer, peerIndex, blocksByNode];

  function load(listing: Listing): void {
    loading = true;
    for (const table of all) table.startReload();
    for (const index of indices) index.clear();
    reflectorNodes.clear();
    selections.startReload();
    reflectorSelections.startReload();
    for (const resource of listing.resources) tables[resource.kind]?.put(resource);
    for (const broken of listing.broken) tables[broken.kind]?.setBroken(broken);
    for (const table of all) table.finishReload();
    selections.finishReload();
    reflectorSelections.finishReload();
    loading = false;
  }

  function apply(change: Change): void {
    switch (change.op) {
      case 'put':
        tables[change.resource.kind]?.put(change.resource);
        return;
      case 'delete':
        tables[change.kind]?.delete(change.name);
        return;
      case 'broken':
        tables[change.broken.kind]?.setBroken(change.broken);
        return;
      default:
        change satisfies never;
    }
  }

  const configurationOf = (node: string) => configurations.values.get(`node.${node}`);
  const configuredPortOf = (name: string) =>
    configurationOf(name)?.listenPort ?? configurations.values.get('default')?.listenPort ?? null;
  return {
    nodes: nodes.values,
    reflectors: reflectors.values,
    pools: pools.values,
    filters: filters.values,
    customFilters: customFilters.values,
    nodesAt: nodesByAddress.at,
    reflectorsAt: reflectorsByAddress.at,
    bgpPeers: peers.values,
    peers: peerIndex,
    selections,
    reflectorSelections,
    reflectorNodes,
    reflectorsNaming: reflectorsByPeer.at,
    blocksOf: blocksByNode.at,
    blocks: blocks.values,
    get defaults() {
      return configurations.values.get('default');
    },
    get serviceRanges() {
      const ranges = configurations.values.get('default')?.serviceRanges ?? NO_RANGES;
      return clusterIps === null ? ranges : { ...ranges, clusterIps };
    },
    configurationOf,
    get globalAs() {
      return configurations.values.get('default')?.asNumber ?? DEFAULT_AS_NUMBER;
    },
    listenPortOf: (name) => configuredPortOf(name) ?? 179,
    configuredPortOf,
    servicesOf: (node) => services.get(node) ?? null,
    setServices(node, known) {
      if (known === null) services.delete(node);
      else services.set(node, known);
    },
    *problems() {
      for (const table of all) for (const problems of table.problems.values()) yield* problems;
    },
    load,
    apply,
    capture: (kind, name) => tables[kind]?.capture(name) ?? (() => {}),
  };
}

/** @returns true where one is found by other selectors than before */
function follow(selections: Selections, before: Labelled | undefined, after: Labelled | undefined): boolean {
  if (after !== undefined) return selections.put(after);
  if (before !== undefined) selections.delete(before.name);
  return true;
}

/** Labels mean nothing by themselves: what they change is which selectors find their bearer. */
function differOnlyInLabels(before: Labelled | undefined, after: Labelled | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  return sameRecord({ ...before, labels: null }, { ...after, labels: null });
}
