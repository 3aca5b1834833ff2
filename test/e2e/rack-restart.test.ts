/**
 * One reflector left to a rack, and everything that may happen to it short of being taken away: restarts, signals,
 * crashes, upgrades, reloads. Every node's kernel routes are monitored and workloads ping every 10 ms meanwhile; at the
 * end plain BIRD goes through the same and must show the loss.
 */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { debianTools } from '../../scripts/debian.ts';
import { bgpSessions, startBird } from '../support/bird-daemon.ts';
import { checksOf } from '../support/checks.ts';
import { forwardingTable } from '../support/kernel-routes.ts';
import type { LabEtcd } from '../support/lab-etcd.ts';
import { plainReflectorConfig } from '../support/plain-reflector.ts';
import { runToEnd } from '../support/processes.ts';
import { RACK_NODES, RACK_REFLECTORS } from '../support/rack.ts';
import { FAMILIES, type RackLab, startRackOnEtcd, untilEstablished } from '../support/rack-lab.ts';
import { assertNoPingLost, assertNothingLost, deletions, losses } from '../support/rack-observation.ts';
import { reflectorSessions } from '../support/rack-sessions.ts';
import { type ReflectorAgent, touchedSessions } from '../support/reflector-agent.ts';
import { staysTrue, until } from '../support/until.ts';

const checks = checksOf('rack-restart');
const { check } = checks;

/** A restarted BIRD sends its routes when all peers sent theirs, at the latest after its restart time of 120 s. */
const RECOVERED_MS = 150_000;

let rack: RackLab;
let etcd: LabEtcd;

before(async () => {
  ({ rack, etcd } = await startRackOnEtcd());
  for (const one of RACK_REFLECTORS) await rack.startReflector(one);
  await rack.converged();
  for (const one of RACK_REFLECTORS) await untilEstablished(rack.reflector(one.name), reflectorSessions(one));
});

after(() => rack?.close(checks.incomplete));

const [RR1, RR2] = RACK_REFLECTORS;
assert.ok(RR1 && RR2);
/** RR2 is drained before the restarts: its sessions are not there. */
const RR1_SESSIONS = reflectorSessions(RR1).filter((name) => !/_102$/.test(name));
const RACK_1 = RACK_NODES.filter(({ rack }) => rack === 1);

/** RR1 is as it was: all sessions up, recovery over, and its clients hold no stale route of it. */
async function recovered(rr1: ReflectorAgent): Promise<void> {
  await until(
    async () => {
      const sessions = await rr1.sessions();
      return RR1_SESSIONS.every((name) => sessions.get(name)?.established);
    },
    async () => `RR1's sessions to be up again: ${JSON.stringify([...(await rr1.sessions()).values()])}`,
    RECOVERED_MS,
  );
  await until(
    async () => !/[Gg]raceful restart recovery/.test(await rr1.ask('show status')),
    async () => `RR1's graceful restart recovery to end: ${await rr1.ask('show status')}`,
    RECOVERED_MS,
  );
  for (const plan of RACK_1) {
    for (const family of FAMILIES) {
      await until(
        async () => {
          const sessions = await rack.node(plan.name).sessions(family);
          return [...sessions].some(
            ([name, info]) => name.endsWith('_101') && info.startsWith('Established'),
          );
        },
        `${plan.name} to have its session with RR1`,
        RECOVERED_MS,
      );
    }
  }
  await rack.converged();
}

check('monitor-sees', async () => {
  const observation = await rack.watched(async () => {
    const n1 = rack.lab.host('n1');
    const n4 = RACK_NODES.find(({ name }) => name === 'n4');
    assert.ok(n4);
    // What BIRD put there is taken away by hand; BIRD sees that and puts it back at once.
    await n1.run(debianTools().ip, ['route', 'delete', n4.block4]);
    await rack.converged();
    await n1.run(debianTools().ip, ['rule', 'add', 'to', n4.block4, 'prohibit']);
    await staysTrue(() => true, 'a cut path', 1_000);
    await n1.run(debianTools().ip, ['rule', 'delete', 'to', n4.block4, 'prohibit']);
  });
  assert.deepEqual(
    deletions(observation).map(({ host, route }) => `${host} ${route.split(' ')[0]}`),
    [`n1 10.65.4.0/26`],
  );
  assert.ok(losses(observation).some(({ from, lost }) => from === '10.65.1.2' && lost >= 5));
});

