/**
 * `npm run bench -- reflect [--quick] [--work PATTERN] [--beside ID,ID]`: the native engine beside every BGP daemon
 * that Debian has, on the same works, in the same run, each started afresh. bench/bgpload plays the clients and
 * checks what each of them receives; a reflector that sends anything wrong gets no number.
 *
 * --quick         the small works only, once each, beside BIRD and tuned FRR
 * --work PATTERN  only works whose name matches this regular expression
 * --beside IDS    native and only these: bird, frr, frr-tuned, gobgp, openbgpd
 * --right-of-way  what is measured goes before everything else on the machine, generator and reflectors alike
 *
 * Needs root: OpenBGPD does not run without.
 */
import { parseArgs } from 'node:util';
import { buildBgpload } from './reflect/load.ts';
import { measure, type Outcome } from './reflect/measure.ts';
import { allReflectors, type Reflector } from './reflect/reflectors.ts';
import { number, targetRows } from './reflect/targets.ts';
import { WORKS, type Work } from './reflect/works.ts';
import { type BenchTable, printResult } from './result.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    work: { type: 'string' },
    beside: { type: 'string' },
    'right-of-way': { type: 'boolean', default: false },
  },
});
const how = { once: values.quick, first: values['right-of-way'] };
const pattern = new RegExp(values.work ?? '');
const beside = (values.beside ?? (values.quick ? 'bird,frr-tuned' : undefined))?.split(',');
const works = WORKS.filter((work) => pattern.test(work.id) && (!values.quick || work.quick === true));
const reflectors = (await allReflectors()).filter(
  ({ id }) => id === 'native' || beside === undefined || beside.includes(id),
);
buildBgpload();

/** Works that a reflector did not finish: larger ones are not tried. */
const beyond = new Map<Reflector['id'], Work>();

async function outcomeOf(work: Work, reflector: Reflector): Promise<Outcome> {
  const failed = beyond.get(reflector.id);
  if (failed !== undefined && failed.deliveries <= work.deliveries) {
    return { kind: 'left out', because: `did not finish ${failed.id}` };
  }
  // A daemon that does not start must not cost what the others are measured at.
  const outcome = await measure(work, reflector, how).catch((error: unknown): Outcome => {
    process.stderr.write(`${reflector.title}: ${String(error)}\n`);
    return { kind: 'left out', because: 'did not run' };
  });
  if (outcome.kind === 'unfinished' && reflector.id !== 'native') beyond.set(reflector.id, work);
  return outcome;
}

const results = new Map<string, Map<Reflector['id'], Outcome>>();
for (const work of works) {
  const row = new Map<Reflector['id'], Outcome>();
  results.set(work.id, row);
  for (const reflector of reflectors) {
    if (work.only?.includes(reflector.id) === false) continue;
    const outcome = await outcomeOf(work, reflector);
    row.set(reflector.id, outcome);
    process.stderr.write(`${work.id} ${reflector.title}: ${inWords(work, outcome)}\n`);
  }
}

function inWords(work: Work, outcome: Outcome): string {
  return cells(work, outcome, undefined).join(' | ');
}

/** The cells of one reflector's row; ratios are beside ours. */
function cells(work: Work, outcome: Outcome, ours: Outcome | undefined): readonly string[] {
  const [first, ...rest] = work.metrics;
  if (first === undefined) return [];
  const blank = rest.map(() => '');
  switch (outcome.kind) {
    case 'unfinished':
      return [`over ${outcome.limitSeconds} s (${outcome.phase})`, ...blank];
    case 'wrong':
      return [`wrong: ${outcome.violations} violations`, ...blank];
    case 'left out':
      return [outcome.because, ...blank];
    case 'measured':
      return work.metrics.map(({ id, unit }) => {
        const value = outcome.values.get(id) ?? Number.NaN;
        const own = ours?.kind === 'measured' ? ours.values.get(id) : undefined;
        const ratio = own === undefined || ours === outcome || own <= 0 ? '' : ` (${number(value / own)} x)`;
        return `${number(value)} ${unit}${ratio}`;
      });
    default:
      return outcome satisfies never;
  }
}

function tableOf(work: Work): BenchTable {
  const row = results.get(work.id) ?? new Map<Reflector['id'], Outcome>();
  return {
    title: `${work.id}: ${work.title}`,
    columns: ['reflector', ...work.metrics.map(({ title }) => title), 'runs'],
    rows: reflectors.flatMap((reflector) => {
      const outcome = row.get(reflector.id);
      if (outcome === undefined) return [];
      const runs = outcome.kind === 'measured' ? String(outcome.runs) : '';
      return [[reflector.title, ...cells(work, outcome, row.get('native')), runs]];
    }),
  };
}

function loopDelays(): BenchTable {
  const rows = works.flatMap((work) => {
    const ours = results.get(work.id)?.get('native');
    return ours?.kind === 'measured' && ours.loopDelay !== null
      ? [[work.id, ...ours.loopDelay.split(' | ')]]
      : [];
  });
  return {
    title:
      'How late a timer of the native engine’s process was, from the first connection to the end of each work, ms',
    columns: ['work', '50 %', '99 %', 'most'],
    rows,
  };
}

printResult({
  title: 'reflect: the native engine beside other reflectors',
  how: [
    'Clients are played by bench/bgpload (bench/bgpload/README.md), which checks every route that each of them receives.',
    'Each reflector starts afresh for each run; short works are run up to 3 times and the median run is shown.',
    'CPU is user and system time of the reflector’s processes, peak RSS theirs too; the generator runs on the same cores.',
    'In brackets: how many times what native needs. FRR sends clients their own routes back, which bgpload lets pass for it alone.',
    'Repeat: `npm run bench -- reflect` as root (OpenBGPD needs that); `--work` and `--beside` choose.',
  ].join(' '),
  rows: targetRows(results, new Map(reflectors.map(({ id, title }) => [id, title]))),
  tables: [...works.map(tableOf), loopDelays()],
});
