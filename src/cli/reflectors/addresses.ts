/** The addresses that a reflector's entry states. */
import { type IpAddress, parseAddress } from '../../model/address.ts';
import type { Resource } from '../../model/resource.ts';

/** IPv4 before IPv6, each in canonical form; what is no address is left out. */
export function addressesOf({ spec }: Pick<Resource, 'spec'>): readonly IpAddress[] {
  return [spec.ipv4, spec.ipv6].flatMap((text) => {
    const address = typeof text === 'string' ? parseAddress(text) : undefined;
    return address === undefined ? [] : [address];
  });
}
