/**
 * How far the native engine is from the least that any reflector can cost: bench/copy/copy.c writes as many octets to as
 * many sockets, and does nothing else. Both on the same machine, one after the other.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildBgpload, numberOf } from './reflect/load.ts';
import { measure } from './reflect/measure.ts';
import { nativeReflector } from './reflect/reflectors.ts';
import { type Metric, WORKS, type Work } from './reflect/works.ts';
import { type BenchRow, printResult } from './result.ts';

const FOLDER = join(import.meta.dirname, 'copy');
/** What the engine writes to one peer in one turn. */
const PIECE = 512 * 1024;
const RUNS = 3;

const OCTETS: Metric = {
  id: 'octets',
  title: 'octets',
  unit: 'MB',
  of: (run) => numberOf(run, 'converge_bytes'),
};

function copy(clients: number, octets: number): { readonly wall: number; readonly cpu: number } {
  const runs = Array.from({ length: RUNS }, () => {
    const args = [clients, octets, PIECE].map((value) => String(Math.round(value)));
    const printed: unknown = JSON.parse(execFileSync(join(FOLDER, 'copy'), args, { encoding: 'utf8' }));
    if (typeof printed !== 'object' || printed === null || !('wall_s' in printed) || !('cpu_s' in printed)) {
      throw new Error('copy printed no times');
    }
    return { wall: Number(printed.wall_s), cpu: Number(printed.cpu_s) };
  });
  runs.sort((one, other) => one.cpu - other.cpu);
  const [, median] = runs;
  if (median === undefined) throw new Error('copy was not run');
  return median;
}

async function compare(work: Work, receivers: number): Promise<readonly BenchRow[]> {
  const metrics = [...work.metrics, OCTETS];
  const how = { once: false, first: process.argv.includes('--right-of-way') };
  const ours = await measure({ ...work, metrics }, nativeReflector(), how);
  if (ours.kind !== 'measured') throw new Error(`${work.id}: ${ours.kind}`);
  const octets = ours.values.get('octets') ?? 0;
  const least = copy(receivers, octets / receivers);
  const row = (what: string, one: number, other: number): BenchRow => ({
    what: `${work.id}: ${what} (${(octets / 1e6).toFixed(0)} MB)`,
    measured: `${one.toFixed(2)} s, copying in C ${other.toFixed(2)} s: ${(one / other).toFixed(1)} x`,
    target: null,
    met: null,
  });
  return [
    row('wall', ours.values.get('wall') ?? 0, least.wall),
    row('CPU', ours.values.get('cpu') ?? 0, least.cpu),
  ];
}

function workOf(id: string): Work {
  const work = WORKS.find((one) => one.id === id);
  if (work === undefined) throw new Error(`there is no work ${id}`);
  return work;
}

buildBgpload();
execFileSync('make', ['-s'], { cwd: FOLDER, stdio: ['ignore', 2, 2] });
const rows = [
  ...(await compare(workOf('single-500'), 500)),
  ...(await compare(workOf('converge-2000x5'), 2000)),
  {
    what: 'one UPDATE to each of 2,000 sockets, CPU of copying in C alone',
    measured: `${(copy(2000, 95).cpu * 1000).toFixed(0)} ms`,
    target: null,
    met: null,
  },
];
printResult({
  title: 'copy: the native engine beside plain copying in C',
  how: 'bench/copy/copy.c writes the same number of octets to the same number of sockets on loopback, at most 512 KiB in one write, while another process reads and throws away; CPU is the writing process’s. It is what the kernel alone takes. For the engine, clients that check every route read on the same cores.',
  rows,
});
