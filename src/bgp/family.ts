/**
 * The two address families that calico-rr speaks: IPv4 and IPv6 unicast (RFC 4760 section 3, IANA's AFI and SAFI
 * numbers). `Family` is 4 or 6; what a peer says in numbers that are not ours stays numbers.
 */

export type Family = 4 | 6;

export const FAMILIES: readonly Family[] = [4, 6];

export const AFI_IPV4 = 1;
export const AFI_IPV6 = 2;
export const SAFI_UNICAST = 1;

export function afiOf(family: Family): number {
  return family === 4 ? AFI_IPV4 : AFI_IPV6;
}

/** The family of an AFI and SAFI, or null where it is none that we speak. */
export function familyOf(afi: number, safi: number): Family | null {
  if (safi !== SAFI_UNICAST) return null;
  return afi === AFI_IPV4 ? 4 : afi === AFI_IPV6 ? 6 : null;
}

export function numbersOf(family: Family): { readonly afi: number; readonly safi: number } {
  return { afi: afiOf(family), safi: SAFI_UNICAST };
}

/** Bits of an address. */
export function addressBits(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** One value, or none, for each family. */
export type PerFamily<T> = { readonly [F in Family]: T };
