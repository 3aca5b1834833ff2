/**
 * One node joins a reflector that has 2,500 clients: from the PUT in etcd to BIRD knowing the session, to
 * Established, and what that costs us.
 *
 * bench/bgpload plays the clients: all are Established and have each other's routes before the one more comes.
 * The rival makes the same change by hand, on a BIRD of the same configuration: it appends the session to the
 * file and runs `birdc configure`. It does not watch anything, compile anything or check what it did.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { prepareDebian } from '../scripts/debian.ts';
import { type ControlSocket, openControlSocket } from '../src/engine/bird/control-socket.ts';
import { sameMoment } from '../src/engine/bird/outcome.ts';
import { type ProtocolRow, parseProtocols } from '../src/engine/bird/replies.ts';
import { type Etcd, startEtcd } from '../test/support/etcd.ts';
import { unusedPort } from '../test/support/ports.ts';
import { start } from '../test/support/processes.ts';
import { until } from '../test/support/until.ts';
import { clientsUp, machineTime } from './joining-client.ts';
import { cpuOf } from './process-cost.ts';
import { clientAddress } from './reflect/configurations.ts';
import { buildBgpload } from './reflect/load.ts';
import { type BenchRow, milliseconds, printResult, quantile } from './result.ts';

const CLIENTS = 2_500;
const RUNS = 3;
const REFLECTOR = '127.0.0.1';
const PORT = await unusedPort(REFLECTOR);
const ROOT = join(import.meta.dirname, '..');

const TARGET = `${REFLECTOR}:${PORT}`;
interface Sample {
  /** Milliseconds from the change until BIRD lists the session. */
  readonly knownMs: number;
  /** Milliseconds from the change until the client's session is Established. */
  readonly establishedMs: number;
  /** CPU time of the process that made BIRD know it, milliseconds; null for the rival. */
  readonly cpuMs: number | null;
  /** Sessions other than the new one whose state changed. */
  readonly touched: number;
}

function sessionName(address: string): string {
  return `Global_${address.replaceAll('.', '_')}`;
}

async function sessionsOf(bird: ControlSocket): Promise<ReadonlyMap<string, ProtocolRow>> {
  const rows = parseProtocols(await bird.request('show protocols'));
  return new Map(rows.filter(({ name }) => name.startsWith('Global_')).map((row) => [row.name, row]));
}

function wasTouched(before: ProtocolRow, after: ProtocolRow | undefined): boolean {
  return after === undefined || before.state !== after.state || !sameMoment(before.since, after.since);
}

async function rowOf(bird: ControlSocket, name: string): Promise<string | undefined> {
  const reply = await bird.request(`show protocols "${name}"`);
  return reply.lines.map(({ text }) => text).find((text) => text.startsWith(name));
}

/**
 * Brings up `clients` sessions, then makes `change` while the next client dials.
 * @param change makes BIRD know that client's session
 */
async function oneMore(
  folder: string,
  bird: ControlSocket,
  clients: number,
  change: () => Promise<void>,
  pid: number | null,
): Promise<Sample> {
  const joining = await clientsUp({ folder, target: TARGET, clients });
  const before = await sessionsOf(bird);
  const name = sessionName(clientAddress(clients));
  const cpuBefore = pid === null ? 0 : cpuOf(pid);
  const begin = machineTime();
  await change();
  await soon(async () => (await rowOf(bird, name)) !== undefined, `BIRD to know ${name}`);
  const knownMs = machineTime() - begin;
  await soon(async () => (await rowOf(bird, name))?.includes('Established') === true, `${name} Established`);
  const after = await sessionsOf(bird);
  const touched = [...before].filter(([session, row]) => wasTouched(row, after.get(session))).length;
  const establishedMs = (await joining.establishedAt) - begin;
  const cpuMs = pid === null ? null : cpuOf(pid) - cpuBefore;
  return { knownMs, establishedMs, cpuMs, touched };
}

