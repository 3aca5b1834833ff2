/**
 * Random lives of a datastore: resources of every kind, good and faulty by construction, put, broken, deleted
 * and listed anew, over so few names and addresses that they keep meeting each other.
 */
import fc from 'fast-check';
import { parseAddress } from '../../src/model/address.ts';
import type { Broken } from '../../src/model/change.ts';
import type { Json, JsonObject, Kind, Resource } from '../../src/model/resource.ts';
import { labelled, resource } from './resources.ts';

export const SECRET = 'hunter2';
/** Mostly a node's addresses, sometimes a reflector's, so that few changes concern a speaker under test itself. */
const OF_NODES = ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4', '10.0.1.10', '10.0.0.2'];
const OF_REFLECTORS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.1.2'];
export const IPV4 = [...OF_NODES, ...OF_REFLECTORS];
/** Pairs of spellings, so that text is not mistaken for an address. */
export const IPV6 = ['fd00::1', 'FD00:0::1', 'fd00::2', 'fd00:0:0::2', 'fd00::3', 'fd00::4', '::1.2.3.4'];
export const NODES = ['n1', 'n2', 'n3', 'n4'];
export const REFLECTORS = ['rr1', 'rr2', 'rr3', 'rr4', '10.0.0.1', 'fd00::1'];
const PEERS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8', 'p9'];

const one = <Value>(values: readonly Value[]) => fc.constantFrom(...values);
const absent = fc.constant(undefined);
const goodAs = one<Json | undefined>([undefined, undefined, 64512, '64512', 65001, '1.10']);
const port = one<Json | undefined>([undefined, undefined, 1790, '1791']);
const clusterId = one<Json | undefined>([undefined, '', '1.0.0.1', '1.0.0.2']);
/** Few labels and few selectors, so that they meet; one selector finds all, one nobody, two find by negation. */
const anyLabels = one<Readonly<Record<string, string>> | undefined>([
  undefined,
  {},
  { rr: 'true' },
  { rr: 'true', rack: 'a' },
  { rack: 'a' },
  { rack: 'b' },
  { rack: 'b', zone: 'z' },
]);
const SELECTORS = [
  'has(rr)',
  '!has(rr)',
  "rack == 'a'",
  "rack in {'a', 'b'}",
  "rack != 'a'",
  'all()',
  'has(none)',
];
const cidr4 = one(['10.65.0.0/16', '10.65.9.9/16', '10.66.0.0/24']);

/** A spec with the fields that came out undefined left away, as JSON has it. */
function spec(fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  const entries = Object.entries(fields).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

export interface Put {
  readonly resource: Resource;
  /** False: it has a fault, by construction. */
  readonly whole: boolean;
}

function puts(
  kind: Kind,
  names: readonly string[],
  good: fc.Arbitrary<JsonObject>,
  faults: readonly JsonObject[],
): fc.Arbitrary<Put> {
  return fc
    .record({ name: one(names), good, fault: faultIn(faults), labels: anyLabels })
    .map(({ name, good: base, fault, labels }) => {
      const made = resource(kind, name, fault === null ? base : withFault(base, fault));
      return { resource: labels === undefined ? made : labelled(made, labels), whole: fault === null };
    });
}

/** One put in six has a fault. */
function faultIn(faults: readonly JsonObject[]): fc.Arbitrary<JsonObject | null> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: one(faults) });
}

/** Laid over the good fields; `bgp` one level deeper, so that the other fields of a node stay good. */
function withFault(base: JsonObject, fault: JsonObject): JsonObject {
  const { bgp } = base;
  const { bgp: faultOfBgp } = fault;
  if (typeof bgp !== 'object' || typeof faultOfBgp !== 'object') return { ...base, ...fault };
  return { ...base, ...fault, bgp: { ...bgp, ...faultOfBgp } };
}

const nodes = puts(
  'Node',
  NODES,
  fc
    .record({
      ipv4Address: one<Json | undefined>([
        ...OF_NODES,
        ...OF_NODES.map((address) => `${address}/24`),
        '',
        undefined,
      ]),
      ipv6Address: one<Json | undefined>([...IPV6, '', undefined, undefined]),
      asNumber: goodAs,
      routeReflectorClusterID: fc.oneof(
        { weight: 4, arbitrary: absent },
        { weight: 1, arbitrary: clusterId },
      ),
    })
    .map((bgp) => ({ bgp: spec(bgp) })),
  [
    { bgp: { ipv4Address: '10.0.0.x' } },
    { bgp: { ipv6Address: 'fd00:::1' } },
    { bgp: { asNumber: 0 } },
    { bgp: 7 },
  ],
);

const reflectorPeer = fc
  .record({
    ip: one([...IPV4, ...IPV6]),
    asNumber: goodAs,
    port,
    passwordRef: one<Json | undefined>([undefined, undefined, 'tor']),
    maxPrefixes: one<Json | undefined>([undefined, 100]),
  })
  .map(spec);

const reflectors = puts(
  'RouteReflector',
  REFLECTORS,
  fc
    .record({
      ipv4: one(OF_REFLECTORS),
      ipv6: one<Json | undefined>([...IPV6, undefined, undefined]),
      clusterID: clusterId,
      asNumber: goodAs,
      group: one<Json | undefined>([undefined, undefined, 'default', 'other']),
      peers: fc.array(reflectorPeer, { maxLength: 3 }),
    })
    // Itself as a peer is a fault, and this generator makes no faults.
    .map((fields) => {
      const own = [fields.ipv4, fields.ipv6].map((text) => parseAddress(String(text)));
      const peers = fields.peers.filter((peer) => !own.includes(parseAddress(String(peer.ip))));
      return spec({ ...fields, peers });
    }),
  [
    { ipv4: '10.0.0.999' },
    { clusterID: '0.0.0.0' },
    { asNumber: 0 },
    { peers: [{ ip: '10.0.0.2', asNumber: 64512, password: SECRET }] },
    {
      peers: [
        { ip: 'router', asNumber: 64512 },
        { ip: '10.0.1.2', asNumber: 64512 },
      ],
    },
  ],
);

