/**
 * BGPPeers by their two sides. An entry says "these nodes peer with that": asked for the entries between a node
 * and an address, the index knows the node by its name and its selectors, and the address by itself and by the
 * selectors that find who stands there. Nearly all entries of a large cluster name one node and one address, so
 * those have an index of their own; whatever has a selector on one side or names another's labels has the other.
 */
import type { IpAddress } from '../model/address.ts';
import type { BgpPeer, LocalSide, RemoteSide } from '../model/bgp-peer.ts';
import { createNameIndex } from './name-index.ts';
import { byName, positionOf } from './name-order.ts';

/** How entries may know a node as the one that they are for. */
export interface LocalKeys {
  /** True: entries of every node are for it too. */
  readonly every: boolean;
  readonly node: string | null;
  readonly selectors: readonly string[];
}

/** How entries may know the other end. */
export interface RemoteKeys {
  readonly addresses: readonly IpAddress[];
  readonly selectors: readonly string[];
}

export interface PeerIndex {
  add(peer: BgpPeer): void;
  remove(peer: BgpPeer): void;
  clear(): void;
  /** Sorted by name. */
  between(local: LocalKeys, remote: RemoteKeys): readonly BgpPeer[];
  /** With whom the entries for `local` peer; each at least once. */
  remotesOf(local: LocalKeys): Iterable<RemoteSide>;
  /** For whom the entries are that peer with `remote`; each at least once. */
  localsOf(remote: RemoteKeys): Iterable<LocalSide>;
  /** Entries that name one node, sorted by name. */
  naming(node: string): readonly BgpPeer[];
  namedNodes(): Iterable<string>;
  /** Entries with a selector on at least one side; unsorted. */
  selecting(): Iterable<BgpPeer>;
  /** Entries that name BGPFilters; unsorted. */
  filtering(): Iterable<BgpPeer>;
}

type Pairs = Map<string, Map<string, BgpPeer[]>>;

