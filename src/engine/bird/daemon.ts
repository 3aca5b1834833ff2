/**
 * The BIRD process: found or started, watched, brought back. BIRD runs in a session of its own (setsid), so a
 * signal to our process group, or our death, never reaches it; and with SIGTERM blocked, so that a service manager
 * which signals every process of a unit (systemd does) does not make it send Cease to all peers while we end it
 * gracefully. Its end is noticed by the control connection that ends with it, whether it is our child or was
 * started by an agent before us.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { EngineEvent } from '../engine.ts';
import { startTimeOf } from '../process-lock.ts';
import { readIfThere } from '../read-if-there.ts';
import { type ControlSocket, openControlSocket } from './control-socket.ts';

/** Signals that would make BIRD shut down or reload without us. */
const BLOCKED = 'TERM,INT,HUP';
let shielded: readonly string[] | undefined;

/**
 * The command that starts another with those signals blocked, which a process hands on to what it becomes: GNU env
 * from coreutils 8.31 on. Where there is none (busybox), BIRD is started without, and a service manager must be
 * told to signal the agent alone.
 */
function shield(): readonly string[] {
  if (shielded === undefined) {
    const command = ['env', `--block-signal=${BLOCKED}`];
    const tried = spawnSync('env', [`--block-signal=${BLOCKED}`, 'true'], { stdio: 'ignore' });
    shielded = tried.status === 0 ? command : [];
  }
  return shielded;
}

export interface DaemonPaths {
  readonly binary: string;
  /** Its working directory, in which it keeps everything by short names. */
  readonly directory: string;
  readonly socket: string;
}

const CONFIG = 'bird.conf';
const SOCKET = 'bird.ctl';
const PID = 'bird.pid';
const LOG = 'bird.log';

const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 30_000;
/** A daemon that lived this long did not die of its start: the next backoff is short again. */
const HEALTHY_AFTER_MS = 60_000;

export interface Daemon {
  /** The connection to the living daemon, or undefined while there is none. */
  control(): ControlSocket | undefined;
  /** Connects to a daemon that lives already. False: nothing answers on the socket. */
  attach(): Promise<boolean>;
  /**
   * Starts it and waits until it answers.
   * @param recover `-R`: peers hold our routes, wait for theirs before sending (RFC 4724 section 4.1)
   * @throws E_ENGINE_START with what BIRD said
   */
  start(recover: boolean): Promise<void>;
  /** Has it end without a NOTIFICATION (`graceful restart`), so that peers keep its routes. */
  stopGracefully(): Promise<void>;
  /** Lets go of it; it runs on. */
  detach(): void;
}

export interface DaemonHooks {
  /** False: started by others; waited for, never started by us. */
  readonly mayStart: () => boolean;
  /** Runs `work` when no reconfiguration is under way. */
  readonly exclusively: (work: () => Promise<void>) => Promise<void>;
  /** Before it is brought back: its file may have been changed since it was loaded. */
  readonly beforeReturn: () => Promise<void>;
  /** After it came back, before that is told. */
  readonly onReturn: () => Promise<void>;
  readonly onEvent: (event: EngineEvent) => void;
}

