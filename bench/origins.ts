/**
 * What the origin guard costs a BIRD with many clients when blocks come and move, beside the set of prefixes in a filter
 * that would say the same. bench/bgpload plays the clients, each with a block that it announces.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { prepareDebian } from '../scripts/debian.ts';
import { createBirdEngine } from '../src/engine/bird/bird-engine.ts';
import { openControlSocket } from '../src/engine/bird/control-socket.ts';
import { sameMoment } from '../src/engine/bird/outcome.ts';
import { runningDigest } from '../src/engine/bird/ownership.ts';
import { bgpRows } from '../src/engine/bird/verify.ts';
import type { Change } from '../src/model/change.ts';
import type { Resource } from '../src/model/resource.ts';
import { createTopology } from '../src/topology/topology.ts';
import { clientOf, prefix, reflectorOf } from '../test/contract/engine.ts';
import { unusedPort } from '../test/support/ports.ts';
import { listing, node, resource } from '../test/support/resources.ts';
import { clientsUp } from './joining-client.ts';
import { cpuOf } from './process-cost.ts';
import { clientAddress, REFLECTOR } from './reflect/configurations.ts';
import { buildBgpload } from './reflect/load.ts';
import { type BenchRow, milliseconds, printResult } from './result.ts';

interface Size {
  readonly clients: number;
  /** Blocks in the whole cluster. */
  readonly blocks: number;
}

const SIZES: readonly Size[] = [
  { clients: 400, blocks: 400 },
  { clients: 2_500, blocks: 2_500 },
  { clients: 400, blocks: 100_000 },
];
/** What a change leads to is counted for so long after BIRD runs with it. */
const FOLLOWS_MS = 1_000;

function blockOf(index: number): string {
  const number = index * 64;
  return `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}/26`;
}

function affinity(index: number, of: number): Resource {
  const spec = { node: `n${of}`, cidr: blockOf(index), state: 'confirmed', deleted: 'false' };
  return resource('BlockAffinity', `n${of}-${index}`, spec);
}

interface Cost {
  readonly what: string;
  /** Until BIRD runs with it. */
  readonly loadedMs: number;
  readonly birdMs: number;
  readonly ownMs: number;
  /** Sessions that were asked for their routes. */
  readonly asked: number;
  readonly restarted: number;
}

