/**
 * The reflectors that are measured, all of them with the same clients of one cluster on loopback addresses, all
 * waiting for the clients to dial, none of them writing kernel routes. Each has the plainest configuration that
 * does this, without filters. Debian's programs run from where scripts/debian.ts unpacked them.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type DebianTools, prepareDebian } from '../../scripts/debian.ts';
import { type RunningProcess, start } from '../../test/support/processes.ts';
import { until } from '../../test/support/until.ts';
import {
  birdConfiguration,
  clientAddress,
  frrConfiguration,
  gobgpConfiguration,
  openbgpdConfiguration,
  REFLECTOR,
} from './configurations.ts';
import { nativeConfiguration, nativeSessions } from './native-configuration.ts';
import { nativeProgram } from './native-program.ts';

export interface RunningReflector {
  readonly pid: number;
  /** A shell command that makes the reflector know this many clients, more than it was started with. */
  grow(clients: number): string;
  /** Of a Node process: how late its event loop was since the start, in words. */
  loopDelay(): Promise<string | null>;
  stop(): Promise<void>;
}

export interface Reflector {
  readonly id: 'native' | 'bird' | 'frr' | 'frr-tuned' | 'gobgp' | 'openbgpd';
  readonly title: string;
  /** It sends clients their own routes back; bgpload is told to let that pass. */
  readonly reflectsOwn?: true;
  /** @param folder empty, for this run alone */
  start(folder: string, port: number, clients: number): Promise<RunningReflector>;
}

interface Daemon {
  readonly command: string;
  readonly args: readonly string[];
  readonly grow: (clients: number) => string;
}