export function createDaemon(paths: DaemonPaths, hooks: DaemonHooks, log: Logger): Daemon {
  let control: ControlSocket | undefined;
  let child: ChildProcess | undefined;
  let watching = false;
  let backoffMs = FIRST_BACKOFF_MS;
  let since = 0;
  let retry: NodeJS.Timeout | undefined;

  function hold(opened: ControlSocket): void {
    control = opened;
    watching = true;
    since = performance.now();
    clearTimeout(retry);
    opened.onClose(() => {
      if (control !== opened) return;
      control = undefined;
      if (watching) void afterLoss();
    });
  }

  async function connect(): Promise<ControlSocket | undefined> {
    try {
      return await openControlSocket(paths.socket, (text) => log.info({ bird: text }, 'BIRD says'));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      // ECONNRESET, EPIPE: it ended while it was greeted.
      if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(String(code))) return undefined;
      if (error instanceof CalicoRrError) throw error;
      throw new CalicoRrError(
        'E_ENGINE_START',
        `cannot use BIRD's control socket ${paths.socket}: ${messageOf(error)}`,
        {
          hint:
            code === 'EACCES'
              ? 'Run calico-rr as the user that BIRD runs as, or as one of its group.'
              : 'A path of a UNIX socket may have 107 bytes; choose a shorter --state-dir.',
          cause: error,
        },
      );
    }
  }

  async function afterLoss(): Promise<void> {
    const reason = await endOf(child);
    if (!watching || control !== undefined) return;
    if (performance.now() - since > HEALTHY_AFTER_MS) backoffMs = FIRST_BACKOFF_MS;
    scheduleReturn(reason);
  }

  function scheduleReturn(reason: string): void {
    const restartInMs = backoffMs;
    backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS);
    hooks.onEvent({ type: 'exited', reason, restartInMs });
    retry = setTimeout(() => {
      void hooks.exclusively(comeBack).catch((error) => {
        if (watching && control === undefined) scheduleReturn(withHint(error));
        else log.error({ err: error }, 'BIRD is back, but not as it should be');
      });
    }, restartInMs);
    retry.unref();
  }

  async function comeBack(): Promise<void> {
    if (!watching || control !== undefined) return;
    const found = await connect();
    if (found !== undefined) hold(found);
    else if (hooks.mayStart()) {
      await hooks.beforeReturn();
      await launch(true);
    } else throw new CalicoRrError('E_ENGINE_START', `nothing answers on ${paths.socket} yet`);
    await hooks.onReturn();
    hooks.onEvent({ type: 'started', recovered: true });
  }

  async function launch(recover: boolean): Promise<void> {
    await refuseSecond(paths);
    const args = ['-f', '-c', CONFIG, '-s', SOCKET, '-P', PID, ...(recover ? ['-R'] : [])];
    const logPath = `${paths.directory}/${LOG}`;
    const from = await sizeOf(logPath);
    const output = openSync(logPath, 'a', 0o640);
    let started: ChildProcess;
    try {
      const [program, ...before] = shield();
      started = spawn(
        program ?? paths.binary,
        program === undefined ? args : [...before, paths.binary, ...args],
        {
          cwd: paths.directory,
          detached: true,
          stdio: ['ignore', output, output],
        },
      );
    } finally {
      closeSync(output);
    }
    started.unref();
    let ended: string | undefined;
    started.once('error', (error) => {
      ended = messageOf(error);
    });
    started.once('exit', (code, signal) => {
      ended = describeEnd(code, signal);
    });
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline) {
      const opened = ended === undefined ? await connect() : undefined;
      if (opened !== undefined) {
        child = started;
        hold(opened);
        return;
      }
      if (ended !== undefined) {
        throw new CalicoRrError('E_ENGINE_START', `BIRD ended at its start: ${ended}`, {
          hint: (await said(logPath, from)) || `It wrote nothing to ${logPath}.`,
        });
      }
      await pause(10);
    }
    // This process is ours, seconds old, and has no session yet: nothing is lost with it.
    started.kill('SIGKILL');
    throw new CalicoRrError(
      'E_ENGINE_START',
      `BIRD did not answer on ${paths.socket} within 10 s of its start`,
      {
        hint: `See ${logPath}.`,
      },
    );
  }

  return {
    control: () => control,
    async attach() {
      if (control !== undefined) return true;
      const found = await connect();
      if (found === undefined) return false;
      hold(found);
      return true;
    },
    start: launch,
    async stopGracefully() {
      clearTimeout(retry);
      watching = false;
      const living = control;
      if (living === undefined) return;
      const pid = await pidOf(paths);
      const started = pid === undefined ? 'gone' : await startTimeOf(pid);
      const reply = await living.request('graceful restart');
      if (reply.code !== 25) {
        watching = true;
        throw new CalicoRrError('E_ENGINE_PROTOCOL', `BIRD refused to end gracefully: ${reply.text}`, {
          hint: 'It runs on with its sessions; `birdc graceful restart` tries it by hand.',
        });
      }
      const deadline = performance.now() + STOP_TIMEOUT_MS;
      while (control !== undefined || (pid !== undefined && (await startTimeOf(pid)) === started)) {
        if (started === 'gone' && control === undefined) break;
        if (performance.now() > deadline) {
          throw new CalicoRrError('E_ENGINE_PROTOCOL', 'BIRD has not ended within 15 s of being asked to', {
            hint: `Look at process ${pid ?? '?'} and at ${paths.directory}/${LOG}.`,
          });
        }
        await pause(10);
      }
      child = undefined;
    },
    detach() {
      clearTimeout(retry);
      watching = false;
      const living = control;
      control = undefined;
      living?.close();
    },
  };
}

/** BIRD's own words on why it did not start are in the hint. */
function withHint(error: unknown): string {
  const hint = error instanceof CalicoRrError ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)} (${hint})`;
}

/** Waits a moment for the exit status of our own child; of a daemon that is not our child nobody tells us. */
async function endOf(child: ChildProcess | undefined): Promise<string> {
  if (child === undefined) return 'its control connection ended';
  for (let turn = 0; turn < 50; turn += 1) {
    if (child.exitCode !== null || child.signalCode !== null) {
      return describeEnd(child.exitCode, child.signalCode);
    }
    await pause(10);
  }
  return 'its control connection ended';
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exit status ${code}` : `killed by ${signal}`;
}

async function pidOf(paths: DaemonPaths): Promise<number | undefined> {
  const text = await readIfThere(`${paths.directory}/${PID}`);
  const pid = Number(text?.trim());
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/**
 * A BIRD of this directory that lives without answering must not get a twin: both would fight for the port
 * and for the kernel's routes. It is given a moment, as it may be on its way out.
 */
async function refuseSecond(paths: DaemonPaths): Promise<void> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const pid = await pidOf(paths);
    if (pid === undefined || !(await isOurBird(pid, paths.directory))) return;
    if (performance.now() > deadline) {
      throw new CalicoRrError(
        'E_ENGINE_START',
        `BIRD (process ${pid}) lives in ${paths.directory} but does not answer on its control socket`,
        { hint: `See whether it is stopped (ps -o stat ${pid}); end it, and calico-rr starts a new one.` },
      );
    }
    await pause(50);
  }
}

/** Was this process started with our arguments in our directory? Process IDs are used again. */
async function isOurBird(pid: number, directory: string): Promise<boolean> {
  if ((await startTimeOf(pid)) === 'gone') return false;
  try {
    const [command, environmentPath] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      stat(`/proc/${pid}/cwd`).then((found) => `${found.dev}:${found.ino}`),
    ]);
    const own = await stat(directory).then((found) => `${found.dev}:${found.ino}`);
    return command.split('\0').includes(PID) && environmentPath === own;
  } catch {
    return false;
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

/** The last lines that the daemon wrote since its start. */
async function said(path: string, from: number): Promise<string> {
  const bytes = await readFile(path).catch(() => Buffer.alloc(0));
  return bytes.subarray(from).toString('utf8').trim().split('\n').slice(-3).join(' | ').slice(0, 400);
}
