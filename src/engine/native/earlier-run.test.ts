import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { simulatedTime } from '../../../test/support/simulated-time.ts';
import { earlierRun } from './earlier-run.ts';

test('that the list cannot be written is told once, and again when it could be meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-earlier-'));
  const blocker = join(folder, 'native-engine.json.new');
  const told: unknown[] = [];
  const run = earlierRun(folder, simulatedTime().clock, (error) => told.push(error));
  try {
    // A folder in the place of the file: nobody can write it, not even root.
    mkdirSync(blocker);
    await run.write(['a']);
    await run.write(['b']);
    assert.equal(told.length, 1);
    rmdirSync(blocker);
    await run.write(['c']);
    assert.deepEqual(await run.read(), new Set(['c']));
    mkdirSync(blocker);
    await run.write(['d']);
    assert.equal(told.length, 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
