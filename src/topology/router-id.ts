/** The BGP Identifier (RFC 6286): 32 bits, unique within the AS, not zero. */
import { createHash } from 'node:crypto';
import type { IpAddress } from '../model/address.ts';

/**
 * The IPv4 address, also for IPv6 sessions; without one what Calico's `CALICO_ROUTER_ID=hash` makes of the name,
 * so that both would choose the same.
 * @param wish what the speaker was told: an identifier, or `hash`
 */
export function routerIdOf(ipv4: IpAddress | null, name: string, wish?: string): string {
  if (wish === undefined) return ipv4 ?? hashedRouterId(name);
  return wish === 'hash' ? hashedRouterId(name) : wish;
}

/** The first four bytes of SHA-256(name), kept below 224.0.0.0 (multicast) by taking 32 off the first byte. */
export function hashedRouterId(name: string): string {
  const digest = createHash('sha256').update(name).digest();
  const bytes = [...digest.subarray(0, 4)].map((byte, index) =>
    index === 0 && byte > 223 ? byte - 32 : byte,
  );
  const text = bytes.join('.');
  return text === '0.0.0.0' ? '0.0.0.1' : text;
}
