/**
 * BGP communities as Calico writes them: `AS:VALUE`, 16 bits each (RFC 1997), and `AS:VALUE:VALUE`, 32 bits each
 * (large communities, RFC 8092).
 */

/** Canonical text: two or three decimal numbers joined by colons. */
export type Community = string & { readonly __community: true };

/** @returns undefined where `text` is no community */
export function parseCommunity(text: string): Community | undefined {
  const parts = text.split(':');
  if ((parts.length !== 2 && parts.length !== 3) || !parts.every((part) => /^\d{1,10}$/.test(part))) {
    return undefined;
  }
  const most = parts.length === 2 ? 0xffff : 0xffffffff;
  const numbers = parts.map(Number);
  return numbers.every((number) => number <= most) ? (numbers.join(':') as Community) : undefined;
}

/** True for one of three parts (RFC 8092). */
export function isLargeCommunity(community: Community): boolean {
  return community.split(':').length === 3;
}
