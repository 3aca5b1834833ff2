/** What stands in the RIB as the text that the rest of calico-rr knows it by. */
import { encodePrefix, formatAddress, formatPrefix, parsePrefix } from '../../bgp/index.ts';
import type { PrefixTable } from './rib/prefix-table.ts';

export function prefixText(prefixes: PrefixTable, id: number): string {
  return formatPrefix(prefixes.prefixOf(id));
}

/** @param octets 4, 16, or 32 where a link-local address follows (RFC 2545), which is left out */
export function nextHopText(octets: Uint8Array): string {
  return formatAddress(octets.subarray(0, octets.length === 4 ? 4 : 16));
}

/** The numbers of a prefix and of all that lie in it; none where it is of the other family. */
export function numbersWithin(prefixes: PrefixTable, text: string): readonly number[] {
  const prefix = parsePrefix(text);
  if (prefix === null || prefix.family !== prefixes.family) return [];
  return prefixes.within(encodePrefix(prefix), 1, prefix.length);
}
