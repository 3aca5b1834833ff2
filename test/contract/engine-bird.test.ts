/** The engine suite on real BIRD 2, and what only an engine that is a process of its own must stand. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { debianTools, prepareDebian } from '../../scripts/debian.ts';
import { type BirdEngineOptions, createBirdEngine } from '../../src/engine/bird/bird-engine.ts';
import { openControlSocket } from '../../src/engine/bird/control-socket.ts';
import { parseStatus } from '../../src/engine/bird/replies.ts';
import type { Engine, EngineEvent } from '../../src/engine/engine.ts';
import type { SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { birdEndsWithUs } from '../support/left-birds.ts';
import { type LoopbackNet, loopbackNet, startNeighbor } from '../support/loopback-speaker.ts';
import { start } from '../support/processes.ts';
import { staysTrue, until } from '../support/until.ts';
import { clientOf, type EngineHome, engineContract, prefix, reflectorOf } from './engine.ts';

const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
const NONE: ReadonlyMap<string, string> = new Map();

function pidOf(stateDir: string): number | undefined {
  try {
    return Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8').trim());
  } catch {
    return undefined;
  }
}

/** Ends the daemon of a directory by its own id. */
async function killDaemon(stateDir: string): Promise<void> {
  const pid = pidOf(stateDir);
  if (pid === undefined) return;
  try {
    process.kill(pid, 'SIGKILL');
    for (let turn = 0; turn < 200; turn += 1) {
      process.kill(pid, 0);
      await pause(10);
    }
  } catch {
    // It is gone.
  }
}

const bird: EngineHome = {
  name: 'bird',
  async create(stateDir, settings = {}) {
    await prepareDebian(['bird2']);
    return createBirdEngine({ binary: debianTools().bird2, stateDir, instance: 'rr1', log, ...settings });
  },
  kill: killDaemon,
};

engineContract(bird);

