/**
 * The native engine and BIRD 2 on the same peers and the same churn: whatever they do, every peer must hold the same
 * routes with the same attributes. In `npm test` always the same scenarios, each a second or less; `npm run fuzz` makes
 * new ones for as long as one likes. A failure prints its seed and the smallest scenario that fails.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { familiesHere } from './ground.ts';
import { BIRD, type Home, NATIVE, nativeHome, playAt } from './homes.ts';
import { type Scenario, scenario } from './scenario.ts';
import { smallest } from './shrink.ts';
import type { Looks } from './stage.ts';
import { differences } from './view.ts';

/** So many at a time: they mostly wait for sessions to come up. */
const LANES = 3;
const SCENARIOS_PER_LANE = 12;
const FUZZ_SECONDS = process.env.DIFFERENTIAL_SECONDS;
const SEED = process.env.DIFFERENTIAL_SEED === undefined ? undefined : Number(process.env.DIFFERENTIAL_SEED);

const families = await familiesHere();

function routesIn(looks: Looks): number {
  return looks.reduce((sum, look) => sum + [...look.values()].reduce((most, held) => most + held.size, 0), 0);
}

/** What differs, in lines. @throws Error when something never came */
async function differencesIn(one: Scenario): Promise<{ found: readonly string[]; compared: number }> {
  const [bird, native] = await Promise.all([playAt(BIRD, one), playAt(NATIVE, one)]);
  return { found: differences(bird, native, ['BIRD', 'native']), compared: routesIn(bird) };
}

/** The message of a failure: how to repeat it, and the smallest scenario that shows it. */
async function explain(failed: Scenario, seed: number, error: unknown): Promise<string> {
  const differs = async (one: Scenario): Promise<boolean> => {
    const result = await differencesIn(one).catch(() => undefined);
    return result !== undefined && result.found.length > 0;
  };
  const small = (await differs(failed)) ? await smallest(failed, differs) : failed;
  const { found } = await differencesIn(small).catch(() => ({ found: [String(error)] }));
  return [
    `seed ${seed} (DIFFERENTIAL_SEED=${seed} repeats it): the engines differ`,
    ...small.peers.map((peer, index) => `peer ${11 + index}: ${JSON.stringify(peer)}`),
    ...small.steps.map((step) => JSON.stringify(step)),
    ...found,
  ].join('\n');
}

describe('the native engine beside BIRD 2', { concurrency: true }, () => {
  for (let lane = 1; lane <= LANES; lane += 1) {
    test(`random peers and random churn leave every peer with the same routes (${lane})`, async (context) => {
      if (!families.includes(6)) context.diagnostic('IPv4 only: see test/differential/network.sh');
      let compared = 0;
      const same = fc.asyncProperty(scenario(families), async (one) => {
        const result = await differencesIn(one);
        compared += result.compared;
        assert.deepEqual(result.found, []);
      });
      const result = await fc.check(same, { ...extentOf(lane), endOnFailure: true });
      if (result.failed && result.counterexample !== null) {
        assert.fail(await explain(result.counterexample[0], result.seed, result.errorInstance));
      }
      context.diagnostic(`${compared} routes compared`);
      assert.notEqual(compared, 0, 'no peer ever held a route: nothing was compared');
    });
  }
});

/** Which scenarios, and how many. */
function extentOf(lane: number): fc.Parameters<[Scenario]> {
  if (FUZZ_SECONDS === undefined) return { seed: SEED ?? lane, numRuns: SCENARIOS_PER_LANE };
  return {
    ...(SEED === undefined ? {} : { seed: SEED + lane }),
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: Number(FUZZ_SECONDS) * 1000,
    markInterruptAsFailure: false,
  };
}

/** Mistakes that a reflector could make, made on purpose on one side. */
interface Mistake {
  readonly name: string;
  readonly config?: (config: SpeakerConfig) => SpeakerConfig;
  readonly scenario?: (one: Scenario) => Scenario;
  readonly home?: Home;
}

function sessionsChanged(
  change: (session: SessionConfig) => Partial<SessionConfig>,
): (config: SpeakerConfig) => SpeakerConfig {
  return (config) => ({
    ...config,
    sessions: config.sessions.map((session) => ({ ...session, ...change(session) })),
  });
}

const MISTAKES: readonly Mistake[] = [
  {
    name: 'non-clients are taken for clients',
    config: sessionsChanged(({ kind }) => (kind === 'reflector' ? { client: true } : {})),
  },
  {
    name: 'one cluster ID for all',
    config: sessionsChanged(({ client }) => (client ? { clusterId: '1.0.0.1' } : {})),
  },
  {
    name: 'another next hop towards some clients',
    config: sessionsChanged(({ client }) => (client ? { nextHop: 'self' } : {})),
  },
  {
    name: 'withdrawals are lost',
    scenario: (one) => ({ ...one, steps: one.steps.filter((step) => step.do !== 'withdraw') }),
  },
  { name: 'one path is told to who takes several', home: nativeHome('receive') },
  {
    name: 'the first route to come stays the best',
    scenario: (one) => ({ ...one, steps: firstAnnouncements(one) }),
  },
];

/** Without the announcements of a prefix that another peer has announced before. */
function firstAnnouncements({ steps }: Scenario): Scenario['steps'] {
  const owner = new Map<number, number>();
  return steps.filter((step) => {
    if (step.do !== 'announce') return true;
    const first = owner.get(step.prefix) ?? step.peer;
    owner.set(step.prefix, first);
    return first === step.peer;
  });
}

describe('the comparison itself', () => {
  for (const mistake of MISTAKES) {
    test(`it shows when ${mistake.name}`, async (context) => {
      const property = fc.asyncProperty(scenario(families), async (one) => {
        const other = mistake.scenario?.(one) ?? one;
        const [right, wrong] = await Promise.all([
          playAt(NATIVE, one),
          playAt(mistake.home ?? NATIVE, other, mistake.config),
        ]);
        return differences(right, wrong, ['right', 'wrong']).length === 0;
      });
      const { failed, numRuns } = await fc.check(property, { seed: 1, numRuns: 60, endOnFailure: true });
      context.diagnostic(`in scenario ${numRuns}`);
      assert.ok(failed, 'no scenario showed it');
    });
  }
});
