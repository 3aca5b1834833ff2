/**
 * Sessions that a reflector's own entry asks for: with routers that Calico does not know, and with reflectors of
 * other groups. What one reflector's entry says of another makes the session at both ends, so that two groups
 * are joined by one line. Across AS numbers nothing passes that is not listed (RFC 8212).
 */
import { familyOf, type IpAddress } from '../model/address.ts';
import type { Node } from '../model/node.ts';
import type { Problem } from '../model/problem.ts';
import type { ReflectorPeer, RouteReflector } from '../model/route-reflector.ts';
import { externalMismatches } from './as-mismatch.ts';
import type { Inventory } from './inventory.ts';
import { createSession } from './session-draft.ts';
import { sessionName } from './session-name.ts';
import type { Candidate } from './session-rules.ts';
import { asOf, isOwnEntry, ownEntries, type SpeakerFrame } from './speaker-frame.ts';

/** What the two ends' entries say of a session. */
export interface StatedPeer {
  /** What this reflector's own entry says of the address, and which of its halves. */
  readonly own: { readonly entry: RouteReflector; readonly peer: ReflectorPeer } | undefined;
  /** What the reflector at the address says of this one. */
  readonly reverse: ReflectorPeer | undefined;
  /** That reflector, whatever it says. */
  readonly reflector: RouteReflector | undefined;
  /** Either end's: a password that only one names is still a password. */
  readonly passwordRef: string | null;
}

export interface ExternalRules {
  stated(frame: SpeakerFrame, own: IpAddress, address: IpAddress): StatedPeer;
  /** @param own this reflector's address of the family of `address` */
  candidates(frame: SpeakerFrame, own: IpAddress, address: IpAddress): readonly Candidate[];
  /** Faults of a peer of the own entry of which no session can be made. */
  faults(frame: SpeakerFrame, own: IpAddress | null, address: IpAddress): readonly Problem[];
}

export function createExternalRules(inventory: Inventory): ExternalRules {
  function reflectorAt(frame: SpeakerFrame, address: IpAddress): RouteReflector | undefined {
    return inventory.reflectorsAt(address).find((one) => !isOwnEntry(frame, one));
  }

  function knownAt(frame: SpeakerFrame, address: IpAddress): RouteReflector | Node | undefined {
    return reflectorAt(frame, address) ?? inventory.nodesAt(address)[0];
  }

  function stated(frame: SpeakerFrame, own: IpAddress, address: IpAddress): StatedPeer {
    const ownSide = ownPeer(frame, address);
    const reflector = reflectorAt(frame, address);
    const reverse = reflector?.peers.find((peer) => peer.address === own);
    const passwordRef = ownSide?.peer.passwordRef ?? reverse?.passwordRef ?? null;
    return { own: ownSide, reverse, reflector, passwordRef };
  }

  function candidates(frame: SpeakerFrame, own: IpAddress, address: IpAddress): readonly Candidate[] {
    const { own: ours, reverse, reflector, passwordRef } = stated(frame, own, address);
    if (ours === undefined && reverse === undefined) return [];
    const because = ours?.entry ?? reflector;
    const entry = frame.entries[familyOf(address)];
    const speaker = knownAt(frame, address);
    const peerAs = ours?.peer.asNumber ?? (speaker === undefined ? null : asOf(speaker, inventory));
    if (because === undefined || peerAs === null) return [];
    const localAs = asOf(entry, inventory);
    const internal = peerAs === localAs;
    const ownCluster = entry?.clusterId ?? null;
    const client = internal && (ownCluster === null || speaker?.clusterId !== ownCluster);
    const importFilters = ours?.peer.importPrefixes ?? reverse?.exportPrefixes ?? [];
    const exportFilters = ours?.peer.exportPrefixes ?? reverse?.importPrefixes ?? [];
    const session = createSession({
      name: sessionName('Node', address, null),
      kind: 'external',
      peerAddress: address,
      peerPort: ours?.peer.port ?? (speaker === undefined ? 179 : inventory.listenPortOf(speaker.name)),
      peerAs,
      localAs,
      peerName: speaker?.name ?? null,
      client,
      clusterId: ownCluster,
      sourceAddress: own,
      passwordRef,
      gracefulRestartSeconds: frame.restartSeconds,
      importFilters,
      exportFilters,
      // RFC 8212: nothing crosses an eBGP session that nobody allowed. Within the AS a list narrows, no list is all.
      importPolicy: internal && importFilters.length === 0 ? 'accept' : 'listed',
      exportPolicy: internal && exportFilters.length === 0 ? 'accept' : 'listed',
      maxPrefixes: ours?.peer.maxPrefixes ?? null,
      because: `RouteReflector/${because.name}`,
    });
    return [
      {
        session,
        problems: externalMismatches(
          session,
          speaker && { name: speaker.name, asNumber: asOf(speaker, inventory) },
          reverse,
        ),
      },
    ];
  }

  function faults(frame: SpeakerFrame, own: IpAddress | null, address: IpAddress): readonly Problem[] {
    const ours = ownPeer(frame, address);
    if (ours === undefined) return [];
    const subject = `RouteReflector/${ours.entry.name}`;
    if (own === null) {
      return [
        {
          code: 'no-address',
          severity: 'error',
          subject,
          message: `Its peer ${address} needs an IPv${familyOf(address)} address of this reflector, which has none.`,
          hint: 'Give the reflector an address of that family, or remove the peer.',
        },
      ];
    }
    if (ours.peer.asNumber !== null || knownAt(frame, address) !== undefined) return [];
    return [
      {
        code: 'bad-as-number',
        severity: 'error',
        subject,
        message: `Its peer ${address} has no AS number, and no reflector or node has that address.`,
        hint: 'Set asNumber of this peer (as_num in etcd).',
      },
    ];
  }

  return { stated, candidates, faults };
}

function ownPeer(
  frame: SpeakerFrame,
  address: IpAddress,
): { readonly entry: RouteReflector; readonly peer: ReflectorPeer } | undefined {
  for (const entry of ownEntries(frame)) {
    const peer = entry.peers.find((one) => one.address === address);
    if (peer !== undefined) return { entry, peer };
  }
  return undefined;
}
