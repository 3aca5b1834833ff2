/**
 * One node joins a reflector of 2,500 clients that runs the native engine: from the PUT in etcd v3 to the session being
 * Established, and what that costs. bench/bgpload plays the clients: all are up and have each other's routes before.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareDebian } from '../scripts/debian.ts';
import { type Etcd, startEtcd } from '../test/support/etcd.ts';
import { unusedPort } from '../test/support/ports.ts';
import { start } from '../test/support/processes.ts';
import { clientsUp, machineTime } from './joining-client.ts';
import { cpuOf } from './process-cost.ts';
import { clientAddress, REFLECTOR } from './reflect/configurations.ts';
import { buildBgpload } from './reflect/load.ts';
import { goesFirst, weGoFirst } from './reflect/right-of-way.ts';
import { milliseconds, printResult, quantile } from './result.ts';

const CLIENTS = 2_500;
/** The first one is not counted: later ones are what a reflector does that has been up for a while. */
const RUNS = 6;
const ROOT = join(import.meta.dirname, '..');
const RESOURCES = '/calico/resources/v3/projectcalico.org';

interface Sample {
  /** Until etcd has answered the PUT. */
  readonly putMs: number;
  readonly establishedMs: number;
  readonly cpuMs: number;
}

function put(etcd: Etcd, kind: string, path: string, name: string, spec: object): Promise<void> {
  const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec };
  return etcd.putV3(`${RESOURCES}/${path}/${name}`, JSON.stringify(resource));
}

function putNode(etcd: Etcd, index: number): Promise<void> {
  const bgp = { ipv4Address: clientAddress(index) };
  return put(etcd, 'Node', 'nodes', `n${index}`, { bgp });
}

async function fill(etcd: Etcd): Promise<void> {
  const global = { nodeToNodeMeshEnabled: false, asNumber: 64512 };
  await put(etcd, 'BGPConfiguration', 'bgpconfigurations', 'default', global);
  await put(etcd, 'BGPPeer', 'bgppeers', 'rr', { peerIP: REFLECTOR, asNumber: 64512 });
  await etcd.putV3(`/calico/bgp/v1/rr_v4/${REFLECTOR}`, `{"ip": "${REFLECTOR}", "cluster_id": "1.0.0.1"}`);
  for (let first = 0; first < CLIENTS; first += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, offset) => putNode(etcd, first + offset)));
  }
}

async function measure(folder: string, target: string): Promise<readonly Sample[]> {
  const etcd = await startEtcd();
  try {
    await fill(etcd);
    const place = ['--listen', target, '--state-dir', join(folder, 'rr')];
    const agent = await start(join(ROOT, 'bin/calico-rr'), ['run', '--engine', 'native', ...place], {
      env: { IP: REFLECTOR, DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: etcd.endpoints.join(',') },
      logFile: join(folder, 'agent.log'),
    });
    try {
      if (process.argv.includes('--right-of-way')) goesFirst(agent.pid);
      const samples: Sample[] = [];
      for (let run = 0; run < RUNS; run++) {
        const clients = CLIENTS + run;
        const joining = await clientsUp({ folder, target, clients });
        const cpuBefore = cpuOf(agent.pid);
        const begin = machineTime();
        await putNode(etcd, clients);
        const putMs = machineTime() - begin;
        const establishedMs = (await joining.establishedAt) - begin;
        samples.push({ putMs, establishedMs, cpuMs: cpuOf(agent.pid) - cpuBefore });
      }
      return samples.slice(1);
    } finally {
      await agent.stop('SIGTERM', 30_000);
    }
  } finally {
    await etcd.stop();
  }
}

function median(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return quantile(samples.map(of), 0.5);
}

if (process.argv.includes('--right-of-way')) weGoFirst();
await prepareDebian(['etcd']);
buildBgpload();
const folder = mkdtempSync(join(tmpdir(), 'calico-rr-bench-'));
try {
  const samples = await measure(folder, `${REFLECTOR}:${await unusedPort(REFLECTOR)}`);
  const established = median(samples, (sample) => sample.establishedMs);
  printResult({
    title: 'join: one node more for a reflector with 2,500 clients, native engine',
    how: `etcd v3 and the agent with \`--engine native\`, all clients Established with a route each (played by bench/bgpload); medians of ${RUNS - 1}. The new client dials every 5 ms, so 2.5 ms of what is measured are its waiting. CPU is that of the agent's threads from the PUT until 2 s after the routes arrived: telling its route to 2,500 clients is a write to each.`,
    rows: [
      {
        what: 'from the PUT in etcd to Established',
        measured: milliseconds(established),
        target: 'under 20 ms',
        met: established < 20,
      },
      {
        what: 'until etcd has answered the PUT',
        measured: milliseconds(median(samples, ({ putMs }) => putMs)),
        target: null,
        met: null,
      },
      {
        what: 'CPU time of the agent for all of it',
        measured: milliseconds(median(samples, ({ cpuMs }) => cpuMs)),
        target: null,
        met: null,
      },
    ],
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
