/**
 * Reachability against a second telling of it: every speaker by itself, every session written out, every table worked
 * out anew in every round until a round changes nothing; no classes, no queue, no mesh by number.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addMesh } from './mesh.ts';
import type { End, NetworkSpeaker } from './network.ts';
import { findUnlearned } from './unlearned.ts';

interface PlainSpeaker {
  readonly node: boolean;
  readonly as: number;
  readonly cluster: number | null;
  readonly inMesh: boolean;
  readonly routerId: number;
}

interface PlainSession {
  readonly a: number;
  readonly b: number;
  /** Whether each end, where it could, takes the other for a client. */
  readonly clients: readonly [boolean, boolean];
  readonly exports: readonly [boolean, boolean];
  readonly imports: readonly [boolean, boolean];
  readonly allow: readonly [number, number];
}

interface PlainCluster {
  readonly speakers: readonly PlainSpeaker[];
  readonly sessions: readonly PlainSession[];
}

function endOf({ speakers }: PlainCluster, session: PlainSession, side: 0 | 1): End {
  const [self, peer] = side === 0 ? [session.a, session.b] : [session.b, session.a];
  const own = speakers[self];
  const other = speakers[peer];
  assert.ok(own !== undefined && other !== undefined);
  const client = session.clients[side] && own.cluster !== null && own.as === other.as;
  return {
    peer,
    localAs: own.as,
    peerAs: other.as,
    client,
    clusterId: client ? own.cluster : null,
    allowLocalAs: session.allow[side],
    imports: session.imports[side],
    exports: session.exports[side],
    rank: peer,
  };
}

/** With every mesh session written out. */
function endsOf(cluster: PlainCluster, self: number): End[] {
  const ends = cluster.sessions.flatMap((session) =>
    session.a === self
      ? [endOf(cluster, session, 0)]
      : session.b === self
        ? [endOf(cluster, session, 1)]
        : [],
  );
  const own = cluster.speakers[self];
  for (const [peer, other] of cluster.speakers.entries()) {
    if (peer === self || !own?.inMesh || !other.inMesh || ends.some((end) => end.peer === peer)) continue;
    const plain = { client: false, clusterId: null, allowLocalAs: 0, imports: true, exports: true };
    ends.push({ ...plain, peer, localAs: own.as, peerAs: other.as, rank: peer });
  }
  return ends;
}

interface Route {
  readonly asPath: readonly number[];
  readonly clusterList: readonly number[];
  readonly originatorId: number;
  readonly learnedFrom: number | 'itself';
  readonly over: End | null;
}

/** Tables of all speakers for one node's route, once nothing changes any more; undefined where that does not come. */
function simulate(cluster: PlainCluster, origin: number): readonly (Route | null)[] | undefined {
  const ends = cluster.speakers.map((_, self) => endsOf(cluster, self));
  const ids = cluster.speakers.map((speaker) => speaker.routerId);
  let tables: readonly (Route | null)[] = cluster.speakers.map((_, self) =>
    self === origin
      ? { asPath: [], clusterList: [], originatorId: ids[self] ?? 0, learnedFrom: 'itself', over: null }
      : null,
  );
  for (let round = 0; round < 60; round++) {
    const next = cluster.speakers.map((_, self): Route | null => {
      if (self === origin) return tables[self] ?? null;
      const heard = (ends[self] ?? []).flatMap((mine) => {
        const theirs = ends[mine.peer]?.find((end) => end.peer === self);
        const best = tables[mine.peer];
        if (theirs === undefined || best === undefined || best === null) return [];
        const route = step(best, mine.peer, ids[mine.peer] ?? 0, theirs, self, ids[self] ?? 0, mine);
        return route === null ? [] : [route];
      });
      return heard.sort((one, other) => (preferred(one, other) ? -1 : 1))[0] ?? null;
    });
    if (JSON.stringify(next) === JSON.stringify(tables)) return next;
    tables = next;
  }
  return undefined;
}

function step(
  route: Route,
  sender: number,
  senderId: number,
  out: End,
  receiver: number,
  receiverId: number,
  into: End,
): Route | null {
  if (route.learnedFrom === receiver || !out.exports || !into.imports) return null;
  const internal = out.localAs === out.peerAs;
  const { over } = route;
  let { asPath, clusterList, originatorId } = route;
  if (!internal) {
    asPath = [out.localAs, ...asPath];
    clusterList = [];
    originatorId = senderId;
  } else if (over !== null && over.localAs === over.peerAs) {
    if (!over.client && !out.client) return null;
    if (out.client && clusterList.some((id) => id === out.clusterId)) return null;
    const added = [...new Set([over.clusterId, out.clusterId].filter((id) => id !== null))];
    clusterList = [...clusterList, ...added];
  } else {
    clusterList = [];
    originatorId = senderId;
  }
  if (asPath.filter((as) => as === into.localAs).length > into.allowLocalAs) return null;
  if (internal && originatorId === receiverId) return null;
  if (into.client && clusterList.some((id) => id === into.clusterId)) return null;
  return { asPath, clusterList, originatorId, learnedFrom: sender, over: into };
}

