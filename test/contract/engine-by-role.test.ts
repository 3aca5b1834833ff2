/** The engine where none was asked for: it follows what the speaker is, and what an earlier run left behind. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { createBirdEngine } from '../../src/engine/bird/bird-engine.ts';
import { createEngineByRole } from '../../src/engine/by-role.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createNativeEngine } from '../../src/engine/native/native-engine.ts';
import type { PoolConfig } from '../../src/topology/speaker-config.ts';
import { birdEndsWithUs } from '../support/left-birds.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { clientOf, prefix, reflectorOf } from './engine.ts';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
const NONE: ReadonlyMap<string, string> = new Map();
const ROUTE = '10.11.0.0/26';

let folder = '';
let stateDir = '';
let net: LoopbackNet;
let first: Neighbor;
let second: Neighbor;
let engine: Engine;
let told: string[] = [];

const birdEngine = (): Engine =>
  createBirdEngine({ binary: debianTools().bird2, stateDir, instance: 'rr1', kernel: false, log });
const byRole = (): Engine =>
  createEngineByRole({
    native: createNativeEngine({ stateDir, log }),
    bird: birdEngine(),
    birdMayRun: () => existsSync(join(stateDir, 'bird.ctl')),
    tell: (text) => told.push(text),
  });
const birdPid = (): number => Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8'));
/** A Calico node gives on what lies in pools. */
const POOL: PoolConfig = {
  cidr: prefix('10.0.0.0/8'),
  disabled: false,
  ipip: 'Never',
  vxlan: 'Never',
  disableBgpExport: false,
  because: 'IPPool/all',
};
const reflector = () => reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)], { pools: [POOL] });
/** Times that the second neighbor lost its route; it logs every change. */
const removals = (): number =>
  second
    .log()
    .split('\n')
    .filter((line) => /speaker.*removed/.test(line)).length;

async function runs(name: string): Promise<void> {
  await until(
    async () => {
      const { engine: seen, recovering, sessions } = await engine.observe();
      const up = sessions.filter(({ state }) => state === 'Established').length === 2;
      return seen.startsWith(name) && up && !recovering;
    },
    async () => `${name} with two sessions: ${JSON.stringify(await engine.observe())}`,
    60_000,
  );
  await second.untilRoutes([ROUTE]);
}

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'calico-rr-role-'));
  stateDir = join(folder, 'state');
  birdEndsWithUs(stateDir);
  net = await loopbackNet();
  const extra = 'debug { states, routes };';
  first = await startNeighbor(folder, net, 11, net.address(1), { routes: [ROUTE], extra });
  second = await startNeighbor(folder, net, 12, net.address(1), { extra });
});

after(async () => {
  await engine?.stop('graceful');
  await first?.stop();
  await second?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('before anything was applied it says that there is no engine, and touches nothing', async () => {
  engine = byRole();
  assert.deepEqual(await engine.observe(), {
    engine: 'none yet',
    running: false,
    routerId: null,
    recovering: false,
    sessions: [],
    turnedAway: null,
  });
  assert.equal(existsSync(stateDir), false);
});

test('a BIRD that an earlier run left behind ends by graceful restart, and a reflector goes on by itself', async () => {
  engine = birdEngine();
  await engine.apply(reflector(), NONE);
  await runs('BIRD');
  const pid = birdPid();
  // As kill -9 of the agent does.
  await engine.stop('detach');
  const before = removals();
  engine = byRole();
  assert.match((await engine.observe()).engine, /^BIRD/, 'what runs is shown before anything was applied');
  await engine.apply(reflector(), NONE);
  assert.equal(isAlive(pid), false);
  assert.match(told.join('\n'), /^BIRD \S+ of an earlier run ends by graceful restart$/);
  await runs('native');
  assert.equal(engine.name, 'native');
  assert.equal(removals(), before, 'the neighbor lost a route');
});

test('a reflector that becomes a Calico node changes to BIRD and back, and no neighbor loses a route', async () => {
  const before = removals();
  told = [];
  await engine.apply({ ...reflector(), forwards: true }, NONE);
  await runs('BIRD');
  assert.equal(engine.name, 'bird');
  const pid = birdPid();
  await engine.apply(reflector(), NONE);
  await runs('native');
  assert.equal(isAlive(pid), false);
  assert.deepEqual(told, [
    'this speaker is now a Calico node: the engine changes',
    'this speaker is now a reflector: the engine changes',
  ]);
  assert.equal(removals(), before, 'the neighbor lost a route');
});

test('control: the log that was looked at tells of a route that goes', async () => {
  const before = removals();
  await first.announce([]);
  await until(() => removals() > before, 'the removal', 60_000);
});
