/**
 * Which routes to services a Calico node announces (Calico's confd, "advertise service IPs"). Ranges go out from every
 * node. Beside them goes a route to each address of a service with `externalTrafficPolicy: Local`, from the nodes that
 * have a ready endpoint of it, so that the longer prefix leads there. A range that is a single address, and the
 * load-balancer ranges with `serviceLoadBalancerAggregation: Disabled`, do not go out as they are: each address goes out
 * for the services that have it, from every node where their policy is Cluster.
 */
import {
  addressBits,
  familyOf,
  type IpAddress,
  overlap,
  type Prefix,
  parsePrefix,
} from '../model/address.ts';
import type { ServiceRanges } from '../model/bgp-configuration.ts';
import type { Service } from '../model/service.ts';

/** All ranges, each once, sorted. */
export function allServiceRanges(ranges: ServiceRanges): readonly Prefix[] {
  return [...new Set([...ranges.clusterIps, ...ranges.externalIps, ...ranges.loadBalancerIps])].sort();
}

/**
 * @param services null where they are not known: then single addresses go out as the ranges that they are
 * @returns each once, sorted
 */
export function serviceRoutes(ranges: ServiceRanges, services: readonly Service[] | null): readonly Prefix[] {
  const whole = [
    ...ranges.clusterIps,
    ...ranges.externalIps,
    ...(ranges.loadBalancerAggregation ? ranges.loadBalancerIps : []),
  ];
  if (services === null) return [...new Set(whole)].sort();
  const routes = new Set<Prefix>(whole.filter((range) => !isSingle(range)));
  const each = !ranges.loadBalancerAggregation;
  for (const service of services) {
    const found = [
      ...routesWithin(ranges.clusterIps, service, service.clusterIps),
      ...routesWithin(ranges.externalIps, service, service.externalIps),
      ...routesWithin(ranges.loadBalancerIps, service, service.loadBalancerIps, each),
    ];
    for (const route of found) routes.add(route);
  }
  return [...routes].sort();
}

/** @param each whether every address goes out by itself, and not only those that are a range by themselves */
function routesWithin(
  ranges: readonly Prefix[],
  service: Service,
  addresses: readonly IpAddress[],
  each = false,
): readonly Prefix[] {
  return addresses.flatMap((address) => {
    const route = routeTo(address);
    const holding = ranges.filter((range) => overlap(range, route));
    if (holding.length === 0) return [];
    const isAnnounced = service.local
      ? service.endpoints.includes(familyOf(address))
      : each || holding.some(isSingle);
    return isAnnounced ? [route] : [];
  });
}

function routeTo(address: IpAddress): Prefix {
  const route = parsePrefix(`${address}/${addressBits(familyOf(address))}`);
  if (route === undefined) throw new TypeError(`${address} is no address`);
  return route;
}

function isSingle(prefix: Prefix): boolean {
  return prefix.endsWith(familyOf(prefix) === 4 ? '/32' : '/128');
}
