import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Scenario, scenario } from './scenario.ts';
import { smallest } from './shrink.ts';

/** Fails when somebody withdraws after a route with MED 20 was announced. */
async function fails({ peers, steps }: Scenario): Promise<boolean> {
  const at = steps.findIndex((step) => step.do === 'announce' && step.route.med === 20);
  return peers.length > 0 && at >= 0 && steps.slice(at).some((step) => step.do === 'withdraw');
}

test('a failing scenario is made small: what matters stays, all else becomes plain or goes', async () => {
  const large = fc.sample(scenario([4, 6]), { seed: 7, numRuns: 200 });
  let failing = 0;
  for (const one of large) {
    if (!(await fails(one))) continue;
    failing += 1;
    const small = await smallest(one, fails);
    assert.equal(small.peers.length, 2);
    assert.deepEqual(
      small.steps.map((step) => step.do),
      ['announce', 'withdraw'],
    );
    const [announcement] = small.steps;
    assert.ok(announcement?.do === 'announce');
    const { med, asPath, communities } = announcement.route;
    assert.deepEqual({ med, asPath, communities }, { med: 20, asPath: [], communities: [] });
    assert.ok(await fails(small));
  }
  assert.ok(failing > 10, `only ${failing} scenarios failed`);
});
