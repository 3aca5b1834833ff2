/**
 * The property that guards everything here: however the resources came to be what they are - one by one, in any
 * order, through mistakes and reloads - every speaker's configuration is the one that loading the outcome at once
 * would give, to the byte.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  history,
  IPV4,
  IPV6,
  NODES,
  type Put,
  REFLECTORS,
  SECRET,
  type Step,
  steps,
} from '../../test/support/random-resources.ts';
import { parseAddress } from '../model/address.ts';
import type { Broken, Change, Listing } from '../model/change.ts';
import type { Resource } from '../model/resource.ts';
import type { SpeakerConfig } from './speaker-config.ts';
import { createTopology, type SpeakerIdentity, type Topology } from './topology.ts';

/** What the datastore holds under one name, and the last of it that meant something. */
interface Stored {
  readonly now: Resource | Broken;
  /** The last put without a fault, else the last put. */
  readonly meaning: Put | undefined;
}

/** The outcome of the steps, worked out without any of the code under test. */
function outcomeOf(taken: readonly Step[]): Map<string, Stored> {
  const outcome = new Map<string, Stored>();
  for (const step of taken) {
    if (step.type === 'put') {
      const { put } = step;
      const key = `${put.resource.kind}/${put.resource.metadata.name}`;
      const before = outcome.get(key)?.meaning;
      outcome.set(key, { now: put.resource, meaning: before?.whole && !put.whole ? before : put });
    } else if (step.type === 'broken') {
      const key = `${step.broken.kind}/${step.broken.name}`;
      outcome.set(key, { now: step.broken, meaning: outcome.get(key)?.meaning });
    } else if (step.type === 'delete') {
      outcome.delete(`${step.kind}/${step.name}`);
    }
  }
  return outcome;
}

function isBroken(stored: Resource | Broken): stored is Broken {
  return 'problem' in stored;
}

function listingOf(stored: Iterable<Stored>): Listing {
  const all = [...stored].map(({ now }) => now);
  return {
    resources: all.filter((now): now is Resource => !isBroken(now)),
    broken: all.filter(isBroken),
    warnings: [],
  };
}

function changeOf(stored: Resource | Broken): Change {
  return isBroken(stored) ? { op: 'broken', broken: stored } : { op: 'put', resource: stored };
}

function identity(name: string | null, ipv4: string | null, ipv6: string | null): SpeakerIdentity {
  const parse = (text: string | null) => (text === null ? null : (parseAddress(text) ?? null));
  return { name, ipv4: parse(ipv4), ipv6: parse(ipv6), listenPort: null };
}

/** Entries by address and by name, two halves joined, one family, nodes, and addresses that mostly nobody has. */
const SPEAKERS = [
  identity(null, '10.0.0.1', 'fd00::1'),
  identity(null, '10.0.0.2', null),
  identity(null, null, 'fd00::2'),
  identity('rr1', null, null),
  identity('rr2', '10.0.0.3', 'fd00::3'),
  identity('n1', null, null),
  identity('n2', '10.0.1.1', null),
  identity(null, '10.0.1.2', '::1.2.3.4'),
];

function look(topology: Topology): string {
  return JSON.stringify(
    {
      speakers: SPEAKERS.map((speaker) => {
        const view = topology.speaker(speaker);
        return { standing: view.standing, config: view.config(), problems: view.problems() };
      }),
      problems: topology.problems(),
      reflectorsOf: NODES.map((name) => [topology.reflectorsOf(name), topology.reflectorsOf(name, 4)]),
      groups: ['default', 'other'].map((group) => topology.reflectorsOfGroup(group)),
      known: topology.speakers(),
      resolved: [...IPV4, ...IPV6, ...NODES, ...REFLECTORS].map((name) => topology.resolve(name) ?? null),
    },
    null,
    1,
  );
}

/** A topology that saw the outcome at once: what everything meant last, then what is broken now. */
function atOnce(outcome: ReadonlyMap<string, Stored>): Topology {
  const topology = createTopology();
  const meanings = [...outcome.values()].flatMap(({ meaning }) =>
    meaning === undefined ? [] : [meaning.resource],
  );
  topology.load({ resources: meanings, broken: [], warnings: [] });
  topology.apply([...outcome.values()].map(({ now }) => changeOf(now)));
  return topology;
}

