/**
 * What Calico's resources say of routes, seen at real neighbors of a real BIRD: the suite of BGPFilters, and what a node
 * announces: communities of advertised prefixes, service ranges, pools that are not exported, what it reflects.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { createBirdEngine } from '../../src/engine/bird/bird-engine.ts';
import { openControlSocket } from '../../src/engine/bird/control-socket.ts';
import { parseCommunity } from '../../src/model/community.ts';
import { staysTrue } from '../support/until.ts';
import { as, clientOf, type EngineHome, prefix, reflectorOf } from './engine.ts';
import { engineFilterContract, type FilterStage, filterScene, pool } from './engine-filters.ts';
import { engineOriginContract } from './engine-origins.ts';

const NONE: ReadonlyMap<string, string> = new Map();
let folder = '';

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'calico-rr-filters-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** BIRD that programs no kernel. */
const bird: EngineHome = {
  name: 'bird',
  create: async (stateDir) =>
    createBirdEngine({
      binary: debianTools().bird2,
      stateDir,
      instance: 'rr1',
      kernel: false,
      log: pino({ level: 'silent' }),
    }),
  async kill(stateDir) {
    process.kill(Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8')), 'SIGKILL');
  },
};
const scene = (work: (stage: FilterStage) => Promise<void>) => filterScene(bird, folder, work);

engineFilterContract(bird);
engineOriginContract(bird);

function community(text: string) {
  const parsed = parseCommunity(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

test('a node that reflects passes its clients’ routes on as they are, and announces its own blocks and services', () =>
  scene(async ({ engine, net, neighbor }) => {
    const first = await neighbor(11, { routes: ['10.64.11.0/26', '192.0.2.0/24', '10.90.1.0/26'] });
    const second = await neighbor(12, { routes: ['10.64.12.0/26'] });
    const router = await neighbor(21, { as: 65021, routes: ['0.0.0.0/0'] });
    const external = clientOf(net, 21, {
      name: 'Node_router',
      kind: 'node',
      client: false,
      clusterId: null,
      peerName: null,
      peerAs: as(65021),
    });
    const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12), external], {
      forwards: true,
      group: null,
      blocks: [prefix('10.64.1.0/26')],
      pools: [pool('10.64.0.0/12'), pool('10.90.0.0/16', { disableBgpExport: true })],
      serviceRanges: [prefix('10.96.0.0/12')],
      serviceRoutes: [prefix('10.96.0.0/12'), prefix('10.96.0.10/32')],
      prefixAdvertisements: [{ cidr: prefix('10.64.0.0/16'), communities: [community('65000:7')] }],
      ignoredInterfaces: ['docker0'],
    });
    assert.deepEqual((await engine.apply(config, NONE)).refused, []);
    const atSecond = await second.untilRoutes([
      '10.64.1.0/26',
      '10.64.11.0/26',
      '10.96.0.0/12',
      '10.96.0.10/32',
    ]);
    const reflected = atSecond.get('10.64.11.0/26');
    assert.deepEqual(
      [reflected?.nextHop, reflected?.originatorId, reflected?.clusterList, reflected?.communities],
      [first.address, first.address, '1.0.0.1', '(65000,7)'],
    );
    assert.equal(atSecond.get('10.64.1.0/26')?.nextHop, net.address(1));
    assert.equal(atSecond.get('10.96.0.0/12')?.communities, '');
    // Neither the router's default route, nor what lies outside the pools, nor the pool that is not exported.
    const atRouter = await router.untilRoutes([
      '10.64.1.0/26',
      '10.64.11.0/26',
      '10.64.12.0/26',
      '10.96.0.0/12',
      '10.96.0.10/32',
    ]);
    assert.equal(atRouter.get('10.64.11.0/26')?.nextHop, net.address(1));
    await staysTrue(
      async () => !(await second.routes()).has('0.0.0.0/0'),
      'no default route at the client',
      1_000,
    );
  }));

test('a peer beyond a gateway has a static route by it, which is announced to nobody', () =>
  scene(async ({ engine, net, neighbor, stateDir }) => {
    const first = await neighbor(11);
    const far = clientOf(net, 21, { kind: 'node', reachableBy: clientOf(net, 254).peerAddress });
    const config = reflectorOf(net, [clientOf(net, 11, { client: false, clusterId: null }), far], {
      role: 'node',
      forwards: true,
      group: null,
      clusterId: null,
      blocks: [prefix('10.64.1.0/26')],
    });
    assert.deepEqual((await engine.apply(config, NONE)).refused, []);
    const control = await openControlSocket(join(stateDir, 'bird.ctl'));
    const { lines } = await control.request('show static gateways_v4');
    control.close();
    const text = lines.map((line) => line.text).join('\n');
    assert.match(text, new RegExp(`${net.address(21)}/32[^]*via ${net.address(254)}`));
    await first.untilRoutes(['10.64.1.0/26']);
  }));
