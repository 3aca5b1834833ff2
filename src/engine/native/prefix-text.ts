/** What stands in the RIB as the text that the rest of calico-rr knows it by. */
import { formatAddress, formatPrefix } from '../../bgp/index.ts';
import type { PrefixTable } from './rib/prefix-table.ts';

export function prefixText(prefixes: PrefixTable, id: number): string {
  return formatPrefix(prefixes.prefixOf(id));
}

/** @param octets 4, 16, or 32 where a link-local address follows (RFC 2545), which is left out */
export function nextHopText(octets: Uint8Array): string {
  return formatAddress(octets.subarray(0, octets.length === 4 ? 4 : 16));
}
