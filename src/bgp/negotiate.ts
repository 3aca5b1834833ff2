/**
 * What two OPENs make of a session, as plain data: RFC 4271 sections 4.2 and 6.2 for hold time, AS and identifier
 * (RFC 6286), RFC 5492 for capabilities, and for each capability the rule of its own RFC.
 */
import { type AfiSafi, type Capability, encodeCapabilities } from './capability.ts';
import { ERROR, OPEN_ERROR } from './error-codes.ts';
import { AFI_IPV6, FAMILIES, type Family, familyOf, numbersOf, type PerFamily } from './family.ts';
import { LONGEST_EXTENDED_MESSAGE, LONGEST_MESSAGE } from './header.ts';
import type { Offer } from './offer.ts';
import type { Open } from './open.ts';
import { ProtocolError } from './protocol-error.ts';

/** How routes of one family travel on a session. */
export interface FamilyTerms {
  readonly addPathSend: boolean;
  readonly addPathReceive: boolean;
  /** IPv4 only: next hops may be IPv6, both ways (RFC 8950). */
  readonly ipv6NextHop: boolean;
  /** How we may treat the peer's routes when it restarts; null: forget them at once. */
  readonly restart: {
    /** The peer kept forwarding through the restart it comes from (bit F). */
    readonly forwarding: boolean;
  } | null;
  /** Seconds that stale routes may live on after the restart time (RFC 9494); 0: none. */
  readonly longLivedSeconds: number;
  /** Bit F of RFC 9494. */
  readonly longLivedForwarding: boolean;
}

export interface Negotiated {
  readonly localAs: number;
  readonly peerAs: number;
  /** Another AS: eBGP. */
  readonly external: boolean;
  readonly localRouterId: number;
  readonly peerRouterId: number;
  /** Seconds; 0: neither KEEPALIVEs nor a hold timer. */
  readonly holdSeconds: number;
  readonly keepaliveSeconds: number;
  /** AS numbers have four octets in UPDATEs, both ways (RFC 6793). */
  readonly fourOctetAs: boolean;
  /** Null where the family was not agreed on. */
  readonly families: PerFamily<FamilyTerms | null>;
  readonly routeRefresh: boolean;
  readonly enhancedRouteRefresh: boolean;
  /** Longest message that may be sent and the longest that is accepted, octets. */
  readonly longestSent: number;
  readonly longestReceived: number;
  /** The peer's graceful restart; null where either side has none. */
  readonly gracefulRestart: {
    readonly seconds: number;
    readonly restarting: boolean;
    /** Both sides announced N: errors and hold timer expiry keep the routes too (RFC 8538). */
    readonly notification: boolean;
  } | null;
  /** The peer knows LLGR_STALE: it announced long-lived graceful restart, for whatever families (RFC 9494 section 4.1). */
  readonly knowsLlgrStale: boolean;
}

/**
 * What the session will be like.
 * @param theirs an OPEN that `decodeOpen` accepted
 * @throws ProtocolError: Bad Peer AS, Bad BGP Identifier (the peer's is our own, within one AS), Unsupported
 * Capability (no family in common; its data lists ours)
 */
export function negotiate(offer: Offer, theirs: Open): Negotiated {
  if (theirs.as !== offer.peerAs) {
    const what = `the peer is in AS ${theirs.as}, AS ${offer.peerAs} was expected`;
    throw new ProtocolError(ERROR.open, OPEN_ERROR.badPeerAs, what);
  }
  const external = offer.localAs !== theirs.as;
  // RFC 6286 section 2.2: identifiers are unique only within an AS.
  if (!external && theirs.routerId === offer.routerId) {
    throw new ProtocolError(ERROR.open, OPEN_ERROR.badIdentifier, "the peer's BGP Identifier is our own");
  }
  const said = readCapabilities(theirs.capabilities);
  const families = {
    4: familyTerms(offer, said, 4),
    6: familyTerms(offer, said, 6),
  };
  if (families[4] === null && families[6] === null) {
    const what = `no address family in common: we speak ${familyNames(offer.families.map(({ family }) => family))}, the peer ${familyNames(FAMILIES.filter((family) => said.speaks(family)))}`;
    throw new ProtocolError(ERROR.open, OPEN_ERROR.unsupportedCapability, what, wantedFamilies(offer));
  }
  const holdSeconds = Math.min(offer.holdSeconds, theirs.holdSeconds);
  const third = Math.max(1, Math.floor(holdSeconds / 3));
  const wanted = offer.keepaliveSeconds ?? 0;
  const restart = offer.gracefulRestart === null ? null : said.restart;
  return {
    localAs: offer.localAs,
    peerAs: theirs.as,
    external,
    localRouterId: offer.routerId,
    peerRouterId: theirs.routerId,
    holdSeconds,
    // RFC 4271 section 4.4: a third of the hold time is the most that is reasonable; 0 turns both off.
    keepaliveSeconds: holdSeconds === 0 ? 0 : wanted === 0 ? third : Math.min(wanted, third),
    fourOctetAs: said.has('four-octet-as'),
    families,
    routeRefresh: said.has('route-refresh'),
    enhancedRouteRefresh: said.has('route-refresh') && said.has('enhanced-route-refresh'),
    // RFC 8654 section 4: a speaker sends long messages to whom announced that it takes them.
    longestSent:
      offer.extendedMessages && said.has('extended-message') ? LONGEST_EXTENDED_MESSAGE : LONGEST_MESSAGE,
    longestReceived: offer.extendedMessages ? LONGEST_EXTENDED_MESSAGE : LONGEST_MESSAGE,
    gracefulRestart:
      restart === null
        ? null
        : {
            seconds: restart.seconds,
            restarting: restart.restarting,
            notification: restart.notification && offer.gracefulRestart?.notification === true,
          },
    knowsLlgrStale: said.restart !== null && said.has('long-lived-graceful-restart'),
  };
}

