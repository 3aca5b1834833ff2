/**
 * `calico-rr run` on loopback addresses and an unprivileged port, from a file of resources: neither root nor a
 * network namespace is needed. Its BIRD is ended with it, whatever the test did to the agent.
 */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareDebian } from '../../scripts/debian.ts';
import type { AgentStatus } from '../../src/agent/status.ts';
import { birdEndsWithUs } from './left-birds.ts';
import type { LoopbackNet } from './loopback-speaker.ts';
import { isAlive, type RunningProcess, start } from './processes.ts';
import { until } from './until.ts';

export const PROGRAM = join(import.meta.dirname, '../../bin/calico-rr');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One line of the agent's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface LocalAgent {
  readonly stateDir: string;
  readonly process: RunningProcess;
  /** Runs a verb against this instance. */
  verb(...args: readonly string[]): Promise<Finished>;
  status(): Promise<AgentStatus>;
  /** Waits for a status that satisfies. */
  untilStatus(what: string, condition: (status: AgentStatus) => boolean, ms?: number): Promise<AgentStatus>;
  /** Lines of the log since the last start, parsed. */
  log(): readonly LogLine[];
  birdPid(): number | undefined;
  /** Starts again after its process ended, with other variables where some are given. */
  restart(env?: Readonly<Record<string, string>>, args?: readonly string[]): Promise<void>;
  /** Ends agent and BIRD, however they are. */
  end(): Promise<void>;
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const child = await start(PROGRAM, args, { env });
  let stdout = '';
  child.onLine((line) => {
    stdout += `${line}\n`;
  });
  const { code } = await child.exit;
  return { code, stdout, stderr: child.errors() };
}

export async function startLocalAgent(
  stateDir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<LocalAgent> {
  const tools = await prepareDebian();
  const base = { CALICO_RR_BIRD: tools.bird2 };
  birdEndsWithUs(stateDir);
  let current = { args, env };
  const launch = (): Promise<RunningProcess> =>
    start(PROGRAM, ['run', '--state-dir', stateDir, ...current.args], { env: { ...base, ...current.env } });
  let process = await launch();
  const verb = (...words: readonly string[]): Promise<Finished> =>
    runProgram([...words, '--state-dir', stateDir]);

  async function status(): Promise<AgentStatus> {
    const { code, stdout, stderr } = await verb('status', '-o', 'json');
    if (code !== 0) throw new Error(`status ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  }

  function birdPid(): number | undefined {
    try {
      const pid = Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8'));
      globalThis.process.kill(pid, 0);
      return pid;
    } catch {
      return undefined;
    }
  }

  return {
    stateDir,
    get process() {
      return process;
    },
    verb,
    status,
    untilStatus: (what, condition, ms = 60_000) =>
      until(
        async () => {
          if (!process.running) throw new Error(`the agent ended:\n${process.output()}`);
          const now = await status().catch(() => undefined);
          return now !== undefined && condition(now) ? now : undefined;
        },
        () => `${what}; the agent said:\n${process.output()}`,
        ms,
      ),
    log: () =>
      process
        .output()
        .split('\n')
        // What follows the last end of a line is still being written.
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    birdPid,
    async restart(nextEnv, nextArgs) {
      if (process.running) throw new Error('the agent still runs');
      current = { args: nextArgs ?? current.args, env: nextEnv ?? current.env };
      process = await launch();
    },
    async end() {
      await process.stop('SIGKILL');
      const pid = birdPid();
      if (pid === undefined) return;
      globalThis.process.kill(pid, 'SIGKILL');
      // Its port is free only when it is dead; the next test listens there.
      await until(() => !isAlive(pid), `BIRD ${pid} to die`, 30_000);
    },
  };
}

/** A small cluster as resources in a file, written anew as a whole for every change. */
export interface Cluster {
  /** Numbers of hosts in the net. */
  readonly reflectors?: readonly number[];
  readonly nodes?: readonly number[];
  /** Pairs of node and reflector; by default every node with every reflector. */
  readonly peers?: readonly (readonly [number, number])[];
  readonly clusterId?: string;
  /** More YAML documents. */
  readonly extra?: string;
}

export function writeCluster(file: string, net: LoopbackNet, cluster: Cluster): void {
  const { reflectors = [1], nodes = [], clusterId = '1.0.0.1', extra = '' } = cluster;
  const peers = cluster.peers ?? nodes.flatMap((node) => reflectors.map((rr) => [node, rr] as const));
  const documents = [
    `apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\nspec: {asNumber: 64512, nodeToNodeMeshEnabled: false, listenPort: ${net.port}}`,
    ...reflectors.map(
      (rr) =>
        `apiVersion: calico-rr.io/v1\nkind: RouteReflector\nmetadata: {name: rr${rr}}\nspec: {ipv4: ${net.address(rr)}, clusterID: ${clusterId}}`,
    ),
    ...nodes.map(
      (node) =>
        `apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n${node}}\nspec: {bgp: {ipv4Address: ${net.address(node)}/24}}`,
    ),
    ...peers.map(
      ([node, rr]) =>
        `apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: n${node}-rr${rr}}\nspec: {node: n${node}, peerIP: ${net.address(rr)}, asNumber: 64512}`,
    ),
    extra,
  ];
  writeFileSync(`${file}.new`, documents.filter((document) => document !== '').join('\n---\n'));
  renameSync(`${file}.new`, file);
}

/** A folder that goes when the test is over. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'crr-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