const peers = puts(
  'BGPPeer',
  PEERS,
  fc
    .record({
      local: one<JsonObject>([
        ...[...NODES, ...NODES, 'n9', '', null].map((node) => ({ node })),
        ...SELECTORS.map((nodeSelector) => ({ nodeSelector })),
        {},
      ]),
      remote: one<JsonObject>([
        ...[...OF_REFLECTORS, ...IPV4, ...IPV6, '10.0.0.1:1790', '[fd00::1]:1790'].map((peerIP) => ({
          peerIP,
        })),
        ...[...SELECTORS, ...SELECTORS].map((peerSelector) => ({ peerSelector })),
        { localWorkloadSelector: 'all()' },
      ]),
      reversePeering: one<Json | undefined>([undefined, undefined, undefined, 'Auto', 'Manual']),
      asNumber: one<Json | undefined>([undefined, 0, 64512, '64512', 65001]),
      password: one<Json | undefined>([undefined, undefined, { secretKeyRef: { name: 's', key: 'k' } }]),
      maxRestartTime: one<Json | undefined>([undefined, '2m30s']),
      nextHopMode: one<Json | undefined>([undefined, 'Self', 'Keep']),
    })
    .map(({ local, remote, ...fields }) => spec({ ...local, ...remote, ...fields })),
  [
    { peerIP: 'rr1', peerSelector: '' },
    { localWorkloadSelector: 'all(' },
    { asNumber: '1.2.3' },
    { nodeSelector: "rack = 'a'" },
    { password: SECRET },
  ],
);

const configurations = puts(
  'BGPConfiguration',
  [
    'default',
    'node.n1',
    'node.n2',
    'node.n3',
    'node.n4',
    'node.rr1',
    'node.rr2',
    'node.rr3',
    'node.rr4',
    'other',
  ],
  fc
    .record({
      asNumber: goodAs,
      nodeToNodeMeshEnabled: one<Json | undefined>([undefined, true, false]),
      listenPort: port,
      logSeverityScreen: one<Json | undefined>([undefined, 'Debug', 'Fatal']),
      serviceClusterIPs: fc.array(
        cidr4.map((cidr) => ({ cidr })),
        { maxLength: 2 },
      ),
    })
    .map(spec),
  [{ asNumber: 0 }, { listenPort: 0 }, { serviceClusterIPs: [{ cidr: '10.0.0.0' }] }],
);

const pools = puts('IPPool', ['a', 'b'], fc.record({ cidr: cidr4, disabled: fc.boolean() }), [{ cidr: 'x' }]);
const blocks = puts(
  'BlockAffinity',
  ['x', 'y', 'z'],
  fc.record({ node: one(NODES), cidr: cidr4, state: one(['confirmed', 'pending']) }),
  [{ cidr: 'x' }],
);
const filters = puts(
  'CustomFilter',
  ['f', 'g'],
  fc.record({ family: one<Json>([4, 6]), text: one(['accept;', 'reject;']) }),
  [{ family: 5 }],
);

export type Step =
  | { readonly type: 'put'; readonly put: Put }
  | { readonly type: 'delete'; readonly kind: Kind; readonly name: string }
  | { readonly type: 'broken'; readonly broken: Broken }
  | { readonly type: 'reload' }
  | { readonly type: 'look' };

/** The same node or reflector again and again with other labels: nothing else about it changes. */
const relabelled: fc.Arbitrary<Put> = fc
  .record({ place: one([1, 2, 3, 4]), node: fc.boolean(), labels: anyLabels })
  .map(({ place, node, labels }) => {
    const made = node
      ? resource('Node', `n${place}`, { bgp: { ipv4Address: `10.0.1.${place}` } })
      : resource('RouteReflector', `rr${place}`, { ipv4: `10.0.0.${place}` });
    return { resource: labels === undefined ? made : labelled(made, labels), whole: true };
  });

const anyPut = fc.oneof(
  { weight: 3, arbitrary: relabelled },
  { weight: 6, arbitrary: nodes },
  { weight: 5, arbitrary: reflectors },
  { weight: 6, arbitrary: peers },
  { weight: 3, arbitrary: configurations },
  pools,
  blocks,
  filters,
);
/** Names are taken from puts, so that deletions and breakages meet what is there. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: anyPut.map((put): Step => ({ type: 'put', put })) },
  {
    weight: 3,
    arbitrary: anyPut.map(
      ({ resource: { kind, metadata } }): Step => ({ type: 'delete', kind, name: metadata.name }),
    ),
  },
  {
    weight: 2,
    arbitrary: anyPut.map(({ resource: made }): Step => ({ type: 'broken', broken: brokenOf(made) })),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ type: 'reload' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ type: 'look' }) },
);
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(anyStep, { minLength: 1, maxLength: 50 });
/** A past, and the few last steps, before each of which everything is looked at: no step hides behind another. */
export const history = fc
  .tuple(steps, fc.array(anyStep, { minLength: 1, maxLength: 4 }))
  .map(([past, last]): readonly Step[] => [
    ...past,
    ...last.flatMap((step): Step[] => [{ type: 'look' }, step]),
  ]);

function brokenOf({ kind, metadata: { name } }: Resource): Broken {
  const subject = `${kind}/${name}`;
  return { kind, name, problem: { code: 'bad-json', severity: 'error', subject, message: 'It is no JSON.' } };
}