export function createPeerIndex(): PeerIndex {
  /** Every node, one address. */
  const globals = createNameIndex<IpAddress, BgpPeer>();
  /** One node; an address mostly, sometimes a selector. */
  const ofNode = createNameIndex<string, BgpPeer>();
  const nodesByAddress = new Map<IpAddress, Map<string, number>>();
  /** Everything with a selector, from either side. */
  const byLocal: Pairs = new Map();
  const byRemote: Pairs = new Map();
  const selecting = new Set<BgpPeer>();
  const filtering = new Set<BgpPeer>();

  function add(peer: BgpPeer): void {
    const { local, remote } = peer;
    if (local.scope === 'node') ofNode.add(local.node, peer);
    if (peer.filters.length > 0) filtering.add(peer);
    if (remote.type === 'workloads') return;
    if (remote.type === 'selected' || local.scope === 'selected') {
      selecting.add(peer);
      addPair(byLocal, localKey(local), remoteKey(remote), peer);
      addPair(byRemote, remoteKey(remote), localKey(local), peer);
    } else if (local.scope === 'every') {
      globals.add(remote.address, peer);
    } else {
      const counts = nodesByAddress.get(remote.address) ?? new Map<string, number>();
      nodesByAddress.set(remote.address, counts);
      counts.set(local.node, (counts.get(local.node) ?? 0) + 1);
    }
  }

  function remove(peer: BgpPeer): void {
    const { local, remote } = peer;
    if (local.scope === 'node') ofNode.remove(local.node, peer);
    filtering.delete(peer);
    if (remote.type === 'workloads') return;
    if (remote.type === 'selected' || local.scope === 'selected') {
      selecting.delete(peer);
      removePair(byLocal, localKey(local), remoteKey(remote), peer);
      removePair(byRemote, remoteKey(remote), localKey(local), peer);
    } else if (local.scope === 'every') {
      globals.remove(remote.address, peer);
    } else {
      const counts = nodesByAddress.get(remote.address);
      const left = (counts?.get(local.node) ?? 0) - 1;
      if (left > 0) counts?.set(local.node, left);
      else counts?.delete(local.node);
      if (counts?.size === 0) nodesByAddress.delete(remote.address);
    }
  }

  function between(local: LocalKeys, remote: RemoteKeys): readonly BgpPeer[] {
    const found: BgpPeer[] = [];
    if (local.every) for (const address of remote.addresses) found.push(...globals.at(address));
    if (local.node !== null) {
      for (const peer of ofNode.at(local.node)) {
        if (peer.remote.type === 'address' && remote.addresses.includes(peer.remote.address))
          found.push(peer);
      }
    }
    if (byLocal.size > 0) {
      for (const key of localKeysOf(local)) {
        const remotes = byLocal.get(key);
        if (remotes === undefined) continue;
        for (const other of remoteKeysOf(remote)) found.push(...(remotes.get(other) ?? []));
      }
    }
    return found.length > 1 ? found.sort(byName) : found;
  }

  function* remotesOf(local: LocalKeys): Iterable<RemoteSide> {
    if (local.every) for (const address of globals.keys()) yield { type: 'address', address, port: null };
    if (local.node !== null) for (const peer of ofNode.at(local.node)) yield peer.remote;
    for (const key of localKeysOf(local)) {
      for (const peers of byLocal.get(key)?.values() ?? []) if (peers[0] !== undefined) yield peers[0].remote;
    }
  }

  function* localsOf(remote: RemoteKeys): Iterable<LocalSide> {
    for (const address of remote.addresses) {
      if (globals.at(address).length > 0) yield { scope: 'every' };
      for (const node of nodesByAddress.get(address)?.keys() ?? []) yield { scope: 'node', node };
    }
    for (const key of remoteKeysOf(remote)) {
      for (const peers of byRemote.get(key)?.values() ?? []) if (peers[0] !== undefined) yield peers[0].local;
    }
  }

  return {
    add,
    remove,
    clear() {
      globals.clear();
      ofNode.clear();
      nodesByAddress.clear();
      byLocal.clear();
      byRemote.clear();
      selecting.clear();
      filtering.clear();
    },
    between,
    remotesOf,
    localsOf,
    naming: ofNode.at,
    namedNodes: ofNode.keys,
    selecting: () => selecting,
    filtering: () => filtering,
  };
}

function addPair(pairs: Pairs, outer: string, inner: string, peer: BgpPeer): void {
  const inners = pairs.get(outer) ?? new Map<string, BgpPeer[]>();
  pairs.set(outer, inners);
  const list = inners.get(inner);
  if (list === undefined) inners.set(inner, [peer]);
  else list.splice(positionOf(list, peer.name), 0, peer);
}

function removePair(pairs: Pairs, outer: string, inner: string, peer: BgpPeer): void {
  const inners = pairs.get(outer);
  const left = inners?.get(inner)?.filter((one) => one.name !== peer.name) ?? [];
  if (left.length > 0) inners?.set(inner, left);
  else inners?.delete(inner);
  if (inners?.size === 0) pairs.delete(outer);
}

/** Keys of one kind never equal keys of another: the first letter tells them apart. */
function localKey(local: LocalSide): string {
  switch (local.scope) {
    case 'every':
      return '*';
    case 'node':
      return `=${local.node}`;
    case 'selected':
      return `~${local.selector}`;
    default:
      return local satisfies never;
  }
}

function localKeysOf({ every, node, selectors }: LocalKeys): readonly string[] {
  const own = selectors.map((selector) => `~${selector}`);
  if (node !== null) own.unshift(`=${node}`);
  if (every) own.unshift('*');
  return own;
}

function remoteKey(remote: Exclude<RemoteSide, { type: 'workloads' }>): string {
  return remote.type === 'address' ? `@${remote.address}` : `~${remote.selector}`;
}

function remoteKeysOf({ addresses, selectors }: RemoteKeys): readonly string[] {
  return [...addresses.map((address) => `@${address}`), ...selectors.map((selector) => `~${selector}`)];
}
