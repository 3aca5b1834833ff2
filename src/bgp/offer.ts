/**
 * What we announce to one peer, and the OPEN that says so: RFC 4271 section 4.2, RFC 5492, and for each capability
 * the RFC that capability.ts names.
 */
import type { AddPathMode, Capability } from './capability.ts';
import { AFI_IPV6, type Family, numbersOf } from './family.ts';
import type { Open } from './open.ts';

export interface FamilyOffer {
  readonly family: Family;
  /** Null: one path for a prefix, no path identifiers. */
  readonly addPath: AddPathMode | null;
  /** IPv4 only: we take IPv6 next hops (RFC 8950). */
  readonly ipv6NextHop: boolean;
  /** We say that we kept forwarding for this family through our own restart (RFC 4724, bit F). */
  readonly forwarding: boolean;
  /** How long others may keep our routes after the restart time, seconds (RFC 9494); null: not announced. */
  readonly longLivedSeconds: number | null;
}

/** What we announce to one peer. */
export interface Offer {
  readonly localAs: number;
  /** The AS that the peer must be in. */
  readonly peerAs: number;
  readonly routerId: number;
  /** Hold time that we ask for, seconds: 0 or 3 and more. */
  readonly holdSeconds: number;
  /** Time between KEEPALIVEs that we want, seconds; null or 0: a third of the hold time. */
  readonly keepaliveSeconds: number | null;
  readonly families: readonly FamilyOffer[];
  readonly extendedMessages: boolean;
  /** Null: no graceful restart at all, neither ours nor help with the peer's. */
  readonly gracefulRestart: {
    /** Restart time, 0 to 4095 seconds. */
    readonly seconds: number;
    /** We are coming up again and ask the peer to wait for our End-of-RIB (bit R). */
    readonly restarting: boolean;
    /** RFC 8538, bit N. */
    readonly notification: boolean;
  } | null;
}

/** The OPEN that says what `offer` holds. */
export function openOf(offer: Offer): Open {
  const capabilities: Capability[] = offer.families.map(({ family }) => ({
    kind: 'multiprotocol',
    ...numbersOf(family),
  }));
  capabilities.push({ kind: 'route-refresh' }, { kind: 'enhanced-route-refresh' });
  capabilities.push({ kind: 'four-octet-as', as: offer.localAs });
  if (offer.extendedMessages) capabilities.push({ kind: 'extended-message' });

  const nextHops = offer.families.filter(({ family, ipv6NextHop }) => family === 4 && ipv6NextHop);
  if (nextHops.length > 0) {
    const entries = nextHops.map(({ family }) => ({ ...numbersOf(family), nextHopAfi: AFI_IPV6 }));
    capabilities.push({ kind: 'extended-next-hop', entries });
  }
  const addPaths = offer.families.flatMap(({ family, addPath }) =>
    addPath === null ? [] : [{ ...numbersOf(family), mode: addPath }],
  );
  if (addPaths.length > 0) capabilities.push({ kind: 'add-path', entries: addPaths });
  if (offer.gracefulRestart !== null) {
    capabilities.push({
      kind: 'graceful-restart',
      ...offer.gracefulRestart,
      families: offer.families.map(({ family, forwarding }) => ({ ...numbersOf(family), forwarding })),
    });
    // RFC 9494 section 4.1: meaningless without the graceful restart capability.
    const longLived = offer.families.flatMap(({ family, forwarding, longLivedSeconds }) =>
      longLivedSeconds === null ? [] : [{ ...numbersOf(family), forwarding, seconds: longLivedSeconds }],
    );
    if (longLived.length > 0) {
      capabilities.push({ kind: 'long-lived-graceful-restart', families: longLived });
    }
  }
  return { as: offer.localAs, holdSeconds: offer.holdSeconds, routerId: offer.routerId, capabilities };
}
