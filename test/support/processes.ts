/**
 * Processes that a test starts: their output is kept, they are ended by their own id, and none outlives the test.
 * Each runs in a process group of its own, so that a test can signal the group as systemd or a terminal does, and
 * so that Ctrl-C at the test does not reach it before the test takes things down in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, openSync, readFileSync } from 'node:fs';

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Everything that it prints is appended to this file too. */
  readonly logFile?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly running: boolean;
  readonly exit: Promise<Exit>;
  /** What it printed so far, both streams; the last 1 MiB. */
  output(): string;
  /** The same of standard error alone. */
  errors(): string;
  /** Called with each whole line of standard output, from now on. */
  onLine(listener: (line: string) => void): void;
  kill(signal: NodeJS.Signals): void;
  /** Signals its whole process group. */
  killGroup(signal: NodeJS.Signals): void;
  /** Ends it and waits; SIGKILL when `signal` did not do it within `ms`. */
  stop(signal?: NodeJS.Signals, ms?: number): Promise<Exit>;
}

const KEPT_BYTES = 1 << 20;

const running = new Set<ChildProcess>();

/** Last resort when a test process ends with processes left: they end with it. */
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

let watchesSignals = false;

/**
 * A signal ends the test process through `exit`, where everything is taken down. The listeners stay: Ctrl-C comes
 * from the terminal and once more from the test runner, and the second one must not cut the teardown short.
 */
export function endOnSignals(): void {
  if (watchesSignals) return;
  watchesSignals = true;
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGHUP', () => process.exit(129));
}

/**
 * Starts a program. The kernel kills it when this test process dies, however that happens.
 * @throws Error when it cannot be started
 */
export function start(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<RunningProcess> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  let kept = '';
  let errors = '';
  // Opened now: a stream that opens its file by itself may come to that when the test has removed the folder.
  const { logFile } = options;
  const log = logFile === undefined ? undefined : createWriteStream(logFile, { fd: openSync(logFile, 'a') });
  const listeners: ((line: string) => void)[] = [];
  const keep = (text: string): void => {
    kept = (kept + text).slice(-KEPT_BYTES);
    log?.write(text);
  };
  let partial = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    keep(text);
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) for (const listener of listeners) listener(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    keep(text);
    errors = (errors + text).slice(-KEPT_BYTES);
  });

  const exit = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      if (partial !== '') for (const listener of listeners) listener(partial);
      running.delete(child);
      log?.end();
      resolve({ code, signal });
    });
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      const { pid } = child;
      if (pid === undefined) throw new Error(`${command} has no process id`);
      running.add(child);
      const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
      const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
      resolve({
        pid,
        get running() {
          return isRunning();
        },
        exit,
        output: () => kept,
        errors: () => errors,
        onLine: (listener) => listeners.push(listener),
        kill,
        killGroup: (signal) => void process.kill(-pid, signal),
        async stop(signal = 'SIGTERM', ms = 30_000) {
          if (isRunning()) kill(signal);
          const timer = setTimeout(() => kill('SIGKILL'), ms);
          const result = await exit;
          clearTimeout(timer);
          return result;
        },
      });
    });
  });
}

/** Whether a process, ours or not, still runs: one that is dead and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end.
 * @returns standard output
 * @throws Error with what it printed when it does not end with 0
 */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<string> {
  const process = await start(command, args, options);
  let stdout = '';
  process.onLine((line) => {
    stdout += `${line}\n`;
  });
  const { code, signal } = await process.exit;
  if (code !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}:\n${process.output().trim()}`);
  }
  return stdout;
}