describe('the BIRD engine and its daemon', () => {
  let folder = '';
  let cleanups: (() => Promise<void>)[] = [];

  before(async () => {
    await prepareDebian();
    folder = mkdtempSync(join(tmpdir(), 'calico-rr-bird-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function engineIn(stateDir: string, options: Partial<BirdEngineOptions> = {}): Engine {
    const engine = createBirdEngine({
      binary: debianTools().bird2,
      stateDir,
      instance: 'rr1',
      kernel: false,
      log,
      ...options,
    });
    cleanups.push(async () => {
      await engine.stop('detach');
      await killDaemon(stateDir);
    });
    return engine;
  }

  async function neighborOf(
    net: LoopbackNet,
    host: number,
    options?: Parameters<typeof startNeighbor>[4],
  ): ReturnType<typeof startNeighbor> {
    const started = await startNeighbor(
      mkdtempSync(join(folder, 'neighbor-')),
      net,
      host,
      net.address(1),
      options,
    );
    cleanups.push(() => started.stop());
    return started;
  }

  async function scene(
    work: (stage: { readonly net: LoopbackNet; readonly stateDir: string }) => Promise<void>,
  ): Promise<void> {
    try {
      const stateDir = join(mkdtempSync(join(folder, 'scene-')), 'state');
      birdEndsWithUs(stateDir);
      await work({ net: await loopbackNet(), stateDir });
    } finally {
      for (const cleanup of cleanups.reverse()) await cleanup();
      cleanups = [];
    }
  }

  /** What BIRD does on a SIGTERM that reaches it. */
  async function bringDown(stateDir: string): Promise<void> {
    const control = await openControlSocket(join(stateDir, 'bird.ctl'));
    await control.request('down');
    control.close();
  }

  async function lastReconfiguration(stateDir: string): Promise<string> {
    const control = await openControlSocket(join(stateDir, 'bird.ctl'));
    const status = parseStatus(await control.request('show status'));
    control.close();
    return status.lastReconfiguration;
  }

  test('negative control of promise 2: BIRD’s own way down sends Cease and the clients lose the routes', () =>
    scene(async ({ net, stateDir }) => {
      await neighborOf(net, 11, { routes: ['10.11.0.0/26'] });
      const second = await neighborOf(net, 12);
      const engine = engineIn(stateDir);
      await engine.apply(reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]), NONE);
      await second.untilRoutes(['10.11.0.0/26']);
      await engine.stop('detach');
      await bringDown(stateDir);
      await second.untilRoutes([]);
      assert.match(second.log(), /Received: Administrative shutdown/);
    }));

  test('promise 2: SIGTERM to BIRD itself, as systemd sends it to a whole unit, changes nothing', () =>
    scene(async ({ net, stateDir }) => {
      await neighborOf(net, 11, { routes: ['10.11.0.0/26'] });
      const second = await neighborOf(net, 12);
      const engine = engineIn(stateDir);
      const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]);
      await engine.apply(config, NONE);
      await second.untilRoutes(['10.11.0.0/26']);
      const pid = pidOf(stateDir);
      assert(pid !== undefined);
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal);
      // An answer given after the signals: had BIRD taken one, it would be on its way down by now.
      const state = await engine.observe();
      assert.deepEqual(
        state.sessions.map((session) => session.state),
        ['Established', 'Established'],
      );
      const pending = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^ShdPnd:\s*([0-9a-f]+)$/m)?.[1];
      assert.equal(
        BigInt(`0x${pending}`),
        (1n << 14n) | (1n << 1n) | 1n,
        'the signals wait and are not taken',
      );
      assert.equal(pidOf(stateDir), pid);
    }));

  test('promise 7: the same state again writes nothing and reloads nothing, also after a return to the daemon', () =>
    scene(async ({ net, stateDir }) => {
      const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]);
      const first = engineIn(stateDir);
      await first.apply(config, NONE);
      const file = statSync(join(stateDir, 'bird.conf'));
      const reconfigured = await lastReconfiguration(stateDir);
      await first.apply(config, NONE);
      await first.stop('detach');
      const second = engineIn(stateDir);
      const report = await second.apply(config, NONE);
      assert.equal(report.wrote, false);
      assert.deepEqual([...report.sessions.values()], ['kept', 'kept']);
      assert.equal(statSync(join(stateDir, 'bird.conf')).mtimeMs, file.mtimeMs);
      assert.equal(statSync(join(stateDir, 'bird.conf')).ino, file.ino);
      assert.equal(await lastReconfiguration(stateDir), reconfigured);
    }));

  test('promise 6: the configuration, which holds the password, is 0640 whatever the umask, and nothing else is left', () =>
    scene(async ({ net, stateDir }) => {
      const session = clientOf(net, 11, { password: true, passwordRef: 'p' });
      const before = process.umask(0);
      try {
        await engineIn(stateDir).apply(
          reflectorOf(net, [session, clientOf(net, 12, { peerAs: session.peerAs, ttlSecurityHops: 999 })]),
          new Map([[session.name, 'hunter2']]),
        );
      } finally {
        process.umask(before);
      }
      assert.equal(statSync(join(stateDir, 'bird.conf')).mode & 0o777, 0o640);
      assert.equal(statSync(stateDir).mode & 0o777, 0o700);
      assert.match(readFileSync(join(stateDir, 'bird.conf'), 'utf8'), /hunter2/);
      assert.deepEqual(readdirSync(stateDir).sort(), [
        'bird.conf',
        'bird.ctl',
        'bird.log',
        'bird.pid',
        'engine.lock',
      ]);
      assert.doesNotMatch(readFileSync(join(stateDir, 'bird.log'), 'utf8'), /hunter2/);
    }));

  test('promise 2: kill -9 of the engine’s owner, or a signal to its group, leaves BIRD and its sessions; the next one finds them', () =>
    scene(async ({ net, stateDir }) => {
      const first = await neighborOf(net, 11, { routes: ['10.11.0.0/26'] });
      const second = await neighborOf(net, 12);
      const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]);
      mkdirSync(stateDir, { mode: 0o700 });
      const file = join(stateDir, 'config.json');
      writeFileSync(file, JSON.stringify(config));
      const owner = fileURLToPath(new URL('../support/engine-owner.ts', import.meta.url));
      for (const [round, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
        const process = await start(globalThis.process.execPath, [
          owner,
          stateDir,
          file,
          debianTools().bird2,
        ]);
        cleanups.push(() => killDaemon(stateDir));
        const report = await until(
          () => (process.output().includes('\n') ? JSON.parse(process.output()) : undefined),
          () => `the owner's report: ${process.output()}`,
          60_000,
        );
        assert.equal(report.wrote, round === 0);
        await second.untilRoutes(['10.11.0.0/26']);
        process.killGroup(signal);
        await process.exit;
      }
      const changes = first.stateChanges();
      assert.ok(changes > 0, 'the log tells of no change at all');
      const engine = engineIn(stateDir);
      const report = await engine.apply(
        reflectorOf(net, [clientOf(net, 11), clientOf(net, 12), clientOf(net, 13)]),
        NONE,
      );
      assert.deepEqual([...report.sessions.values()], ['kept', 'kept', 'added']);
      assert.equal(first.stateChanges(), changes);
      assert.match(await first.session(), /^Established/);
      assert.deepEqual([...(await second.routes()).keys()], ['10.11.0.0/26']);
    }));

  test('promise 2: a BIRD that dies is brought back with graceful restart, and no client loses a route, though one client is dead', () =>
    scene(async ({ net, stateDir }) => {
      await neighborOf(net, 11, { routes: ['10.11.0.0/26'] });
      const second = await neighborOf(net, 12);
      const engine = engineIn(stateDir);
      const events: EngineEvent[] = [];
      engine.onEvent((event) => events.push(event));
      // Nobody is at the third address: its End-of-RIB never comes, and recovery ends by its own clock.
      const config = reflectorOf(
        net,
        [11, 12, 13].map((host) => clientOf(net, host, { gracefulRestartSeconds: 5 })),
      );
      await engine.apply(config, NONE);
      await second.untilRoutes(['10.11.0.0/26']);
      const pid = pidOf(stateDir);
      assert(pid !== undefined);
      process.kill(pid, 'SIGKILL');
      let recovering = false;
      await Promise.all([
        staysTrue(async () => (await second.routes()).size === 1, 'the route of the client', 8000),
        until(
          async () => {
            const state = await engine.observe();
            recovering ||= state.recovering;
            return state.sessions.filter((session) => session.state === 'Established').length === 2;
          },
          'both sessions to be back',
          60_000,
        ),
      ]);
      assert.deepEqual(
        events.map((event) => event.type),
        ['started', 'exited', 'started'],
      );
      const exited = events.find((event) => event.type === 'exited');
      assert.match(exited?.reason ?? '', /SIGKILL/);
      assert.notEqual(pidOf(stateDir), pid);
      assert(recovering, 'BIRD came back without recovery');
      await until(async () => !(await engine.observe()).recovering, 'the recovery to end', 60_000);
      assert.deepEqual([...(await second.routes()).keys()], ['10.11.0.0/26']);
      assert.equal((await engine.apply(config, NONE)).wrote, false);
    }));

  test('promise 2: restarted after a graceful stop, the clients never lose a route', () =>
    scene(async ({ net, stateDir }) => {
      await neighborOf(net, 11, { routes: ['10.11.0.0/26'] });
      const second = await neighborOf(net, 12);
      const third = await neighborOf(net, 13, { generation: 1 });
      const config = reflectorOf(
        net,
        [11, 12, 13].map((host) => clientOf(net, host)),
      );
      const first = engineIn(stateDir);
      await first.apply(config, NONE);
      await Promise.all([second, third].map((one) => one.untilRoutes(['10.11.0.0/26'])));
      const restart = async (): Promise<void> => {
        await first.stop('graceful');
        const next = engineIn(stateDir);
        await next.apply(config, NONE);
        await until(
          async () =>
            (await next.observe()).sessions.filter((session) => session.state === 'Established').length === 3,
          'all sessions to be back',
          60_000,
        );
      };
      await Promise.all([
        staysTrue(async () => (await second.routes()).size === 1, 'the route of the client', 5000),
        staysTrue(async () => (await third.routes()).size === 1, 'the route of the BIRD 1.6 client', 5000),
        restart(),
      ]);
      assert.deepEqual(second.notifications(), []);
    }));

  test('promise 2: a peer that has been away is not waited for after a restart, nor after a crash, and no client loses a route', () =>
    scene(async ({ net, stateDir }) => {
      await neighborOf(net, 11, { routes: ['10.11.0.0/26'] });
      const second = await neighborOf(net, 12);
      // Nobody is at the third address; for its End-of-RIB BIRD would wait a minute, longer than is waited here.
      const clients = [11, 12, 13].map((host) => clientOf(net, host));
      const config = reflectorOf(net, clients);
      const names = clients.map(({ name }) => name);
      const first = engineIn(stateDir);
      await first.apply(config, NONE);
      await second.untilRoutes(['10.11.0.0/26']);
      await first.stop('graceful');
      writeFileSync(
        join(stateDir, 'bird-away.json'),
        JSON.stringify({ version: 1, away: [clientOf(net, 13).name] }),
      );

      const next = engineIn(stateDir);
      const recovered = async (times: number): Promise<void> => {
        const log = () => readFileSync(join(stateDir, 'bird.log'), 'utf8');
        await until(() => log().split('Graceful restart done').length > times, 'the recovery to end', 50_000);
        assert.deepEqual((await next.observe()).sessions.map(({ name }) => name).sort(), names);
      };
      await Promise.all([
        staysTrue(async () => (await second.routes()).size === 1, 'the route of the client', 5000),
        next.apply(config, NONE).then(() => recovered(1)),
      ]);
      const pid = pidOf(stateDir);
      assert(pid !== undefined);
      const returned = new Promise((resolve) =>
        next.onEvent(({ type }) => type === 'started' && resolve(type)),
      );
      process.kill(pid, 'SIGKILL');
      await Promise.all([
        staysTrue(async () => (await second.routes()).size === 1, 'the route of the client', 5000),
        returned.then(() => recovered(2)),
      ]);
      assert.equal((await next.apply(config, NONE)).wrote, false);
    }));

  test('a second engine on the same state directory is refused', () =>
    scene(async ({ net, stateDir }) => {
      await engineIn(stateDir).apply(reflectorOf(net, []), NONE);
      await assert.rejects(engineIn(stateDir).apply(reflectorOf(net, []), NONE), {
        code: 'E_STATE_DIR',
        message: /process \d+ already runs an engine/,
      });
    }));

  test('BIRD 1.x and a missing program are refused with what to do', () =>
    scene(async ({ net, stateDir }) => {
      await assert.rejects(
        engineIn(stateDir, { binary: debianTools().bird1 }).apply(reflectorOf(net, []), NONE),
        {
          code: 'E_ENGINE_START',
          message: /BIRD 1\.6\.8; calico-rr needs BIRD 2/,
        },
      );
      await assert.rejects(
        engineIn(`${stateDir}2`, { binary: '/no/such/bird' }).apply(reflectorOf(net, []), NONE),
        { code: 'E_ENGINE_START', message: /no program \/no\/such\/bird/ },
      );
    }));

  test('another instance’s BIRD is left alone', () =>
    scene(async ({ net, stateDir }) => {
      const other = engineIn(stateDir, { instance: 'rr2' });
      await other.apply(reflectorOf(net, [clientOf(net, 11)]), NONE);
      await other.stop('detach');
      const text = readFileSync(join(stateDir, 'bird.conf'), 'utf8');
      await assert.rejects(engineIn(stateDir).apply(reflectorOf(net, []), NONE), {
        code: 'E_ENGINE_FOREIGN',
        message: /belongs to the instance rr2/,
      });
      assert.equal(readFileSync(join(stateDir, 'bird.conf'), 'utf8'), text);
    }));

  test('a BIRD that others started is adopted only when asked, its file is saved, and it is never stopped', () =>
    scene(async ({ net, stateDir }) => {
      const theirs = mkdtempSync(join(folder, 'theirs-'));
      const conf = join(theirs, 'bird.conf');
      const socketPath = join(theirs, 'bird.ctl');
      const old = `router id 1.2.3.4;\nprotocol device {}\nprotocol static by_hand { ipv4; }\n`;
      writeFileSync(conf, old);
      const daemon = await start(debianTools().bird2, ['-f', '-c', conf, '-s', socketPath]);
      cleanups.push(async () => void (await daemon.stop('SIGKILL')));
      await until(() => openControlSocket(socketPath).catch(() => undefined), 'BIRD to answer', 30_000);
      const config = reflectorOf(net, [clientOf(net, 11)]);
      await assert.rejects(engineIn(stateDir, { socketPath }).apply(config, NONE), {
        code: 'E_ENGINE_FOREIGN',
        message: /was not configured by calico-rr/,
      });
      assert.equal(readFileSync(conf, 'utf8'), old);
      const lines: string[] = [];
      const adopter = engineIn(`${stateDir}-2`, {
        socketPath,
        adopt: true,
        log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
      });
      assert.deepEqual([...(await adopter.apply(config, NONE)).sessions.values()], ['added']);
      assert.equal(readFileSync(`${conf}.before-calico-rr`, 'utf8'), old);
      assert.match(lines.join(''), /- protocol static by_hand/);
      await adopter.stop('graceful');
      assert.equal(daemon.running, true);
      // Now it carries our mark: no --adopt is needed, and still it is not ours to stop.
      const next = engineIn(`${stateDir}-2`, { socketPath });
      assert.equal((await next.apply(config, NONE)).wrote, false);
      await next.stop('graceful');
      assert.equal(daemon.running, true);
    }));

  test('a port that another program holds is an error that names it, and the sessions come up when it is free', () =>
    scene(async ({ net, stateDir }) => {
      const first = await neighborOf(net, 11);
      // The neighbor may dial it: a connection that stays would keep it from closing.
      const squatter = createServer((socket) => socket.destroy());
      await new Promise<void>((resolve) => squatter.listen(net.port, net.address(1), resolve));
      const engine = engineIn(stateDir);
      const config = reflectorOf(net, [clientOf(net, 11)]);
      await assert.rejects(engine.apply(config, NONE), {
        code: 'E_ENGINE_START',
        message: new RegExp(`cannot listen on ${net.address(1)} port ${net.port}`),
      });
      const events: EngineEvent[] = [];
      engine.onEvent((event) => events.push(event));
      await engine.observe();
      await engine.observe();
      assert.deepEqual(events, [{ type: 'altered' }], 'a session that BIRD switched off is told, once');
      await new Promise((resolve) => squatter.close(resolve));
      await engine.apply(config, NONE);
      await first.untilUp();
    }));

  test('a file that was changed by hand is put right, and only what differs is touched', () =>
    scene(async ({ net, stateDir }) => {
      const first = await neighborOf(net, 11);
      const config = reflectorOf(net, [clientOf(net, 11), clientOf(net, 12)]);
      const engine = engineIn(stateDir);
      await engine.apply(config, NONE);
      await first.untilUp();
      await engine.stop('detach');
      const file = join(stateDir, 'bird.conf');
      writeFileSync(file, `${readFileSync(file, 'utf8')}protocol static by_hand { ipv4; }\n`);
      const report = await engineIn(stateDir).apply(config, NONE);
      assert.deepEqual([...report.sessions.values()], ['kept', 'kept']);
      assert.doesNotMatch(readFileSync(file, 'utf8'), /by_hand/);
    }));

  test('a configuration that others gave to our living BIRD is put right when the same state is applied again', () =>
    scene(async ({ net, stateDir }) => {
      const first = await neighborOf(net, 11);
      const config = reflectorOf(net, [clientOf(net, 11)]);
      const engine = engineIn(stateDir);
      await engine.apply(config, NONE);
      await first.untilUp();
      const events: string[] = [];
      engine.onEvent((event) => events.push(event.type));
      const other = join(stateDir, 'other.conf');
      writeFileSync(other, 'router id 9.9.9.9;\nprotocol device { }\n');
      const control = await openControlSocket(join(stateDir, 'bird.ctl'));
      await control.request(`configure "${other}"`);
      await until(
        async () => (await engine.observe()).sessions.length === 0,
        'the sessions to be gone',
        30_000,
      );
      await engine.observe();
      assert.deepEqual(events, ['altered']);
      const report = await engine.apply(config, NONE);
      assert.deepEqual([...report.sessions.values()], ['added']);
      await first.untilUp();
      const [session] = config.sessions;
      await control.request(`disable ${session?.name}`);
      await engine.apply(config, NONE);
      control.close();
      await first.untilUp();
    }));

  test('a BIRD that dies comes back though its file was broken by hand meanwhile', () =>
    scene(async ({ net, stateDir }) => {
      const first = await neighborOf(net, 11);
      const engine = engineIn(stateDir);
      await engine.apply(reflectorOf(net, [clientOf(net, 11)]), NONE);
      await first.untilUp();
      const file = join(stateDir, 'bird.conf');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, `${text}junk {\n`);
      const before = pidOf(stateDir);
      const returned = new Promise<void>((resolve) => {
        engine.onEvent((event) => {
          if (event.type === 'started') resolve();
        });
      });
      await killDaemon(stateDir);
      await returned;
      assert.notEqual(pidOf(stateDir), before);
      assert.equal(readFileSync(file, 'utf8'), text);
      await first.untilUp();
    }));

  test('many bad sessions in the middle of good ones are all found', () =>
    scene(async ({ net, stateDir }) => {
      const sessions = Array.from({ length: 40 }, (_, index) =>
        clientOf(net, 100 + index, index % 8 === 3 ? { ttlSecurityHops: 999 } : {}),
      );
      const report = await engineIn(stateDir).apply(reflectorOf(net, sessions), NONE);
      assert.equal(report.refused.length, 5);
      assert.equal(report.sessions.size, 35);
      assert(report.refused.every((entry) => entry.problem.code === 'engine-refused'));
    }));

  test('a node announces its own blocks exactly, and a broken custom filter is left out and named', () =>
    scene(async ({ net, stateDir }) => {
      const first = await neighborOf(net, 11);
      const filters: SpeakerConfig['customFilters'] = [
        { family: 4, name: 'a', text: 'if net = 10.9.9.0/26 then accept;' },
        { family: 4, name: 'b', text: 'if net ~ 10.0.0.0/8 then { accept;' },
      ];
      const session = clientOf(net, 11, { kind: 'mesh', client: false, clusterId: null });
      const config = reflectorOf(net, [session], {
        role: 'node',
        forwards: true,
        group: null,
        clusterId: null,
        blocks: [prefix('10.9.1.0/26'), prefix('10.9.2.0/26')],
        customFilters: filters,
        pools: [
          {
            cidr: prefix('10.9.0.0/16'),
            disabled: false,
            ipip: 'Always',
            vxlan: 'Never',
            disableBgpExport: false,
            because: 'IPPool/p',
          },
        ],
      });
      const report = await engineIn(stateDir).apply(config, NONE);
      assert.deepEqual(
        report.refused.map((entry) => entry.session),
        ['CustomFilter/v4-b'],
      );
      // The kernel is left alone here, so nothing is amiss with a tunnel.
      assert.deepEqual(report.warnings, []);
      const routes = await first.untilRoutes(['10.9.1.0/26', '10.9.2.0/26']);
      assert.equal(routes.get('10.9.1.0/26')?.nextHop, net.address(1));
    }));

  test('the detached daemon outlives a Ctrl-C at the terminal: it leads a session of its own', () =>
    scene(async ({ net, stateDir }) => {
      await engineIn(stateDir).apply(reflectorOf(net, []), NONE);
      const pid = pidOf(stateDir);
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      assert.equal(Number(group), pid);
      assert.equal(Number(session), pid);
    }));
});
