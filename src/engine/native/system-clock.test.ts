import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYSTEM_CLOCK } from './system-clock.ts';

test('a time beyond what a timer of Node takes does not end at once', async () => {
  const ended: string[] = [];
  // As long as a fellow reflector may ask for its routes to be kept (RFC 9494): 2^24 - 1 seconds.
  const callOff = SYSTEM_CLOCK.setTimer(16_777_215_000, () => ended.push('long'));
  await new Promise<void>((resolve) => SYSTEM_CLOCK.setTimer(30, resolve));
  callOff();
  assert.deepEqual(ended, []);
});
