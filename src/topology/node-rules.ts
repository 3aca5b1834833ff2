/**
 * The sessions of a Calico node, reflecting or not: the node-to-node mesh while it is on, what BGPPeers ask of it,
 * and what they ask of others that peer with it. Such speakers stand beside nodes that run Calico's own agent, so
 * the rules that both ends must share (who is in the mesh, who opens the connection, who is a client, who peers
 * back) are Calico's to the letter (its confd: passes over global, node-specific and reverse peerings).
 */
import { familyOf, type IpAddress } from '../model/address.ts';
import type { BgpPeer } from '../model/bgp-peer.ts';
import type { Node } from '../model/node.ts';
import { reflectorMismatch } from './as-mismatch.ts';
import { addressesOf, addressOf, type Inventory, type InventoryChange } from './inventory.ts';
import type { MeshRules } from './mesh-rules.ts';
import { addressesOfLocals, addressesOfRemotes } from './peer-addresses.ts';
import {
  isForEveryNode,
  localKeysOf,
  nextHopOf,
  peersBack,
  remoteKeysAt,
  sharedSettings,
  statedPort,
} from './peer-session.ts';
import { createSession } from './session-draft.ts';
import { sessionName } from './session-name.ts';
import { type Candidate, chooseCandidate, EMPTY_SLOT, type SessionRules } from './session-rules.ts';
import { asOf, ownAddress, type SpeakerFrame } from './speaker-frame.ts';

