/**
 * Every speaker of the design point at once: 100 reflectors and 100,000 nodes with two of them each, from resources
 * in memory to the sessions of all 100,100, and from those to the answer whether every node learns every other's
 * routes. Then what a change would do to that. The same with three reflectors for each node, drawn at random, so that
 * hardly two nodes are equal: the worst for an answer by classes.
 */
import type { Listing } from '../src/model/change.ts';
import { type JsonObject, KINDS, type Kind, type Resource } from '../src/model/resource.ts';
import { createTopology, type Topology } from '../src/topology/topology.ts';
import { type BenchRow, milliseconds, printResult } from './result.ts';

const NODES = 100_000;
const REFLECTORS = 100;
const GIB = 2 ** 30;

function resource(kind: Kind, name: string, spec: JsonObject): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

function reflectorAddress(index: number): string {
  return `10.255.0.${index}`;
}

function nodeAddress(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}

function nodeResource(index: number, asNumber?: number): Resource {
  const address = { ipv4Address: `${nodeAddress(index)}/24` };
  return resource('Node', `n${index}`, { bgp: asNumber === undefined ? address : { ...address, asNumber } });
}

/** @param choose the reflectors of a node */
function cluster(
  clusterIdOf: (reflector: number) => string,
  choose: (node: number) => readonly number[],
): Listing {
  const resources: Resource[] = [
    resource('BGPConfiguration', 'default', { asNumber: 64512, nodeToNodeMeshEnabled: false }),
  ];
  for (let index = 0; index < REFLECTORS; index++) {
    const spec = { ipv4: reflectorAddress(index), clusterID: clusterIdOf(index) };
    resources.push(resource('RouteReflector', `rr${index}`, spec));
  }
  for (let index = 0; index < NODES; index++) {
    resources.push(nodeResource(index));
    for (const reflector of choose(index)) {
      const spec = { node: `n${index}`, peerIP: reflectorAddress(reflector), asNumber: 64512 };
      resources.push(resource('BGPPeer', `node.n${index}.${reflector}`, spec));
    }
  }
  return { resources, broken: [], warnings: [] };
}

interface Timed<Result> {
  readonly result: Result;
  readonly ms: number;
  /** What a clock on the wall says, and the processor: garbage collection has threads of its own, others have the machine. */
  readonly text: string;
}

function timed<Result>(work: () => Result): Timed<Result> {
  globalThis.gc?.();
  const start = performance.now();
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - start;
  return { result, ms, text: `${milliseconds(ms)} (${milliseconds((user + system) / 1000)} of CPU)` };
}

function pairsOf(topology: Topology): number {
  return topology
    .cluster()
    .families.flatMap(({ pairs }) => pairs.groups)
    .reduce((sum, group) => sum + group.pairs, 0);
}

/** From resources to the answer, which must be that so many pairs are apart. */
function measure(listing: Listing, expected: number) {
  const topology = createTopology();
  const { ms, text } = timed(() => {
    topology.load(listing);
    return topology.cluster();
  });
  const pairs = pairsOf(topology);
  if (pairs !== expected) throw new Error(`${pairs} pairs are apart, not ${expected}.`);
  return { topology, ms, text, rss: process.memoryUsage().rss };
}

/** Numbers that look drawn and are the same in every run. */
function drawn(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const paired = cluster(
  (reflector) => `1.0.0.${(reflector >> 1) + 1}`,
  (node) => [(node % (REFLECTORS / 2)) * 2, (node % (REFLECTORS / 2)) * 2 + 1],
);
const whole = measure(paired, 0);
const check = timed(() => whole.topology.check());
if (check.result.length > 0) throw new Error(`The bench's cluster has ${check.result.length} problems.`);
const one = timed(() => whole.topology.judge([{ op: 'put', resource: nodeResource(7, 65001) }]));
if (one.result.speakers.length !== 3)
  throw new Error(`${one.result.speakers.length} speakers are touched, not 3.`);
const bothGone = timed(() =>
  whole.topology.judge(['rr0', 'rr1'].map((name) => ({ op: 'delete', kind: 'RouteReflector', name }))),
);
const clients = (NODES * 2) / REFLECTORS;
const lost = bothGone.result.lostPairs.filter((group) => !group.throughOutside);
const lostCount = lost.reduce((sum, group) => sum + group.pairs, 0);
if (lostCount !== 2 * clients * (NODES - clients)) throw new Error(`${lostCount} pairs are lost.`);

const random = drawn(1);
const scattered = measure(
  cluster(
    (reflector) => `1.0.0.${reflector + 1}`,
    () => {
      const chosen = new Set<number>();
      while (chosen.size < 3) chosen.add(Math.floor(random() * REFLECTORS));
      return [...chosen];
    },
  ),
  0,
);

const rows: readonly BenchRow[] = [
  {
    what: 'from resources to the sessions of 100,100 speakers and the answer for all pairs',
    measured: whole.text,
    target: 'under 10 s',
    met: whole.ms < 10_000,
  },
  {
    what: 'resident memory after it, the resources themselves included',
    measured: `${(whole.rss / GIB).toFixed(2)} GiB`,
    target: 'under 2 GiB',
    met: whole.rss < 2 * GIB,
  },
  { what: 'every check on top of it', measured: check.text, target: null, met: null },
  { what: 'what another AS of one node would do', measured: one.text, target: null, met: null },
  {
    what: `what the loss of a pair of reflectors would do (${lostCount.toLocaleString('en')} pairs)`,
    measured: bothGone.text,
    target: null,
    met: null,
  },
  {
    what: 'the same answer with three reflectors of each node drawn at random, each with a cluster ID of its own',
    measured: scattered.text,
    target: 'under 10 s',
    met: scattered.ms < 10_000,
  },
  {
    what: 'resident memory after both',
    measured: `${(scattered.rss / GIB).toFixed(2)} GiB`,
    target: null,
    met: null,
  },
];

printResult({
  title: 'reachability: all speakers, all pairs',
  how: 'Sessions are compiled for every speaker from its own view and joined where both ends agree; routes are then followed through the reflectors by the rules of RFC 4271 and RFC 4456, once for each class of equal nodes.',
  rows,
});
