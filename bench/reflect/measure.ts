/** One work done by one reflector: started afresh for each run, stopped after it, the median of several short runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unusedPort } from '../../test/support/ports.ts';
import { REFLECTOR } from './configurations.ts';
import { runLoad } from './load.ts';
import { keepLog, type Reflector } from './reflectors.ts';
import { goesFirst } from './right-of-way.ts';
import type { MetricId, Work } from './works.ts';

export type Outcome =
  | {
      readonly kind: 'measured';
      readonly values: ReadonlyMap<MetricId, number>;
      readonly runs: number;
      readonly loopDelay: string | null;
    }
  | { readonly kind: 'unfinished'; readonly limitSeconds: number; readonly phase: string }
  | { readonly kind: 'wrong'; readonly violations: number }
  | { readonly kind: 'left out'; readonly because: string };

export interface How {
  /** A single run is enough. */
  readonly once: boolean;
  /** What is measured goes before everything else on the machine. */
  readonly first: boolean;
}

/** Short works are run again, until so many runs or seconds are spent. */
const RUNS = 3;
const ENOUGH_SECONDS = 12;

/**
 * @throws Error when a daemon could not be started or bgpload could not be run
 */
export async function measure(work: Work, reflector: Reflector, how: How): Promise<Outcome> {
  const runs: Extract<Outcome, { kind: 'measured' }>[] = [];
  const begin = performance.now();
  while (runs.length < (how.once ? 1 : RUNS) && performance.now() - begin < ENOUGH_SECONDS * 1000) {
    const outcome = await runOnce(work, reflector, how.first);
    if (outcome.kind !== 'measured') return outcome;
    runs.push(outcome);
  }
  // Every metric of the same run: the one whose first metric is the median.
  const first = work.metrics[0]?.id ?? 'wall';
  runs.sort((one, other) => (one.values.get(first) ?? 0) - (other.values.get(first) ?? 0));
  const median = runs[Math.floor((runs.length - 1) / 2)];
  if (median === undefined) throw new Error(`${work.id} was never run`);
  return { ...median, runs: runs.length };
}

async function runOnce(work: Work, reflector: Reflector, first: boolean): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-reflect-'));
  try {
    const port = await unusedPort(REFLECTOR);
    const running = await reflector.start(folder, port, work.clients);
    try {
      if (first) goesFirst(running.pid);
      const grow = work.extra === undefined ? [] : ['--exec', running.grow(work.clients + work.extra)];
      const outcome = await runLoad(
        [
          ...work.args,
          ...grow,
          ...['--rr', `${REFLECTOR}:${port}`, '--pid', String(running.pid)],
          ...['--timeout', String(work.limitSeconds)],
          ...(reflector.reflectsOwn === true ? ['--allow-own'] : []),
        ],
        first,
      );
      if (outcome.kind === 'wrong') return outcome;
      if (outcome.kind === 'unfinished') {
        const log = keepLog(folder, join(tmpdir(), `calico-rr-reflect-${work.id}-${reflector.id}.log`));
        process.stderr.write(`${reflector.title} did not finish (${outcome.phase}); ${log}\n`);
        return { kind: 'unfinished', limitSeconds: work.limitSeconds, phase: outcome.phase };
      }
      const values = new Map(work.metrics.map((metric) => [metric.id, metric.of(outcome.fields)]));
      return { kind: 'measured', values, runs: 1, loopDelay: await running.loopDelay() };
    } finally {
      await running.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
