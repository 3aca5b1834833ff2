/**
 * Protocol names as Calico's own BIRD configuration has them, since status tools know sessions by nothing else
 * (`calicoctl node status` shows `Mesh_*`, `Global_*` and `Node_*`). The original image split IPv6 addresses at
 * dots, so its IPv6 names held colons and BIRD refused the whole file.
 */
import type { IpAddress } from '../model/address.ts';

export type NamePrefix = 'Mesh' | 'Global' | 'Node';

/**
 * Unique for each canonical address: groups are joined by one `_` where the address has one separator and by
 * two where it has `::`, and an IPv4 name has no letter or `__` to be taken for IPv6 with.
 * @param port only where the peer entry names one
 */
export function sessionName(prefix: NamePrefix, address: IpAddress, port: number | null): string {
  const name = `${prefix}_${address.replaceAll(/[.:]/g, '_')}`;
  return port === null ? name : `${name}_port_${port}`;
}
