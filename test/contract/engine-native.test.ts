/** The engine suite on our own BGP: what holds for BIRD has to hold here, with the same neighbors. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createNativeEngine } from '../../src/engine/native/native-engine.ts';
import { SYSTEM_CLOCK } from '../../src/engine/native/system-clock.ts';
import { parseAddress } from '../../src/model/address.ts';
import {
  type LoopbackNet,
  loopbackNet,
  type Neighbor,
  type NeighborOptions,
  startNeighbor,
} from '../support/loopback-speaker.ts';
import { simulatedTime } from '../support/simulated-time.ts';
import { until } from '../support/until.ts';
import { clientOf, type EngineHome, engineContract, reflectorOf } from './engine.ts';
import { engineFilterContract } from './engine-filters.ts';
import { engineOriginContract } from './engine-origins.ts';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });

const native: EngineHome = {
  name: 'native',
  create: async (stateDir, settings = {}) => createNativeEngine({ stateDir, log, ...settings }),
  // It lives in this process, and `stop` has ended it.
  kill: async () => {},
};

engineContract(native);
engineFilterContract(native);
engineOriginContract(native);

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

/** A peer that opens a connection, hears our OPEN, and neither says nor closes anything. */
async function silentPeer(net: LoopbackNet, host: number): Promise<Socket> {
  const ends = { host: net.address(1), port: net.port, localAddress: net.address(host) };
  const socket = connect({ ...ends, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'data');
  return socket;
}

function addressIn(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const address = parseAddress(text);
  assert(address !== undefined, text);
  return address;
}

test('a peer that does not close its connection delays no other session, also where nothing is listened on any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-native-'));
  const net = await loopbackNet();
  // Whoever waits for this peer's patience to end waits for ever.
  const setTimer: typeof SYSTEM_CLOCK.setTimer = (ms, expired) =>
    ms < 5_000 ? SYSTEM_CLOCK.setTimer(ms, expired) : () => undefined;
  const clock = { ...SYSTEM_CLOCK, setTimer };
  const engine = createNativeEngine({ stateDir: join(folder, 'state'), log, clock });
  const silent = clientOf(net, 11, { passive: true });
  const other = clientOf(net, 12, { passive: true, sourceAddress: addressIn(net.address(2)) });
  const peers: Socket[] = [];
  try {
    await engine.apply(reflectorOf(net, [silent]), new Map());
    peers.push(await silentPeer(net, 11));
    const report = await engine.apply(reflectorOf(net, [other]), new Map());
    assert.deepEqual(Object.fromEntries(report.sessions), {
      [silent.name]: 'removed',
      [other.name]: 'added',
    });
    // The same peer by another name, with other settings, while the old session is.
    const again = clientOf(net, 12, { ...other, name: 'Node_again', clusterId: '1.0.0.9' });
    const renamed = await engine.apply(reflectorOf(net, [again]), new Map());
    assert.deepEqual(renamed.refused, []);
    assert.deepEqual(Object.fromEntries(renamed.sessions), {
      [other.name]: 'removed',
      [again.name]: 'added',
    });
  } finally {
    await engine.stop('detach');
    for (const peer of peers) peer.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('peers are waited for from when they can come, not from when that was tried first', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-native-'));
  const stateDir = join(folder, 'state');
  const net = await loopbackNet();
  const away = clientOf(net, 11);
  mkdirSync(stateDir, { mode: 0o700 });
  writeFileSync(
    join(stateDir, 'native-engine.json'),
    JSON.stringify({ version: 1, established: [away.name] }),
  );
  const time = simulatedTime();
  const engine = createNativeEngine({ stateDir, log, clock: time.clock });
  const recovering = async (): Promise<boolean> => (await engine.observe()).recovering === true;
  try {
    const homeless = { ...away, sourceAddress: addressIn('192.0.2.1') };
    await assert.rejects(engine.apply(reflectorOf(net, [homeless]), new Map()), /cannot listen/);
    time.advance(100_000);
    assert.equal(await recovering(), true);
    await engine.apply(reflectorOf(net, [away]), new Map());
    assert.equal(await recovering(), true);
    time.advance(100_000);
    assert.equal(await recovering(), false);
  } finally {
    await engine.stop('detach');
    rmSync(folder, { recursive: true, force: true });
  }
});

test('an address that cannot be listened on keeps no other session down, and is told of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-native-'));
  const net = await loopbackNet();
  const engine = await native.create(join(folder, 'state'));
  const good = clientOf(net, 11, { passive: true });
  // An address for documentation (RFC 5737) is no machine's.
  const homeless = clientOf(net, 12, { sourceAddress: addressIn('192.0.2.1') });
  const codes = async (): Promise<readonly string[]> =>
    ((await engine.observe()).warnings ?? []).map(({ code }) => code);
  const peers: Socket[] = [];
  try {
    await assert.rejects(
      engine.apply(reflectorOf(net, [homeless]), new Map()),
      /cannot listen on 192\.0\.2\.1/,
    );
    // The refusal has said so.
    assert.deepEqual(await codes(), []);
    const report = await engine.apply(reflectorOf(net, [good, homeless]), new Map());
    assert.deepEqual([...report.sessions.values()], ['added', 'added']);
    peers.push(await silentPeer(net, 11));
    assert.deepEqual(await codes(), ['not-listening']);
    assert.equal((await engine.apply(reflectorOf(net, [good, homeless]), new Map())).wrote, false);
    await assert.rejects(
      engine.apply(reflectorOf(net, [homeless]), new Map()),
      /cannot listen on 192\.0\.2\.1/,
    );
    // What was listened on before is listened on again.
    await engine.apply(reflectorOf(net, [good]), new Map());
    assert.deepEqual(await codes(), []);
    const stranger = connect({ host: net.address(1), port: net.port, localAddress: net.address(13) });
    peers.push(stranger);
    const outcome = await new Promise<string | undefined>((resolve) => {
      stranger.on('connect', () => resolve('connected'));
      stranger.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });
    assert(outcome === 'connected' || outcome === 'ECONNRESET', outcome);
  } finally {
    await engine.stop('detach');
    for (const peer of peers) peer.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
});
