/**
 * What a group of peers is told, and with which attributes: the reflection matrix of RFC 4456 section 6, the
 * well-known communities of RFC 1997, the lists and BGPFilters of the configuration, eBGP's rules of RFC 4271 section
 * 5 (own AS in front, no LOCAL_PREF, no MED of others), next-hop modes, and graceful shutdown (RFC 8326).
 */
import {
  ATTRIBUTE,
  decodeAttributes,
  editAttributes,
  encodeAttributes,
  hasClusterId,
  type Negotiated,
  narrow,
  parseAddress,
  prependAs,
  reflectAttributes,
  WELL_KNOWN_COMMUNITY,
} from '../../../bgp/index.ts';
import type { FilterRule } from '../../../model/bgp-filter.ts';
import type { SessionConfig, SpeakerConfig } from '../../../topology/speaker-config.ts';
import type { Export } from '../groups/update-group.ts';
import type { AttributeSet, OutAttributes } from '../rib/attribute-sets.ts';
import type { PrefixTable } from '../rib/prefix-table.ts';
import { compileRules, decidingRule, operate, rulesOf } from './filter-rules.ts';
import { prefixTest } from './prefix-list.ts';

/** All that decides what a peer is told. */
export interface ExportTerms {
  readonly family: 4 | 6;
  readonly external: boolean;
  readonly client: boolean;
  /** Ours towards this client; null: it is none. */
  readonly clusterId: number | null;
  /** What stands in front of the path of eBGP; null within the AS. */
  readonly localAs: number | null;
  /** Octets of the next hop that is put in; null: it is left alone. */
  readonly nextHop: readonly number[] | null;
  /** CIDRs that a route must lie in; null: any. */
  readonly within: readonly string[] | null;
  readonly rules: readonly FilterRule[];
  /** RFC 8326: every route as the last choice. */
  readonly lastChoice: boolean;
  readonly fourOctetAs: boolean;
  readonly longestSent: number;
  /** It takes IPv6 next hops of IPv4 routes (RFC 8950). */
  readonly ipv6NextHop: boolean;
  /** It knows what LLGR_STALE means (RFC 9494). */
  readonly knowsLlgrStale: boolean;
  /** Paths to one prefix that are told at most (RFC 7911), or all; null: the used route, without identifier. */
  readonly paths: number | 'all' | null;
}

export function exportTerms(
  config: SpeakerConfig,
  session: SessionConfig,
  negotiated: Negotiated,
  /** Our own address on the session, for next hop self. */
  localAddress: string,
  clusterId: number | null,
  lastChoice: boolean,
  /** Of one prefix, to a peer that takes several; null: none but the used one. */
  paths: number | 'all' | null,
): ExportTerms {
  const { external } = negotiated;
  return {
    family: session.family,
    external,
    client: session.client,
    clusterId: session.client ? clusterId : null,
    localAs: external ? session.localAs : null,
    // A dedicated reflector forwards nothing: `auto` leaves the next hop alone, also towards eBGP.
    nextHop: session.nextHop === 'self' ? [...(parseAddress(localAddress) ?? [])] : null,
    within: withinOf(config, session),
    rules: session.exportPolicy === 'listed' ? [] : rulesOf(config, session, 'export'),
    lastChoice,
    fourOctetAs: negotiated.fourOctetAs,
    longestSent: negotiated.longestSent,
    ipv6NextHop: negotiated.families[session.family]?.ipv6NextHop ?? false,
    knowsLlgrStale: negotiated.knowsLlgrStale,
    paths: negotiated.families[session.family]?.addPathSend === true ? (paths ?? 1) : null,
  };
}

function withinOf(config: SpeakerConfig, session: SessionConfig): readonly string[] | null {
  switch (session.exportPolicy) {
    case 'accept':
      return null;
    case 'listed':
      return session.exportFilters;
    case 'pools': {
      const pools = config.pools.filter((pool) => !pool.disabled && !pool.disableBgpExport);
      return [...pools.map((pool) => pool.cidr), ...config.serviceRanges];
    }
    default:
      return session.exportPolicy satisfies never;
  }
}

/** Octets of a message besides attributes and next hop, and of the longest prefix. */
const OVERHEAD = 23 + 9 + 17;
const PATH_ID = 4;

