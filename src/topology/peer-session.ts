/**
 * What a BGPPeer says of a session whoever asks: the settings that both ends take from it. The end that the entry
 * is for takes all of them, the end that peers back (Calico's reverse peering) only what must agree.
 */
import type { IpAddress } from '../model/address.ts';
import type { BgpPeer } from '../model/bgp-peer.ts';
import type { Node } from '../model/node.ts';
import type { Inventory } from './inventory.ts';
import type { LocalKeys, RemoteKeys } from './peer-index.ts';
import type { SessionDraft } from './session-draft.ts';
import type { SessionConfig } from './speaker-config.ts';
import { asOf } from './speaker-frame.ts';

export function isForEveryNode(peer: BgpPeer): boolean {
  return peer.local.scope === 'every';
}

/** The TCP port that an entry states for the address that it names; null where it states none. */
export function statedPort(peer: BgpPeer): number | null {
  return peer.remote.type === 'address' ? peer.remote.port : null;
}

/** Settings that hold at both ends. */
export function sharedSettings(
  peer: BgpPeer,
  restartSeconds: number,
): Pick<
  SessionDraft,
  'passwordRef' | 'ttlSecurityHops' | 'gracefulRestartSeconds' | 'keepaliveSeconds' | 'filters' | 'because'
> {
  return {
    passwordRef: peer.passwordRef,
    ttlSecurityHops: peer.ttlSecurityHops,
    gracefulRestartSeconds: peer.restartSeconds ?? restartSeconds,
    keepaliveSeconds: peer.keepaliveSeconds,
    filters: peer.filters,
    because: `BGPPeer/${peer.name}`,
  };
}

/** What becomes of the next hop on a session of these two AS numbers. */
export function nextHopOf(peer: BgpPeer, internal: boolean): SessionConfig['nextHop'] {
  if (peer.nextHop !== 'keep-external') return peer.nextHop;
  return internal ? 'auto' : 'keep';
}

/** How entries know this node as the one that they are for. */
export function localKeysOf(inventory: Inventory, node: string): LocalKeys {
  return { every: true, node, selectors: inventory.selections.selectorsOf(node) };
}

/** How entries know whoever stands at this address as the other end. */
export function remoteKeysAt(inventory: Inventory, address: IpAddress): RemoteKeys {
  const selectors = inventory.nodesAt(address).flatMap(({ name }) => inventory.selections.selectorsOf(name));
  return { addresses: [address], selectors: [...new Set(selectors)] };
}

/**
 * True where an entry that names or selects this node makes it peer back. By address Calico knows a node only
 * together with its AS, and with its port where one is stated.
 */
export function peersBack(inventory: Inventory, peer: BgpPeer, node: Node): boolean {
  if (!peer.reverse) return false;
  if (peer.remote.type !== 'address') return true;
  if (peer.asNumber !== null && peer.asNumber !== asOf(node, inventory)) return false;
  return peer.remote.port === null || peer.remote.port === inventory.listenPortOf(node.name);
}
