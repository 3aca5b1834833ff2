/**
 * The sessions of a route reflector that is no Calico node, as the route reflector image documents them: a full
 * mesh among the reflectors of a group (plain iBGP, never clients), a client session to each node whose peer
 * entries name this reflector (RFC 4456), what entries ask of it whose nodeSelector names a label of its own, and
 * the routers that its own entry names. Standalone is the same without an entry.
 */
import { familyOf, type IpAddress } from '../model/address.ts';
import type { BgpPeer } from '../model/bgp-peer.ts';
import type { Node } from '../model/node.ts';
import type { Problem } from '../model/problem.ts';
import type { RouteReflector } from '../model/route-reflector.ts';
import { clientMismatch, fellowMismatch } from './as-mismatch.ts';
import { createExternalRules, type StatedPeer } from './external-rules.ts';
import { addressesOf, type Inventory, type InventoryChange } from './inventory.ts';
import { addressesOfLocals, addressesOfRemotes } from './peer-addresses.ts';
import type { LocalKeys } from './peer-index.ts';
import { isForEveryNode, localKeysOf, nextHopOf, sharedSettings, statedPort } from './peer-session.ts';
import { createSession } from './session-draft.ts';
import { sessionName } from './session-name.ts';
import { type Candidate, chooseCandidate, EMPTY_SLOT, type SessionRules } from './session-rules.ts';
import type { SessionConfig } from './speaker-config.ts';
import { asOf, isListed, isOwnEntry, ownAddress, ownEntries, type SpeakerFrame } from './speaker-frame.ts';

