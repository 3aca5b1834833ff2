/** Speakers of every kind, with everything that a rendered BIRD configuration can hold. */
import assert from 'node:assert/strict';
import type { RenderOptions } from '../../src/engine/bird/bird-engine.ts';
import { type OriginTables, originNumbers, originTables } from '../../src/engine/bird/origin-tables.ts';
import { type IpAddress, parseAddress } from '../../src/model/address.ts';
import type { FilterRule } from '../../src/model/bgp-filter.ts';
import { type Community, parseCommunity } from '../../src/model/community.ts';
import type { FilterConfig, SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { as, clientOf, prefix, reflectorOf } from './engine.ts';

export const net = { port: 179, address: (host: number) => `10.0.0.${host}` };

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert(parsed !== undefined);
  return parsed;
}

function client6(host: number, changes: Partial<SessionConfig> = {}): SessionConfig {
  const peerAddress = address(`fd00::${host.toString(16)}`);
  return clientOf(net, host, {
    name: `Global_${peerAddress.replaceAll(':', '_')}`,
    family: 6,
    peerAddress,
    sourceAddress: null,
    ...changes,
  });
}

function pool(cidr: string, disabled = false): SpeakerConfig['pools'][number] {
  return {
    cidr: prefix(cidr),
    disabled,
    ipip: 'Never',
    vxlan: 'Never',
    disableBgpExport: false,
    because: 'IPPool/pool',
  };
}

export const dualStack = reflectorOf(
  net,
  [
    clientOf(net, 11),
    clientOf(net, 12, { keepaliveSeconds: 60, gracefulRestartSeconds: 30, maxPrefixes: 64 }),
    clientOf(net, 2, {
      name: 'Mesh_10_0_0_2',
      kind: 'reflector',
      client: false,
      peerName: 'rr2',
      because: 'RouteReflector/rr2',
    }),
    client6(11),
    client6(12, { ttlSecurityHops: 2, password: true, passwordRef: 'bgp/rr' }),
  ],
  { ipv6: address('fd00::1') },
);

const external = reflectorOf(net, [
  clientOf(net, 11),
  clientOf(net, 21, {
    name: 'Node_10_0_0_21',
    kind: 'external',
    client: false,
    clusterId: null,
    peerName: null,
    peerAs: as(65021),
    importPolicy: 'listed',
    exportPolicy: 'listed',
    importFilters: [prefix('0.0.0.0/0'), prefix('172.20.0.0/14')],
    exportFilters: [prefix('10.64.0.0/12')],
    because: 'RouteReflector/rr1',
  }),
  clientOf(net, 22, {
    name: 'Node_10_0_0_22',
    kind: 'external',
    client: false,
    clusterId: null,
    peerName: null,
    peerAs: as(65022),
    importPolicy: 'listed',
    exportPolicy: 'listed',
    because: 'RouteReflector/rr1',
  }),
]);

const node = reflectorOf(
  net,
  [
    clientOf(net, 2, {
      name: 'Mesh_10_0_0_2',
      kind: 'mesh',
      client: false,
      clusterId: null,
      passive: true,
      because: 'BGPConfiguration/default',
    }),
    clientOf(net, 250, { client: false, clusterId: null, peerName: 'rr1' }),
  ],
  {
    speaker: 'n1',
    role: 'node',
    forwards: true,
    group: null,
    clusterId: null,
    ipv6: address('fd00::1'),
    pools: [pool('10.64.0.0/12'), pool('10.80.0.0/16', true), pool('fd64::/48')],
    blocks: [prefix('10.64.1.0/26'), prefix('10.64.7.64/26'), prefix('fd64::40/122')],
    customFilters: [{ family: 4, name: 'dc/edge', text: 'if net ~ [ 192.0.2.0/24+ ] then accept;' }],
  },
);

/** Pools of every kind of tunnel, on a node in 10.0.0.0/24. */
const tunnels: SpeakerConfig = {
  ...node,
  ipv4Network: prefix('10.0.0.0/24'),
  pools: [
    pool('10.64.0.0/12'),
    { ...pool('10.80.0.0/16'), ipip: 'Always', because: 'IPPool/ipip' },
    { ...pool('10.82.0.0/16', true), ipip: 'CrossSubnet', because: 'IPPool/crossing' },
    { ...pool('10.84.0.0/16'), vxlan: 'CrossSubnet', because: 'IPPool/vxlan' },
    { ...pool('fd64::/48'), vxlan: 'Always', because: 'IPPool/vxlan6' },
  ],
};

