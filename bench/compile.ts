/**
 * From resources in memory to one reflector's configuration, and from one node's change to the changed session,
 * at the design point: 100 reflectors, 100,000 nodes, two reflectors for each node by node-specific peers.
 *
 * The rival does what the route reflector image's template does on every change: it goes through every host and
 * every peer of every host and compares the peer's text with the reflector's own address. (It is spared confd's
 * own work: its key store is searched by pattern for every host, which at this size takes hours.)
 */
import { parseAddress } from '../src/model/address.ts';
import type { Change, Listing } from '../src/model/change.ts';
import { type JsonObject, KINDS, type Kind, type Resource } from '../src/model/resource.ts';
import type { SpeakerIdentity } from '../src/topology/speaker.ts';
import { createTopology } from '../src/topology/topology.ts';
import { type BenchRow, milliseconds, printResult, quantile } from './result.ts';

const FULL = 100_000;
const SMALL = 10_000;
const CLIENTS_OF_EACH = 2_000;
const CHANGES = 1_000;
const RUNS = 5;
const GIB = 2 ** 30;

function resource(kind: Kind, name: string, spec: JsonObject): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

function reflectorAddress(index: number): string {
  return `10.255.${index >> 8}.${index & 255}`;
}

function nodeAddress(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

/** An IPv6 address for each IPv4 one, in a spelling that has to be made canonical. */
function mapped(ipv4: string): string {
  return `FD00:0::${ipv4.replaceAll('.', ':')}`;
}

function nodeResource(index: number, asNumber: number | null, dualStack = false): Resource {
  const ipv4 = nodeAddress(index);
  const ipv6 = dualStack ? { ipv6Address: mapped(ipv4) } : {};
  const address = { ipv4Address: `${ipv4}/24`, ...ipv6 };
  return resource('Node', `n${index}`, { bgp: asNumber === null ? address : { ...address, asNumber } });
}

/** Node i peers with reflectors 2k and 2k+1, its rack's pair; in IPv6 too where `dualStack`. */
function cluster(nodes: number, dualStack = false): Listing {
  const reflectors = (nodes * 2) / CLIENTS_OF_EACH;
  const resources: Resource[] = [
    resource('BGPConfiguration', 'default', { asNumber: 64512, nodeToNodeMeshEnabled: false }),
  ];
  for (let index = 0; index < reflectors; index++) {
    const ipv4 = reflectorAddress(index);
    const spec = { ipv4, clusterID: `1.0.0.${(index >> 1) + 1}` };
    const ipv6 = dualStack ? { ipv6: mapped(ipv4) } : {};
    resources.push(resource('RouteReflector', `rr${index}`, { ...spec, ...ipv6 }));
  }
  for (let index = 0; index < nodes; index++) {
    resources.push(nodeResource(index, null, dualStack));
    const first = (index % (reflectors / 2)) * 2;
    for (const reflector of [first, first + 1]) {
      const spec = { node: `n${index}`, peerIP: reflectorAddress(reflector), asNumber: 64512 };
      resources.push(resource('BGPPeer', `node.n${index}.${reflector}`, spec));
      if (!dualStack) continue;
      const spec6 = { ...spec, peerIP: mapped(spec.peerIP) };
      resources.push(resource('BGPPeer', `node.n${index}.${reflector}.6`, spec6));
    }
  }
  return { resources, broken: [], warnings: [] };
}

const RR0: SpeakerIdentity = {
  name: 'rr0',
  ipv4: parseAddress(reflectorAddress(0)) ?? null,
  ipv6: null,
  listenPort: null,
};

function settleHeap(): void {
  globalThis.gc?.();
}

function measureFull(
  listing: Listing,
  speaker: SpeakerIdentity,
  expectedClients: number,
): { readonly samples: number[]; readonly rss: number } {
  const samples: number[] = [];
  let rss = 0;
  for (let run = 0; run < RUNS; run++) {
    settleHeap();
    const start = performance.now();
    const topology = createTopology();
    topology.load(listing);
    const config = topology.speaker(speaker).config();
    samples.push(performance.now() - start);
    rss = Math.max(rss, process.memoryUsage().rss);
    const fellows = config.sessions.filter((session) => session.kind === 'reflector').length;
    const clients = config.sessions.filter((session) => session.client).length;
    if (clients !== expectedClients || fellows === 0) {
      throw new Error(`The bench's reflector has ${clients} clients and ${fellows} fellows.`);
    }
  }
  return { samples, rss };
}

/** One client's AS changes, there and back: from the change to the changed session, milliseconds. */
function measureChanges(listing: Listing): number[] {
  const topology = createTopology();
  topology.load(listing);
  const view = topology.speaker(RR0);
  let before = view.config();
  const reflectors = listing.resources.filter((one) => one.kind === 'RouteReflector').length;
  const samples: number[] = [];
  settleHeap();
  for (let round = 0; round < CHANGES; round++) {
    const node = (round % (CLIENTS_OF_EACH / 2)) * (reflectors / 2);
    const changes: Change[] = [{ op: 'put', resource: nodeResource(node, 65_000 + round) }];
    const start = performance.now();
    topology.apply(changes);
    const config = view.config();
    samples.push(performance.now() - start);
    const changed = config.sessions.filter((session, index) => session !== before.sessions[index]);
    if (changed.length !== 1) throw new Error(`One node's change changed ${changed.length} sessions.`);
    before = config;
  }
  return samples;
}

interface RivalHost {
  readonly address: string;
  readonly asNumber: string | null;
  readonly peers: readonly string[];
}

/** The image's loop, on keys and values that lie ready in memory. */
function rivalCompile(hosts: readonly RivalHost[], own: string): string[] {
  const sessions: string[] = [];
  for (const host of hosts) {
    for (const text of host.peers) {
      const peer: unknown = JSON.parse(text);
      if (typeof peer !== 'object' || peer === null || !('ip' in peer) || peer.ip !== own) continue;
      sessions.push(`Node_${host.address.replaceAll('.', '_')} as ${host.asNumber ?? '64512'}`);
    }
  }
  return sessions;
}

function measureRival(nodes: number): number[] {
  const reflectors = (nodes * 2) / CLIENTS_OF_EACH;
  const hosts: RivalHost[] = [];
  for (let index = 0; index < nodes; index++) {
    const first = (index % (reflectors / 2)) * 2;
    const peers = [first, first + 1].map((one) => `{"ip":"${reflectorAddress(one)}","as_num":"64512"}`);
    hosts.push({ address: nodeAddress(index), asNumber: null, peers });
  }
  const samples: number[] = [];
  for (let run = 0; run < 20; run++) {
    const start = performance.now();
    const sessions = rivalCompile(hosts, reflectorAddress(0));
    samples.push(performance.now() - start);
    if (sessions.length !== CLIENTS_OF_EACH) throw new Error(`The rival found ${sessions.length} sessions.`);
  }
  return samples;
}

const full = cluster(FULL);
const compiled = measureFull(full, RR0, CLIENTS_OF_EACH);
const large = quantile(measureChanges(full), 0.5);
const largeWorst = quantile(measureChanges(full), 0.99);
const small = quantile(measureChanges(cluster(SMALL)), 0.5);
const rival = quantile(measureRival(FULL), 0.5);
const rivalSmall = quantile(measureRival(SMALL), 0.5);
const rr0DualStack = { ...RR0, ipv6: parseAddress(mapped(reflectorAddress(0))) ?? null };
const dualStack = quantile(measureFull(cluster(FULL, true), rr0DualStack, CLIENTS_OF_EACH * 2).samples, 0.5);
const median = quantile(compiled.samples, 0.5);
const slowest = Math.max(...compiled.samples);

const rows: readonly BenchRow[] = [
  {
    what: `full compile, 100 reflectors, ${FULL.toLocaleString('en')} nodes (median of ${RUNS}, slowest ${milliseconds(slowest)})`,
    measured: milliseconds(median),
    target: 'under 1.5 s',
    met: slowest < 1500,
  },
  {
    what: 'resident memory at its largest, the resources themselves included',
    measured: `${(compiled.rss / GIB).toFixed(2)} GiB`,
    target: 'under 1 GiB',
    met: compiled.rss < GIB,
  },
  {
    what: 'full compile, dual stack: 400,000 BGPPeers, two sessions for each client',
    measured: milliseconds(dualStack),
    target: null,
    met: null,
  },
  {
    what: `one node's change to the changed session, ${FULL.toLocaleString('en')} nodes (99 %: ${milliseconds(largeWorst)})`,
    measured: milliseconds(large),
    target: 'median under 1 ms',
    met: large < 1,
  },
  {
    what: `the same with ${SMALL.toLocaleString('en')} nodes and as many clients`,
    measured: milliseconds(small),
    target: 'no growth',
    met: large < small * 2,
  },
  {
    what: `rival: one change, ${FULL.toLocaleString('en')} nodes`,
    measured: milliseconds(rival),
    target: null,
    met: null,
  },
  {
    what: `rival: one change, ${SMALL.toLocaleString('en')} nodes`,
    measured: milliseconds(rivalSmall),
    target: null,
    met: null,
  },
  {
    what: `rival / ours, one change, ${FULL.toLocaleString('en')} nodes`,
    measured: `${(rival / large).toFixed(0)} x`,
    target: null,
    met: null,
  },
];

printResult({
  title: 'compile: resources to sessions',
  how: `Each node has two reflectors by node-specific BGPPeers, so each reflector has ${CLIENTS_OF_EACH.toLocaleString('en')} clients. The rival is the loop of the route reflector image's template (every host, every peer of every host, text compared), on values that lie ready in memory; confd's own search of its key store is not counted against it.`,
  rows,
});
