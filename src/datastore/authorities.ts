/** Who may have signed an etcd's certificate. */
import { getCACertificates } from 'node:tls';
import type { EtcdSettings } from './etcd-settings.ts';

type Tls = NonNullable<EtcdSettings['tls']>;

/**
 * The same with the authorities that this machine trusts, where none is named. Node by itself trusts a list of its
 * own; whoever gave this machine the authority of their company expects that it counts, as it does for etcdctl.
 */
export function withAuthorities(tls: Tls): Tls & { readonly ca: Buffer } {
  if (tls.ca !== undefined) return { ...tls, ca: tls.ca };
  const trusted = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  return { ...tls, ca: Buffer.from([...trusted].join('\n')) };
}