export function createReflectorRules(inventory: Inventory): SessionRules {
  const external = createExternalRules(inventory);

  /** A fellow comes first, then what nodes ask for, then what this reflector's own entry adds. */
  function slot(frame: SpeakerFrame, address: IpAddress) {
    const family = familyOf(address);
    const own = ownAddress(frame, family);
    if (isSelf(frame, address)) return EMPTY_SLOT;
    const unusable = external.faults(frame, own, address);
    if (own === null) return { ...EMPTY_SLOT, problems: unusable };
    const fellows = fellowCandidates(frame, own, address);
    const chosen = chooseCandidate([
      ...fellows,
      ...nodeCandidates(frame, own, address),
      ...ownCandidates(frame, own, address),
      ...selectedReflectorCandidates(frame, own, address),
      ...(fellows.length > 0 ? [] : external.candidates(frame, own, address)),
    ]);
    return unusable.length === 0 ? chosen : { ...chosen, problems: [...chosen.problems, ...unusable] };
  }

  /**
   * Fellows mesh by themselves. An entry that names one all the same may lay down the password, the port and the
   * limit of that session; that it is plain iBGP without prefix lists stays.
   */
  function fellowCandidates(frame: SpeakerFrame, own: IpAddress, address: IpAddress): readonly Candidate[] {
    const family = familyOf(address);
    const entry = frame.entries[family];
    if (entry === undefined || !isListed(frame, family)) return [];
    const fellow = inventory.reflectorsAt(address)[0];
    if (fellow === undefined || isOwnEntry(frame, fellow) || fellow.group !== entry.group) return [];
    const stated = external.stated(frame, own, address);
    const session = createSession({
      name: sessionName('Mesh', address, null),
      kind: 'reflector',
      peerAddress: address,
      peerPort: stated.own?.peer.port ?? inventory.listenPortOf(fellow.name),
      peerAs: asOf(fellow, inventory),
      localAs: asOf(entry, inventory),
      peerName: fellow.name,
      client: false,
      sourceAddress: own,
      passwordRef: stated.passwordRef,
      gracefulRestartSeconds: frame.restartSeconds,
      maxPrefixes: stated.own?.peer.maxPrefixes ?? null,
      because: `RouteReflector/${fellow.name}`,
    });
    const problems = session.peerAs === session.localAs ? [] : [fellowMismatch(session)];
    return [{ session, problems: [...problems, ...unheeded(session, stated)] }];
  }

  function nodeCandidates(frame: SpeakerFrame, own: IpAddress, address: IpAddress): readonly Candidate[] {
    const here = { addresses: [own], selectors: [] };
    const candidates = inventory.nodesAt(address).flatMap((node) =>
      inventory.peers
        .between(localKeysOf(inventory, node.name), here)
        .filter((peer) => peer.reverse)
        .map((peer) => clientCandidate(frame, own, address, node, peer)),
    );
    const global = candidates.filter(({ session }) => session.kind === 'global');
    const specific = candidates.filter(({ session }) => session.kind !== 'global');
    return [...global.sort(byBecause), ...specific.sort(byBecause)];
  }

  /** How entries know a RouteReflector as one that they are for: by a label that it has, and no other way. */
  function keysOf(reflectors: readonly RouteReflector[]): LocalKeys {
    const selectors = reflectors.flatMap(({ name }) => inventory.reflectorSelections.selectorsOf(name));
    return { every: false, node: null, selectors: [...new Set(selectors)] };
  }

  /** What entries ask of this reflector itself: sessions with routers, mostly, that Calico does not know. */
  function ownCandidates(frame: SpeakerFrame, own: IpAddress, address: IpAddress): readonly Candidate[] {
    const there = { addresses: [address], selectors: [] };
    return inventory.peers
      .between(keysOf(ownEntries(frame)), there)
      .flatMap((peer) => ownCandidate(frame, own, address, peer));
  }

  function ownCandidate(
    frame: SpeakerFrame,
    own: IpAddress,
    address: IpAddress,
    peer: BgpPeer,
  ): readonly Candidate[] {
    const entry = frame.entries[familyOf(address)];
    const reflector = inventory.reflectorsAt(address).find((one) => !isOwnEntry(frame, one));
    const known = reflector ?? inventory.nodesAt(address)[0];
    const localAs = peer.localAsNumber ?? asOf(entry, inventory);
    const peerAs = peer.asNumber ?? asOf(known, inventory);
    const internal = localAs === peerAs;
    const session = createSession({
      ...sharedSettings(peer, frame.restartSeconds),
      name: sessionName('Node', address, statedPort(peer)),
      kind: 'node',
      peerAddress: address,
      peerPort: statedPort(peer) ?? (known === undefined ? 179 : inventory.listenPortOf(known.name)),
      peerAs,
      localAs,
      peerName: known?.name ?? null,
      client: internal && !sameCluster(entry, known),
      clusterId: entry?.clusterId ?? null,
      nextHop: nextHopOf(peer, internal),
      sourceAddress: peer.fromOwnAddress ? own : null,
      allowLocalAs: peer.allowLocalAs,
      // Whoever is beyond the AS gets what Calico's nodes announce, not the whole of what is reflected.
      exportPolicy: internal ? 'accept' : 'pools',
    });
    return [{ session, problems: peer.reachableBy === null ? [] : [unheededGateway(session)] }];
  }

  /** Reflectors that entries send here, as they send nodes. */
  function selectedReflectorCandidates(
    frame: SpeakerFrame,
    own: IpAddress,
    address: IpAddress,
  ): readonly Candidate[] {
    const others = inventory.reflectorsAt(address).filter((one) => !isOwnEntry(frame, one));
    const here = { addresses: [own], selectors: [] };
    return others.flatMap((other) =>
      inventory.peers
        .between(keysOf([other]), here)
        .filter((peer) => peer.reverse)
        .map((peer) => clientCandidate(frame, own, address, other, peer)),
    );
  }

  function clientCandidate(
    frame: SpeakerFrame,
    own: IpAddress,
    address: IpAddress,
    node: Node | RouteReflector,
    peer: BgpPeer,
  ): Candidate {
    const entry = frame.entries[familyOf(address)];
    const localAs = peer.asNumber ?? asOf(entry, inventory);
    const peerAs = peer.localAsNumber ?? asOf(node, inventory);
    const internal = peerAs === localAs;
    const session = createSession({
      ...sharedSettings(peer, frame.restartSeconds),
      name: sessionName(isForEveryNode(peer) ? 'Global' : 'Node', address, null),
      kind: isForEveryNode(peer) ? 'global' : 'node',
      peerAddress: address,
      peerPort: inventory.listenPortOf(node.name),
      peerAs,
      localAs,
      peerName: node.name,
      client: internal && !sameCluster(entry, node),
      clusterId: entry?.clusterId ?? null,
      // Peers know this reflector by this address, whatever the entry says of its nodes' source addresses.
      sourceAddress: own,
    });
    return { session, problems: internal ? [] : [clientMismatch(session, peer)] };
  }

  function addresses(frame: SpeakerFrame): Iterable<IpAddress> {
    const found = new Set<IpAddress>();
    for (const reflector of inventory.reflectors.values()) {
      for (const address of addressesOf(reflector)) found.add(address);
    }
    for (const entry of ownEntries(frame)) for (const peer of entry.peers) found.add(peer.address);
    addressesOfRemotes(inventory, inventory.peers.remotesOf(keysOf(ownEntries(frame))), found);
    const here = { addresses: addressesOf(frame.settings), selectors: [] };
    addressesOfLocals(inventory, inventory.peers.localsOf(here), found);
    return found;
  }

  function touched(frame: SpeakerFrame, change: InventoryChange): 'all' | Iterable<IpAddress> {
    switch (change.kind) {
      case 'Node':
      case 'RouteReflector':
        return [...addressesOf(change.before), ...addressesOf(change.after)];
      case 'BGPPeer': {
        const found = new Set<IpAddress>();
        const own = addressesOf(frame.settings);
        for (const peer of [change.before, change.after]) {
          if (peer === undefined || peer.remote.type !== 'address') continue;
          const { local, remote } = peer;
          if (own.includes(remote.address)) {
            if (local.scope === 'every') return 'all';
            addressesOfLocals(inventory, [local], found);
          }
          if (local.scope === 'selected' && isMeant(frame, local.selector)) found.add(remote.address);
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

  function isMeant(frame: SpeakerFrame, selector: string): boolean {
    const found = inventory.reflectorSelections.foundBy(selector);
    return ownEntries(frame).some((entry) => found.has(entry.name));
  }

  return { addresses, slot, touched };
}

/** True where both are known to have one cluster ID: such two are no clients of each other (RFC 4456). */
function sameCluster(
  entry: RouteReflector | undefined,
  peer: { readonly clusterId: string | null } | undefined,
): boolean {
  const own = entry?.clusterId ?? null;
  return own !== null && peer?.clusterId === own;
}

/** Says which of an entry's words on a fellow have no effect. */
function unheeded(session: SessionConfig, { own }: StatedPeer): readonly Problem[] {
  if (own === undefined) return [];
  const { asNumber, importPrefixes, exportPrefixes } = own.peer;
  const lists = importPrefixes.length + exportPrefixes.length > 0;
  if (!lists && (asNumber === null || asNumber === session.peerAs)) return [];
  return [
    {
      code: 'duplicate',
      severity: 'warning',
      subject: `RouteReflector/${own.entry.name}`,
      message: `Its peer ${session.peerAddress} is ${session.peerName} of its own group, with which it meshes; the AS number and the prefix lists given there have no effect.`,
      hint: 'Leave them out, or put the two reflectors into different groups.',
    },
  ];
}

function isSelf(frame: SpeakerFrame, address: IpAddress): boolean {
  return (
    addressesOf(frame.settings).includes(address) ||
    ownEntries(frame).some((entry) => addressesOf(entry).includes(address))
  );
}

function byBecause(a: Candidate, b: Candidate): number {
  const left = a.session.because;
  const right = b.session.because;
  return left < right ? -1 : left > right ? 1 : 0;
}

function unheededGateway(session: SessionConfig): Problem {
  return {
    code: 'not-supported',
    severity: 'warning',
    subject: session.because,
    message: `Its spec.reachableBy has no effect at a RouteReflector, which programs no routes.`,
    hint: `Give its machine a route to ${session.peerAddress}, or leave spec.reachableBy out.`,
  };
}