function checkShape(config: SpeakerConfig): void {
  const names = config.sessions.map((session) => session.name);
  assert.deepEqual(names, [...new Set(names)].sort());
  for (const session of config.sessions) {
    assert.match(session.name, /^(Mesh|Global|Node)_[0-9a-z_]+$/);
    assert.notEqual(session.peerAddress, config.ipv4);
    assert.notEqual(session.peerAddress, config.ipv6);
    assert.ok(session.peerAs > 0 && session.localAs > 0);
    if (session.client) assert.equal(session.peerAs, session.localAs);
    assert.equal(session.password, session.passwordRef !== null);
  }
}

/** What equals what was there before must be what was there before. */
function checkIdentity(before: SpeakerConfig, after: SpeakerConfig): void {
  if (JSON.stringify(before) === JSON.stringify(after)) assert.equal(after, before);
  const old = new Map(before.sessions.map((session) => [session.name, session]));
  for (const session of after.sessions) {
    const same = old.get(session.name);
    if (same !== undefined && JSON.stringify(same) === JSON.stringify(session)) assert.equal(session, same);
  }
}

test('changes one by one, mistakes and reloads among them, give what loading the outcome at once gives', () => {
  fc.assert(
    fc.property(history, (taken) => {
      const topology = createTopology();
      const views = SPEAKERS.map((speaker) => topology.speaker(speaker));
      let configs = views.map((view) => view.config());
      for (const [index, step] of taken.entries()) {
        if (step.type === 'put') topology.apply([{ op: 'put', resource: step.put.resource }]);
        else if (step.type === 'delete') topology.apply([{ op: 'delete', kind: step.kind, name: step.name }]);
        else if (step.type === 'broken') topology.apply([{ op: 'broken', broken: step.broken }]);
        else if (step.type === 'reload') topology.load(listingOf(outcomeOf(taken.slice(0, index)).values()));
        else {
          const next = views.map((view) => view.config());
          for (const [place, config] of next.entries()) {
            const before = configs[place];
            assert.ok(before !== undefined);
            checkShape(config);
            checkIdentity(before, config);
          }
          configs = next;
          look(topology);
        }
      }
      const seen = look(topology);
      assert.equal(seen, look(atOnce(outcomeOf(taken))));
      assert.equal(seen.includes(SECRET), false);
    }),
    { numRuns: 2000 },
  );
});

test('the order in which resources arrive makes no difference, in a listing or one by one', () => {
  fc.assert(
    fc.property(
      steps.chain((taken) => {
        const outcome = outcomeOf(taken);
        return fc.tuple(
          fc.constant(outcome),
          fc.shuffledSubarray([...outcome.entries()], { minLength: outcome.size, maxLength: outcome.size }),
        );
      }),
      ([outcome, entries]) => {
        const shuffled = new Map(entries);
        const listed = look(atOnce(outcome));
        assert.equal(look(atOnce(shuffled)), listed);
        const topology = createTopology();
        look(topology);
        for (const { meaning } of shuffled.values()) {
          if (meaning !== undefined) topology.apply([{ op: 'put', resource: meaning.resource }]);
        }
        topology.apply([...shuffled.values()].reverse().map(({ now }) => changeOf(now)));
        assert.equal(look(topology), listed);
      },
    ),
    { numRuns: 500 },
  );
});

test('the property sees what it is about: sessions of every kind, problems of many', () => {
  const kinds = new Set<string>();
  const codes = new Set<string>();
  const standings = new Set<string>();
  for (const taken of fc.sample(steps, { numRuns: 300, seed: 7 })) {
    const topology = atOnce(outcomeOf(taken));
    for (const speaker of SPEAKERS) {
      const view = topology.speaker(speaker);
      standings.add(view.standing);
      for (const session of view.config().sessions) kinds.add(session.kind);
      for (const problem of view.problems()) codes.add(problem.code);
    }
    for (const problem of topology.problems()) codes.add(problem.code);
  }
  assert.deepEqual([...kinds].sort(), ['external', 'global', 'mesh', 'node', 'reflector']);
  assert.deepEqual([...standings].sort(), ['entry', 'node', 'standalone']);
  for (const code of [
    'as-mismatch',
    'duplicate',
    'conflict',
    'self-peer',
    'no-address',
    'no-such-node',
    'empty-selector',
    'bad-selector',
    'not-supported',
    'bad-json',
  ]) {
    assert.ok(codes.has(code), `no run met ${code}`);
  }
});
