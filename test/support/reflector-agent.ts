/** A reflector of the laboratory: `calico-rr run` on its host, with what can be asked of it and done to it. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import type { Host } from './namespaces.ts';
import type { Exit, RunningProcess } from './processes.ts';
import { until } from './until.ts';

export const CALICO_RR = join(import.meta.dirname, '../../bin/calico-rr');

/**
 * Runs as root so that it can read this checkout wherever it is, but with no capability except those that the program
 * says it needs: one for a reflector, one more for a node, which programs its kernel.
 */
function bare(node: boolean): readonly string[] {
  const kept = node ? '+net_bind_service,+net_admin' : '+net_bind_service';
  return [`--bounding-set=-all,${kept}`, `--inh-caps=-all,${kept}`, '--no-new-privs', '--'];
}

export interface AgentSettings {
  /** Environment: where the datastore is, the addresses of this reflector. */
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** True: it is a Calico node, and programs its kernel's routes. */
  readonly node?: boolean;
  /** Which calico-rr; this checkout's by default. */
  readonly program?: string;
  /** Which BIRD 2. */
  readonly bird?: string;
}

/** One session as its engine tells it. */
export interface BirdSession {
  readonly name: string;
  readonly established: boolean;
  /** When it came into its state, as the engine writes times; changes when it was restarted. */
  readonly since: string;
}

export interface ReflectorAgent {
  readonly host: Host;
  readonly stateDir: string;
  readonly process: RunningProcess;
  /** Process id of its BIRD, or undefined while there is none. */
  birdPid(): number | undefined;
  /** One command of birdc to its BIRD. */
  ask(command: string): Promise<string>;
  /** Sessions of its engine by name; empty while it does not answer. */
  sessions(): Promise<ReadonlyMap<string, BirdSession>>;
  /** Runs a verb such as `status` against it; returns standard output. */
  verb(args: readonly string[]): Promise<string>;
  /** `calico-rr status -o json`. */
  status(): Promise<AgentStatus>;
  /** Starts the agent again, after `process` ended. */
  restart(settings?: Partial<AgentSettings>): Promise<void>;
  /** SIGTERM; resolves when the agent ended, which it does after its BIRD. */
  stop(): Promise<Exit>;
  /** kill -9 to everything on the host at once. */
  crash(): Promise<void>;
}

/** What the laboratory reads of the status. */
export interface AgentStatus {
  readonly ready: boolean;
  readonly phase: string;
  readonly connected: boolean;
  readonly recovering: boolean;
  readonly problems: readonly { readonly code: string; readonly subject: string; readonly message: string }[];
  readonly held: readonly { readonly id: string; readonly text: string }[];
  readonly sessions: readonly BirdSession[];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function list(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function readStatus(text: string): AgentStatus {
  const status = record(JSON.parse(text));
  return {
    ready: status.ready === true,
    phase: String(status.phase),
    connected: record(status.datastore).connected === true,
    recovering: record(status.engine).recovering === true,
    problems: list(status.problems).map((problem) => ({
      code: String(problem.code),
      subject: String(problem.subject),
      message: String(problem.message),
    })),
    held: list(status.held).map((held) => ({ id: String(held.id), text: JSON.stringify(held) })),
    sessions: list(status.sessions).map(({ name, since, state }) => ({
      name: String(name),
      since: String(since),
      established: state === 'Established',
    })),
  };
}

/** Time of day in milliseconds. */
function timeOfDay(since: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = since.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/**
 * True when a session is as it was, untouched. BIRD computes the time of day anew for each reply, so one moment may
 * read later the next time, the more so where BIRD has to wait for its turn; no session comes back within the half
 * second that is allowed for it.
 */
export function isUntouched(before: BirdSession, now: BirdSession | undefined): boolean {
  return (
    now !== undefined &&
    now.established === before.established &&
    Math.abs(timeOfDay(now.since) - timeOfDay(before.since)) <= 500
  );
}

/** The sessions of `before` that are not as they were. */
export function touchedSessions(
  before: ReadonlyMap<string, BirdSession>,
  now: ReadonlyMap<string, BirdSession>,
): readonly string[] {
  return [...before.values()]
    .filter((session) => !isUntouched(session, now.get(session.name)))
    .map(({ name }) => name);
}

/** Starts the agent; it is not waited for. State and log are in `folder/HOST`. */
export async function startAgent(host: Host, folder: string, first: AgentSettings): Promise<ReflectorAgent> {
  const stateDir = join(folder, host.name);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const tools = debianTools();
  let settings = first;
  const start = (): Promise<RunningProcess> => {
    const program = settings.program ?? CALICO_RR;
    const args = [
      ...bare(settings.node === true),
      program,
      'run',
      // What the laboratory looks at in its reflectors is BIRD's, where nothing else is asked for.
      '--engine',
      'bird',
      '--state-dir',
      stateDir,
      ...(settings.args ?? []),
    ];
    return host.start('setpriv', args, {
      env: { CALICO_RR_BIRD: settings.bird ?? tools.bird2, ...settings.env },
      logFile: join(folder, `${host.name}.agent.log`),
    });
  };
  let process = await start();
  const ask = (command: string): Promise<string> =>
    host.run(tools.birdc2, ['-s', join(stateDir, 'bird.ctl'), ...command.split(' ')]);
  const verb = (args: readonly string[]): Promise<string> =>
    host.run(settings.program ?? CALICO_RR, [...args, '--state-dir', stateDir], { env: settings.env });
  const status = async (): Promise<AgentStatus> => readStatus(await verb(['status', '-o', 'json']));
  const birdPid = (): number | undefined =>
    host.pids().find((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8').trim().endsWith('bird');
      } catch {
        return false;
      }
    });
  return {
    host,
    stateDir,
    get process() {
      return process;
    },
    birdPid,
    ask,
    async sessions() {
      if (settings.args?.includes('native') === true) {
        return new Map((await status().catch(() => undefined))?.sessions.map((one) => [one.name, one]));
      }
      if (!existsSync(join(stateDir, 'bird.ctl'))) return new Map();
      const reply = await ask('show protocols').catch(() => '');
      const rows = [...reply.matchAll(/^(\S+)\s+BGP\s+\S+\s+(\S+)\s+(\S+)\s*(.*)$/gm)];
      return new Map(
        rows.map(([, name = '', , since = '', info = '']) => [
          name,
          { name, since, established: info.trim().startsWith('Established') },
        ]),
      );
    },
    verb,
    status,
    async restart(change = {}) {
      if (process.running) throw new Error(`the agent of ${host.name} still runs`);
      settings = { ...settings, ...change };
      process = await start();
    },
    stop: () => process.stop('SIGTERM', 30_000),
    async crash() {
      host.killAll();
      await process.exit;
      await until(
        () => {
          // One that was just being started when the others were looked up.
          host.killAll();
          return host.pids().length === 0;
        },
        `all processes on ${host.name} to be gone`,
        30_000,
      );
    },
  };
}