function rule(changes: Partial<FilterRule>): FilterRule {
  return {
    action: 'accept',
    prefixes: null,
    fromPeers: false,
    interface: null,
    peerType: null,
    community: null,
    asPathPrefix: [],
    priority: null,
    operations: [],
    ...changes,
  };
}

function community(text: string): Community {
  const parsed = parseCommunity(text);
  assert(parsed !== undefined);
  return parsed;
}

/** Every condition and every operation that a BGPFilter can have. */
const FILTERS: readonly FilterConfig[] = [
  {
    name: 'edge.v1',
    importV4: [
      rule({ prefixes: { cidr: prefix('0.0.0.0/0'), within: true, minLength: 0, maxLength: 0 } }),
      rule({
        action: 'reject',
        prefixes: { cidr: prefix('10.0.0.0/8'), within: true, minLength: 8, maxLength: 32 },
        peerType: 'external',
      }),
      rule({
        asPathPrefix: [as(65001), as(4200000000)],
        operations: [{ type: 'set-priority', priority: 512 }],
      }),
    ],
    importV6: [rule({ action: 'reject' })],
    exportV4: [
      rule({
        action: 'reject',
        prefixes: { cidr: prefix('10.64.0.0/12'), within: true, minLength: 27, maxLength: 32 },
      }),
      rule({
        action: 'reject',
        prefixes: { cidr: prefix('10.64.0.0/12'), within: false, minLength: 12, maxLength: 12 },
        fromPeers: true,
      }),
      rule({ action: 'reject', interface: 'eth*', peerType: 'internal' }),
      rule({ action: 'reject', community: community('65000:100'), priority: 1024 }),
      rule({
        community: community('65000:1:2'),
        operations: [
          { type: 'add-community', community: community('65000:200') },
          { type: 'add-community', community: community('65000:3:4') },
          { type: 'prepend-as-path', path: [as(65001), as(65002)] },
          { type: 'set-priority', priority: 100 },
        ],
      }),
    ],
    exportV6: [],
    because: 'BGPFilter/edge.v1',
  },
  {
    name: 'a-name-that-is-much-longer-than-bird-allows-for-one-function.example',
    importV4: [],
    importV6: [],
    exportV4: [rule({})],
    exportV6: [rule({ prefixes: { cidr: prefix('fd64::/48'), within: true, minLength: 48, maxLength: 64 } })],
    because: 'BGPFilter/a-name-that-is-much-longer-than-bird-allows-for-one-function.example',
  },
];
const BOTH = FILTERS.map((filter) => filter.name);

/** A Calico node that reflects: its own blocks and kernel, its clients, another reflector, a router of the rack. */
const reflectingNode = reflectorOf(
  net,
  [
    clientOf(net, 11, { name: 'Node_10_0_0_11', kind: 'node', filters: BOTH }),
    clientOf(net, 12, { name: 'Node_10_0_0_12', kind: 'node', client: false, clusterId: null }),
    clientOf(net, 21, {
      name: 'Node_10_0_0_21',
      kind: 'node',
      client: false,
      clusterId: null,
      peerName: null,
      peerAs: as(65021),
      nextHop: 'keep',
      filters: [...BOTH, 'gone'],
      reachableBy: address('10.0.0.254'),
    }),
    client6(11, { name: 'Node_fd00__b', kind: 'node', filters: BOTH }),
  ],
  {
    speaker: 'n1',
    forwards: true,
    group: null,
    ipv6: node.ipv6,
    blocks: node.blocks,
    serviceRanges: [prefix('10.96.0.0/12'), prefix('203.0.113.7/32')],
    serviceRoutes: [prefix('10.96.0.0/12'), prefix('10.96.0.10/32'), prefix('203.0.113.7/32')],
    filters: FILTERS,
    prefixAdvertisements: [
      { cidr: prefix('10.64.0.0/12'), communities: [community('65000:7'), community('65000:8:9')] },
      { cidr: prefix('fd64::/48'), communities: [community('65000:7')] },
    ],
    ignoredInterfaces: ['docker0', 'veth*'],
    pools: [...node.pools, { ...pool('10.90.0.0/16'), disableBgpExport: true }],
  },
);

