/**
 * Lists of prefixes that routes are held against. A listed CIDR admits itself and everything more specific; a
 * listed default route admits the default route alone (as bird/prefix-bounds.ts has it, so that both engines mean
 * the same).
 */
import { type Family, formatAddress, parsePrefix } from '../../../bgp/index.ts';

/** Asks about a prefix: its whole address, host bits 0, and its length. */
export type PrefixTest = (address: Uint8Array, bits: number) => boolean;

export const NOTHING_ADMITTED: PrefixTest = () => false;

/** @param listed CIDRs of any family; those of another one admit nothing */
export function prefixTest(listed: readonly string[], family: Family): PrefixTest {
  const byLength = new Map<number, Set<string>>();
  for (const text of listed) {
    const prefix = parsePrefix(text);
    if (prefix === null || prefix.family !== family) continue;
    const known = byLength.get(prefix.length) ?? new Set<string>();
    byLength.set(prefix.length, known.add(formatAddress(prefix.address)));
  }
  const lengths = [...byLength].sort(([one], [other]) => one - other);
  if (lengths.length === 0) return NOTHING_ADMITTED;
  return (address, bits) => {
    for (const [length, networks] of lengths) {
      if (length > bits) return false;
      if (length === 0) {
        if (bits === 0) return true;
      } else if (networks.has(formatAddress(network(address, length)))) return true;
    }
    return false;
  };
}

/** The address with all bits after the first `length` cleared. */
function network(address: Uint8Array, length: number): Uint8Array {
  const cut = address.slice();
  const whole = length >> 3;
  if (whole < cut.length) {
    cut[whole] = (cut[whole] ?? 0) & (0xff00 >> (length & 7));
    cut.fill(0, whole + 1);
  }
  return cut;
}

/** Whether the first `length` bits of two addresses are the same. */
export function sharesPrefix(one: Uint8Array, other: Uint8Array, length: number): boolean {
  const whole = length >> 3;
  for (let at = 0; at < whole; at++) if (one[at] !== other[at]) return false;
  const rest = length & 7;
  return rest === 0 || (((one[whole] ?? 0) ^ (other[whole] ?? 0)) & (0xff00 >> rest) & 0xff) === 0;
}
