/** What a bench hands to bench/run.ts: one JSON object on standard output, nothing else there. */

export interface BenchRow {
  readonly what: string;
  /** With its unit: `812 ms`. */
  readonly measured: string;
  /** Its target, or null where it is only for comparison. */
  readonly target: string | null;
  readonly met: boolean | null;
}

/** A table of everything that was measured, for what has more than one column. */
export interface BenchTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface BenchResult {
  readonly title: string;
  /** What was measured and beside what, in Markdown. */
  readonly how: string;
  readonly rows: readonly BenchRow[];
  readonly tables?: readonly BenchTable[];
}

export function printResult(result: BenchResult): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

export function isBenchResult(value: unknown): value is BenchResult {
  return (
    typeof value === 'object' &&
    value !== null &&
    'title' in value &&
    'how' in value &&
    'rows' in value &&
    Array.isArray(value.rows)
  );
}

/** The value below which this share (0 to 1) of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new Error('A bench measured nothing.');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Milliseconds with as many digits as mean something. */
export function milliseconds(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3)} ms`;
}