/** Brings all clients up with one engine, and makes changes that it loads. */
async function measure(
  { clients, blocks }: Size,
  guarded: boolean,
  changesOf: (act: (changes: readonly Change[]) => void, more: () => Promise<void>) => readonly Step[],
): Promise<readonly Cost[]> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-bench-'));
  const port = await unusedPort(REFLECTOR);
  const { bird2 } = await prepareDebian(['bird2']);
  const engine = createBirdEngine({
    ...{ binary: bird2, stateDir: folder, instance: 'bench', kernel: false },
    ...{ acceptPrefixes: guarded ? 'any' : 'pools', log: pino({ level: 'silent' }) },
  });
  const addresses = Array.from({ length: clients }, (_, index) => clientAddress(index));
  const net = { port, address: (host: number) => addresses[host] ?? REFLECTOR };
  const sessions = addresses.map((_, index) => clientOf(net, index));
  const own = clientOf({ port, address: () => REFLECTOR }, 1).peerAddress;
  const pool = (index: number) => ({
    ...({ cidr: prefix(blockOf(index)), disabled: false, ipip: 'Never', vxlan: 'Never' } as const),
    ...({ disableBgpExport: false, because: 'IPPool/p' } as const),
  });
  const configOf = (pools: number) =>
    reflectorOf(net, [], {
      ...{ ipv4: own, routerId: REFLECTOR, listenPort: port },
      sessions: sessions
        .map((session) => ({ ...session, sourceAddress: own }))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
      pools: guarded ? [] : Array.from({ length: pools }, (_, index) => pool(index)),
    });
  const topology = createTopology();
  topology.load(
    listing(
      ...addresses.map((address, index) => node(`n${index}`, [`${address}/8`])),
      resource('IPPool', 'pods', { cidr: '10.0.0.0/8' }),
      ...Array.from({ length: blocks }, (_, index) => affinity(index, index)),
    ),
  );
  const origins = topology.origins();
  const { faultOf, lists } = origins;
  if (guarded) engine.guardOrigins({ enforce: true, faultOf, lists });
  try {
    await engine.apply(configOf(blocks), new Map());
    const control = await openControlSocket(join(folder, 'bird.ctl'));
    const pid = Number(readFileSync(join(folder, 'bird.pid'), 'utf8'));
    // The one more that dials is never known: these stay until they are ended.
    const all = await clientsUp({
      ...{ folder, target: `${REFLECTOR}:${port}`, clients, retryMs: 1_000 },
    });
    all.establishedAt.catch(() => {});
    const costs: Cost[] = [];
    const act = (changes: readonly Change[]): void => {
      topology.apply(changes);
      engine.reviewOrigins(origins.takeChanged());
    };
    const more = async (): Promise<void> => void (await engine.apply(configOf(blocks + 1), new Map()));
    for (const { what, change } of changesOf(act, more)) {
      const asked = (): number =>
        readFileSync(join(folder, 'bird.log'), 'utf8').split('Reloading ').length - 1;
      const [rows, digest, before] = [await bgpRows(control), await runningDigest(control), asked()];
      const [bird, self, began] = [cpuOf(pid), process.cpuUsage(), performance.now()];
      await change();
      // Each question costs BIRD a look at all its sockets.
      while ((await runningDigest(control)) === digest) await delay(50);
      const loadedMs = performance.now() - began;
      await delay(FOLLOWS_MS);
      const birdMs = cpuOf(pid) - bird;
      const { user, system } = process.cpuUsage(self);
      const now = await bgpRows(control);
      const restarted = [...rows].filter(
        ([name, row]) => !sameMoment(row.since, now.get(name)?.since ?? ''),
      ).length;
      costs.push({
        ...{ what, loadedMs, birdMs, ownMs: (user + system) / 1000 },
        ...{ asked: asked() - before, restarted },
      });
      // BIRD is left alone for a while after each change.
      await delay(5 * loadedMs);
    }
    control.close();
    all.end();
    return costs;
  } finally {
    const pid = Number(readFileSync(join(folder, 'bird.pid'), 'utf8'));
    await engine.stop('detach');
    process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Step {
  readonly what: string;
  readonly change: () => void | Promise<void>;
}

const put = (one: Resource): Change => ({ op: 'put', resource: one });
const gone = ({ kind, metadata }: Resource): Change => ({ op: 'delete', kind, name: metadata.name });

buildBgpload();
const rows: BenchRow[] = [];
const table: string[][] = [];
for (const size of SIZES) {
  const ours = await measure(size, true, (act) => [
    { what: 'a node gets a block', change: () => act([put(affinity(size.blocks, 0))]) },
    {
      what: 'an announced block moves to another node',
      change: () => act([gone(affinity(1, 1)), put(affinity(1, 2))]),
    },
  ]);
  const rival = await measure(size, false, (_, more) => [
    { what: 'beside it: one more prefix in a set of the shared filter', change: more },
  ]);
  for (const { what, loadedMs, birdMs, ownMs, asked, restarted } of [...ours, ...rival]) {
    const times = [loadedMs, birdMs, ownMs].map(milliseconds);
    table.push([`${size.clients}`, `${size.blocks}`, what, ...times, `${asked}`, `${restarted}`]);
  }
  const [block, move] = ours;
  rows.push({
    what: `${size.clients} clients, ${size.blocks} blocks: sessions asked for a new block, and for one that moves`,
    measured: `${block?.asked} and ${move?.asked}`,
    target: '0 and 1',
    met: block?.asked === 0 && move?.asked === 1 && block.restarted + move.restarted === 0,
  });
}
printResult({
  title: 'The origin guard with BIRD',
  how: 'Each client announces its block through a BIRD that `--origin-guard enforce` runs. Times are from the change until BIRD runs with it, and the CPU time of BIRD and of calico-rr until a second after that; 2,500 idle sessions cost BIRD up to 0.3 s in each. Sessions that were asked for their routes, and that went down, are counted in BIRD’s log and list.',
  rows,
  tables: [
    {
      title: 'Cost of a change',
      columns: ['clients', 'blocks', 'change', 'loaded', 'CPU of BIRD', 'own CPU', 'asked', 'restarted'],
      rows: table,
    },
  ],
});
