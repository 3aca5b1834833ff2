/**
 * Whether a change may be stored. Denied is what would take routes or reflectors from nodes, by the judgement that
 * `calico-rr check` and dry runs use; everything else goes through, with warnings for what it newly breaks.
 */
import type { Change } from '../model/change.ts';
import type { Topology } from '../topology/topology.ts';
import type { ChangeJudgement } from '../topology/what-if/judgement.ts';
import { lossLines, sessionLines } from '../topology/what-if/judgement-text.ts';
import { OVERRIDE, type RequestedChange } from './requested-change.ts';
import type { AdmissionAnswer, AdmissionRequest } from './review.ts';

/** A message of the API server is read in a terminal. */
const LINES_TOLD = 12;

export interface Decision extends AdmissionAnswer {
  readonly verdict: 'harmless' | 'overridden' | 'denied';
  /** What it takes; empty where it takes nothing. */
  readonly losses: readonly string[];
}

/** @param pending changes let through before, that the topology does not know yet */
export function decide(
  request: AdmissionRequest,
  requested: RequestedChange,
  topology: Topology,
  pending: readonly Change[],
  minReflectors: number,
): Decision {
  const { id, key, overridden, unreadable } = requested;
  const judgement = judgeWith(topology, requested.change, pending, { minReflectors });
  const notes = [
    ...(unreadable === null ? [] : [`${key} cannot be read, and counts as gone: ${unreadable.message}`]),
    ...judgement.newProblems.map(({ code, message }) => `${code}: ${message}`),
  ];
  if (!judgement.loses) return { verdict: 'harmless', losses: [], allowed: true, warnings: notes };
  const losses = lossLines(judgement);
  if (overridden) {
    const told = losses.map((line) => `let through by ${OVERRIDE}=${id}: ${line}`);
    return {
      verdict: 'overridden',
      losses,
      allowed: true,
      warnings: [...told, ...notes],
      audit: { verdict: `overridden ${id}` },
    };
  }
  return {
    verdict: 'denied',
    losses,
    allowed: false,
    message: denial(request, requested, judgement, losses, notes),
    audit: { verdict: `denied ${id}` },
  };
}

/**
 * A value that cannot be used counts as gone, because that is what Calico's own nodes make of it; our own speakers keep
 * its last good meaning. And of several changes under way, the last is judged together with the others.
 */
function judgeWith(
  topology: Topology,
  change: Change,
  pending: readonly Change[],
  options: { readonly minReflectors: number },
): ChangeJudgement {
  const alone = judgeOne(topology, [], change, options);
  if (alone.loses || pending.length === 0 || topology.judge(pending, options).loses) return alone;
  const together = judgeOne(topology, pending, change, options);
  return together.loses ? together : alone;
}

function judgeOne(
  topology: Topology,
  pending: readonly Change[],
  change: Change,
  options: { readonly minReflectors: number },
): ChangeJudgement {
  const judgement = topology.judge([...pending, change], options);
  if (judgement.loses || change.op !== 'put') return judgement;
  const { kind, metadata } = change.resource;
  const subject = `${kind}/${metadata.name}`;
  const setAside = judgement.newProblems.some(
    (problem) => problem.severity === 'error' && problem.subject === subject,
  );
  if (!setAside) return judgement;
  const gone = topology.judge([...pending, { op: 'delete', kind, name: metadata.name }], options);
  return gone.loses ? { ...gone, newProblems: [...judgement.newProblems, ...gone.newProblems] } : judgement;
}

function denial(
  request: AdmissionRequest,
  { id, key, otherOverride }: RequestedChange,
  judgement: ChangeJudgement,
  losses: readonly string[],
  notes: readonly string[],
): string {
  const lines = [...losses, ...notes, ...sessionLines(judgement)];
  const more = lines.length > LINES_TOLD ? [`and ${lines.length - LINES_TOLD} lines more`] : [];
  const other =
    otherOverride === null ? [] : [`Its annotation ${OVERRIDE}=${otherOverride} is of another change.`];
  return [
    `this change (${id}) of ${key} would cut nodes off:`,
    ...[...lines.slice(0, LINES_TOLD), ...more].map((line) => `  ${line}`),
    ...other,
    `${howToOverride(request, id)}`,
  ].join('\n');
}

function howToOverride({ operation, resource, name }: AdmissionRequest, id: string): string {
  if (operation === 'CREATE') {
    return `If that is what you want, create it with the annotation ${OVERRIDE}: "${id}".`;
  }
  const kind = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  return `If that is what you want: kubectl annotate ${kind} ${name} --overwrite ${OVERRIDE}=${id} and do it again.`;
}
