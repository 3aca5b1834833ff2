/** What the native engine is meant to reach, as rows that compare what was measured in one and the same run. */
import type { BenchRow } from '../result.ts';
import type { Outcome } from './measure.ts';
import type { Reflector } from './reflectors.ts';
import type { MetricId } from './works.ts';

type Id = Reflector['id'];

/** Outcomes by work and reflector. */
export type Results = ReadonlyMap<string, ReadonlyMap<Id, Outcome>>;

/** `times`: the rival needs at least so many times what we need. `at most`: we stay below a number. */
type Target =
  | { readonly work: string; readonly metric: MetricId; readonly beside: Id; readonly times: number }
  | { readonly work: string; readonly metric: MetricId; readonly atMost: number; readonly unit: string };

const TARGETS: readonly Target[] = [
  { work: 'single-500', metric: 'wall', beside: 'bird', times: 30 },
  { work: 'single-500', metric: 'cpu', beside: 'bird', times: 30 },
  { work: 'single-500', metric: 'wall', beside: 'frr-tuned', times: 10 },
  { work: 'single-500', metric: 'cpu', beside: 'frr-tuned', times: 10 },
  { work: 'single-500', metric: 'rss', atMost: 250, unit: 'MB' },
  { work: 'converge-500x10', metric: 'wall', beside: 'bird', times: 8 },
  { work: 'converge-500x10', metric: 'wall', beside: 'frr-tuned', times: 1 },
  { work: 'converge-1000x10', metric: 'wall', beside: 'bird', times: 25 },
  { work: 'converge-1000x10', metric: 'wall', beside: 'frr-tuned', times: 5 },
  { work: 'converge-2000x5', metric: 'wall', beside: 'bird', times: 40 },
  { work: 'converge-2000x5', metric: 'wall', beside: 'frr-tuned', times: 8 },
  ...['converge-1000x10', 'converge-2000x5'].flatMap((work): readonly Target[] => [
    ...(['bird', 'frr', 'frr-tuned', 'openbgpd'] as const).map(
      (beside): Target => ({ work, metric: 'cpu', beside, times: 1 }),
    ),
    { work, metric: 'rss', atMost: 200, unit: 'MB' },
  ]),
  { work: 'converge-100x10', metric: 'wall', beside: 'bird', times: 1 },
  { work: 'converge-100x10', metric: 'cpu', beside: 'bird', times: 1 },
  { work: 'converge-100x100', metric: 'wall', beside: 'bird', times: 1 },
  { work: 'converge-100x100', metric: 'cpu', beside: 'bird', times: 1 },
  { work: 'churn', metric: 'p99', beside: 'bird', times: 0.5 },
  { work: 'churn', metric: 'cpu', beside: 'bird', times: 3 },
  { work: 'trickle-20', metric: 'p50', atMost: 1, unit: 'ms' },
  { work: 'join', metric: 'established', beside: 'bird', times: 1 },
  { work: 'join', metric: 'joinCpu', beside: 'bird', times: 10 },
  { work: 'join', metric: 'cpu', beside: 'bird', times: 10 },
  { work: 'restart', metric: 'wall', beside: 'bird', times: 3 },
  { work: 'idle', metric: 'idleRss', atMost: 400, unit: 'MB' },
  { work: 'idle', metric: 'idleCpu', atMost: 5, unit: '%' },
];

const WORDS: Readonly<Record<MetricId, string>> = {
  wall: 'wall',
  established: 'time to Established',
  withdrawn: 'withdrawal',
  cpu: 'CPU',
  rss: 'peak RSS',
  p50: 'median delay',
  p99: '99 % delay',
  withdrawP99: '99 % delay of withdrawals',
  idleCpu: 'share of a core for keepalives',
  idleRss: 'RSS when idle',
  joinCpu: 'CPU until Established',
  octets: 'octets received',
  each: 'CPU per delivered prefix',
};

function measuredBy(results: Results, work: string, id: Id, metric: MetricId): number | undefined {
  const outcome = results.get(work)?.get(id);
  return outcome?.kind === 'measured' ? outcome.values.get(metric) : undefined;
}

/** At least what a rival needed that was stopped at its limit. */
function atLeast(results: Results, work: string, id: Id, metric: MetricId): number | undefined {
  const outcome = results.get(work)?.get(id);
  return outcome?.kind === 'unfinished' && metric === 'wall' ? outcome.limitSeconds : undefined;
}

/** A row for each target whose work was measured. */
export function targetRows(results: Results, titles: ReadonlyMap<Id, string>): readonly BenchRow[] {
  const rows: BenchRow[] = [];
  for (const target of TARGETS) {
    const { work, metric } = target;
    if (!results.has(work)) continue;
    const ours = measuredBy(results, work, 'native', metric);
    const what = `${work}: ${WORDS[metric]}`;
    if ('atMost' in target) {
      const measured = ours === undefined ? 'not measured' : `${number(ours)} ${target.unit}`;
      const met = ours !== undefined && ours <= target.atMost;
      rows.push({ what, measured, target: `at most ${target.atMost} ${target.unit}`, met });
      continue;
    }
    const rival = titles.get(target.beside) ?? target.beside;
    const theirs = measuredBy(results, work, target.beside, metric);
    const bound = atLeast(results, work, target.beside, metric);
    const goal =
      target.times === 1
        ? `no worse than ${rival}`
        : target.times < 1
          ? `at most ${1 / target.times} x ${rival}`
          : `${target.times} x better than ${rival}`;
    if (ours === undefined || (theirs === undefined && bound === undefined)) {
      rows.push({ what, measured: 'not measured', target: goal, met: ours === undefined ? false : null });
      continue;
    }
    const ratio = (theirs ?? bound ?? 0) / ours;
    rows.push({
      what,
      measured: `${theirs === undefined ? 'over ' : ''}${number(ratio)} x`,
      target: goal,
      met: ratio >= target.times,
    });
  }
  rows.push(...growthRow(results));
  return rows;
}

function growthRow(results: Results): readonly BenchRow[] {
  const few = measuredBy(results, 'growth-100', 'native', 'each');
  const many = measuredBy(results, 'growth-2000', 'native', 'each');
  if (few === undefined || many === undefined) return [];
  return [
    {
      what: 'growth: CPU per delivered prefix, 2,000 clients / 100 clients',
      measured: `${number(many / few)} x`,
      target: 'does not grow',
      met: many <= few,
    },
  ];
}

/** With as many digits as mean something. */
export function number(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value >= 1 ? value.toFixed(2) : value.toFixed(3);
}
