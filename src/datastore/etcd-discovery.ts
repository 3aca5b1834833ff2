/**
 * Endpoints of an etcd found by DNS, as `etcdctl --discovery-srv` finds them: SRV records (RFC 2782) of
 * `_etcd-client-ssl._tcp` and `_etcd-client._tcp` under a domain. Encrypted ones win.
 */
import { resolveSrv } from 'node:dns/promises';
import { CalicoRrError, messageOf } from '../model/errors.ts';

export type ResolveSrv = (
  name: string,
) => Promise<readonly { readonly name: string; readonly port: number }[]>;

const SERVICES = [
  ['_etcd-client-ssl._tcp', 'https'],
  ['_etcd-client._tcp', 'http'],
] as const;

/**
 * @returns endpoints as ETCD_ENDPOINTS has them, in the order of the answer
 * @throws E_SETTING where the domain has neither record
 */
export async function discoverEtcd(domain: string, resolve: ResolveSrv = resolveSrv): Promise<string> {
  let why: unknown;
  for (const [service, scheme] of SERVICES) {
    try {
      const records = await resolve(`${service}.${domain}`);
      if (records.length > 0)
        return records.map(({ name, port }) => `${scheme}://${name.replace(/\.$/, '')}:${port}`).join(',');
    } catch (error) {
      why = error;
    }
  }
  const reason = why === undefined ? '' : `: ${messageOf(why)}`;
  throw new CalicoRrError('E_SETTING', `ETCD_DISCOVERY_SRV is ${domain}, where no etcd is found${reason}`, {
    hint: `It needs SRV records of _etcd-client-ssl._tcp.${domain} or _etcd-client._tcp.${domain}.`,
    cause: why,
  });
}