export function createNodeRules(
  inventory: Inventory,
  mesh: Pick<MeshRules, 'addresses' | 'candidates'>,
): SessionRules {
  /** Entries of every node first, then those of this node, then those that ask it to peer back, then the mesh. */
  function slot(frame: SpeakerFrame, address: IpAddress) {
    const own = ownAddress(frame, familyOf(address));
    const { node } = frame;
    if (node === undefined || own === null || isSelf(frame, address)) return EMPTY_SLOT;
    const asked = inventory.peers.between(
      localKeysOf(inventory, node.name),
      remoteKeysAt(inventory, address),
    );
    return chooseCandidate([
      ...asked.filter(isForEveryNode).map((peer) => forward(frame, node, own, address, peer)),
      ...asked
        .filter((peer) => !isForEveryNode(peer))
        .map((peer) => forward(frame, node, own, address, peer)),
      ...reverses(frame, node, own, address),
      ...mesh.candidates(frame, node, own, address),
    ]);
  }

  /** What an entry asks of this node. */
  function forward(
    frame: SpeakerFrame,
    node: Node,
    own: IpAddress,
    address: IpAddress,
    peer: BgpPeer,
  ): Candidate {
    const reflector = peer.remote.type === 'address' ? inventory.reflectorsAt(address)[0] : undefined;
    const calicoNode = inventory.nodesAt(address).find((one) => isRemote(peer, one));
    const known = reflector ?? calicoNode;
    const everyNode = isForEveryNode(peer);
    const localAs = peer.localAsNumber ?? asOf(node, inventory);
    const peerAs = peer.asNumber ?? asOf(known, inventory);
    // Calico knows the port of a node that it finds by its labels, or by address and AS.
    const configured =
      calicoNode !== undefined && peerAs === asOf(calicoNode, inventory)
        ? inventory.configuredPortOf(calicoNode.name)
        : null;
    const port = statedPort(peer) ?? (reflector === undefined ? configured : null);
    const session = createSession({
      ...sharedSettings(peer, frame.restartSeconds),
      name: sessionName(everyNode ? 'Global' : 'Node', address, port),
      kind: everyNode ? 'global' : 'node',
      peerAddress: address,
      peerPort: port ?? (reflector === undefined ? 179 : inventory.listenPortOf(reflector.name)),
      peerAs,
      localAs,
      peerName: known?.name ?? null,
      client: isClient(node, localAs, peerAs, peer.remote.type === 'selected' ? calicoNode : undefined),
      clusterId: node.clusterId,
      // A reflector opens towards its nodes, but two nodes with one entry would open towards each other.
      passive: everyNode && reflector === undefined && calicoNode !== undefined && address > own,
      nextHop: nextHopOf(peer, peerAs === localAs),
      sourceAddress: peer.fromOwnAddress ? own : null,
      allowLocalAs: peer.allowLocalAs,
      reachableBy: peer.reachableBy,
    });
    if (reflector === undefined || peerAs === localAs) return { session, problems: [] };
    return { session, problems: [reflectorMismatch(session, node.name, reflector.name)] };
  }

  function isRemote(peer: BgpPeer, node: Node): boolean {
    if (peer.remote.type !== 'selected') return true;
    return inventory.selections.foundBy(peer.remote.selector).has(node.name);
  }

  /** What entries of others ask of this node: to peer back with them. */
  function reverses(
    frame: SpeakerFrame,
    node: Node,
    own: IpAddress,
    address: IpAddress,
  ): readonly Candidate[] {
    const asOther = {
      addresses: [own],
      selectors: inventory.selections.selectorsOf(node.name),
    };
    return inventory.nodesAt(address).flatMap((other) =>
      inventory.peers
        .between(localKeysOf(inventory, other.name), asOther)
        .filter((peer) => peersBack(inventory, peer, node))
        .map((peer) => reverse(frame, node, own, address, other, peer)),
    );
  }

  function reverse(
    frame: SpeakerFrame,
    node: Node,
    own: IpAddress,
    address: IpAddress,
    other: Node,
    peer: BgpPeer,
  ): Candidate {
    const localAs = asOf(node, inventory);
    const peerAs = peer.localAsNumber ?? asOf(other, inventory);
    const port = inventory.configuredPortOf(other.name);
    const session = createSession({
      ...sharedSettings(peer, frame.restartSeconds),
      name: sessionName('Node', address, port),
      kind: 'node',
      peerAddress: address,
      peerPort: port ?? 179,
      peerAs,
      localAs,
      peerName: other.name,
      client: isClient(node, localAs, peerAs, other),
      clusterId: node.clusterId,
      sourceAddress: peer.fromOwnAddress ? own : null,
    });
    return { session, problems: [] };
  }

  function addresses(frame: SpeakerFrame): Iterable<IpAddress> {
    const { node } = frame;
    if (node === undefined) return [];
    const found = new Set<IpAddress>(mesh.addresses(node));
    const local = localKeysOf(inventory, node.name);
    addressesOfRemotes(inventory, inventory.peers.remotesOf(local), found);
    const remote = { addresses: addressesOf(frame.settings), selectors: local.selectors };
    addressesOfLocals(inventory, inventory.peers.localsOf(remote), found);
    return found;
  }

  function touched(frame: SpeakerFrame, change: InventoryChange): 'all' | Iterable<IpAddress> {
    switch (change.kind) {
      case 'Node':
      case 'RouteReflector':
        return [...addressesOf(change.before), ...addressesOf(change.after)];
      case 'BGPPeer': {
        const found = new Set<IpAddress>();
        for (const peer of [change.before, change.after]) {
          if (peer !== undefined) addTouched(frame, peer, found);
        }
        return found;
      }
      case 'BGPConfiguration':
      case 'BGPFilter':
      case 'IPPool':
      case 'BlockAffinity':
      case 'CustomFilter':
        return [];
      default:
        return change satisfies never;
    }
  }

  function addTouched({ node, settings }: SpeakerFrame, peer: BgpPeer, found: Set<IpAddress>): void {
    if (node === undefined) return;
    const { local, remote } = peer;
    const has = (selector: string) => inventory.selections.foundBy(selector).has(node.name);
    const isLocal =
      local.scope === 'every' ||
      (local.scope === 'node' && local.node === node.name) ||
      (local.scope === 'selected' && has(local.selector));
    if (isLocal) addressesOfRemotes(inventory, [remote], found);
    const isOther =
      (remote.type === 'selected' && has(remote.selector)) ||
      (remote.type === 'address' && addressesOf(settings).includes(remote.address));
    if (isOther) addressesOfLocals(inventory, [local], found);
  }

  return { addresses, slot, touched };
}

/**
 * Calico's rule: whoever has a cluster ID takes every peer of its AS for a client but those that it knows to have
 * the same cluster ID. So two reflectors with different IDs are clients of each other, and a reflector that is
 * given by its address is a client, whatever its ID.
 * @param other the peer, where its cluster ID is known
 */
function isClient(node: Node, localAs: number, peerAs: number, other: Node | undefined): boolean {
  return node.clusterId !== null && localAs === peerAs && other?.clusterId !== node.clusterId;
}

/** By address and not by name alone: the process may be at an address that its Node does not have. */
function isSelf(frame: SpeakerFrame, address: IpAddress): boolean {
  const family = familyOf(address);
  return (
    ownAddress(frame, family) === address ||
    (frame.node !== undefined && addressOf(frame.node, family) === address)
  );
}
