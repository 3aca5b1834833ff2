/** What a change would do: the cases that matter by name, and the property that asking is the same as doing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { history, type Step, steps } from '../../../test/support/random-resources.ts';
import { configuration, labelled, listing, node, peer, resource } from '../../../test/support/resources.ts';
import { racks } from '../../../test/support/topology.ts';
import type { Change } from '../../model/change.ts';
import type { Resource } from '../../model/resource.ts';
import { createTopology, type Topology } from '../topology.ts';
import { judgeChange } from './judge-change.ts';
import type { ChangeJudgement } from './judgement.ts';
import { lossLines, sessionLines } from './judgement-text.ts';

function put(made: Resource): Change {
  return { op: 'put', resource: made };
}

/** Two labelled nodes reflect for `count` others; the mesh is off. */
function labelledReflectors(count: number, label: string): Resource[] {
  const nodes = Array.from({ length: count }, (_, index) => node(`n${index}`, [`10.0.1.${index}/24`]));
  return [
    configuration({ nodeToNodeMeshEnabled: false }),
    ...['r1', 'r2'].map((name, index) =>
      labelled(node(name, [`10.0.0.${index}/24`], { routeReflectorClusterID: '1.0.0.1' }), {
        [label]: '',
      }),
    ),
    ...nodes,
    resource('BGPPeer', 'to-reflectors', {
      nodeSelector: 'all()',
      peerSelector: 'has(route-reflector)',
    }),
  ];
}

test('the Pi-Day change: a renamed label, so that the selector of the reflectors finds nothing', () => {
  const before = listing(...labelledReflectors(5, 'route-reflector'));
  const changes = ['r1', 'r2'].map((name, index) =>
    put(
      labelled(node(name, [`10.0.0.${index}/24`], { routeReflectorClusterID: '1.0.0.1' }), {
        'route-reflectors': '',
      }),
    ),
  );
  const judgement = judgeChange(before, changes);
  assert.equal(judgement.loses, true);
  assert.deepEqual(
    judgement.lostPairs.map(({ learners, origins, pairs }) => [learners.length, origins.length, pairs]),
    [[7, 7, 42]],
  );
  assert.deepEqual(
    judgement.fewerReflectors.map(({ node: name, before: had, after }) => [name, had, after]),
    ['n0', 'n1', 'n2', 'n3', 'n4'].map((name) => [name, 2, 0]),
  );
  assert.deepEqual(
    judgement.speakers.map(({ speaker, go, come, restart }) => [
      speaker,
      go.length,
      come.length + restart.length,
    ]),
    [...['n0', 'n1', 'n2', 'n3', 'n4'].map((name) => [name, 2, 0]), ['r1', 6, 0], ['r2', 6, 0]],
  );
  assert.ok(judgement.newProblems.some(({ code }) => code === 'empty-selector'));
  assert.deepEqual(lossLines(judgement), [
    "n0, n1, n2 and 4 more nodes do not learn each other's routes over IPv4 any more (42 pairs).",
    'n0, n1, n2 and 2 more nodes have too few reflectors (IPv4: 2 now, 0 after).',
  ]);
  assert.deepEqual(sessionLines(judgement).slice(0, 2), [
    'n0: Node_10_0_0_0, Node_10_0_0_1 go.',
    'n1: Node_10_0_0_0, Node_10_0_0_1 go.',
  ]);

  const first = judgeChange(before, changes.slice(0, 1));
  assert.deepEqual(first.lostPairs, [], 'the other reflector serves them, r1 among them');
  assert.deepEqual(
    first.fewerReflectors.map(({ before: had, after }) => [had, after]),
    Array.from({ length: 5 }, () => [2, 1]),
  );
});

test('a harmless change loses nothing, and a node that is deleted is not missed', () => {
  const before = listing(...racks());
  const more = judgeChange(before, [put(node('n10', ['10.0.1.10/24']))]);
  assert.equal(more.loses, false);
  assert.deepEqual(more.speakers, []);
  const gone = judgeChange(before, [{ op: 'delete', kind: 'Node', name: 'n1' }]);
  assert.equal(gone.loses, false);
  assert.deepEqual(gone.lostPairs, []);
  assert.deepEqual(
    gone.speakers.map(({ speaker, go }) => `${speaker} ${go.length}`),
    ['n1 4', 'rr1 2', 'rr2 2'],
  );
});

