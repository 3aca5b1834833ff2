/**
 * Sets of prefixes that routes are held against, in BIRD's text and as a predicate with the same meaning, so
 * that "which routes would this refuse" is answered by the rule that is rendered.
 *
 * A listed CIDR admits itself and everything more specific. The default route is the one exception: a listed
 * `0.0.0.0/0` or `::/0` admits exactly the default route, since whoever lists it for a router means that route
 * and not the whole table.
 */
import ipaddr from 'ipaddr.js';
import { type Family, familyOf, type Prefix } from '../../model/address.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import type { ResolvedRenderOptions } from './options.ts';

export const DEFAULT_ROUTE: Readonly<Record<Family, string>> = { 4: '0.0.0.0/0', 6: '::/0' };

/** Those of a family, each once, sorted as text. */
export function ofFamily(prefixes: readonly Prefix[], family: Family): readonly Prefix[] {
  return [...new Set(prefixes.filter((prefix) => familyOf(prefix) === family))].sort();
}

/** `[ 10.0.0.0/8+, 0.0.0.0/0 ]`, or undefined where nothing is listed (BIRD has no empty prefix set). */
export function prefixSet(prefixes: readonly Prefix[]): string | undefined {
  if (prefixes.length === 0) return undefined;
  return `[ ${prefixes.map((prefix) => (isDefault(prefix) ? prefix : `${prefix}+`)).join(', ')} ]`;
}

/**
 * With `acceptPrefixes: 'pools'`: all that a reflector takes from outside its tier. IP pools (disabled ones
 * too: their addresses are still in use), service ranges, and what the external peers are listed with.
 * @returns undefined where there is no bound
 */
export function acceptedPrefixes(
  config: SpeakerConfig,
  options: Pick<ResolvedRenderOptions, 'acceptPrefixes'>,
): readonly Prefix[] | undefined {
  if (config.forwards || options.acceptPrefixes === 'any') return undefined;
  return [
    ...config.pools.map((pool) => pool.cidr),
    ...config.serviceRanges,
    ...config.sessions.flatMap((session) => (session.kind === 'external' ? session.importFilters : [])),
  ];
}

/** True where one of `listed` admits `prefix`, by the rule above. */
export function admits(listed: readonly Prefix[], prefix: string): boolean {
  const slash = prefix.indexOf('/');
  const length = Number(prefix.slice(slash + 1));
  const address = ipaddr.parse(prefix.slice(0, slash));
  return listed.some((cidr) => {
    if (isDefault(cidr)) return cidr === prefix;
    const [network, networkLength] = ipaddr.parseCIDR(cidr);
    return (
      network.kind() === address.kind() && length >= networkLength && address.match(network, networkLength)
    );
  });
}

function isDefault(prefix: string): boolean {
  return prefix === DEFAULT_ROUTE[4] || prefix === DEFAULT_ROUTE[6];
}
