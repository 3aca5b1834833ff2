/** One peer of a scenario: its session's settings at both ends, and the messages that it sends. */
import type { SessionSettings } from '../../src/bgp/index.ts';
import {
  type AsPath,
  CALICO_TIMES,
  encodeAnnouncements,
  encodeAttributes,
  encodeNlri,
  encodeWithdrawals,
  LONGEST_MESSAGE,
  type NlriBlock,
  NO_ATTRIBUTES,
  type PathAttributes,
  parseAddress,
  parsePrefix,
  parseRouterId,
} from '../../src/bgp/index.ts';
import { parseAddress as parseModelAddress } from '../../src/model/address.ts';
import type { SessionConfig } from '../../src/topology/speaker-config.ts';
import { as, clientOf, prefix } from '../contract/engine.ts';
import type { Ground } from './ground.ts';
import { CLUSTERS, LISTED, type PeerSpec, type RouteSpec } from './scenario.ts';

export const REFLECTOR_AS = 64_512;
/** In no way an address that is used, so that router IDs are the same on every ground. */
export const REFLECTOR_ID = '10.9.0.1';
const ANOTHER_ID = '10.9.77.77';
const ANOTHER_CLUSTER = '9.9.9.9';
const UNKNOWN_ATTRIBUTE = { code: 200, flags: 0xe0, value: Uint8Array.of(1, 2, 3) } as const;

export interface Actor {
  readonly spec: PeerSpec;
  /** Its address is the nth of the ground. */
  readonly host: number;
}

/** The prefix that an actor announces to say "so far". */
export function markOf({ spec, host }: Actor): string {
  return spec.family === 4 ? `192.0.2.${host}/32` : `2001:db8:ffff::${host.toString(16)}/128`;
}

function asOf({ kind, as: number }: PeerSpec): number {
  return kind === 'external' ? 65_001 + number : REFLECTOR_AS;
}

function number(dottedQuad: string): number {
  return parseRouterId(dottedQuad) ?? Number.NaN;
}

function octets(text: string): Uint8Array {
  const address = parseAddress(text);
  if (address === null) throw new Error(`${text} is no address`);
  return address;
}

/** The reflector's end. @param marks what every policy has to let through */
export function sessionOf(ground: Ground, actor: Actor, marks: readonly string[]): SessionConfig {
  const { spec, host } = actor;
  const { kind, family } = spec;
  const peerAddress = parseModelAddress(ground.address(family, host));
  const sourceAddress = parseModelAddress(ground.address(family, 1));
  if (peerAddress === undefined || sourceAddress === undefined) throw new Error('no address');
  const listed = [...LISTED[family], ...marks].map(prefix);
  const external = kind === 'external';
  const listedIn = external && spec.listedIn;
  const listedOut = external && spec.listedOut;
  return clientOf({ port: ground.port, address: (nth) => ground.address(4, nth) }, host, {
    name: `${kind === 'non-client' ? 'Mesh' : 'Global'}_peer_${host}`,
    kind: external ? 'external' : kind === 'client' ? 'global' : 'reflector',
    family,
    peerAddress,
    sourceAddress,
    peerAs: as(asOf(spec)),
    peerName: external ? null : `n${host}`,
    client: kind === 'client',
    clusterId: kind === 'client' ? (CLUSTERS[spec.cluster] ?? CLUSTERS[0]) : CLUSTERS[0],
    passive: true,
    nextHop: spec.nextHop,
    importPolicy: listedIn ? 'listed' : 'accept',
    importFilters: listedIn ? listed : [],
    exportPolicy: listedOut ? 'listed' : 'accept',
    exportFilters: listedOut ? listed : [],
  });
}