test('a reflector less leaves its clients below the minimum, and two less cut them off', () => {
  const before = listing(...racks());
  const one = judgeChange(before, [{ op: 'delete', kind: 'RouteReflector', name: 'rr1' }]);
  assert.deepEqual(one.lostPairs, []);
  assert.equal(one.loses, true);
  assert.deepEqual(
    one.fewerReflectors.map(({ node: name, family, before: had, after }) => [name, family, had, after]),
    ['n1', 'n2', 'n3'].flatMap((name) => [
      [name, 4, 2, 1],
      [name, 6, 2, 1],
    ]),
  );
  assert.equal(
    judgeChange(before, [{ op: 'delete', kind: 'RouteReflector', name: 'rr1' }], { minReflectors: 1 }).loses,
    false,
  );
  const both = judgeChange(before, [
    { op: 'delete', kind: 'RouteReflector', name: 'rr1' },
    { op: 'delete', kind: 'RouteReflector', name: 'rr2' },
  ]);
  const [one4, other4] = [
    ['n1', 'n2', 'n3'],
    ['n4', 'n5', 'n6', 'n7', 'n8', 'n9'],
  ];
  assert.deepEqual(
    both.lostPairs
      .filter(({ family }) => family === 4)
      .map(({ learners, origins, throughOutside }) => [learners, origins, throughOutside]),
    [
      [one4, other4, false],
      [other4, one4, false],
      // Whoever stands at the reflectors' addresses may still serve them; no resource says so.
      [one4, one4, true],
    ],
  );
});

test('turning the mesh off with nothing in its place loses every pair, and turning it on loses none', () => {
  const nodes = ['n1', 'n2', 'n3'].map((name, index) => node(name, [`10.0.1.${index + 1}/24`]));
  const off = judgeChange(listing(...nodes), [put(configuration({ nodeToNodeMeshEnabled: false }))]);
  assert.deepEqual(
    off.meshes.map(({ leave, membersAfter }) => [leave, membersAfter]),
    [[['n1', 'n2', 'n3'], 0]],
  );
  assert.deepEqual(
    off.lostPairs.map(({ pairs }) => pairs),
    [6],
  );
  const on = judgeChange(listing(configuration({ nodeToNodeMeshEnabled: false }), ...nodes), [
    put(configuration({ nodeToNodeMeshEnabled: true })),
  ]);
  assert.equal(on.loses, false);
  assert.deepEqual(
    on.gainedPairs.map(({ pairs }) => pairs),
    [6],
  );
});

test('a node that loses its address, or its AS, loses its pairs', () => {
  const before = listing(...racks());
  const address = judgeChange(before, [put(node('n1', ['fd00::1:1/64']))]);
  assert.deepEqual(
    address.lostPairs.map(({ family, pairs }) => [family, pairs]),
    [
      [4, 8],
      [4, 8],
    ],
  );
  const as = judgeChange(before, [put(node('n1', ['10.0.1.1/24', 'fd00::1:1/64'], { asNumber: 65001 }))]);
  assert.ok(as.speakers.some(({ speaker, restart }) => speaker === 'rr1' && restart.length === 2));
});

test('a session that changes only what needs no restart stays', () => {
  const before = listing(...racks());
  const [password, filter] = [
    { password: { secretKeyRef: { name: 's', key: 'k' } } },
    { filters: ['f'] },
  ].map((spec) =>
    judgeChange(before, [put(peer('n1-rr1-4', 'n1', '10.0.0.1', { asNumber: 64512, ...spec }))]),
  );
  const restarts = (judgement: ChangeJudgement | undefined) =>
    judgement?.speakers.map(({ speaker, restart }) => [speaker, restart.flatMap(({ fields }) => fields)]);
  assert.deepEqual(restarts(password), [
    ['n1', ['password', 'passwordRef']],
    ['rr1', ['password', 'passwordRef']],
  ]);
  assert.deepEqual(restarts(filter), [
    ['n1', []],
    ['rr1', []],
  ]);
});

