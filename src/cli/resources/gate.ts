/**
 * Between a plan and its writing. `--dry-run` ends here, with what would happen. A plan that takes routes or
 * reflectors is asked about on a terminal and refused elsewhere, unless `--yes` says so beforehand. Called calicoctl,
 * the program tells the losses and goes on, as that program would; `CALICO_RR_CONFIRM=always` opts in.
 */
import type { Datastore } from '../../datastore/datastore.ts';
import type { Change } from '../../model/change.ts';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import type { ChangeJudgement } from '../../topology/what-if/judgement.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, hintsOf, withHints } from './failure.ts';
import { type Plan, planOf, type Step, type Stored, storedIn } from './plan.ts';

/** Flags of every verb that changes something. */
export interface ChangeFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** The verb as it stands in a sentence: "Nothing was applied". */
export type Done = 'created' | 'applied' | 'replaced' | 'patched' | 'deleted' | 'labelled' | 'changed';

export interface Asking {
  readonly flags: ChangeFlags;
  readonly program: ProgramName;
  readonly done: Done;
}

/** Kinds that sessions depend on. */
const SESSION_KINDS: ReadonlySet<Kind> = new Set<Kind>([
  'Node',
  'BGPPeer',
  'BGPConfiguration',
  'BGPFilter',
  'IPPool',
  'RouteReflector',
  'CustomFilter',
]);

/**
 * @param steps in the order in which they would be made
 * @returns true where they are to be made
 * @throws CommandFailure where they must not be
 */
export async function passGate(
  steps: readonly Step[],
  datastore: Datastore,
  asking: Asking,
  stored: Stored = storedIn(datastore),
): Promise<boolean> {
  const plan = await planOf(steps, stored, datastore);
  if (asking.flags.dryRun !== true) return mayBeMade(plan, stored, asking);
  const { judgementText, stepsText, weigh } = await import('./weigh.ts');
  process.stdout.write(stepsText(plan.steps, asking.program));
  const judgement = await weigh(plan, stored);
  process.stdout.write(`${judgementText(judgement)}Nothing was ${asking.done}: this was a dry run.\n`);
  if (plan.steps.some(({ does }) => does === 'fail')) process.exitCode = 1;
  return false;
}

async function mayBeMade(plan: Plan, stored: Stored, { flags, program, done }: Asking): Promise<boolean> {
  const asks = program === 'calico-rr' || process.env.CALICO_RR_CONFIRM === 'always';
  if (!plan.changes.some((change) => SESSION_KINDS.has(kindOf(change)))) return true;
  const { lossText, weigh } = await import('./weigh.ts');
  let judgement: ChangeJudgement;
  try {
    judgement = await weigh(plan, stored);
  } catch (error) {
    // calicoctl never looks further than the resource that it writes.
    if (!asks || flags.yes === true) return true;
    throw new CommandFailure(
      `Nothing was ${done}: what this does to sessions could not be worked out: ${messageOf(error)}\n  --yes writes it all the same.`,
      1,
      error,
    );
  }
  if (!judgement.loses) return true;
  process.stderr.write(lossText(judgement));
  if (!asks || flags.yes === true) return true;
  const { askOnTerminal } = await import('./ask.ts');
  const answer = await askOnTerminal('Do it all the same? [y/N] ');
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return true;
  const why = answer === undefined ? 'nobody can be asked here.' : 'it was not confirmed.';
  const error = new CalicoRrError('E_UNCONFIRMED', `Nothing was ${done}: ${why}`, {
    hint: '--yes does it all the same; --dry-run tells which sessions change.',
  });
  const exitCode = program === 'calicoctl' ? 1 : error.exitCode;
  const text = program === 'calicoctl' ? error.message : `${error.message} [${error.code}]`;
  throw new CommandFailure(withHints(text, hintsOf([error], program)), exitCode, error);
}

function kindOf(change: Change): Kind {
  switch (change.op) {
    case 'put':
      return change.resource.kind;
    case 'delete':
      return change.kind;
    case 'broken':
      return change.broken.kind;
    default:
      return change satisfies never;
  }
}
