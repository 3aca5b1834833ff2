/**
 * What BGPFilters say of routes, in both directions, as neighbors of a running engine see it: one suite, run for each
 * home on real neighbors.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import { readBgpFilter } from '../../src/model/bgp-filter.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import type { FilterConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { birdEndsWithUs } from '../support/left-birds.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { resource } from '../support/resources.ts';
import { as, clientOf, type EngineHome, prefix, reflectorOf } from './engine.ts';

const NONE: ReadonlyMap<string, string> = new Map();

export interface FilterStage {
  readonly engine: Engine;
  readonly net: LoopbackNet;
  readonly stateDir: string;
  neighbor(host: number, options?: Parameters<typeof startNeighbor>[4]): Promise<Neighbor>;
}

/** Runs one test with an engine of this home, which is gone with its neighbors after it. */
export async function filterScene(
  home: EngineHome,
  folder: string,
  work: (stage: FilterStage) => Promise<void>,
): Promise<void> {
  const own = mkdtempSync(join(folder, 'scene-'));
  const stateDir = join(own, 'state');
  birdEndsWithUs(stateDir);
  const net = await loopbackNet();
  const neighbors: Neighbor[] = [];
  const engine = await home.create(stateDir);
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
    await home.kill(stateDir);
    await Promise.all(neighbors.map((one) => one.stop()));
  }
}

export function filter(name: string, spec: JsonObject): FilterConfig {
  const { value, problems } = readBgpFilter(resource('BGPFilter', name, spec));
  assert.deepEqual(problems, []);
  assert.ok(value !== undefined);
  return { ...value, because: `BGPFilter/${name}` };
}

export function pool(cidr: string, changes: Partial<SpeakerConfig['pools'][number]> = {}) {
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

export function engineFilterContract(home: EngineHome): void {
  describe(`filters on engine ${home.name}`, () => {
    let folder = '';
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'calico-rr-filters-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));
    const scene = (work: (stage: FilterStage) => Promise<void>) => filterScene(home, folder, work);

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
        const before = [first.stateChanges(), second.stateChanges()];
        assert.ok(
          before.every((count) => count > 0),
          'the log tells of no change at all',
        );
        await engine.apply(configOf('10.2.0.0/16'), NONE);
        await second.untilRoutes(['10.1.0.0/26']);
        assert.deepEqual([first.stateChanges(), second.stateChanges()], before);
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
  });
}
