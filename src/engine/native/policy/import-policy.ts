/**
 * What is taken from a peer. The rules are those that the BIRD engine renders (bird/filters.ts), in the same order:
 * never a default route from a Calico node, the pools' bound where routes enter the tier, an external peer's list,
 * BGPFilters. RFC 8212: an eBGP peer's list decides, and an empty list takes nothing.
 */
import type { Prefix } from '../../../model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../../../topology/speaker-config.ts';
import type { AttributeSet, AttributeSets } from '../rib/attribute-sets.ts';
import { compileRules, decidingRule, operate, rulesOf } from './filter-rules.ts';
import { type PrefixTest, prefixTest } from './prefix-list.ts';

export interface ImportPolicy {
  /** Two policies with the same key take the same. */
  readonly key: string;
  /**
   * The set that counts, with a reference; null: the route is rejected. It is remembered all the same, so that another
   * policy can be tried on it without asking the peer.
   */
  judge(address: Uint8Array, bits: number, received: AttributeSet): AttributeSet | null;
}

/** What all clients and external peers are held to; compiled once for thousands of them. */
export interface TierBound {
  readonly key: string;
  readonly tests: Readonly<Record<4 | 6, PrefixTest>>;
}

/** @param accepted undefined: there is no bound */
export function compileBound(accepted: readonly Prefix[] | undefined): TierBound | null {
  if (accepted === undefined) return null;
  const listed = [...new Set(accepted)].sort();
  return { key: listed.join(' '), tests: { 4: prefixTest(listed, 4), 6: prefixTest(listed, 6) } };
}

export function compileImport(
  config: SpeakerConfig,
  session: SessionConfig,
  tierBound: TierBound | null,
  sets: AttributeSets,
): ImportPolicy {
  const { family, kind, importPolicy, importFilters } = session;
  const external = kind === 'external';
  const fellow = kind === 'reflector';
  const listed = importPolicy === 'listed' ? importFilters : null;
  const rules = listed === null ? rulesOf(config, session, 'import') : [];
  const bound = fellow || listed !== null ? null : tierBound;
  const internal = session.localAs === session.peerAs;
  const unknown = session.peerName === null;
  const key = JSON.stringify({ external, fellow, listed, rules, bound: bound?.key, internal, unknown });

  const list = listed === null ? null : prefixTest(listed, family);
  const bounds = bound?.tests[family] ?? null;
  const compiled = compileRules(rules, family, internal);
  const noDefault = listed === null ? !fellow && !(external && rules.length === 0) : !external;
  const fits = (address: Uint8Array, bits: number): boolean =>
    !(noDefault && bits === 0) && (bounds === null || bounds(address, bits));

  return {
    key,
    judge(address, bits, received) {
      if (list !== null) {
        if ((noDefault && bits === 0) || !list(address, bits)) return null;
        return sets.hold(received);
      }
      // From a router that Calico does not know a filter may accept what would be refused; from a node it may not.
      const filterFirst = unknown && !fellow && compiled.length > 0;
      if (!filterFirst && !fits(address, bits)) return null;
      const rule = decidingRule(compiled, address, bits, received);
      if (rule?.action === 'reject') return null;
      if (rule === undefined) return filterFirst && !fits(address, bits) ? null : sets.hold(received);
      if (rule.operations.length === 0) return sets.hold(received);
      return sets.intern(operate(received.bytes, rule.operations), received.nextHop, received);
    },
  };
}