check('drain', async () => {
  const rr2 = rack.reflector('rr2');
  const observation = await rack.watched(async () => {
    await rr2.verb(['drain']);
    for (const plan of RACK_1) {
      for (const family of FAMILIES) {
        // In its log: the column of its sessions soon tells of the next attempt instead.
        const name = family === 4 ? 'Node_10_0_0_102' : 'Node_fd00_10__102';
        await until(
          () => rack.node(plan.name).log(family).includes(`${name}: Received: Administrative shutdown`),
          `${plan.name} to be sent a Cease/Administrative Shutdown by RR2 over IPv${family}`,
          60_000,
        );
      }
    }
    await rack.converged();
  });
  assertNoPingLost(observation);
  await rr2.stop();
  // From here on a route of rack 1 depends on RR1 alone.
  for (const plan of RACK_1) {
    const routes = await rack.node(plan.name).routes('10.65.9.0/26');
    assert.deepEqual(
      routes.map(({ from }) => from.endsWith('_101')),
      [true],
      `${plan.name} has the route from RR1 alone`,
    );
  }
});

check('restart-rr1', async () => {
  const rr1 = rack.reflector('rr1');
  const observation = await rack.watched(async () => {
    const { code } = await rr1.stop();
    assert.equal(code, 0, rr1.process.output());
    assert.equal(rr1.birdPid(), undefined, 'BIRD ends with its agent on SIGTERM');
    await staleKept();
    await rr1.restart();
    await recovered(rr1);
  });
  assertNothingLost(observation);
  // Recovery waits for every configured peer, so that each further restart would wait a minute for RR2. It is taken
  // out of the group as one does with a reflector that will not come back.
  await etcd.remove([`/calico/bgp/v1/rr_v4/${RR2.ipv4}`, `/calico/bgp/v1/rr_v6/${RR2.ipv6}`]);
  await untilEstablished(rr1, RR1_SESSIONS);
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

check('restart-group', async () => {
  const rr1 = rack.reflector('rr1');
  const observation = await rack.watched(async () => {
    rr1.process.killGroup('SIGTERM');
    await rr1.process.exit;
    await staleKept();
    await rr1.restart();
    await recovered(rr1);
  });
  assertNothingLost(observation);
});

check('kill-agent', async () => {
  const rr1 = rack.reflector('rr1');
  const bird = rr1.birdPid();
  const before = await rr1.sessions();
  const observation = await rack.watched(async () => {
    rr1.process.kill('SIGKILL');
    await rr1.process.exit;
    assert.equal(rr1.birdPid(), bird, 'BIRD lives on');
    await rr1.restart();
    await until(
      async () => (await rr1.status().catch(() => undefined))?.ready,
      'the next agent to be ready',
      60_000,
    );
  });
  assert.equal(rr1.birdPid(), bird, 'the next agent took the living BIRD over');
  assert.deepEqual(touchedSessions(before, await rr1.sessions()), [], 'no session was touched');
  assertNothingLost(observation);
});

check('kill-bird', async () => {
  const rr1 = rack.reflector('rr1');
  const observation = await rack.watched(async () => {
    const bird = rr1.birdPid();
    assert.ok(bird !== undefined);
    process.kill(bird, 'SIGKILL');
    await until(
      () => {
        const next = rr1.birdPid();
        return next !== undefined && next !== bird;
      },
      'the agent to start BIRD again',
      60_000,
    );
    await recovered(rr1);
  });
  assertNothingLost(observation);
});

check('upgrade-rr1', async () => {
  const { program, bird } = await anotherBuild();
  const rr1 = rack.reflector('rr1');
  const observation = await rack.watched(async () => {
    await rr1.stop();
    await rr1.restart({ program, bird });
    await recovered(rr1);
  });
  const pid = rr1.birdPid();
  assert.ok(pid !== undefined);
  assert.ok(
    (await runToEnd('readlink', [`/proc/${pid}/exe`])).includes('another-bird'),
    'the other BIRD runs',
  );
  assertNothingLost(observation);
});

/** Another installation: compiled to JavaScript as a package is, at another place, with a BIRD at another place. */
async function anotherBuild(): Promise<{ program: string; bird: string }> {
  const root = join(import.meta.dirname, '../..');
  const place = join(rack.folder, 'another');
  mkdirSync(join(place, 'bin'), { recursive: true });
  const tsc = join(root, 'node_modules/.bin/tsc');
  await runToEnd(tsc, ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(place, 'dist')]);
  for (const file of ['package.json', 'bin/calico-rr']) cpSync(join(root, file), join(place, file));
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  const tools = debianTools();
  const wrapper = (await runToEnd('cat', [tools.bird2])).split('\n');
  const original = /exec '(.*)'/.exec(wrapper.find((line) => line.startsWith('exec ')) ?? '')?.[1];
  assert.ok(original, 'the wrapper names the program');
  copyFileSync(original, join(place, 'another-bird'));
  const bird = join(place, 'bird');
  const script = wrapper.map((line) => line.replace(original, join(place, 'another-bird'))).join('\n');
  await runToEnd('sh', ['-c', 'printf "%s\\n" "$1" > "$2"; chmod 755 "$2"', 'sh', script, bird]);
  return { program: join(place, 'bin/calico-rr'), bird };
}

check('reload-rr1', async () => {
  const rr1 = rack.reflector('rr1');
  const before = await rr1.sessions();
  const observation = await rack.watched(async () => {
    rr1.process.kill('SIGHUP');
    await until(async () => (await rr1.status()).ready, 'RR1 to be ready after SIGHUP', 60_000);
    // A node that is expected and not there yet: two reloads, and no path of anybody else is a better one for it.
    const host = '/calico/bgp/v1/host/n10';
    await etcd.put([
      [`${host}/ip_addr_v4`, '10.0.0.10'],
      [`${host}/peer_v4/10.0.0.101`, '{"ip": "10.0.0.101", "as_num": "64512"}'],
    ]);
    await until(
      async () => (await rr1.sessions()).has('Node_10_0_0_10'),
      'RR1 to have a session for n10',
      60_000,
    );
    await etcd.remove([host]);
    await until(
      async () => !(await rr1.sessions()).has('Node_10_0_0_10'),
      "n10's session to be gone",
      60_000,
    );
    await rack.converged();
  });
  assert.deepEqual(touchedSessions(before, await rr1.sessions()), []);
  assertNothingLost(observation);
});

check('plain-sigterm', async () => {
  const rr1 = rack.reflector('rr1');
  await rr1.stop();
  const others = RACK_REFLECTORS.filter(({ name }) => name !== RR1.name && name !== RR2.name);
  const text = plainReflectorConfig(RR1, others);
  const plain = await startBird(rack.lab.host('rr1'), '2', `${rack.folder}/plain`, 'bird', text, {}, ['-R']);
  await until(
    async () =>
      [...(await bgpSessions(plain))].filter(([, info]) => info.startsWith('Established')).length ===
      RR1_SESSIONS.length,
    async () => `plain BIRD to have its sessions: ${[...(await bgpSessions(plain))].join(' | ')}`,
    RECOVERED_MS,
  );
  await until(
    async () => !/recovery/.test(await plain.ask('show status')),
    'its recovery to end',
    RECOVERED_MS,
  );
  await rack.converged();
  const observation = await rack.watched(async () => {
    await plain.stop('SIGTERM');
    await until(
      async () => Object.keys(await forwardingTable(rack.lab.host('n1'), 4)).length < RACK_NODES.length - 1,
      'n1 to lose a route',
      60_000,
    );
  });
  assert.ok(deletions(observation).length > 0, 'kernel routes are deleted');
  assert.ok(losses(observation).length > 0, 'pings are lost');
});

checks.allShown();
