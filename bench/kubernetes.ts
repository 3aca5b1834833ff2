/**
 * A reflector of a cluster of 10,000 nodes whose datastore is Kubernetes: from its start to the first apply, its memory,
 * and what 1,000 heartbeats a second cost it that change nothing. The API server is the stand-in of the tests, in a
 * process of its own; BIRD and the server are not counted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { startLocalAgent } from '../test/support/local-agent.ts';
import { unusedPort } from '../test/support/ports.ts';
import { until } from '../test/support/until.ts';
import { cpuOf, largestMemoryOf } from './process-cost.ts';
import { milliseconds, printResult } from './result.ts';

const NODES = 10_000;
const RACKS = 5;
const CLIENTS = NODES / RACKS;
const PER_SECOND = 1_000;
const MEASURED_MS = 20_000;
const TARGET_PERCENT = 10;

interface Server {
  readonly url: string;
  heartbeats(perSecond: number): void;
  /** Heartbeats written so far, told once a second. */
  written(): number;
  stop(): Promise<void>;
}

async function startServer(port: number): Promise<Server> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'kubernetes-server.ts'), String(NODES), String(RACKS), String(port)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the server has no pipes');
  let url: string | undefined;
  let written = 0;
  createInterface({ input: stdout }).on('line', (line) => {
    if (url === undefined) url = line;
    else written = Number(line.split(' ')[0]);
  });
  const found = await until(() => url, 'the API server', 60_000);
  return {
    url: found,
    heartbeats: (perSecond) => void stdin.write(`${perSecond}\n`),
    written: () => written,
    async stop() {
      stdin.end();
      await ended;
    },
  };
}

/** CPU of a process over a time, per cent of one core. */
async function share(pid: number, ms: number): Promise<number> {
  const [begin, before] = [performance.now(), cpuOf(pid)];
  await delay(ms);
  return ((cpuOf(pid) - before) / (performance.now() - begin)) * 100;
}

const folder = mkdtempSync(join(tmpdir(), 'crr-bench-'));
const port = await unusedPort('127.0.0.1');
const server = await startServer(port);
const begin = performance.now();
const agent = await startLocalAgent(join(folder, 'rr0'), ['--name', 'rr0'], {
  DATASTORE_TYPE: 'kubernetes',
  K8S_API_ENDPOINT: server.url,
});
try {
  let added = 0;
  let appliedMs: number | undefined;
  agent.process.onLine((line) => {
    if (!line.includes('"session added"')) return;
    added += 1;
    appliedMs ??= performance.now() - begin;
  });
  const expected = CLIENTS + RACKS * 2 - 1;
  await until(
    () => added === expected,
    () => `${expected} sessions; there are ${added}`,
    120_000,
  );
  const { pid } = agent.process;
  const memory = largestMemoryOf(pid);
  // BIRD dials 2,000 neighbors that are not there; what the agent has to do with that is in both shares.
  await delay(5_000);
  const quiet = await share(pid, MEASURED_MS);
  server.heartbeats(PER_SECOND);
  await delay(2_000);
  const lines = agent.log().length;
  const from = server.written();
  const busy = await share(pid, MEASURED_MS);
  const rate = (server.written() - from) / (MEASURED_MS / 1000);
  if (rate < PER_SECOND * 0.9) throw new Error(`only ${rate} heartbeats a second were written`);
  if (agent.log().length !== lines)
    throw new Error(`heartbeats made the agent speak:\n${agent.process.output()}`);
  const cost = busy - quiet;
  printResult({
    title: `kubernetes: a reflector of a cluster of ${NODES.toLocaleString('en')} nodes`,
    how: `Nodes of about 4 kB of metadata in ${RACKS} racks, chosen by nodeSelectors; ${CLIENTS.toLocaleString('en')} of them are clients of the reflector. The API server is the stand-in of the tests, on the same cores. A heartbeat is a write of a Node's status, as kubelets do it; ${PER_SECOND.toLocaleString('en')} a second are those of 10,000 nodes with the usual interval of 10 s. CPU time is of all the agent's threads, over ${MEASURED_MS / 1000} s.`,
    rows: [
      {
        what: `from the start of the process to the first apply in BIRD, ${expected.toLocaleString('en')} sessions`,
        measured: milliseconds(appliedMs ?? Number.NaN),
        target: null,
        met: null,
      },
      {
        what: 'resident memory at its largest until then',
        measured: `${Math.round(memory / 2 ** 20)} MiB`,
        target: null,
        met: null,
      },
      {
        what: `CPU for ${Math.round(rate).toLocaleString('en')} heartbeats a second that change nothing`,
        measured: `${cost.toFixed(1)} % of a core`,
        target: `under ${TARGET_PERCENT} %`,
        met: cost < TARGET_PERCENT,
      },
      {
        what: 'CPU without heartbeats',
        measured: `${quiet.toFixed(1)} % of a core`,
        target: null,
        met: null,
      },
    ],
  });
} finally {
  await agent.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
