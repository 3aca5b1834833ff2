/** The engine suite on our own BGP: what holds for BIRD has to hold here, with the same neighbors. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createNativeEngine } from '../../src/engine/native/native-engine.ts';
import {
  loopbackNet,
  type Neighbor,
  type NeighborOptions,
  startNeighbor,
} from '../support/loopback-speaker.ts';
import { until } from '../support/until.ts';
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

test('RFC 8950: BIRD’s IPv4 routes with IPv6 next hops go to the BIRD that takes them, and not to the one that does not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-native-'));
  const net = await loopbackNet();
  const engine = await native.create(join(folder, 'state'));
  const speaker = net.address(1);
  const neighbors: Neighbor[] = [];
  const neighbor = async (host: number, options: NeighborOptions): Promise<Neighbor> => {
    const started = await startNeighbor(folder, net, host, speaker, options);
    neighbors.push(started);
    return started;
  };
  try {
    await neighbor(11, { routes: ['10.11.0.0/26'], ipv6NextHop: '2001:db8::11' });
    await neighbor(12, { routes: ['10.12.0.0/26'] });
    // It tells its own in MP_REACH_NLRI, too, with its IPv4 address.
    const taker = await neighbor(13, { routes: ['10.13.0.0/26'], ipv6NextHop: null });
    const plain = await neighbor(14, {});
    await engine.apply(
      reflectorOf(
        net,
        [11, 12, 13, 14].map((host) => clientOf(net, host)),
      ),
      new Map(),
    );
    const held = await taker.untilRoutes(['10.11.0.0/26', '10.12.0.0/26'], 60_000);
    assert.equal(held.get('10.11.0.0/26')?.nextHop, '2001:db8::11');
    await until(
      async () => (await engine.countRoutes(clientOf(net, 14).name))?.exported === 2,
      'the other one to be told two routes',
      60_000,
    );
    const told = await plain.untilRoutes(['10.12.0.0/26', '10.13.0.0/26'], 60_000);
    assert.equal(told.get('10.13.0.0/26')?.nextHop, net.address(13));
  } finally {
    for (const one of neighbors) await one.stop();
    await engine.stop('detach');
    rmSync(folder, { recursive: true, force: true });
  }
});
