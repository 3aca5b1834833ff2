/**
 * What a verb tells of the documents that it went through, in calicoctl's sentences (calicoctl/commands/*.go, v3.30):
 * success on standard output, failure on standard error. Under the name calico-rr it is also told what was done and
 * what was not where only a part was.
 */
import type { Kind } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, calicoText, hintsOf, type Operation, withHints } from './failure.ts';

export type WritingVerb = 'create' | 'apply' | 'replace' | 'delete' | 'validate';

export interface Outcome {
  readonly kind: Kind;
  readonly name: string;
  /** Absent: it was done. */
  readonly error?: unknown;
  /** What was tried last. */
  readonly operation: Operation;
  /** Passed over on purpose (--skip-exists, --skip-not-exists). */
  readonly skipped?: boolean;
}

export const DONE = {
  create: 'created',
  apply: 'applied',
  replace: 'replaced',
  delete: 'deleted',
  validate: 'validated',
} as const satisfies Record<WritingVerb, string>;

/** Writes what was done. @throws CommandFailure with what was not */
export function report(verb: WritingVerb, outcomes: readonly Outcome[], program: ProgramName): void {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const skipped = outcomes.filter((outcome) => outcome.skipped === true);
  for (const { kind, name } of skipped) {
    const why = verb === 'create' ? 'exists already' : 'does not exist';
    if (program === 'calico-rr') process.stderr.write(`${kind}(${name}) ${why}: skipped\n`);
  }
  if (failed.length === 0) {
    const done = outcomes.length - skipped.length;
    process.stdout.write(`Successfully ${DONE[verb]} ${done} ${theirKind(outcomes)}resource(s)\n`);
    return;
  }
  const texts = failed.map(({ error, kind, name, operation }) => calicoText(error, kind, name, operation));
  const lines =
    verb === 'delete'
      ? deleteLines(outcomes, failed, texts, program)
      : writeLines(verb, outcomes, failed, texts, program);
  const hints = hintsOf(
    failed.map(({ error }) => error),
    program,
  );
  throw new CommandFailure(withHints(lines.join('\n'), hints));
}

/** `'BGPPeer' `, or nothing where there are several kinds. */
function theirKind(outcomes: readonly Outcome[]): string {
  const kinds = new Set(outcomes.map(({ kind }) => kind));
  const [kind] = kinds;
  return kinds.size === 1 ? `'${kind}' ` : '';
}

function writeLines(
  verb: Exclude<WritingVerb, 'delete'>,
  outcomes: readonly Outcome[],
  failed: readonly Outcome[],
  texts: readonly string[],
  program: ProgramName,
): readonly string[] {
  const kind = theirKind(outcomes);
  // Go prints a list of errors in brackets, a blank between them; `replace` has one error and no list.
  const errors = verb === 'replace' && texts.length === 1 ? texts.join(' ') : `[${texts.join(' ')}]`;
  const done = outcomes.length - failed.length;
  // calicoctl counts a replacement that failed as made, and says so; only under its own name do we.
  const counted = verb === 'replace' && program === 'calicoctl' ? outcomes.length : done;
  if (counted > 0) {
    process.stdout.write(
      `Partial success: ${DONE[verb]} the first ${counted} out of ${outcomes.length} ${kind}resources:\n`,
    );
    const detail = program === 'calicoctl' ? [] : whatWasDone(outcomes);
    return [`Hit error${verb === 'apply' ? '(s)' : ''}: ${errors}`, ...detail];
  }
  if (outcomes.length === 1) return [`Failed to ${verb} ${kind}resource: ${errors}`];
  return [`Failed to ${verb} any ${kind}resources: ${errors}`];
}

function deleteLines(
  outcomes: readonly Outcome[],
  failed: readonly Outcome[],
  texts: readonly string[],
  program: ProgramName,
): readonly string[] {
  const done = outcomes.filter(({ error, skipped }) => error === undefined && skipped !== true);
  if (done.length > 0)
    process.stdout.write(`Successfully deleted ${done.length} ${theirKind(done)}resource(s)\n`);
  const lines = failed.map(
    (outcome, index) => `Failed to delete '${outcome.kind}' resource: ${texts[index] ?? ''}`,
  );
  return program === 'calicoctl' ? [...lines, ''] : lines;
}

function whatWasDone(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes.map(({ kind, name, error, skipped }) => {
    const what = error !== undefined ? 'not done' : skipped === true ? 'skipped' : 'done';
    return `  ${what.padEnd(8)}  ${kind}(${name})`;
  });
}
