/**
 * The rack topology on the native engine: racks 1 and 2 have one reflector on it and one on BIRD, rack 3 has both on it.
 * Then the restarts of rack-restart.test.ts, which also holds the control: plain BIRD in RR1's place loses routes.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { checksOf } from '../support/checks.ts';
import { kernelRoutes } from '../support/kernel-routes.ts';
import type { LabEtcd } from '../support/lab-etcd.ts';
import { runToEnd } from '../support/processes.ts';
import { RACK_NODES, RACK_REFLECTORS, reflectorsOf } from '../support/rack.ts';
import { FAMILIES, type RackLab, startRackOnEtcd, untilEstablished } from '../support/rack-lab.ts';
import { assertNothingLost } from '../support/rack-observation.ts';
import { reflectorSessions } from '../support/rack-sessions.ts';
import { type ReflectorAgent, touchedSessions } from '../support/reflector-agent.ts';
import { until } from '../support/until.ts';

const checks = checksOf('rack-native');
const { check } = checks;

const RECOVERED_MS = 120_000;
const NATIVE = { args: ['--engine', 'native', '--max-session-loss', '100'] };
const ON_BIRD = ['rr2', 'rr4'];
const NATIVE_REFLECTORS = RACK_REFLECTORS.filter(({ name }) => !ON_BIRD.includes(name));

const [RR1, RR2] = RACK_REFLECTORS;
assert.ok(RR1 && RR2);
/** Without those to RR2, which is drained before the restarts. */
const RR1_SESSIONS = reflectorSessions(RR1).filter((name) => !/_102$/.test(name));
const RACK_1 = RACK_NODES.filter(({ rack }) => rack === 1);

let rack: RackLab;
let etcd: LabEtcd;

before(async () => {
  ({ rack, etcd } = await startRackOnEtcd());
  for (const one of RACK_REFLECTORS) await rack.startReflector(one, ON_BIRD.includes(one.name) ? {} : NATIVE);
});

after(() => rack?.close(checks.incomplete));

check('native-sessions', async () => {
  for (const one of RACK_REFLECTORS) await untilEstablished(rack.reflector(one.name), reflectorSessions(one));
});

check('native-blocks', async () => {
  await rack.converged();
});

check('native-attributes', async () => {
  for (const plan of RACK_NODES) {
    const [own] = reflectorsOf(plan);
    for (const other of RACK_NODES.filter(({ name }) => name !== plan.name)) {
      const [far] = reflectorsOf(other);
      const clusters = plan.rack === other.rack ? [own?.clusterId] : [own?.clusterId, far?.clusterId];
      for (const block of [other.block4, other.block6]) {
        const routes = await until(
          async () => {
            const found = await rack.node(plan.name).routes(block);
            return found.length === 2 && found;
          },
          `${plan.name} to have ${block} from both of its reflectors`,
          RECOVERED_MS,
        );
        for (const { from, originatorId, clusterList } of routes) {
          assert.equal(originatorId, other.ipv4, `${plan.name}, ${block} from ${from}`);
          assert.deepEqual(clusterList, clusters, `${plan.name}, ${block} from ${from}`);
        }
      }
    }
  }
});

check('native-bare', async () => {
  for (const one of NATIVE_REFLECTORS) {
    const { host } = rack.reflector(one.name);
    for (const family of FAMILIES) assert.deepEqual(await kernelRoutes(host, family), []);
    const pids = host.pids();
    assert.equal(pids.length, 1, `${one.name} runs one process`);
    const status = await runToEnd('cat', [`/proc/${pids[0]}/status`]);
    // Bit 10 is CAP_NET_BIND_SERVICE (linux/capability.h).
    assert.match(status, /^CapPrm:\t0{13}400$/m, `calico-rr on ${one.name} may do more`);
  }
});

/** RR1 is away and its clients, having noticed, keep its routes. */
async function staleKept(): Promise<void> {
  for (const plan of RACK_1) {
    await until(
      async () => {
        const sessions = await rack.node(plan.name).sessions(4);
        return [...sessions].some(([name, info]) => name.endsWith('_101') && !info.startsWith('Established'));
      },
      `${plan.name} to notice that RR1 is away`,
      60_000,
    );
  }
  await rack.converged(RACK_NODES, 1_000);
}

/** RR1 is as it was: all sessions up, recovery over, and its clients are with it. */
async function recovered(rr1: ReflectorAgent): Promise<void> {
  await until(
    async () => {
      const status = await rr1.status().catch(() => undefined);
      const up = status?.sessions.filter(({ established }) => established).map(({ name }) => name) ?? [];
      return status?.recovering === false && RR1_SESSIONS.every((name) => up.includes(name));
    },
    async () => `RR1 to have recovered: ${JSON.stringify(await rr1.status().catch(String))}`,
    RECOVERED_MS,
  );
  await rack.converged();
}

check('native-sigterm', async () => {
  const rr1 = rack.reflector('rr1');
  const rr2 = rack.reflector('rr2');
  await rr2.verb(['drain']);
  await rr2.stop();
  for (const plan of RACK_1) {
    await until(
      async () => {
        const routes = await rack.node(plan.name).routes('10.65.9.0/26');
        return routes.length === 1 && routes[0]?.from.endsWith('_101') === true;
      },
      `${plan.name} to have its routes from RR1 alone`,
      RECOVERED_MS,
    );
  }
  const observation = await rack.watched(async () => {
    const { code } = await rr1.stop();
    assert.equal(code, 0, rr1.process.output());
    await staleKept();
    await rr1.restart();
    await recovered(rr1);
  });
  assertNothingLost(observation);
});

check('native-kill', async () => {
  const rr1 = rack.reflector('rr1');
  const observation = await rack.watched(async () => {
    await rr1.crash();
    await staleKept();
    await rr1.restart();
    await recovered(rr1);
  });
  assertNothingLost(observation);
});

check('native-reload', async () => {
  const rr1 = rack.reflector('rr1');
  const before = await rr1.sessions();
  const observation = await rack.watched(async () => {
    rr1.process.kill('SIGHUP');
    const host = '/calico/bgp/v1/host/n10';
    await etcd.put([
      [`${host}/ip_addr_v4`, '10.0.0.10'],
      [`${host}/peer_v4/10.0.0.101`, '{"ip": "10.0.0.101", "as_num": "64512"}'],
    ]);
    const has = async (): Promise<boolean> => (await rr1.sessions()).has('Node_10_0_0_10');
    await until(has, 'RR1 to have a session for n10', 60_000);
    await etcd.remove([host]);
    await until(async () => !(await has()), "n10's session to be gone", 60_000);
    await rack.converged();
  });
  const touched = touchedSessions(before, await rr1.sessions());
  assert.deepEqual(
    touched.filter((name) => RR1_SESSIONS.includes(name)),
    [],
  );
  assertNothingLost(observation);
});

checks.allShown();