async function run(folder: string, port: number, daemon: Daemon): Promise<RunningReflector> {
  const program = await start(daemon.command, daemon.args, {
    cwd: folder,
    logFile: join(folder, 'reflector.log'),
  });
  try {
    await untilListening(program, port);
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
  return {
    pid: program.pid,
    grow: daemon.grow,
    loopDelay: async () => null,
    stop: async () => {
      await program.stop('SIGTERM', 20_000);
      // OpenBGPD's other processes end a moment after the first.
      await until(async () => !(await accepts(port)), `port ${port} to be free again`, 20_000);
    },
  };
}

async function untilListening(program: RunningProcess, port: number): Promise<void> {
  await until(
    () => {
      if (!program.running) throw new Error(`the reflector ended: ${program.output()}`);
      return accepts(port);
    },
    () => `the reflector to listen: ${program.output()}`,
    120_000,
  );
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, REFLECTOR);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** Writes the configuration for more clients beside the one in use, and returns a command that puts it there. */
function replacing(file: string, text: string): string {
  writeFileSync(`${file}.next`, text, { mode: 0o600 });
  return `mv '${file}.next' '${file}'`;
}

export function nativeReflector(): Reflector {
  const program = nativeProgram();
  return {
    id: 'native',
    title: 'native',
    async start(folder, port, clients) {
      const file = join(folder, 'speaker.json');
      writeFileSync(file, JSON.stringify(nativeConfiguration(port, clients)));
      const pidFile = join(folder, 'pid');
      const reflector = await start(process.execPath, [...program, file], {
        cwd: folder,
        logFile: join(folder, 'reflector.log'),
      });
      writeFileSync(pidFile, String(reflector.pid));
      await until(
        () => {
          if (!reflector.running) throw new Error(`the reflector ended: ${reflector.output()}`);
          return /^ready/m.test(reflector.output());
        },
        () => `the reflector to be ready: ${reflector.output()}`,
        120_000,
      );
      return {
        pid: reflector.pid,
        // What the agent has to hand on: the sessions that are new.
        grow(count) {
          writeFileSync(`${file}.more`, JSON.stringify(nativeSessions(clients, count)));
          return `kill -HUP "$(cat '${pidFile}')"`;
        },
        async loopDelay() {
          const told = /^loop delay (.+)$/m;
          reflector.kill('SIGUSR2');
          return await until(() => told.exec(reflector.output())?.[1], 'the loop delays', 20_000);
        },
        stop: async () => void (await reflector.stop('SIGTERM', 20_000)),
      };
    },
  };
}

function bird(tools: DebianTools): Reflector {
  return {
    id: 'bird',
    title: 'BIRD 2.0.12',
    start(folder, port, clients) {
      const file = join(folder, 'bird.conf');
      const control = join(folder, 'bird.ctl');
      writeFileSync(file, birdConfiguration(port, clients));
      return run(folder, port, {
        command: tools.bird2,
        args: ['-f', '-c', file, '-s', control, '-P', join(folder, 'bird.pid')],
        grow: (count) =>
          `${replacing(file, birdConfiguration(port, count))} && '${tools.birdc2}' -s '${control}' configure`,
      });
    },
  };
}

function frr(tools: DebianTools, tuned: boolean): Reflector {
  return {
    id: tuned ? 'frr-tuned' : 'frr',
    title: `FRR 8.4.4${tuned ? ', `coalesce-time 1`' : ''}`,
    reflectsOwn: true,
    start(folder, port, clients) {
      const file = join(folder, 'frr.conf');
      writeFileSync(file, frrConfiguration(clients, tuned));
      const own = ['--vty_socket', folder, '-P', '0', '-i', join(folder, 'bgpd.pid')];
      return run(folder, port, {
        command: tools['frr-bgpd'],
        args: ['-n', '-Z', '-S', '-f', file, '-p', String(port), '-l', REFLECTOR, ...own],
        grow: (count) => {
          const commands = Array.from(
            { length: count - clients },
            (_, index) => `-c 'neighbor ${clientAddress(clients + index)} peer-group clients'`,
          );
          return `'${tools.vtysh}' --vty_socket '${folder}' -d bgpd -c 'configure terminal' -c 'router bgp 64512' ${commands.join(' ')}`;
        },
      });
    },
  };
}

function gobgp(tools: DebianTools): Reflector {
  return {
    id: 'gobgp',
    title: 'GoBGP 3.10.0',
    start(folder, port, clients) {
      const file = join(folder, 'gobgpd.toml');
      const pidFile = join(folder, 'pid');
      writeFileSync(file, gobgpConfiguration(port, clients));
      return run(folder, port, {
        command: 'sh',
        // Its API listens on a socket in the folder; nothing asks it anything.
        args: [
          '-c',
          'echo $$ > "$1"; exec "$2" -f "$3" -l error --api-hosts "unix://$4"',
          'sh',
          pidFile,
          tools.gobgpd,
          file,
          join(folder, 'api.sock'),
        ],
        grow: (count) =>
          `${replacing(file, gobgpConfiguration(port, count))} && kill -HUP "$(cat '${pidFile}')"`,
      });
    },
  };
}

/**
 * OpenBGPD runs as root and drops to a user of its own, which need not exist here: it gets /etc/passwd and
 * /etc/group with that user in a mount namespace that nobody else sees.
 */
const WITH_USER = `
cat /etc/passwd > passwd; echo "_openbgpd:x:65533:65533::$PWD/empty:/usr/sbin/nologin" >> passwd
cat /etc/group > group; echo '_openbgpd:x:65533:' >> group
mount --bind passwd /etc/passwd && mount --bind group /etc/group && echo $$ > pid && exec "$0" "$@"`;

function openbgpd(tools: DebianTools): Reflector {
  return {
    id: 'openbgpd',
    title: 'OpenBGPD 7.7',
    start(folder, port, clients) {
      const file = join(folder, 'bgpd.conf');
      const text = (count: number): string => openbgpdConfiguration(folder, port, count);
      writeFileSync(file, text(clients), { mode: 0o600 });
      mkdirSync(join(folder, 'empty'), { mode: 0o755 });
      return run(folder, port, {
        command: 'unshare',
        args: ['--mount', 'sh', '-c', WITH_USER, tools.openbgpd, '-d', '-f', file],
        grow: (count) => `${replacing(file, text(count))} && kill -HUP "$(cat '${join(folder, 'pid')}')"`,
      });
    },
  };
}

/** All of them, ours first. */
export async function allReflectors(): Promise<readonly Reflector[]> {
  const names = ['bird2', 'birdc2', 'frr-bgpd', 'vtysh', 'gobgpd', 'openbgpd'] as const;
  const tools = await prepareDebian(names);
  return [nativeReflector(), bird(tools), frr(tools, false), frr(tools, true), gobgp(tools), openbgpd(tools)];
}

/** Keeps the log of a run that went wrong, and says where. */
export function keepLog(folder: string, target: string): string {
  const log = join(folder, 'reflector.log');
  if (!existsSync(log)) return 'it left no log';
  copyFileSync(log, target);
  return `${target} ends with: ${readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' | ')}`;
}
