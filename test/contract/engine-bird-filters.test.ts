/**
 * What Calico's resources say of routes, seen at real neighbors of a real BIRD: BGPFilters in both directions,
 * communities of advertised prefixes, service ranges, pools that are not exported, and a node that reflects.
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
import type { Engine } from '../../src/engine/engine.ts';
import { readBgpFilter } from '../../src/model/bgp-filter.ts';
import { parseCommunity } from '../../src/model/community.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import type { FilterConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { resource } from '../support/resources.ts';
import { staysTrue } from '../support/until.ts';
import { as, clientOf, prefix, reflectorOf } from './engine.ts';

const NONE: ReadonlyMap<string, string> = new Map();
let folder = '';

before(async () => {
  await prepareDebian();
  folder = mkdtempSync(join(tmpdir(), 'calico-rr-filters-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Stage {
  readonly engine: Engine;
  readonly net: LoopbackNet;
  readonly stateDir: string;
  neighbor(host: number, options?: Parameters<typeof startNeighbor>[4]): Promise<Neighbor>;
}

async function scene(work: (stage: Stage) => Promise<void>): Promise<void> {
  const own = mkdtempSync(join(folder, 'scene-'));
  const stateDir = join(own, 'state');
  const net = await loopbackNet();
  const neighbors: Neighbor[] = [];
  const engine = createBirdEngine({
    binary: debianTools().bird2,
    stateDir,
    instance: 'rr1',
    kernel: false,
    log: pino({ level: 'silent' }),
  });
  try {
    await work({
      engine,
      net,
      stateDir,
      async neighbor(host, options) {
        const started = await startNeighbor(own, net, host, net.address(1), options);
        neighbors.push(started);
        return started;
      },
    });
  } finally {
    await engine.stop('detach');
    process.kill(Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8')), 'SIGKILL');
    await Promise.all(neighbors.map((one) => one.stop()));
  }
}

function filter(name: string, spec: JsonObject): FilterConfig {
  const { value, problems } = readBgpFilter(resource('BGPFilter', name, spec));
  assert.deepEqual(problems, []);
  assert.ok(value !== undefined);
  return { ...value, because: `BGPFilter/${name}` };
}

function pool(cidr: string, changes: Partial<SpeakerConfig['pools'][number]> = {}) {
  return {
    cidr: prefix(cidr),
    disabled: false,
    ipip: 'Never',
    vxlan: 'Never',
    disableBgpExport: false,
    because: 'IPPool/p',
    ...changes,
  } as const;
}

function community(text: string) {
  const parsed = parseCommunity(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

test('a filter’s import rules refuse and mark routes, in the order of the filters; what none decides is taken', () =>
  scene(async ({ engine, net, neighbor }) => {
    await neighbor(11, {
      routes: ['10.1.0.0/26', '10.1.7.0/24', '10.2.0.0/26', '10.3.0.0/26', '10.3.0.0/28'],
    });
    const second = await neighbor(12);
    const filters = [
      filter('first', {
        importV4: [
          { cidr: '10.1.0.0/16', matchOperator: 'In', prefixLength: { min: 26 }, action: 'Reject' },
          {
            cidr: '10.2.0.0/26',
            matchOperator: 'Equal',
            action: 'Accept',
            operations: [{ addCommunity: { value: '65000:100' } }, { setPriority: { value: 512 } }],
          },
        ],
      }),
      filter('second', {
        importV4: [
          { cidr: '10.2.0.0/16', matchOperator: 'In', action: 'Reject' },
          { cidr: '10.3.0.0/26', matchOperator: 'NotEqual', action: 'Reject' },
        ],
      }),
    ];
    const sessions = [clientOf(net, 11, { filters: ['first', 'gone', 'second'] }), clientOf(net, 12)];
    const report = await engine.apply(reflectorOf(net, sessions, { filters }), NONE);
    assert.deepEqual(report.refused, []);
    const routes = await second.untilRoutes(['10.2.0.0/26', '10.3.0.0/26']);
    assert.equal(routes.get('10.2.0.0/26')?.communities, '(65000,100)');
    assert.equal(routes.get('10.2.0.0/26')?.localPreference, 2147483647 - 512);
    assert.equal(routes.get('10.3.0.0/26')?.communities, '');
  }));

test('a filter that changes touches the sessions that name it and keeps every one up', () =>
  scene(async ({ engine, net, neighbor }) => {
    const first = await neighbor(11, { routes: ['10.1.0.0/26', '10.2.0.0/26'] });
    const second = await neighbor(12);
    const configOf = (cidr: string) =>
      reflectorOf(net, [clientOf(net, 11), clientOf(net, 12, { filters: ['out'] })], {
        filters: [filter('out', { exportV4: [{ cidr, matchOperator: 'In', action: 'Reject' }] })],
      });
    await engine.apply(configOf('10.1.0.0/16'), NONE);
    await second.untilRoutes(['10.2.0.0/26']);
    const since = (neighbor: Neighbor) => neighbor.ask('show protocols speaker');
    const before = [await since(first), await since(second)];
    await engine.apply(configOf('10.2.0.0/16'), NONE);
    await second.untilRoutes(['10.1.0.0/26']);
    assert.deepEqual([await since(first), await since(second)], before);
  }));

test('a filter’s export rules see communities, AS paths and kinds of peers, and change what goes out', () =>
  scene(async ({ engine, net, neighbor }) => {
    await neighbor(11, { routes: ['10.1.0.0/26', '10.2.0.0/26', '10.9.0.0/26'] });
    const outside = await neighbor(21, { as: 65021, routes: ['172.20.0.0/16'] });
    const inside = await neighbor(12);
    const filters = [
      filter('in', {
        importV4: [
          {
            cidr: '10.2.0.0/26',
            matchOperator: 'Equal',
            action: 'Accept',
            operations: [{ addCommunity: { value: '65000:2:3' } }],
          },
        ],
      }),
      filter('out', {
        exportV4: [
          { communities: { values: ['65000:2:3'] }, peerType: 'iBGP', action: 'Reject' },
          {
            communities: { values: ['65000:2:3'] },
            peerType: 'eBGP',
            source: 'RemotePeers',
            action: 'Accept',
            operations: [{ prependASPath: { prefix: [65001, 65002] } }],
          },
          { asPathPrefix: [65021], action: 'Reject' },
        ],
      }),
    ];
    const router = clientOf(net, 21, {
      name: 'Node_router',
      kind: 'node',
      client: false,
      clusterId: null,
      peerName: null,
      peerAs: as(65021),
      exportPolicy: 'pools',
      filters: ['out'],
    });
    const config = reflectorOf(
      net,
      [clientOf(net, 11, { filters: ['in'] }), clientOf(net, 12, { filters: ['out'] }), router],
      { filters, pools: [pool('10.1.0.0/16')] },
    );
    assert.deepEqual((await engine.apply(config, NONE)).refused, []);
    // To the router: what the filter accepts and what lies in pools. Not 10.9.0.0/26.
    const atRouter = await outside.untilRoutes(['10.1.0.0/26', '10.2.0.0/26']);
    assert.equal(atRouter.get('10.1.0.0/26')?.asPath, '64512');
    assert.equal(atRouter.get('10.2.0.0/26')?.asPath, '64512 65001 65002');
    const atClient = await inside.untilRoutes(['10.1.0.0/26', '10.9.0.0/26']);
    assert.equal(atClient.get('10.1.0.0/26')?.asPath, '');
  }));

test('a default route that a router gives is taken only where a filter accepts it, from a node never', () =>
  scene(async ({ engine, net, neighbor }) => {
    const accept = filter('default', {
      importV4: [{ cidr: '0.0.0.0/0', matchOperator: 'Equal', action: 'Accept' }],
    });
    const router = await neighbor(21, { as: 65021, routes: ['0.0.0.0/0', '172.20.0.0/16'] });
    const node = await neighbor(11, { routes: ['0.0.0.0/0', '10.1.0.0/26'] });
    const second = await neighbor(12);
    const configOf = (filters: readonly string[]) =>
      reflectorOf(
        net,
        [
          clientOf(net, 11, { filters }),
          clientOf(net, 12),
          clientOf(net, 21, {
            name: 'Node_router',
            kind: 'node',
            client: false,
            clusterId: null,
            peerName: null,
            peerAs: as(65021),
            filters,
          }),
        ],
        { filters: filters.length === 0 ? [] : [accept] },
      );
    await engine.apply(configOf([]), NONE);
    await second.untilRoutes(['10.1.0.0/26', '172.20.0.0/16']);
    await engine.apply(configOf(['default']), NONE);
    const routes = await second.untilRoutes(['0.0.0.0/0', '10.1.0.0/26', '172.20.0.0/16']);
    assert.equal(routes.get('0.0.0.0/0')?.nextHop, router.address);
    await router.announce(['172.20.0.0/16']);
    await second.untilRoutes(['10.1.0.0/26', '172.20.0.0/16']);
    assert.match(await node.session(), /^Established/);
  }));

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
      prefixAdvertisements: [{ cidr: prefix('10.64.0.0/16'), communities: [community('65000:7')] }],
      ignoredInterfaces: ['docker0'],
    });
    assert.deepEqual((await engine.apply(config, NONE)).refused, []);
    const atSecond = await second.untilRoutes(['10.64.1.0/26', '10.64.11.0/26', '10.96.0.0/12']);
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
