/**
 * Which routes of a Calico node go into its kernel, after Calico's own rules for BIRD: not the connected ones, which
 * are the kernel's; not service addresses, which kube-proxy sees to; not what lies in VXLAN pools, which Felix
 * programs; and for IPIP pools by a tunnel. Within its own network a CrossSubnet pool needs none.
 *
 * Only Calico's fork of BIRD can program a tunnel route (`krt_tunnel`). Stock BIRD would send such packets out bare,
 * to be dropped somewhere on the way, so there those routes are left out, and that is reported (`tunnelWarnings`).
 */
import { type Family, familyOf } from '../../model/address.ts';
import type { Problem } from '../../model/problem.ts';
import type { PoolConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import type { ResolvedRenderOptions } from './options.ts';
import { ofFamily, prefixSet } from './prefix-bounds.ts';

/** The interface of Calico's IPIP tunnel. */
const TUNNEL = 'tunl0';

/** The statements of the kernel protocol's export filter. */
export function kernelExport(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  family: Family,
): readonly string[] {
  const services = prefixSet(ofFamily(config.serviceRanges, family));
  const byFelix = poolsOf(config, family, ({ vxlan }) => vxlan !== 'Never');
  return [
    'if source = RTS_DEVICE then reject;',
    ...(services === undefined ? [] : [`if net ~ ${services} then reject;`]),
    ...(byFelix === undefined ? [] : [`if net ~ ${byFelix} then reject;`]),
    ...tunnelRules(config, options, family),
    'accept;',
  ];
}

/** Own blocks in such pools are blackholes like any other: only what BGP brought is meant. */
function tunnelRules(
  config: SpeakerConfig,
  options: ResolvedRenderOptions,
  family: Family,
): readonly string[] {
  if (family === 6) return [];
  const far = options.dialect === 'calico-bird' ? `krt_tunnel = "${TUNNEL}";` : 'reject;';
  const always = poolsOf(config, 4, ({ ipip }) => ipip === 'Always');
  const crossing = poolsOf(config, 4, ({ ipip }) => ipip === 'CrossSubnet');
  const elsewhere =
    config.ipv4Network === null ? '' : ` && !(defined(bgp_next_hop) && bgp_next_hop ~ ${config.ipv4Network})`;
  return [
    ...(always === undefined ? [] : [`if source = RTS_BGP && net ~ ${always} then ${far}`]),
    ...(crossing === undefined ? [] : [`if source = RTS_BGP && net ~ ${crossing}${elsewhere} then ${far}`]),
  ];
}

/** Disabled pools too: their addresses are still in use. */
function poolsOf(
  config: SpeakerConfig,
  family: Family,
  which: (pool: PoolConfig) => boolean,
): string | undefined {
  return prefixSet(
    ofFamily(
      config.pools.filter(which).map((pool) => pool.cidr),
      family,
    ),
  );
}

/** One warning for each IPIP pool whose routes this dialect cannot program. */
export function tunnelWarnings(
  config: SpeakerConfig,
  options: Pick<ResolvedRenderOptions, 'dialect' | 'kernel'>,
): readonly Problem[] {
  if (!config.forwards || !options.kernel || options.dialect === 'calico-bird') return [];
  return config.pools
    .filter((pool) => pool.ipip !== 'Never' && familyOf(pool.cidr) === 4)
    .map(({ because, cidr, ipip }) => {
      const which =
        ipip === 'Always' || config.ipv4Network === null
          ? 'its routes are'
          : `its routes beyond ${config.ipv4Network} are`;
      return {
        code: 'not-supported',
        severity: 'warning',
        subject: because,
        message: `not honoured: IPIP pool ${cidr} (${ipip}); stock BIRD has no tunnels, so ${which} announced but not programmed`,
        hint: "Run Calico's own BIRD on this node (render --dialect calico-bird), or give the pool ipipMode: Never.",
      };
    });
}