type GracefulRestartCapability = Extract<Capability, { kind: 'graceful-restart' }>;

/** A peer's capabilities, asked by what they mean to one of our families. */
interface Said {
  has(kind: Capability['kind']): boolean;
  speaks(family: Family): boolean;
  readonly restart: GracefulRestartCapability | null;
  readonly capabilities: readonly Capability[];
}

function readCapabilities(capabilities: readonly Capability[]): Said {
  const has = (kind: Capability['kind']): boolean => capabilities.some((one) => one.kind === kind);
  // RFC 4724 section 3: of several, all but the last are ignored.
  const restart = capabilities.findLast((one) => one.kind === 'graceful-restart') ?? null;
  return {
    has,
    // RFC 4760 section 8: a speaker that announces no family at all speaks IPv4 unicast.
    speaks: (family) =>
      has('multiprotocol')
        ? capabilities.some((one) => one.kind === 'multiprotocol' && is(one, family))
        : family === 4,
    restart,
    capabilities,
  };
}

function familyTerms(offer: Offer, said: Said, family: Family): FamilyTerms | null {
  const ours = offer.families.find((one) => one.family === family);
  if (ours === undefined || !said.speaks(family)) return null;
  const addPath = addPathMode(said, family);
  const graceful = offer.gracefulRestart === null ? null : said.restart;
  const restart = graceful?.families.find((one) => is(one, family));
  const longLived = said.capabilities
    .flatMap((one) => (one.kind === 'long-lived-graceful-restart' ? one.families : []))
    .find((one) => is(one, family));
  // RFC 9494 section 4.1: without the graceful restart capability, this one is ignored.
  const lives = graceful !== null && ours.longLivedSeconds !== null ? longLived : undefined;
  return {
    addPathSend: ((ours.addPath ?? 0) & 2) !== 0 && (addPath & 1) !== 0,
    addPathReceive: ((ours.addPath ?? 0) & 1) !== 0 && (addPath & 2) !== 0,
    ipv6NextHop: ours.ipv6NextHop && family === 4 && takesIpv6NextHops(said),
    restart: restart === undefined ? null : { forwarding: restart.forwarding },
    longLivedSeconds: lives?.seconds ?? 0,
    longLivedForwarding: lives?.forwarding ?? false,
  };
}

function addPathMode(said: Said, family: Family): number {
  const entries = said.capabilities.flatMap((one) => (one.kind === 'add-path' ? one.entries : []));
  // One entry for each family is legal (RFC 7911 section 4); of several, the first counts.
  return entries.find((entry) => is(entry, family))?.mode ?? 0;
}

function takesIpv6NextHops(said: Said): boolean {
  return said.capabilities.some(
    (one) =>
      one.kind === 'extended-next-hop' &&
      one.entries.some((entry) => is(entry, 4) && entry.nextHopAfi === AFI_IPV6),
  );
}

function is(numbers: AfiSafi, family: Family): boolean {
  return familyOf(numbers.afi, numbers.safi) === family;
}

function familyNames(families: readonly Family[]): string {
  return families.length === 0
    ? 'neither IPv4 nor IPv6 unicast'
    : families.map((family) => `IPv${family}`).join(' and ');
}

/** RFC 5492 section 5: the capabilities that we miss, as they would be announced. */
function wantedFamilies(offer: Offer): Uint8Array {
  return encodeCapabilities(
    offer.families.map(({ family }) => ({ kind: 'multiprotocol', ...numbersOf(family) })),
  );
}