/** The peer's own end. */
export function settingsOf({ spec, host }: Actor): SessionSettings {
  return {
    ...CALICO_TIMES,
    connectDelaySeconds: 0,
    connectRetrySeconds: 1,
    idleHold: { first: 1, longest: 1 },
    offer: {
      localAs: asOf(spec),
      peerAs: REFLECTOR_AS,
      routerId: number(`10.9.${spec.rank}.${host}`),
      holdSeconds: 90,
      keepaliveSeconds: null,
      families: [
        {
          family: spec.family,
          addPath: spec.addPath ? 3 : null,
          ipv6NextHop: false,
          forwarding: false,
          longLivedSeconds: null,
        },
      ],
      extendedMessages: false,
      gracefulRestart: null,
    },
  };
}

function pathOf(spec: PeerSpec, route: RouteSpec): AsPath {
  const first = spec.kind === 'external' ? asOf(spec) : spec.firstAs;
  if (first === null) return [];
  return [
    { type: 'sequence', asNumbers: [first, ...route.asPath] },
    ...(route.asSet.length === 0 ? [] : [{ type: 'set' as const, asNumbers: route.asSet }]),
  ];
}

function attributesOf({ spec, host }: Actor, route: RouteSpec): PathAttributes {
  const internal = spec.kind !== 'external';
  // From a non-client that tells of our own cluster, native takes nothing (RFC 4456 section 8); BIRD takes it, and tells
  // it to clients of other clusters.
  const own = spec.kind === 'non-client' ? ANOTHER_CLUSTER : CLUSTERS[0];
  const clusters = { another: ANOTHER_CLUSTER, own, second: CLUSTERS[1] };
  const originators = { none: null, another: number(ANOTHER_ID), reflector: number(REFLECTOR_ID) };
  return {
    ...NO_ATTRIBUTES,
    origin: route.origin,
    asPath: pathOf(spec, route),
    nextHop: spec.family === 4 ? nextHopOf({ spec, host }, route) : null,
    med: route.med,
    localPref: internal ? route.localPref : null,
    atomicAggregate: route.atomic,
    aggregator: route.aggregated ? { as: 65_030, routerId: number('10.9.9.9') } : null,
    communities: route.communities,
    originatorId: internal ? originators[route.originator] : null,
    clusterList: internal ? route.clusterList.map((which) => number(clusters[which])) : [],
    extendedCommunities: route.extended ? [0x0002_fc00_0000_0064n] : [],
    largeCommunities: route.large ? [{ global: 64_512, one: 1, two: 2 }] : [],
    unknown: route.unknown ? [UNKNOWN_ATTRIBUTE] : [],
  };
}

function nextHopOf({ spec, host }: Actor, route: RouteSpec): Uint8Array {
  const last = route.nextHop === 'own' ? host : 200;
  return octets(spec.family === 4 ? `10.9.8.${last}` : `2001:db8:9::${last.toString(16)}`);
}

/** @param path which of its paths, where it has several; else it has but one */
export function announcementOf(actor: Actor, text: string, path: number, route: RouteSpec): Uint8Array {
  const nlri = nlriOf(actor, text, path);
  const attributes = encodeAttributes(attributesOf(actor, atPath(actor, path, route)));
  const bytes = encodeAnnouncements({ nlri, nextHop: nextHopOf(actor, route), attributes }, LONGEST_MESSAGE);
  if (bytes === null) throw new Error('attributes too long');
  return bytes;
}

export function withdrawalOf(actor: Actor, text: string, path: number): Uint8Array {
  return encodeWithdrawals(nlriOf(actor, text, path), LONGEST_MESSAGE);
}

function nlriOf({ spec }: Actor, text: string, path: number): NlriBlock {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(`${text} is no prefix`);
  return encodeNlri(spec.family, spec.addPath, [{ prefix: parsed, pathId: 1 + path }]);
}

/**
 * Paths of one peer differ in MED at the latest: of two that are the same up to the last step of the decision process,
 * BIRD keeps the older one, and native takes that with the lower identifier.
 */
function atPath({ spec }: Actor, path: number, route: RouteSpec): RouteSpec {
  return spec.addPath && path > 0 ? { ...route, med: (route.med ?? 0) + 1000 * path } : route;
}
