/**
 * Calico's BGPFilters, asked of one route: conditions and operations mean what they mean in the BIRD engine
 * (bird/bgp-filter.ts). A reflector learns everything by BGP and has no interfaces, so `source: RemotePeers` always
 * holds and a rule that names an interface never does.
 */
import {
  type AsPath,
  decodeAttributes,
  encodeAttributes,
  type Family,
  type PathAttributes,
  parsePrefix,
  prependAs,
} from '../../../bgp/index.ts';
import type { FilterOperation, FilterRule } from '../../../model/bgp-filter.ts';
import { type Community, isLargeCommunity } from '../../../model/community.ts';
import type { SessionConfig, SpeakerConfig } from '../../../topology/speaker-config.ts';
import type { AttributeSet } from '../rib/attribute-sets.ts';
import { type PrefixTest, sharesPrefix } from './prefix-list.ts';

/** Calico carries a route's metric as LOCAL_PREF, turned around: the lesser metric is preferred. */
const PRIORITY_BASE = 2147483647;

export interface CompiledRule {
  readonly rule: FilterRule;
  matches(address: Uint8Array, bits: number, attributes: AttributeSet): boolean;
}

/** The rules that a session's filters have for one direction, in the order in which they are asked. */
export function rulesOf(
  config: SpeakerConfig,
  session: SessionConfig,
  direction: 'import' | 'export',
): readonly FilterRule[] {
  return session.filters.flatMap((name) => {
    const filter = config.filters.find((one) => one.name === name);
    if (filter === undefined) return [];
    if (direction === 'import') return session.family === 4 ? filter.importV4 : filter.importV6;
    return session.family === 4 ? filter.exportV4 : filter.exportV6;
  });
}

export function compileRules(
  rules: readonly FilterRule[],
  family: Family,
  internal: boolean,
): readonly CompiledRule[] {
  return rules.flatMap((rule) => {
    if (rule.interface !== null || (rule.peerType === 'internal' && !internal)) return [];
    if (rule.peerType === 'external' && internal) return [];
    const prefixes = rule.prefixes === null ? null : rangeTest(rule.prefixes, family);
    const { community, asPathPrefix, priority } = rule;
    return [
      {
        rule,
        matches: (address: Uint8Array, bits: number, attributes: AttributeSet) =>
          (prefixes === null || prefixes(address, bits)) &&
          (community === null || hasCommunity(attributes, community)) &&
          (asPathPrefix.length === 0 || beginsWith(attributes.asPath, asPathPrefix)) &&
          (priority === null || attributes.localPref === PRIORITY_BASE - priority),
      },
    ];
  });
}

/** The first rule that is for this route: it decides. */
export function decidingRule(
  rules: readonly CompiledRule[],
  address: Uint8Array,
  bits: number,
  attributes: AttributeSet,
): FilterRule | undefined {
  for (const compiled of rules) if (compiled.matches(address, bits, attributes)) return compiled.rule;
  return undefined;
}

/** The octets of attributes after a rule's operations, in their order. */
export function operate(bytes: Uint8Array, operations: readonly FilterOperation[]): Uint8Array {
  if (operations.length === 0) return bytes;
  return encodeAttributes(operations.reduce(afterOperation, decodeAttributes(bytes)));
}

function afterOperation(attributes: PathAttributes, operation: FilterOperation): PathAttributes {
  switch (operation.type) {
    case 'add-community':
      return withCommunity(attributes, operation.community);
    case 'prepend-as-path': {
      const asPath = operation.path.reduceRight<AsPath>(prependAs, attributes.asPath ?? []);
      return { ...attributes, asPath };
    }
    case 'set-priority':
      return { ...attributes, localPref: PRIORITY_BASE - operation.priority };
    default:
      return operation satisfies never;
  }
}

function withCommunity(attributes: PathAttributes, community: Community): PathAttributes {
  if (isLargeCommunity(community)) {
    const [global = 0, one = 0, two = 0] = community.split(':').map(Number);
    const known = attributes.largeCommunities.some(
      (each) => each.global === global && each.one === one && each.two === two,
    );
    const added = [...attributes.largeCommunities, { global, one, two }];
    return known ? attributes : { ...attributes, largeCommunities: added };
  }
  const number = communityNumber(community);
  if (attributes.communities.includes(number)) return attributes;
  return { ...attributes, communities: [...attributes.communities, number] };
}

function communityNumber(community: Community): number {
  const [high = 0, low = 0] = community.split(':').map(Number);
  return ((high << 16) | low) >>> 0;
}

function hasCommunity(attributes: AttributeSet, community: Community): boolean {
  if (!isLargeCommunity(community)) return attributes.communities.includes(communityNumber(community));
  const [global, one, two] = community.split(':').map(Number);
  return decodeAttributes(attributes.bytes).largeCommunities.some(
    (each) => each.global === global && each.one === one && each.two === two,
  );
}

function beginsWith(path: AsPath, wanted: readonly number[]): boolean {
  const [first] = path;
  return (
    first?.type === 'sequence' &&
    first.asNumbers.length >= wanted.length &&
    wanted.every((as, index) => first.asNumbers[index] === as)
  );
}

function rangeTest(
  { cidr, within, minLength, maxLength }: NonNullable<FilterRule['prefixes']>,
  family: Family,
): PrefixTest {
  const prefix = parsePrefix(cidr);
  if (prefix === null || prefix.family !== family) return () => !within;
  return (address, bits) =>
    within ===
    (bits >= minLength &&
      bits <= maxLength &&
      bits >= prefix.length &&
      sharesPrefix(address, prefix.address, prefix.length));
}
