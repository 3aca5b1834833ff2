/** The steps of the decision process, with the numbers that decision.ts and docs/engine.md have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { octetsOf, setOf, sourceOf } from '../../../../test/support/routes.ts';
import { type PathAttributes, WELL_KNOWN_COMMUNITY } from '../../../bgp/index.ts';
import { createAttributeSets } from './attribute-sets.ts';
import { type Candidate, chooseRoute, compareRoutes, DECISION_STEPS, stepOfLoss } from './decision.ts';
import type { Source } from './rib.ts';

const sets = createAttributeSets();

function route(attributes: Partial<PathAttributes>, from: Partial<Source> = {}, pathId = 0): Candidate {
  return { attributes: setOf(sets, attributes), from: sourceOf(0, from), pathId };
}

const path = (...asNumbers: number[]): PathAttributes['asPath'] => [{ type: 'sequence', asNumbers }];

/** At each step: the better route, and a worse one that every later step would prefer. */
const STEPS: readonly (readonly [number, Candidate, Candidate])[] = [
  [1, route({ localPref: 1 }), route({ localPref: 200, communities: [WELL_KNOWN_COMMUNITY.llgrStale] })],
  [2, route({ localPref: 101, asPath: path(1, 2) }), route({ localPref: 100 })],
  [3, route({ asPath: path(1), origin: 2 }), route({ asPath: path(1, 2), origin: 0 })],
  [3, route({ asPath: [{ type: 'set', asNumbers: [1, 2, 3] }] }), route({ asPath: path(1, 2) })],
  [4, route({ origin: 0, med: 10 }), route({ origin: 1, med: 0 })],
  [4, route({ origin: 1 }), route({ origin: 2 })],
  [5, route({ asPath: path(7), med: 5 }), route({ asPath: path(7), med: 6 }, { external: true })],
  // An absent MED counts as 0.
  [5, route({ asPath: path(7) }), route({ asPath: path(7), med: 1 }, { external: true })],
  [6, route({}, { external: true, routerId: 9 }), route({}, { external: false, routerId: 1 })],
  [7, route({ clusterList: [1, 2] }, { routerId: 1 }), route({}, { routerId: 2 })],
  // ORIGINATOR_ID stands for the identifier.
  [7, route({ originatorId: 1 }, { routerId: 9 }), route({}, { routerId: 2 })],
  [
    8,
    route({ originatorId: 5, clusterList: [1] }, { address: octetsOf('10.0.0.9') }),
    route({ originatorId: 5, clusterList: [1, 2] }, { address: octetsOf('10.0.0.1') }),
  ],
  [
    9,
    route({ originatorId: 5 }, { address: octetsOf('10.0.0.2') }),
    route({ originatorId: 5 }, { address: octetsOf('10.0.0.10') }),
  ],
  [10, route({ communities: [2] }, {}, 7), route({ communities: [1] }, {}, 8)],
];

for (const [step, better, worse] of STEPS) {
  test(`step ${step}: ${DECISION_STEPS[step]}`, () => {
    assert.equal(compareRoutes(better, worse), -step);
    assert.equal(compareRoutes(worse, better), step);
    assert.equal(chooseRoute([worse, better]), 1);
    assert.equal(chooseRoute([better, worse]), 0);
  });
}

test('every step has a case', () => {
  const shown = new Set(STEPS.map(([step]) => step));
  assert.deepEqual(
    [...shown],
    DECISION_STEPS.map((_, step) => step).filter((step) => step > 0),
  );
});

test('MED is not compared between routes of different neighboring ASes', () => {
  const one = route({ asPath: path(7), med: 50 }, { routerId: 1 });
  const other = route({ asPath: path(8), med: 1 }, { routerId: 2 });
  assert.equal(compareRoutes(one, other), -7);
});

test('the order of arrival does not matter, though MED is no total order (RFC 3345)', () => {
  // Pairwise a beats b (identifier), b beats c (identifier), c beats a (MED): whoever compares in order of arrival
  // ends up with any of the three.
  const a = route({ asPath: path(7), med: 20 }, { routerId: 1 });
  const b = route({ asPath: path(8), med: 0 }, { routerId: 2 });
  const c = route({ asPath: path(7), med: 10 }, { routerId: 3 });
  assert.equal(Math.sign(compareRoutes(a, b)), -1);
  assert.equal(Math.sign(compareRoutes(b, c)), -1);
  assert.equal(Math.sign(compareRoutes(c, a)), -1);
  for (const order of [
    [a, b, c],
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ]) {
    assert.equal(order[chooseRoute(order)], b);
  }
  // a is better than b, and yet not used: c is in its way.
  assert.equal(stepOfLoss([a, b, c], 0), 5);
  assert.equal(stepOfLoss([a, b, c], 2), 7);
});

test('of no routes none is chosen', () => {
  assert.equal(chooseRoute([]), -1);
});
