/**
 * What a plan would do to every speaker's sessions and to the nodes' routes: the same judgement that `check` and the
 * admission webhook give, on everything that the datastore holds. And how it is told.
 */
import { judgeChange } from '../../topology/what-if/judge-change.ts';
import type { ChangeJudgement } from '../../topology/what-if/judgement.ts';
import { lossLines, sessionLines } from '../../topology/what-if/judgement-text.ts';
import { listCluster } from '../cluster-listing.ts';
import type { ProgramName } from '../program-name.ts';
import { readCalicoVersion } from '../run-settings.ts';
import { calicoText, hintsOf, withHints } from './failure.ts';
import type { Plan, Step, Stored } from './plan.ts';
import { sameContent } from './same-content.ts';

/** @throws what listing the datastore throws */
export async function weigh(plan: Plan, stored: Stored): Promise<ChangeJudgement> {
  const before = await listCluster(stored);
  const calicoVersion = readCalicoVersion(process.env, undefined);
  return judgeChange(before, plan.changes, calicoVersion === null ? {} : { calicoVersion });
}

/** One line for each resource: what becomes of it. */
export function stepsText(steps: readonly Step[], program: ProgramName): string {
  return steps.map((step) => `${step.kind}(${step.name}) ${fateOf(step, program)}\n`).join('');
}

function fateOf(step: Step, program: ProgramName): string {
  switch (step.does) {
    case 'put':
      if (step.before === undefined) return 'would be created';
      return sameContent(step.before, step.after) ? 'would stay as it is' : 'would be changed';
    case 'delete':
      return 'would be deleted';
    case 'skip':
      return 'would be skipped';
    case 'fail': {
      const { error, kind, name, operation } = step;
      const text = calicoText(error, kind, name, operation);
      return `would fail: ${withHints(text, hintsOf([error], program))}`;
    }
    default:
      return step satisfies never;
  }
}

/** For people: sessions, then what newly is wrong, then losses. */
export function judgementText(judgement: ChangeJudgement): string {
  const sessions = sessionLines(judgement);
  const losses = lossLines(judgement);
  const lines = [
    ...(sessions.length === 0 ? ['No session changes.'] : ['Sessions:', ...indented(sessions)]),
    ...newProblems(judgement),
    ...(losses.length === 0
      ? ['No routes are lost.']
      : [judgement.loses ? 'This takes:' : 'This may take:', ...indented(losses)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a change takes, for standard error; empty where it takes nothing. */
export function lossText(judgement: ChangeJudgement): string {
  if (!judgement.loses) return '';
  return `${['This change takes:', ...indented(lossLines(judgement))].join('\n')}\n`;
}

function newProblems({ newProblems: found }: ChangeJudgement): readonly string[] {
  if (found.length === 0) return [];
  const lines = found.map(({ severity, subject, message }) => `${severity}: ${subject}: ${message}`);
  return ['The check would newly find:', ...indented(lines)];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
