/**
 * What makes an address unfit as a next hop whatever the network looks like: RFC 4271 section 6.3 ("represents a valid
 * IP host address"). Whether it can be reached is for the decision process.
 */

/** The fault of the 4 or 16 octets at `start`, or null. */
export function nextHopFault(bytes: Uint8Array, start: number, end: number): string | null {
  const first = bytes[start] ?? 0;
  if (allAre(bytes, start, end, 0)) return 'the unspecified address is no next hop';
  if (end - start === 4) {
    if (first >= 224 && first <= 239) return 'a multicast address is no next hop';
    if (allAre(bytes, start, end, 0xff)) return 'the broadcast address is no next hop';
    return null;
  }
  return first === 0xff ? 'a multicast address is no next hop' : null;
}

function allAre(bytes: Uint8Array, start: number, end: number, octet: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== octet) return false;
  return true;
}