/** Looks every other millisecond: what is measured takes tens of them. */
async function soon(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited 30 s in vain for ${what}`);
    await delay(2);
  }
}

async function putNode(etcd: Etcd, index: number): Promise<void> {
  await etcd.putV2(`/calico/bgp/v1/host/n${index}/ip_addr_v4`, clientAddress(index));
}

async function fill(etcd: Etcd): Promise<void> {
  const root = '/calico/bgp/v1';
  await etcd.putV2(`${root}/global/as_num`, '64512');
  await etcd.putV2(`${root}/global/node_mesh`, '{"enabled": false}');
  await etcd.putV2(`${root}/global/peer_v4/${REFLECTOR}`, `{"ip": "${REFLECTOR}", "as_num": "64512"}`);
  await etcd.putV2(`${root}/rr_v4/${REFLECTOR}`, `{"ip": "${REFLECTOR}", "cluster_id": "1.0.0.1"}`);
  for (let first = 0; first < CLIENTS; first += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, offset) => putNode(etcd, first + offset)));
  }
}

async function measureOurs(folder: string, bird2: string): Promise<{ samples: Sample[]; conf: string }> {
  const etcd = await startEtcd();
  try {
    await fill(etcd);
    const stateDir = join(folder, 'rr');
    const args = ['run', '--engine', 'bird', '--listen', TARGET, '--state-dir', stateDir];
    const agent = await start(join(ROOT, 'bin/calico-rr'), args, {
      env: {
        IP: REFLECTOR,
        DATASTORE_TYPE: 'etcdv2',
        ETCD_ENDPOINTS: etcd.endpoints.join(','),
        CALICO_RR_BIRD: bird2,
      },
      logFile: join(folder, 'agent.log'),
    });
    try {
      const control = join(stateDir, 'bird.ctl');
      await until(() => existsSync(control), 'BIRD to be started', 60_000);
      const bird = await openControlSocket(control);
      await until(async () => (await sessionsOf(bird)).size === CLIENTS, 'all clients in BIRD', 60_000);
      const samples: Sample[] = [];
      for (let run = 0; run < RUNS; run++) {
        const clients = CLIENTS + run;
        samples.push(await oneMore(folder, bird, clients, () => putNode(etcd, clients), agent.pid));
      }
      const conf = readFileSync(join(stateDir, 'bird.conf'), 'utf8');
      bird.close();
      return { samples, conf };
    } finally {
      await agent.stop('SIGTERM', 30_000);
    }
  } finally {
    await etcd.stop();
  }
}

/** The last session's block of the file, for another address. */
function blockFor(conf: string, address: string): string {
  const first = sessionName(clientAddress(0));
  const from = conf.indexOf(`protocol bgp ${first} {`);
  const block = conf.slice(from, conf.indexOf('\n}\n', from) + 3);
  if (from < 0 || block.length < 20) throw new Error(`the configuration has no session ${first}`);
  return block.replace(first, sessionName(address)).replace(clientAddress(0), address);
}

async function measureByHand(folder: string, bird2: string, birdc2: string, conf: string): Promise<Sample[]> {
  const home = mkdtempSync(join(folder, 'hand-'));
  const file = join(home, 'bird.conf');
  const control = join(home, 'bird.ctl');
  writeFileSync(file, conf);
  const daemon = await start(bird2, ['-f', '-c', file, '-s', control, '-P', join(home, 'bird.pid')], {
    cwd: home,
  });
  try {
    await until(() => existsSync(control), 'BIRD to be started', 60_000);
    const bird = await openControlSocket(control);
    const samples: Sample[] = [];
    for (let run = RUNS; run < 2 * RUNS; run++) {
      const clients = CLIENTS + run;
      const byHand = async (): Promise<void> => {
        appendFileSync(file, blockFor(conf, clientAddress(clients)));
        execFileSync(birdc2, ['-s', control, 'configure'], { stdio: 'ignore' });
      };
      samples.push(await oneMore(home, bird, clients, byHand, null));
    }
    bird.close();
    return samples;
  } finally {
    await daemon.stop('SIGKILL');
  }
}

function median(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return quantile(samples.map(of), 0.5);
}

const tools = await prepareDebian(['bird2', 'birdc2', 'etcd']);
buildBgpload();
const folder = mkdtempSync(join(tmpdir(), 'calico-rr-bench-'));
try {
  const ours = await measureOurs(folder, tools.bird2);
  const hand = await measureByHand(folder, tools.bird2, tools.birdc2, ours.conf);
  const known = median(ours.samples, (sample) => sample.knownMs);
  const established = median(ours.samples, (sample) => sample.establishedMs);
  const cpu = median(ours.samples, (sample) => sample.cpuMs ?? 0);
  const touched = Math.max(...ours.samples.map((sample) => sample.touched));
  const handKnown = median(hand, (sample) => sample.knownMs);
  const handEstablished = median(hand, (sample) => sample.establishedMs);
  const rows: BenchRow[] = [
    {
      what: 'from the PUT in etcd to BIRD knowing the session',
      measured: milliseconds(known),
      target: 'under 250 ms',
      met: known < 250,
    },
    { what: 'from the PUT to Established', measured: milliseconds(established), target: null, met: null },
    { what: 'our CPU time for it', measured: milliseconds(cpu), target: 'under 100 ms', met: cpu < 100 },
    { what: 'other sessions touched (largest)', measured: String(touched), target: '0', met: touched === 0 },
    {
      what: 'by hand: to BIRD knowing the session',
      measured: milliseconds(handKnown),
      target: null,
      met: null,
    },
    { what: 'by hand: to Established', measured: milliseconds(handEstablished), target: null, met: null },
    {
      what: 'ours / by hand, to BIRD knowing the session',
      measured: `${(known / handKnown).toFixed(2)} x`,
      target: null,
      met: null,
    },
  ];
  printResult({
    title: 'apply: one node more for a reflector with 2,500 clients',
    how: `etcd v2, BIRD 2.0.12 from Debian, all clients Established with a route each (played by bench/bgpload); medians of ${RUNS}. By hand: the same session appended to the same file, then \`birdc configure\`, with nothing watched, checked or verified. CPU is that of the agent's threads from the PUT until 2 s after the routes arrived, keepalive supervision included.`,
    rows,
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