export function compileExport(terms: ExportTerms, prefixes: PrefixTable): Export {
  const { family, external, client, clusterId, longestSent } = terms;
  const within = terms.within === null ? null : prefixTest(terms.within, family);
  const rules = compileRules(terms.rules, family, !external);
  const nextHop = terms.nextHop === null ? null : Uint8Array.from(terms.nextHop);
  const address = new Uint8Array(family === 4 ? 4 : 16);
  const overhead = terms.paths === null ? OVERHEAD : OVERHEAD + PATH_ID;
  const v6HopsEndHere = family === 4 && nextHop === null && !terms.ipv6NextHop;
  /** What became of a set, by the rule that decided (null: none did). Sets are many, results are shared. */
  const made = new Map<FilterRule | null, WeakMap<AttributeSet, OutAttributes | null>>();
  /** Nothing is changed in a route of our own cluster: by far the most frequent case. */
  const plain = !external && nextHop === null && !terms.lastChoice && terms.fourOctetAs;

  function outOf(set: AttributeSet, rule: FilterRule | null): OutAttributes | null {
    if (rule === null && plain && !needsClusterId(set)) return fitting(set);
    let results = made.get(rule);
    if (results === undefined) {
      results = new WeakMap();
      made.set(rule, results);
    }
    let out = results.get(set);
    if (out === undefined) {
      out = rewrite(set, operate(set.bytes, rule?.operations ?? []));
      results.set(set, out);
    }
    return out === null ? null : fitting(out);
  }

  /** RFC 4456 section 8: another cluster's route, or a non-client's, that a client is told. */
  function needsClusterId(set: AttributeSet): boolean {
    return client && set.originatorId !== null && set.reflectedBy !== clusterId;
  }

  /** Null: the route has been in this cluster. */
  function rewrite(set: AttributeSet, octets: Uint8Array): OutAttributes | null {
    let bytes = octets;
    if (!external && clusterId !== null && needsClusterId(set)) {
      if (hasClusterId(bytes, clusterId)) return null;
      bytes = reflectAttributes(bytes, set.originatorId ?? 0, clusterId);
    }
    if (nextHop !== null && nextHop.length === 4) {
      bytes = editAttributes(bytes, [{ code: ATTRIBUTE.nextHop, flags: 0x40, value: nextHop }]);
    }
    if (external || terms.lastChoice) bytes = edited(bytes);
    if (!terms.fourOctetAs) bytes = narrow(bytes);
    return { bytes, nextHop: nextHop ?? set.nextHop };
  }

  function edited(bytes: Uint8Array): Uint8Array {
    let attributes = decodeAttributes(bytes);
    if (terms.lastChoice) {
      const { gracefulShutdown } = WELL_KNOWN_COMMUNITY;
      const communities = attributes.communities.includes(gracefulShutdown)
        ? attributes.communities
        : [...attributes.communities, gracefulShutdown];
      attributes = { ...attributes, localPref: 0, communities };
    }
    if (external) {
      attributes = {
        ...attributes,
        asPath: prependAs(attributes.asPath ?? [], terms.localAs ?? 0),
        localPref: null,
        // What a filter set stays; what another AS said is not for a third one (RFC 4271 section 5.1.4).
        med: null,
        originatorId: null,
        clusterList: [],
        extendedCommunities: attributes.extendedCommunities.filter(isTransitive),
      };
    }
    return encodeAttributes(attributes);
  }

  /** Null where no prefix would have room beside the attributes (RFC 8654 section 4). */
  function fitting(out: OutAttributes): OutAttributes | null {
    return out.bytes.length + out.nextHop.length + overhead > longestSent ? null : out;
  }

  return (prefix, source, set) => {
    // Between two non-clients nothing is reflected.
    if (!external && !client && !source.external && !source.client) return null;
    if (set.communities.length > 0 && isKeptBack(set, external)) return null;
    // A dead node's routes must not live on as long-lived stale ones; a fellow reflector's may, with who knows them for
    // what they are (RFC 9494 section 4.3).
    if (set.llgrStale && !(source.fellow && terms.knowsLlgrStale)) return null;
    // RFC 8950 section 4: an IPv6 next hop of an IPv4 route is only for who takes it.
    if (v6HopsEndHere && set.nextHop.length !== 4) return null;
    if (within === null && rules.length === 0) return outOf(set, null);
    prefixes.writeAddress(prefix, address);
    const bits = prefixes.bitsOf(prefix);
    const rule = decidingRule(rules, address, bits, set);
    if (rule?.action === 'reject') return null;
    if (rule !== undefined) return outOf(set, rule);
    return within === null || within(address, bits) ? outOf(set, null) : null;
  };
}

/** RFC 4360 section 6: an extended community that is not transitive ends at the border of the AS. */
function isTransitive(community: bigint): boolean {
  return (community & (0x40n << 56n)) === 0n;
}

/** RFC 1997. We are in no confederation, so NO_EXPORT_SUBCONFED means what NO_EXPORT means. */
function isKeptBack({ communities }: AttributeSet, external: boolean): boolean {
  const { noAdvertise, noExport, noExportSubconfed } = WELL_KNOWN_COMMUNITY;
  if (communities.includes(noAdvertise)) return true;
  return external && (communities.includes(noExport) || communities.includes(noExportSubconfed));
}
