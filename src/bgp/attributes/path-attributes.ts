/**
 * The attributes of a route as values: what the decision process and people look at. AS numbers are whole 32-bit
 * numbers here, whatever the peer speaks (RFC 6793).
 */
import type { RawAttribute } from './raw-attributes.ts';

/** RFC 4271 section 5.1.1. */
export const ORIGIN = { igp: 0, egp: 1, incomplete: 2 } as const;
export type Origin = (typeof ORIGIN)[keyof typeof ORIGIN];

/** RFC 4271 section 4.3: an unordered set, or a sequence with the nearest AS first. */
export interface AsSegment {
  readonly type: 'set' | 'sequence';
  readonly asNumbers: readonly number[];
}

export type AsPath = readonly AsSegment[];

/** RFC 8092 section 2: three numbers of 32 bits, written `global:one:two`. */
export interface LargeCommunity {
  readonly global: number;
  readonly one: number;
  readonly two: number;
}

export interface Aggregator {
  readonly as: number;
  /** Router ID of the speaker that aggregated. */
  readonly routerId: number;
}

/** Null or an empty list: not there. */
export interface PathAttributes {
  readonly origin: Origin | null;
  readonly asPath: AsPath | null;
  /** NEXT_HOP, an IPv4 address; other next hops stand in MP_REACH_NLRI and are kept beside the attributes. */
  readonly nextHop: Uint8Array | null;
  readonly med: number | null;
  readonly localPref: number | null;
  readonly atomicAggregate: boolean;
  readonly aggregator: Aggregator | null;
  readonly communities: readonly number[];
  readonly originatorId: number | null;
  /** Nearest reflector first. */
  readonly clusterList: readonly number[];
  /** Eight octets each. */
  readonly extendedCommunities: readonly bigint[];
  readonly largeCommunities: readonly LargeCommunity[];
  /** OTC: the AS that may only be followed by its customers (RFC 9234 section 5). */
  readonly onlyToCustomer: number | null;
  /** Optional transitive attributes that no row knows, Partial bit set (RFC 4271 section 5). */
  readonly unknown: readonly RawAttribute[];
  /** Codes of those above that somebody on the way did not know: their Partial bit stays set (RFC 4271 section 5). */
  readonly partial: readonly number[];
}

export const NO_ATTRIBUTES: PathAttributes = {
  origin: null,
  asPath: null,
  nextHop: null,
  med: null,
  localPref: null,
  atomicAggregate: false,
  aggregator: null,
  communities: [],
  originatorId: null,
  clusterList: [],
  extendedCommunities: [],
  largeCommunities: [],
  onlyToCustomer: null,
  unknown: [],
  partial: [],
};
