/**
 * `npm run bench [-- NAME... [OPTION...]]`: runs benches, each in a process of its own so that memory and compiled
 * code of one are not the other's, and writes what they measured into its section of bench/RESULTS.md. A bench is a
 * file beside this one that prints a BenchResult; without names all run. Options go to the benches that are named;
 * what they measure is then only printed, because it is not the whole; but with `--right-of-way` alone it is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { type BenchResult, type BenchTable, isBenchResult } from './result.ts';

const BENCHES = [
  'compile',
  'reachability',
  'apply',
  'join',
  'origins',
  'kubernetes',
  'get',
  'reflect',
  'copy',
  'soak',
  'image',
] as const;
const RESULTS = join(import.meta.dirname, 'RESULTS.md');
const HEADING = `# What was measured

Written by \`npm run bench\`. Times depend on the machine; the ratios beside a rival of the same run do less so.
`;

const RIGHT_OF_WAY = '--right-of-way';

function machine(options: readonly string[]): string {
  const [cpu] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const today = new Date().toISOString().slice(0, 10);
  const others = options.includes(RIGHT_OF_WAY) ? ', which others used too, after what was measured' : '';
  return `${today}, ${cpus().length} x ${cpu?.model ?? 'unknown CPU'}, ${memory}, Linux ${release()}, Node ${process.version}${others}`;
}

function run(name: string, options: readonly string[]): BenchResult {
  const file = join(import.meta.dirname, `${name}.ts`);
  // --expose-gc: a bench starts its clock on a settled heap.
  const command = [process.execPath, '--expose-gc', file, ...options];
  // A session of its own, so that it can be given precedence with all that it starts.
  const [program = '', ...rest] = options.includes(RIGHT_OF_WAY) ? ['setsid', '--wait', ...command] : command;
  const child = spawnSync(program, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (child.status !== 0) throw new Error(`Bench ${name} ended with ${child.status ?? child.signal}.`);
  const result: unknown = JSON.parse(child.stdout);
  if (!isBenchResult(result)) throw new Error(`Bench ${name} printed no result.`);
  return result;
}

function toMarkdown(result: BenchResult, options: readonly string[]): string {
  const lines = result.rows.map((row) => {
    const met = row.met === null ? '' : row.met ? 'met' : '**missed**';
    return `| ${row.what} | ${row.measured} | ${row.target ?? ''} | ${met} |`;
  });
  return [
    `## ${result.title}`,
    '',
    result.how,
    '',
    `Machine: ${machine(options)}.`,
    '',
    '| what | measured | target | |',
    '| --- | --- | --- | --- |',
    ...lines,
    ...(result.tables ?? []).flatMap((table) => ['', `### ${table.title}`, '', ...tableLines(table)]),
  ].join('\n');
}

function tableLines(table: BenchTable): readonly string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(table.columns), line(table.columns.map(() => '---')), ...table.rows.map(line)];
}

/** Replaces one bench's section and leaves the others as they were measured last. */
function writeSection(name: string, text: string): void {
  const start = `<!-- ${name} -->`;
  const end = `<!-- end of ${name} -->`;
  const section = `${start}\n\n${text}\n\n${end}`;
  const old = existsSync(RESULTS) ? readFileSync(RESULTS, 'utf8') : HEADING;
  const from = old.indexOf(start);
  const to = old.indexOf(end);
  const next =
    from < 0 || to < 0
      ? `${old.trimEnd()}\n\n${section}\n`
      : `${old.slice(0, from)}${section}${old.slice(to + end.length)}`;
  writeFileSync(RESULTS, next);
}

const words = process.argv.slice(2);
const firstOption = words.findIndex((word) => word.startsWith('-'));
const asked = firstOption < 0 ? words : words.slice(0, firstOption);
const options = firstOption < 0 ? [] : words.slice(firstOption);
const unknown = asked.filter((name) => !BENCHES.some((bench) => bench === name));
if (unknown.length > 0) {
  process.stderr.write(`No bench is called ${unknown.join(', ')}; there are: ${BENCHES.join(', ')}.\n`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : BENCHES) {
  if (!existsSync(join(import.meta.dirname, `${name}.ts`))) {
    process.stderr.write(`Bench ${name} is not written yet.\n`);
    process.exitCode = 1;
    continue;
  }
  process.stderr.write(`Running ${name} ...\n`);
  const text = toMarkdown(run(name, options), options);
  if (options.every((option) => option === RIGHT_OF_WAY)) writeSection(name, text);
  process.stdout.write(`${text}\n\n`);
}
