/**
 * From the attributes of an UPDATE to the set that is kept: loops are dropped (RFC 4271 section 9.1.2, RFC 4456
 * section 8), and what the route needs to be reflected is put in once, when it comes in, so that it goes out to
 * thousands of peers without another touch.
 */
import {
  ATTRIBUTE,
  asPathOccurrences,
  decodeAttributes,
  editAttributes,
  findAttribute,
  hasClusterId,
  originatorIdOf,
  type RawAttribute,
  reflectAttributes,
} from '../../../bgp/index.ts';
import { type AttributeSet, type AttributeSets, DEFAULT_LOCAL_PREF } from './attribute-sets.ts';

/** What is known of the session that an UPDATE came by. */
export interface ReceiveTermsOf {
  readonly external: boolean;
  readonly localAs: number;
  /** How often our own AS may stand in a path. */
  readonly allowLocalAs: number;
  readonly localRouterId: number;
  readonly peerRouterId: number;
  /** Our cluster ID where the peer is a client; null: it is none. */
  readonly clusterId: number | null;
  /** The cluster ID that no route may have been through. */
  readonly ownClusterId: number;
}

/** Why a route was not taken at all. */
export type Loop = 'as-path' | 'originator-id' | 'cluster-list';

/** Optional non-transitive, and well-known. */
const OPTIONAL = 0x80;
const WELL_KNOWN = 0x40;

/** @returns the set, with a reference; or the loop that was found */
export function receiveAttributes(
  sets: AttributeSets,
  terms: ReceiveTermsOf,
  attributes: Uint8Array,
  nextHop: Uint8Array,
): AttributeSet | Loop {
  const { clusterId, external } = terms;
  const path = findAttribute(attributes, ATTRIBUTE.asPath);
  if (path !== null && path.length > 0) {
    const { asPath } = decodeAttributes(attributes);
    if (asPathOccurrences(asPath ?? [], terms.localAs) > terms.allowLocalAs) return 'as-path';
  }
  let bytes = attributes;
  const put: RawAttribute[] = [];
  if (findAttribute(attributes, ATTRIBUTE.localPref) === null) {
    put.push({ code: ATTRIBUTE.localPref, flags: WELL_KNOWN, value: octets(DEFAULT_LOCAL_PREF) });
  }
  let clusterListLength = 0;
  if (!external) {
    const originator = originatorIdOf(attributes);
    if (originator === terms.localRouterId) return 'originator-id';
    if (hasClusterId(attributes, terms.ownClusterId)) return 'cluster-list';
    clusterListLength = (findAttribute(attributes, ATTRIBUTE.clusterList)?.length ?? 0) / 4;
    if (originator === null && clusterId === null) {
      put.push({ code: ATTRIBUTE.originatorId, flags: OPTIONAL, value: octets(terms.peerRouterId) });
    }
  }
  if (put.length > 0) bytes = editAttributes(bytes, put);
  if (!external && clusterId !== null) bytes = reflectAttributes(bytes, terms.peerRouterId, clusterId);
  const reflectedBy = external ? null : clusterId;
  return sets.intern(bytes, nextHop, { clusterListLength, reflectedBy });
}

function octets(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