function preferred(one: Route, other: Route): boolean {
  const keys = (route: Route) => [
    route.asPath.length,
    route.over !== null && route.over.localAs !== route.over.peerAs ? 0 : 1,
    route.originatorId,
    route.clusterList.length,
    route.over?.rank ?? 0,
  ];
  const [left, right] = [keys(one), keys(other)];
  const at = left.findIndex((key, index) => key !== right[index]);
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}

function networkOf(cluster: PlainCluster) {
  const speakers: NetworkSpeaker[] = cluster.speakers.map((speaker, self) => ({
    name: `s${self}`,
    isNode: speaker.node,
    routerId: speaker.routerId,
    ends: cluster.sessions.flatMap((session) =>
      session.a === self
        ? [endOf(cluster, session, 0)]
        : session.b === self
          ? [endOf(cluster, session, 1)]
          : [],
    ),
    outside: [],
    mesh: null,
    unmeshed: [],
  }));
  const members = cluster.speakers.flatMap((speaker, index) =>
    speaker.inMesh ? [{ speaker: index, asNumber: speaker.as, rank: index }] : [],
  );
  const unmeshed = new Map(
    cluster.speakers.map((_, self) => [
      self,
      new Set(
        cluster.sessions
          .flatMap(({ a, b }) => (a === self ? [b] : b === self ? [a] : []))
          .filter((peer) => cluster.speakers[self]?.inMesh && cluster.speakers[peer]?.inMesh),
      ),
    ]),
  );
  return addMesh(speakers, members, unmeshed);
}

function pairsOf(cluster: PlainCluster): readonly string[] {
  const { groups } = findUnlearned(networkOf(cluster));
  return groups
    .flatMap(({ learners, origins }) =>
      learners.flatMap((learner) =>
        origins.filter((origin) => origin !== learner).map((origin) => `${learner}<${origin}`),
      ),
    )
    .sort();
}

function plainPairsOf(cluster: PlainCluster): readonly string[] | undefined {
  const nodes = [...cluster.speakers.keys()].filter((index) => cluster.speakers[index]?.node);
  const pairs: string[] = [];
  for (const origin of nodes) {
    const tables = simulate(cluster, origin);
    if (tables === undefined) return undefined;
    for (const learner of nodes)
      if (learner !== origin && tables[learner] === null) pairs.push(`${learner}<${origin}`);
  }
  return pairs.sort();
}

function clusters(asNumbers: readonly number[]): fc.Arbitrary<PlainCluster> {
  const mostly = fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0);
  const seldom = fc.integer({ min: 0, max: 9 }).map((roll) => (roll === 0 ? 1 : 0));
  return fc
    .array(
      fc.record({
        kind: fc.constantFrom('node', 'node', 'node', 'reflecting node', 'reflector'),
        as: fc.constantFrom(...asNumbers),
        cluster: fc.constantFrom(101, 102, 103),
        mesh: fc.boolean(),
        twin: fc.integer({ min: 0, max: 19 }),
      }),
      { minLength: 2, maxLength: 9 },
    )
    .chain((drawn) =>
      fc.record({
        speakers: fc.constant(
          drawn.map(
            ({ kind, as, cluster, mesh, twin }, index): PlainSpeaker => ({
              node: kind !== 'reflector',
              as,
              cluster: kind === 'node' ? null : cluster,
              inMesh: mesh && kind !== 'reflector',
              // Router IDs out of the order of addresses; seldom one twice.
              routerId: twin === 0 ? 7 : 100 + ((index * 7) % 10),
            }),
          ),
        ),
        sessions: fc.uniqueArray(
          fc
            .record({
              a: fc.integer({ min: 0, max: drawn.length - 1 }),
              b: fc.integer({ min: 0, max: drawn.length - 1 }),
              clients: fc.tuple(mostly, mostly),
              exports: fc.tuple(mostly, mostly),
              imports: fc.tuple(mostly, mostly),
              allow: fc.tuple(seldom, seldom),
            })
            .filter(({ a, b }) => a < b),
          { maxLength: 14, selector: ({ a, b }) => `${a}-${b}` },
        ),
      }),
    );
}

for (const [what, asNumbers] of [
  ['within one AS', [64512]],
  ['across AS numbers', [64512, 64512, 65001, 65002]],
] as const) {
  test(`who does not learn whose routes is what a simulation step by step says, ${what}`, () => {
    let compared = 0;
    fc.assert(
      fc.property(clusters(asNumbers), (cluster) => {
        const plain = plainPairsOf(cluster);
        if (plain === undefined) return;
        compared++;
        assert.deepEqual(pairsOf(cluster), plain);
      }),
      { numRuns: 1500 },
    );
    assert.ok(compared > 1200, `only ${compared} of the clusters came to rest`);
  });
}
