/**
 * What every engine does, whatever runs inside it: one suite, run for each home on real BGP neighbors (BIRD of
 * both generations on loopback addresses).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Engine } from '../../src/engine/engine.ts';
import type { Prefix } from '../../src/model/address.ts';
import { parseAddress, parsePrefix } from '../../src/model/address.ts';
import { parseAsNumber } from '../../src/model/as-number.ts';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { birdEndsWithUs } from '../support/left-birds.ts';
import { type LoopbackNet, loopbackNet, type Neighbor, startNeighbor } from '../support/loopback-speaker.ts';
import { PLAIN_SESSION } from '../support/plain-session.ts';
import { until } from '../support/until.ts';

export interface EngineSettings {
  readonly acceptPrefixes?: 'any' | 'pools';
  readonly maxPrefixes?: number;
  readonly llgrSeconds?: number;
  readonly addPaths?: 'off' | 'receive' | 'all';
}

/** How the suite makes an engine of one home. */
export interface EngineHome {
  readonly name: string;
  create(stateDir: string, settings?: EngineSettings): Promise<Engine>;
  /** Ends whatever the engine left running in this directory, at once. */
  kill(stateDir: string): Promise<void>;
}

export function as(number: number): SessionConfig['peerAs'] {
  const parsed = parseAsNumber(number);
  assert(parsed !== undefined);
  return parsed;
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  assert(parsed !== undefined);
  return parsed;
}

/** A client session to the nth address of the net. */
export function clientOf(
  net: LoopbackNet,
  host: number,
  changes: Partial<SessionConfig> = {},
): SessionConfig {
  const address = parseAddress(net.address(host));
  const own = parseAddress(net.address(1));
  assert(address !== undefined && own !== undefined);
  return {
    ...PLAIN_SESSION,
    name: `Global_${address.replaceAll('.', '_')}`,
    kind: 'global',
    family: 4,
    peerAddress: address,
    peerPort: net.port,
    peerAs: as(64512),
    localAs: as(64512),
    peerName: `n${host}`,
    client: true,
    clusterId: '1.0.0.1',
    sourceAddress: own,
    because: 'BGPPeer/all-to-rr',
    ...changes,
  };
}

/** A reflector on the first address of the net with these sessions. */
export function reflectorOf(
  net: LoopbackNet,
  sessions: readonly SessionConfig[],
  changes: Partial<SpeakerConfig> = {},
): SpeakerConfig {
  const own = parseAddress(net.address(1));
  assert(own !== undefined);
  return {
    speaker: 'rr1',
    role: 'reflector',
    forwards: false,
    standalone: false,
    asNumber: as(64512),
    routerId: own,
    ipv4: own,
    ipv6: null,
    ipv4Network: null,
    clusterId: '1.0.0.1',
    group: 'default',
    listenPort: net.port,
    logLevel: 'info',
    pools: [],
    serviceRanges: [],
    serviceRoutes: [],
    filters: [],
    prefixAdvertisements: [],
    ignoredInterfaces: [],
    blocks: [],
    customFilters: [],
    sessions: [...sessions].sort((a, b) => (a.name < b.name ? -1 : 1)),
    ...changes,
  };
}

const NONE: ReadonlyMap<string, string> = new Map();