function apply(topology: Topology, step: Step): void {
  for (const change of changesOf(step)) topology.apply([change]);
}

function changesOf(step: Step): readonly Change[] {
  if (step.type === 'put') return [put(step.put.resource)];
  if (step.type === 'delete') return [{ op: 'delete', kind: step.kind, name: step.name }];
  return step.type === 'broken' ? [{ op: 'broken', broken: step.broken }] : [];
}

/** Sessions of all speakers as text, those of the mesh left out, as each speaker's own view has them. */
function sessionsByView(topology: Topology): Map<string, Map<string, string>> {
  const known = new Set(
    topology.cluster().families.flatMap(({ speakers }) => speakers.map(({ name }) => name)),
  );
  return new Map(
    topology
      .speakers()
      .filter(({ name }) => name !== null && known.has(name))
      .map((identity) => [
        identity.name ?? '',
        new Map(
          topology
            .speaker(identity)
            .config()
            .sessions.filter(({ kind }) => kind !== 'mesh')
            .map((session) => [session.peerAddress, JSON.stringify(session)]),
        ),
      ]),
  );
}

/** The same, as the cluster keeps them for all at once. */
function sessionsByCluster(topology: Topology): Map<string, Map<string, string>> {
  return new Map(
    topology
      .cluster()
      .families.flatMap(({ speakers }) =>
        speakers.map(({ name, sessions }) => [
          name,
          new Map([...sessions].map(([address, session]) => [address, JSON.stringify(session)])),
        ]),
      ),
  );
}

function sorted(all: Map<string, Map<string, string>>): unknown {
  return [...all].map(([name, sessions]) => [name, [...sessions].sort()]).sort();
}

function lookAt(topology: Topology): string {
  return JSON.stringify([
    sorted(sessionsByCluster(topology)),
    topology
      .cluster()
      .families.map(({ pairs, mesh, nodes }) => [pairs, [...mesh.members].sort(), [...nodes.keys()].sort()]),
    topology.check(),
  ]);
}

test('what a change does when it is made is what asking said, and asking changes nothing', () => {
  let losses = 0;
  fc.assert(
    fc.property(history, steps, (past, asked) => {
      const topology = createTopology();
      const twin = createTopology();
      for (const step of past) {
        apply(topology, step);
        apply(twin, step);
        if (step.type === 'look') topology.check();
      }
      assert.equal(lookAt(topology), lookAt(twin), 'kept current, or worked out at the end');
      assert.deepEqual(sorted(sessionsByCluster(topology)), sorted(sessionsByView(topology)));

      const changes = asked.slice(0, 3).flatMap(changesOf);
      const before = lookAt(topology);
      const had = sessionsByView(topology);
      const judgement = topology.judge(changes);
      assert.equal(lookAt(topology), before, 'asking changed something');
      assert.deepEqual(sorted(sessionsByView(topology)), sorted(had));
      assert.deepEqual(judgement, judgeTwin(twin, changes));

      for (const change of changes) topology.apply([change]);
      const has = sessionsByView(topology);
      const names = [...new Set([...had.keys(), ...has.keys()])].sort();
      const expected = names.flatMap((name) => {
        const [one, other] = [had.get(name) ?? new Map(), has.get(name) ?? new Map()];
        const come = [...other.keys()].filter((address) => !one.has(address)).sort();
        const go = [...one.keys()].filter((address) => !other.has(address)).sort();
        return come.length + go.length === 0 ? [] : [{ name, come, go }];
      });
      assert.deepEqual(
        judgement.speakers
          .map(({ speaker, come, go }) => ({
            name: speaker,
            come: come.map(({ peerAddress }) => peerAddress).sort(),
            go: go.map(({ peerAddress }) => peerAddress).sort(),
          }))
          .filter(({ come, go }) => come.length + go.length > 0),
        expected,
      );
      if (judgement.lostPairs.length > 0) losses++;
    }),
    { numRuns: 600 },
  );
  assert.ok(losses > 0, 'none of the changes lost something');
});

/** Asked of one that never worked anything out before. */
function judgeTwin(twin: Topology, changes: readonly Change[]): ChangeJudgement {
  return judgeChange(twin, changes);
}
