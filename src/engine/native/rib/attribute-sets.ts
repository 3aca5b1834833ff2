/**
 * Attribute sets, each kept once: the octets as they will be said again, and the few facts that the decision process
 * and policy look at, read once. A route holds a reference; a set without references is forgotten.
 */
import {
  type AsPath,
  asPathLength,
  decodeAttributes,
  neighborAs,
  ORIGIN,
  WELL_KNOWN_COMMUNITY,
} from '../../../bgp/index.ts';

/** Attributes and next hop as they go out: what `encodeAnnouncements` needs. */
export interface OutAttributes {
  /** Without MP_REACH_NLRI; with NEXT_HOP where the next hop has 4 octets. */
  readonly bytes: Uint8Array;
  readonly nextHop: Uint8Array;
}

export interface AttributeSet extends OutAttributes {
  readonly localPref: number;
  readonly asPath: AsPath;
  readonly asPathLength: number;
  readonly origin: number;
  /** 0 where there is none (RFC 4271 section 9.1.2.2 c). */
  readonly med: number;
  /** First AS of the path, or null where it is empty or begins with a set. */
  readonly neighborAs: number | null;
  readonly originatorId: number | null;
  /** As it was received, without what we put in front. */
  readonly clusterListLength: number;
  readonly communities: readonly number[];
  /** RFC 9494: the least preferred of all. */
  readonly llgrStale: boolean;
  /** Cluster ID that was put in front when it came in from a client; null: none was. */
  readonly reflectedBy: number | null;
  /** For this file alone: its place in the table, and how many hold it. */
  readonly hash: number;
  references: number;
  next: AttributeSet | undefined;
}

/** Where a set comes from, as far as that makes two sets of the same octets different ones. */
export interface Provenance {
  readonly clusterListLength: number;
  readonly reflectedBy: number | null;
}

export interface AttributeSets {
  /** How many there are. */
  readonly count: number;
  /** The one set of these octets, with one reference more. Octets are copied where they are new. */
  intern(bytes: Uint8Array, nextHop: Uint8Array, provenance: Provenance): AttributeSet;
  /** One reference more. */
  hold(set: AttributeSet): AttributeSet;
  /** One reference less. */
  release(set: AttributeSet): void;
}

/** LOCAL_PREF of a route that has none: what BIRD and everybody else takes. */
export const DEFAULT_LOCAL_PREF = 100;

export function createAttributeSets(): AttributeSets {
  const byHash = new Map<number, AttributeSet>();
  let count = 0;

  return {
    get count() {
      return count;
    },
    intern(bytes, nextHop, provenance) {
      const hash = hashOf(bytes, nextHop, provenance);
      const first = byHash.get(hash);
      for (let entry = first; entry !== undefined; entry = entry.next) {
        if (
          entry.reflectedBy === provenance.reflectedBy &&
          entry.clusterListLength === provenance.clusterListLength &&
          sameBytes(entry.bytes, bytes) &&
          sameBytes(entry.nextHop, nextHop)
        ) {
          entry.references++;
          return entry;
        }
      }
      const entry = makeSet(bytes, nextHop, provenance, hash, first);
      byHash.set(hash, entry);
      count++;
      return entry;
    },
    hold(set) {
      set.references++;
      return set;
    },
    release(set) {
      if (--set.references > 0) return;
      count--;
      const first = byHash.get(set.hash);
      if (first === set) {
        if (set.next === undefined) byHash.delete(set.hash);
        else byHash.set(set.hash, set.next);
        return;
      }
      for (let before = first; before !== undefined; before = before.next) {
        if (before.next === set) before.next = set.next;
      }
    },
  };
}

function makeSet(
  bytes: Uint8Array,
  nextHop: Uint8Array,
  { clusterListLength, reflectedBy }: Provenance,
  hash: number,
  next: AttributeSet | undefined,
): AttributeSet {
  // One buffer for both, since there are many of them.
  const both = new Uint8Array(bytes.length + nextHop.length);
  both.set(bytes);
  both.set(nextHop, bytes.length);
  const attributes = decodeAttributes(bytes);
  const asPath = attributes.asPath ?? [];
  return {
    bytes: both.subarray(0, bytes.length),
    nextHop: both.subarray(bytes.length),
    localPref: attributes.localPref ?? DEFAULT_LOCAL_PREF,
    asPath,
    asPathLength: asPathLength(asPath),
    origin: attributes.origin ?? ORIGIN.incomplete,
    med: attributes.med ?? 0,
    neighborAs: neighborAs(asPath),
    originatorId: attributes.originatorId,
    clusterListLength,
    communities: attributes.communities,
    llgrStale: attributes.communities.includes(WELL_KNOWN_COMMUNITY.llgrStale),
    reflectedBy,
    hash,
    references: 1,
    next,
  };
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** FNV-1a. */
function hashOf(
  bytes: Uint8Array,
  nextHop: Uint8Array,
  { clusterListLength, reflectedBy }: Provenance,
): number {
  let hash = 0x811c9dc5 ^ clusterListLength ^ (reflectedBy ?? 0);
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  for (let at = 0; at < nextHop.length; at++) hash = Math.imul(hash ^ (nextHop[at] ?? 0), 0x01000193);
  return hash | 0;
}