export function engineContract(home: EngineHome): void {
  describe(`engine ${home.name}`, () => {
    let folder = '';
    let stops: (() => Promise<void>)[] = [];

    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'calico-rr-engine-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    /** Runs one test with an engine and neighbors that are all taken down after it. */
    async function scene(
      settings: EngineSettings,
      work: (stage: {
        readonly engine: Engine;
        readonly net: LoopbackNet;
        readonly neighbor: (host: number, options?: Parameters<typeof startNeighbor>[4]) => Promise<Neighbor>;
        /** The speaker dies, and nobody brings it back. */
        readonly die: () => Promise<void>;
      }) => Promise<void>,
    ): Promise<void> {
      const own = mkdtempSync(join(folder, 'scene-'));
      const stateDir = join(own, 'state');
      birdEndsWithUs(stateDir);
      const net = await loopbackNet();
      const engine = await home.create(stateDir, settings);
      try {
        await work({
          engine,
          net,
          neighbor: async (host, options) => {
            const started = await startNeighbor(own, net, host, net.address(1), options);
            stops.push(() => started.stop());
            return started;
          },
          die: async () => {
            await engine.stop('detach');
            await home.kill(stateDir);
          },
        });
      } finally {
        await engine.stop('detach');
        await home.kill(stateDir);
        await Promise.all(stops.map((stop) => stop()));
        stops = [];
      }
    }

    async function established(engine: Engine, count: number): Promise<void> {
      await until(
        async () =>
          (await engine.observe()).sessions.filter((session) => session.state === 'Established').length ===
          count,
        async () => `${count} sessions: ${JSON.stringify((await engine.observe()).sessions)}`,
        60_000,
      );
    }

    test('a client learns the other client’s route with its next hop, ORIGINATOR_ID and CLUSTER_LIST', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const [first, second] = [
          await neighbor(11, { routes: ['10.11.0.0/26'] }),
          await neighbor(12, { routes: ['10.12.0.0/26'], generation: 1 }),
        ];
        const report = await engine.apply(reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]), NONE);
        assert.deepEqual([...report.sessions.values()], ['added', 'added']);
        assert.equal(report.wrote, true);
        assert.deepEqual(report.refused, []);
        const atFirst = (await first.untilRoutes(['10.12.0.0/26'])).get('10.12.0.0/26');
        assert.equal(atFirst?.nextHop, second.address);
        assert.equal(atFirst?.originatorId, second.address);
        assert.equal(atFirst?.clusterList, '1.0.0.1');
        const atSecond = (await second.untilRoutes(['10.11.0.0/26'])).get('10.11.0.0/26');
        assert.equal(atSecond?.nextHop, first.address);
        assert.equal(atSecond?.originatorId, first.address);
        assert.equal(atSecond?.clusterList, '1.0.0.1');
        const name = clientOf(net, 11).name;
        assert.deepEqual(await engine.countRoutes(name), { imported: 1, exported: 1 });
        assert.equal(await engine.countRoutes('Global_no_such_one'), undefined);
        const state = await engine.observe();
        assert.equal(state.running, true);
        assert.equal(state.routerId, net.address(1));
      }));

    test('each session is reported as kept, changed, restarted, added or removed, as its neighbor saw it', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const neighbors = [await neighbor(11), await neighbor(12), await neighbor(13), await neighbor(14)];
        const [kept, changed, restarted, removed] = [11, 12, 13, 14].map((host) => clientOf(net, host));
        assert(kept && changed && restarted && removed);
        await engine.apply(reflectorOf(net, [kept, changed, restarted, removed]), NONE);
        await established(engine, 4);
        const downs = (): number[] =>
          neighbors.map(
            (one) => one.log().split('State changed to stop').length - 1 + one.notifications().length,
          );
        const quiet = downs();
        const added = clientOf(net, 15);
        const report = await engine.apply(
          reflectorOf(net, [
            kept,
            { ...changed, maxPrefixes: 77 },
            { ...restarted, clusterId: '1.0.0.9' },
            added,
          ]),
          NONE,
        );
        assert.deepEqual(
          Object.fromEntries(report.sessions),
          Object.fromEntries([
            [kept.name, 'kept'],
            [changed.name, 'changed'],
            [restarted.name, 'restarted'],
            [removed.name, 'removed'],
            [added.name, 'added'],
          ]),
        );
        await established(engine, 3);
        const now = downs();
        assert.equal(now[0], quiet[0], 'the kept session was touched');
        assert.equal(now[1], quiet[1], 'the changed session went down');
        assert.notEqual(now[2], quiet[2], 'the restarted session never went down');
        assert.deepEqual(
          (await engine.observe()).sessions.map((session) => session.name),
          [kept, changed, restarted, added].map((session) => session.name),
        );
      }));

    test('the same state again does nothing', () =>
      scene({}, async ({ engine, net }) => {
        const config = reflectorOf(net, [clientOf(net, 11)]);
        await engine.apply(config, NONE);
        const again = await engine.apply(structuredClone(config), NONE);
        assert.equal(again.wrote, false);
        assert.deepEqual([...again.sessions.values()], ['kept']);
      }));

    test('a session that the engine cannot run is set aside and the others run', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        await neighbor(11);
        const good = clientOf(net, 11);
        // A client of another AS: RFC 4456 knows no such thing.
        const bad = clientOf(net, 12, { peerAs: as(64999), because: 'BGPPeer/wrong-as' });
        const report = await engine.apply(reflectorOf(net, [good, bad]), NONE);
        assert.deepEqual([...report.sessions], [[good.name, 'added']]);
        assert.equal(report.refused.length, 1);
        assert.equal(report.refused[0]?.session, bad.name);
        assert.equal(report.refused[0]?.problem.code, 'engine-refused');
        assert.equal(report.refused[0]?.problem.subject, 'BGPPeer/wrong-as');
        await established(engine, 1);
        const again = await engine.apply(reflectorOf(net, [good, bad]), NONE);
        assert.equal(again.wrote, false, 'a refused session was tried again though it had not changed');
        assert.equal(again.refused.length, 1);
        const mended = await engine.apply(reflectorOf(net, [good, { ...bad, peerAs: as(64512) }]), NONE);
        assert.deepEqual(mended.refused, []);
        assert.equal(mended.sessions.get(bad.name), 'added');
        assert.equal(mended.sessions.get(good.name), 'kept');
      }));

    test('cluster ID 0.0.0.0 is refused', () =>
      scene({}, async ({ engine, net }) => {
        const report = await engine.apply(
          reflectorOf(net, [clientOf(net, 11, { clusterId: '0.0.0.0' })]),
          NONE,
        );
        assert.equal(report.refused[0]?.problem.code, 'bad-cluster-id');
        assert.equal(report.sessions.size, 0);
      }));

    test('promise 5: a session whose password is missing or unfit is refused, never run without', () =>
      scene({}, async ({ engine, net }) => {
        const secret = 'quote"inside';
        const sessions = [11, 12, 13, 14].map((host) =>
          clientOf(net, host, { password: true, passwordRef: `peer-${host}` }),
        );
        const report = await engine.apply(
          reflectorOf(net, sessions),
          new Map([
            [clientOf(net, 12).name, secret],
            [clientOf(net, 13).name, 'line\n'],
            [clientOf(net, 14).name, 'x'.repeat(81)],
          ]),
        );
        assert.deepEqual(
          report.refused.map((entry) => entry.problem.code),
          ['missing-password', 'bad-password', 'bad-password', 'bad-password'],
        );
        assert.equal(report.sessions.size, 0);
        assert(!JSON.stringify(report.refused).includes(secret), 'the report holds the password');
      }));

    test('TCP-MD5 passwords must be the same on both ends', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const right = await neighbor(11, { password: 'ben & jerry', routes: ['10.11.0.0/26'] });
        const wrong = await neighbor(12, { password: 'another', routes: ['10.12.0.0/26'] });
        const sessions = [11, 12].map((host) =>
          clientOf(net, host, { password: true, passwordRef: 'shared' }),
        );
        const passwords = new Map(sessions.map((session) => [session.name, 'ben & jerry']));
        await engine.apply(reflectorOf(net, sessions), passwords);
        await right.untilUp();
        await until(
          async () => (await engine.countRoutes(clientOf(net, 11).name))?.imported === 1,
          'the route of the neighbor with the right password',
          60_000,
        );
        assert.doesNotMatch(await wrong.session(), /Established/);
        passwords.set(clientOf(net, 12).name, 'another');
        const report = await engine.apply(reflectorOf(net, sessions), passwords);
        assert.equal(report.sessions.get(clientOf(net, 11).name), 'kept');
        assert.notEqual(report.sessions.get(clientOf(net, 12).name), 'kept');
        await wrong.untilRoutes(['10.11.0.0/26']);
      }));

    test('a default route from a Calico client is never taken', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        await neighbor(11, { routes: ['0.0.0.0/0', '10.11.0.0/26'] });
        const second = await neighbor(12);
        await engine.apply(reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]), NONE);
        await second.untilRoutes(['10.11.0.0/26']);
        assert.equal((await engine.countRoutes(clientOf(net, 11).name))?.imported, 1);
      }));

    test('a client’s routes beyond its limit are refused and its session stays', () =>
      scene({ maxPrefixes: 3 }, async ({ engine, net, neighbor }) => {
        const first = await neighbor(11, {
          routes: ['10.1.0.0/26', '10.2.0.0/26', '10.3.0.0/26', '10.4.0.0/26', '10.5.0.0/26'],
        });
        await engine.apply(reflectorOf(net, [clientOf(net, 11)]), NONE);
        await first.untilUp();
        await until(
          async () => (await engine.countRoutes(clientOf(net, 11).name))?.imported === 3,
          'three routes of five',
          60_000,
        );
        assert.match(await first.session(), /^Established/);
        const told = async (): Promise<readonly string[]> =>
          ((await engine.observe()).warnings ?? []).map(({ code }) => code);
        await until(
          async () => (await told())[0] === 'prefix-limit',
          async () => `prefix-limit to be told of; it says ${(await told()).join()}`,
          60_000,
        );
      }));

    test('every path is told to who takes several, by BIRD of either generation, and the best to who does not', () =>
      scene({ addPaths: 'all' }, async ({ engine, net, neighbor }) => {
        const anycast = '10.96.0.10/32';
        const twice = await neighbor(11, { routes: [anycast], addPaths: true, twice: true });
        const once = await neighbor(12, { routes: [anycast] });
        const takers = [
          await neighbor(13, { addPaths: true }),
          await neighbor(14, { addPaths: true, generation: 1 }),
        ];
        const plain = await neighbor(15);
        const clients = [11, 12, 13, 14, 15].map((host) => clientOf(net, host));
        await engine.apply(reflectorOf(net, clients), NONE);
        const [first, second] = [twice.address, once.address];
        for (const taker of takers) {
          await taker.untilPaths(anycast, [`${first} -`, `${first} 20`, `${second} -`]);
        }
        await plain.untilPaths(anycast, [`${first} -`]);
        await twice.untilPaths(anycast, [`${second} -`]);
        assert.equal((await engine.countRoutes(clientOf(net, 11).name))?.imported, 2);
        assert.equal((await engine.countRoutes(clientOf(net, 13).name))?.exported, 3);

        await once.announce([]);
        for (const taker of takers) await taker.untilPaths(anycast, [`${first} -`, `${first} 20`]);
        await twice.stop();
      }));

    test('several paths are taken unless that is turned off, and one of them is told', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const anycast = '10.96.0.10/32';
        const twice = await neighbor(11, { routes: [anycast], addPaths: true, twice: true });
        const taker = await neighbor(13, { addPaths: true });
        await engine.apply(reflectorOf(net, [clientOf(net, 11), clientOf(net, 13)]), NONE);
        await until(
          async () => (await engine.countRoutes(clientOf(net, 11).name))?.imported === 2,
          'two paths to be taken',
          60_000,
        );
        await taker.untilPaths(anycast, [`${twice.address} -`]);
      }));

    test('with the bound of pools only pools, disabled ones too, service ranges and listed prefixes are taken', () =>
      scene({ acceptPrefixes: 'pools' }, async ({ engine, net, neighbor }) => {
        const pool = (cidr: string, disabled: boolean): SpeakerConfig['pools'][number] => ({
          cidr: prefix(cidr),
          disabled,
          ipip: 'Never',
          vxlan: 'Never',
          disableBgpExport: false,
          because: 'IPPool/p',
        });
        await neighbor(11, {
          routes: ['10.1.1.0/26', '10.2.1.0/26', '10.96.0.7/32', '172.20.1.0/24', '192.0.2.0/24'],
        });
        const second = await neighbor(12);
        const external = clientOf(net, 13, {
          name: 'Node_external',
          kind: 'external',
          client: false,
          peerAs: as(65001),
          importPolicy: 'listed',
          exportPolicy: 'listed',
          importFilters: [prefix('172.20.0.0/16')],
        });
        const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12), external], {
          pools: [pool('10.1.0.0/16', false), pool('10.2.0.0/16', true)],
          serviceRanges: [prefix('10.96.0.0/12')],
        });
        await engine.apply(config, NONE);
        await second.untilRoutes(['10.1.1.0/26', '10.2.1.0/26', '10.96.0.7/32', '172.20.1.0/24']);
        assert.deepEqual(await engine.lostRoutes(config), []);
        assert.deepEqual(
          await engine.lostRoutes({ ...config, pools: [pool('10.1.0.0/16', false)], serviceRanges: [] }),
          [
            { session: clientOf(net, 11).name, prefix: '10.2.1.0/26' },
            { session: clientOf(net, 11).name, prefix: '10.96.0.7/32' },
          ],
        );
        assert.deepEqual(await engine.lostRoutes({ ...config, pools: [pool('10.0.0.0/8', false)] }), []);
      }));

    test('an external eBGP peer gets and gives only what is listed, a default route only when it is listed itself', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const client = await neighbor(11, { routes: ['10.1.0.0/26', '10.2.0.0/26'] });
        const router = await neighbor(13, {
          as: 65001,
          routes: ['0.0.0.0/0', '172.20.1.0/24', '172.21.1.0/24'],
        });
        const external = clientOf(net, 13, {
          name: 'Node_external',
          kind: 'external',
          client: false,
          clusterId: null,
          peerName: null,
          peerAs: as(65001),
          importPolicy: 'listed',
          exportPolicy: 'listed',
        });
        await engine.apply(reflectorOf(net, [clientOf(net, 11), external]), NONE);
        await established(engine, 2);
        await client.untilRoutes([]);
        assert.equal((await engine.countRoutes('Node_external'))?.imported, 0);
        assert.equal((await engine.countRoutes('Node_external'))?.exported, 0);
        const listed = {
          ...external,
          importFilters: [prefix('172.20.0.0/16'), prefix('0.0.0.0/0')],
          exportFilters: [prefix('10.1.0.0/16')],
        };
        const report = await engine.apply(reflectorOf(net, [clientOf(net, 11), listed]), NONE);
        assert.equal(report.sessions.get('Node_external'), 'changed');
        const atClient = await client.untilRoutes(['0.0.0.0/0', '172.20.1.0/24']);
        assert.equal(atClient.get('172.20.1.0/24')?.nextHop, router.address);
        assert.equal(atClient.get('172.20.1.0/24')?.asPath, '65001');
        const atRouter = await router.untilRoutes(['10.1.0.0/26']);
        // The reflector forwards nothing, so it must not name itself.
        assert.equal(atRouter.get('10.1.0.0/26')?.nextHop, client.address);
      }));

    test('a dead client’s routes are gone when its restart time is over', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const first = await neighbor(11, {
          routes: ['10.11.0.0/26'],
          restartSeconds: 2,
          extra: 'long lived graceful restart on; long lived stale time 3600;',
        });
        const second = await neighbor(12);
        await engine.apply(reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]), NONE);
        await second.untilRoutes(['10.11.0.0/26']);
        await first.stop('SIGKILL');
        await second.untilRoutes([]);
      }));

    test('a dead fellow reflector’s routes are kept beyond its restart time, and still reflected', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const fellow = await neighbor(11, {
          routes: ['10.11.0.0/26'],
          restartSeconds: 2,
          extra: 'long lived graceful restart on; long lived stale time 3600;',
        });
        const client = await neighbor(12);
        const session = clientOf(net, 11, { name: 'Mesh_fellow', kind: 'reflector', client: false });
        await engine.apply(reflectorOf(net, [session, clientOf(net, 12)]), NONE);
        await client.untilRoutes(['10.11.0.0/26']);
        await fellow.stop('SIGKILL');
        const stale = await until(
          async () => {
            const route = (await client.routes()).get('10.11.0.0/26');
            return route?.communities.includes('(65535,6)') === true ? route : undefined;
          },
          'the route with LLGR_STALE',
          60_000,
        );
        assert.equal(stale.nextHop, fellow.address);
      }));

    test('when the reflector is dead for longer than its restart time, its clients keep their routes', () =>
      scene({}, async ({ engine, net, neighbor, die }) => {
        await neighbor(11, { routes: ['10.11.0.0/26'] });
        const second = await neighbor(12);
        const sessions = [11, 12].map((host) => clientOf(net, host, { gracefulRestartSeconds: 2 }));
        await engine.apply(reflectorOf(net, sessions), NONE);
        await second.untilRoutes(['10.11.0.0/26']);
        await die();
        await until(
          async () => (await second.routes()).get('10.11.0.0/26')?.communities.includes('(65535,6)') === true,
          'the route with LLGR_STALE',
          60_000,
        );
      }));

    test('negative control: with long-lived graceful restart off they lose them', () =>
      scene({ llgrSeconds: 0 }, async ({ engine, net, neighbor, die }) => {
        await neighbor(11, { routes: ['10.11.0.0/26'] });
        const second = await neighbor(12);
        const sessions = [11, 12].map((host) => clientOf(net, host, { gracefulRestartSeconds: 2 }));
        await engine.apply(reflectorOf(net, sessions), NONE);
        await second.untilRoutes(['10.11.0.0/26']);
        await die();
        await second.untilRoutes([]);
      }));

    test('promise 2: a graceful stop sends no NOTIFICATION and clients keep its routes', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        const first = await neighbor(11, { routes: ['10.11.0.0/26'] });
        const second = await neighbor(12, { generation: 1 });
        const third = await neighbor(13);
        await engine.apply(reflectorOf(net, [clientOf(net, 11), clientOf(net, 12), clientOf(net, 13)]), NONE);
        await Promise.all([second, third].map((one) => one.untilRoutes(['10.11.0.0/26'])));
        await engine.stop('graceful');
        for (const one of [first, second, third]) {
          await until(
            async () => !(await one.session()).startsWith('Established'),
            'the session to end',
            30_000,
          );
          assert.deepEqual(one.notifications(), []);
        }
        assert.deepEqual([...(await second.routes()).keys()], ['10.11.0.0/26']);
        const kept = (await third.routes()).get('10.11.0.0/26');
        assert.equal(kept?.nextHop, first.address);
      }));

    test('a drain first makes all routes the last choice, then says Cease with the text', () =>
      scene({}, async ({ engine, net, neighbor }) => {
        await neighbor(11, { routes: ['10.11.0.0/26'] });
        const second = await neighbor(12);
        const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]);
        await engine.apply(config, NONE);
        await second.untilRoutes(['10.11.0.0/26']);
        await assert.rejects(
          engine.drain({
            message: 'never sent',
            proceed: async () => {
              await until(
                async () => (await second.routes()).get('10.11.0.0/26')?.localPreference === 0,
                'LOCAL_PREF 0',
                30_000,
              );
              throw new Error('called off');
            },
          }),
          /called off/,
        );
        await until(
          async () => (await second.routes()).get('10.11.0.0/26')?.localPreference === 100,
          'LOCAL_PREF as before',
          30_000,
        );
        assert.match(await second.session(), /^Established/);
        let communities = '';
        await engine.drain({
          message: 'rr1 moves to rack 7, "ask" ops',
          proceed: async () => {
            const drained = await until(
              async () => {
                const route = (await second.routes()).get('10.11.0.0/26');
                return route?.localPreference === 0 ? route : undefined;
              },
              'LOCAL_PREF 0',
              30_000,
            );
            communities = drained.communities;
          },
        });
        assert.match(communities, /\(65535,0\)/);
        await second.untilRoutes([]);
        assert.match(second.log(), /Administrative shutdown.*rr1 moves to rack 7, 'ask' ops/);
        // The state that was applied before does not bring a drained speaker back.
        await engine.apply({ ...config, logLevel: 'debug' }, NONE);
        const states = (await engine.observe()).sessions.map((session) => session.state);
        assert.deepEqual(states, ['Down', 'Down']);
      }));
  });
}
