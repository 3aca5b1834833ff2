/** The engine suite on our own BGP: what holds for BIRD has to hold here, with the same neighbors. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createNativeEngine } from '../../src/engine/native/native-engine.ts';
import { loopbackNet } from '../support/loopback-speaker.ts';
import { clientOf, type EngineHome, engineContract, reflectorOf } from './engine.ts';
import { engineFilterContract } from './engine-filters.ts';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });

const native: EngineHome = {
  name: 'native',
  create: async (stateDir, settings = {}) => createNativeEngine({ stateDir, log, ...settings }),
  // It lives in this process, and `stop` has ended it.
  kill: async () => {},
};

engineContract(native);
engineFilterContract(native);

test('a restart within a recovery still waits for the peers that have not come back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-native-'));
  const stateDir = join(folder, 'state');
  const file = join(stateDir, 'native-engine.json');
  const net = await loopbackNet();
  const away = clientOf(net, 11);
  mkdirSync(stateDir, { mode: 0o700 });
  writeFileSync(file, JSON.stringify({ version: 1, established: [away.name, 'Node_gone'] }));
  const engine = await native.create(stateDir);
  try {
    await engine.apply(reflectorOf(net, [away]), new Map());
    assert.equal((await engine.observe()).recovering, true);
    await engine.stop('graceful');
    // What is no peer any more is nobody to wait for.
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { version: 1, established: [away.name] });
  } finally {
    await engine.stop('detach');
    rmSync(folder, { recursive: true, force: true });
  }
});
