import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulatedTime } from '../../../test/support/simulated-time.ts';
import { createSteps } from './steps.ts';

test('a step is over after some milliseconds, and the next one begins when the event loop has had its turn', async () => {
  const { clock, spend } = simulatedTime();
  const steps = createSteps(clock);
  const told: string[] = [];
  assert.equal(steps.over, false);
  spend(4);
  assert.equal(steps.over, false);
  spend(2);
  assert.equal(steps.over, true);
  setImmediate(() => told.push('another'));
  await steps.next();
  assert.deepEqual(told, ['another']);
  assert.equal(steps.over, false);
});