const filtered = reflectorOf(
  net,
  [
    clientOf(net, 11, { filters: BOTH }),
    clientOf(net, 2, { name: 'Node_10_0_0_2', kind: 'node', client: false, clusterId: null, filters: BOTH }),
    clientOf(net, 21, {
      name: 'Node_10_0_0_21',
      kind: 'node',
      client: false,
      clusterId: null,
      peerName: null,
      peerAs: as(65021),
      exportPolicy: 'pools',
      filters: BOTH,
    }),
    clientOf(net, 22, {
      name: 'Node_10_0_0_22',
      kind: 'node',
      client: false,
      clusterId: null,
      peerName: null,
      peerAs: as(65022),
      exportPolicy: 'pools',
    }),
  ],
  {
    pools: [
      pool('10.64.0.0/12'),
      pool('10.80.0.0/16', true),
      { ...pool('10.90.0.0/16'), disableBgpExport: true },
    ],
    serviceRanges: [prefix('10.96.0.0/12')],
    filters: FILTERS,
  },
);

/** n11 is known and n13 is not; a block without a confirmed affinity, and a pool that holds it. */
function originsOf({ sessions }: SpeakerConfig, enforce: boolean): OriginTables {
  const isJudged = (name: string): boolean => name !== 'n12';
  const owned = new Map([
    [prefix('10.64.11.0/26'), ['n11']],
    [prefix('10.64.12.0/26'), ['n13', 'n14']],
    [prefix('10.64.13.0/26'), ['n11', 'n13']],
    [prefix('fd64:0:0:b::/122'), ['n11']],
  ]);
  const shared = ['10.64.0.0/12', '10.96.0.0/12', '10.64.15.0/26', 'fd64::/48'].map(prefix);
  return originTables({ isJudged, owned, shared }, originNumbers(sessions, isJudged), enforce);
}

/** Every configuration whose text is kept beside a file that a person has read. */
export const CASES: Readonly<
  Record<string, { readonly config: SpeakerConfig; readonly options?: Partial<RenderOptions> }>
> = {
  'reflector-dual-stack': { config: dualStack },
  'reflector-ipv6-only': {
    config: reflectorOf(net, [client6(11)], {
      ipv4: null,
      ipv6: address('fd00::1'),
      routerId: '101.7.8.9',
      standalone: true,
    }),
  },
  'reflector-external': { config: external },
  'reflector-pools': {
    config: {
      ...external,
      pools: [pool('10.64.0.0/12'), pool('10.80.0.0/16', true), pool('fd64::/48')],
      serviceRanges: [prefix('10.96.0.0/12')],
    },
    options: { acceptPrefixes: 'pools', maxPrefixes: 500, llgrSeconds: 0 },
  },
  'reflector-avoided': { config: external, options: { drain: 'avoid' } },
  'reflector-stopped': { config: dualStack, options: { drain: 'stopped' } },
  'reflector-without-sessions': { config: reflectorOf(net, [], { logLevel: 'none' }) },
  'reflector-origins': {
    config: { ...dualStack, pools: [pool('10.64.0.0/12')] },
    options: { origins: originsOf(dualStack, true), acceptPrefixes: 'pools' },
  },
  'reflector-origins-logged': {
    config: filtered,
    options: { origins: originsOf(filtered, false) },
  },
  'reflector-filters': { config: filtered },
  'reflector-filters-pools': { config: filtered, options: { acceptPrefixes: 'pools', drain: 'avoid' } },
  node: { config: node },
  'node-tunnels': { config: tunnels },
  'node-reflecting': { config: reflectingNode },
  'node-reflecting-avoided': { config: reflectingNode, options: { drain: 'avoid' } },
  'node-reflecting-origins': {
    config: reflectingNode,
    options: { origins: originsOf(reflectingNode, true) },
  },
  'node-without-kernel': { config: { ...node, logLevel: 'debug' }, options: { kernel: false } },
};
