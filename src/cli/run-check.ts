/** What `check` prints, and the exit status that follows from what it found. */
import { CalicoRrError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import { pairNotes } from '../topology/check/pair-checks.ts';
import type { PairGroup } from '../topology/cluster/pairs.ts';
import type { CheckFlags } from './check.ts';
import { checkOutput } from './output.ts';
import { problemsText } from './session-text.ts';
import { readTopology } from './speaker-source.ts';

/** An error was found, or with `--strict` a warning. */
const FOUND = 3;

/** What `-o json` prints. */
export interface CheckReport {
  readonly nodes: number;
  readonly reflectors: number;
  readonly errors: number;
  readonly warnings: number;
  /** Errors first. */
  readonly problems: readonly Problem[];
  /** Every pair of nodes that is apart, in groups; the text names a few of each. */
  readonly pairs: readonly PairGroup[];
  /** What hangs on what no resource says; sentences. */
  readonly notes: readonly string[];
}

/** @throws E_USAGE for a flag that makes no sense, and what reading the resources throws */
export async function runCheck(
  flags: CheckFlags,
): Promise<{ readonly text: string; readonly exitCode: number }> {
  const json = checkOutput(flags.output);
  const minReflectors = readCount('--min-reflectors', flags.minReflectors);
  const optmemMax =
    flags.optmemMax === undefined ? {} : { optmemMax: readCount('--optmem-max', flags.optmemMax) };
  const { topology, warnings } = await readTopology(flags);
  const view = topology.cluster();
  const speakers = new Map(
    view.families.flatMap((family) => family.speakers.map(({ name, frame }) => [name, frame.settings])),
  );
  const problems = [
    ...warnings,
    ...(speakers.size === 0 ? [nothingThere(flags)] : []),
    ...topology.check({ minReflectors, ...optmemMax }),
  ];
  const count = (severity: Problem['severity']) =>
    problems.filter((problem) => problem.severity === severity).length;
  const report: CheckReport = {
    nodes: [...speakers.values()].filter(({ forwards }) => forwards).length,
    reflectors: [...speakers.values()].filter(({ role }) => role === 'reflector').length,
    errors: count('error'),
    warnings: count('warning'),
    problems: (['error', 'warning'] as const).flatMap((severity) =>
      problems.filter((problem) => problem.severity === severity),
    ),
    pairs: view.families.flatMap(({ pairs }) => pairs.groups),
    notes: pairNotes({ view }),
  };
  const fails = report.errors > 0 || (flags.strict === true && report.warnings > 0);
  return {
    text: json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report),
    exitCode: fails ? FOUND : 0,
  };
}

/** "Nothing wrong" of a mistyped path or a wrong keyspace would be believed. */
function nothingThere({ file }: CheckFlags): Problem {
  const files = file?.join(', ');
  return {
    code: 'nothing-there',
    severity: 'warning',
    subject: files ?? 'datastore',
    message: 'There is no Node and no RouteReflector, so nothing was checked.',
    hint:
      files === undefined
        ? 'See that DATASTORE_TYPE and what belongs to it (ETCD_ENDPOINTS, KUBECONFIG, CALICO_RR_FILE) name the right datastore.'
        : 'Give the files that hold the nodes as well; `validate -f` looks at resources by themselves.',
  };
}

function reportText(report: CheckReport): string {
  const counted = (number: number, one: string) =>
    `${number.toLocaleString('en')} ${one}${number === 1 ? '' : 's'}`;
  const notes = report.notes.map((note) => `note: ${note}\n`).join('');
  const what = `${counted(report.nodes, 'node')} and ${counted(report.reflectors, 'reflector')}`;
  const found =
    report.errors + report.warnings === 0
      ? 'nothing wrong'
      : `${counted(report.errors, 'error')}, ${counted(report.warnings, 'warning')}`;
  return `${problemsText(report.problems)}${notes}Checked ${what}: ${found}.\n`;
}

function readCount(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CalicoRrError('E_USAGE', `${flag} is ${JSON.stringify(text)}, not a number`, {
    hint: 'Give a whole number, such as 2.',
  });
}
