/**
 * The origin guard as neighbors of a running engine see it, with what a real topology says of IPAM: one suite, run for
 * each home on real neighbors.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import type { Change } from '../../src/model/change.ts';
import type { Resource } from '../../src/model/resource.ts';
import { createTopology } from '../../src/topology/topology.ts';
import type { LoopbackNet } from '../support/loopback-speaker.ts';
import { configuration, listing, node, resource } from '../support/resources.ts';
import { until } from '../support/until.ts';
import { clientOf, type EngineHome, reflectorOf } from './engine.ts';
import { type FilterStage, filterScene } from './engine-filters.ts';

const HOSTS = [11, 12, 13];
const OWN = '10.64.11.0/26';
const OTHERS = '10.64.12.0/26';
const BORROWED = '10.64.12.7/32';
const NOBODYS = '10.64.12.64/26';
const PART = '10.64.12.64/27';
const SERVICES = '10.96.0.0/12';
const OUTSIDE = '192.0.2.0/24';

const put = (one: Resource): Change => ({ op: 'put', resource: one });
const gone = ({ kind, metadata }: Resource): Change => ({ op: 'delete', kind, name: metadata.name });
const pool = (cidr: string) => resource('IPPool', `pool-${cidr.replace(/[./]/g, '-')}`, { cidr });
const block = (cidr: string, of: string) =>
  resource('BlockAffinity', `${of}-${cidr.replace(/[./]/g, '-')}`, {
    node: of,
    cidr,
    state: 'confirmed',
    deleted: 'false',
  });

/** What the datastore says, and how an engine is told when it says otherwise. */
function ipam(engine: Engine, net: LoopbackNet, enforce: boolean): (...changes: readonly Change[]) => void {
  const topology = createTopology();
  topology.load(
    listing(
      ...HOSTS.map((host) => node(`n${host}`, [`${net.address(host)}/24`])),
      pool('10.64.0.0/16'),
      configuration({ asNumber: 64512, serviceClusterIPs: [{ cidr: SERVICES }] }),
      block(OWN, 'n11'),
      block(OTHERS, 'n12'),
    ),
  );
  const origins = topology.origins();
  const { faultOf, lists } = origins;
  engine.guardOrigins({ enforce, faultOf, lists });
  const tell = (): void => engine.reviewOrigins(origins.takeChanged());
  tell();
  return (...changes) => {
    topology.apply(changes);
    tell();
  };
}

async function untilTold(engine: Engine, told: Readonly<Record<string, RegExp>>): Promise<void> {
  const messages = async (): Promise<readonly (readonly [string, string])[]> =>
    ((await engine.observe()).warnings ?? []).map(({ subject, message }) => [subject, message]);
  await until(
    async () => {
      const found = new Map(await messages());
      const entries = Object.entries(told);
      return (
        found.size === entries.length &&
        entries.every(([subject, text]) => text.test(found.get(subject) ?? ''))
      );
    },
    async () => `${Object.values(told).join(', ')}; it says ${JSON.stringify(await messages())}`,
    60_000,
  );
}

export function engineOriginContract(home: EngineHome): void {
  describe(`the origin guard on engine ${home.name}`, () => {
    let folder = '';
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'calico-rr-origins-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));
    const scene = (work: (stage: FilterStage) => Promise<void>) => filterScene(home, folder, work);

    /** n11, which says too much, n12, and n13, which says nothing. */
    async function start({ engine, net, neighbor }: FilterStage, routes12: readonly string[]) {
      const extra = 'debug { states, packets };';
      const [first, second, third] = [
        await neighbor(11, { routes: [OWN, OTHERS, BORROWED, PART, SERVICES, OUTSIDE], extra }),
        await neighbor(12, { routes: routes12, extra }),
        await neighbor(13, { extra }),
      ];
      const sessions = HOSTS.map((host) => clientOf(net, host));
      const report = await engine.apply(reflectorOf(net, sessions), new Map());
      assert.deepEqual(report.refused, []);
      return { first, second, third };
    }

    test('enforced: what is another’s is refused, until it moves; nobody else is asked for routes', () =>
      scene(async (stage) => {
        const { engine, net } = stage;
        const change = ipam(engine, net, true);
        const { first, second, third } = await start(stage, [OTHERS]);
        const good = [OWN, OTHERS, BORROWED, PART, SERVICES];
        const routes = await third.untilRoutes(good);
        assert.equal(routes.get(OTHERS)?.nextHop, second.address);
        await untilTold(engine, {
          'Node/n11':
            /^n11 announces \S+, and (the block is n12’s|it lies in no IP pool.*), and 1 more.*: refused\.$/,
        });
        const changes = [first, second, third].map((one) => one.stateChanges());
        change(gone(block(OTHERS, 'n12')), put(block(OTHERS, 'n11')));
        await until(
          async () => (await third.routes()).get(OTHERS)?.nextHop === first.address,
          'the block to be reached at its new node',
          60_000,
        );
        await untilTold(engine, {
          'Node/n11':
            /^n11 announces 192\.0\.2\.0\/24, and it lies in no IP pool and no service range: refused\.$/,
          'Node/n12': /^n12 announces 10\.64\.12\.0\/26, and the block is n11’s: refused\.$/,
        });
        change(put(pool(OUTSIDE)));
        await third.untilRoutes([...good, OUTSIDE]);
        change(put(block(NOBODYS, 'n12')));
        await third.untilRoutes([...good.filter((route) => route !== PART), OUTSIDE]);
        assert.deepEqual(
          [first, second, third].map((one) => one.stateChanges()),
          changes,
        );
        assert.doesNotMatch(third.log(), /ROUTE-REFRESH/, 'one that nothing concerns was asked');
        // Native remembers what it refused.
        if (home.name === 'bird') assert.match(first.log(), /Got ROUTE-REFRESH/);
      }));

    test('only logged: everything but a default route is taken, and told of', () =>
      scene(async (stage) => {
        const { engine, net } = stage;
        const change = ipam(engine, net, false);
        const { first, second, third } = await start(stage, ['0.0.0.0/0']);
        await third.untilRoutes([OWN, OTHERS, BORROWED, PART, SERVICES, OUTSIDE]);
        const of12 = /^n12 announces 0\.0\.0\.0\/0, and a node has no default route to give: refused\.$/;
        await untilTold(engine, {
          'Node/n11': /, and 1 more like this: taken, since --origin-guard only logs\.$/,
          'Node/n12': of12,
        });
        change(gone(block(OTHERS, 'n12')), put(block(OTHERS, 'n11')));
        await untilTold(engine, {
          'Node/n11':
            /^n11 announces 192\.0\.2\.0\/24, and it lies in no.*: taken, since --origin-guard only logs\.$/,
          'Node/n12': of12,
        });
        for (const one of [first, second, third]) assert.doesNotMatch(one.log(), /ROUTE-REFRESH/);
      }));
  });
}
