/**
 * Everything that can be found wrong with a cluster before it does harm: what is wrong with single resources, and
 * what only shows when all speakers are looked at together. docs/check.md says it for operators.
 */
import type { Problem, ProblemCode } from '../../model/problem.ts';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { SessionsOfAll } from '../cluster/sessions-of-all.ts';
import type { Inventory } from '../inventory.ts';
import { orderedProblems } from '../problem-order.ts';
import { checkEntries, DEFAULT_OPTMEM_MAX } from './entry-checks.ts';
import { checkPairs } from './pair-checks.ts';
import { checkReflectors } from './reflector-checks.ts';
import { checkMesh, checkOwnSessions, checkSessions } from './session-checks.ts';

export interface CheckOptions {
  /** Reflectors that every node should have; 2 when absent. */
  readonly minReflectors?: number;
  /** `net.core.optmem_max` where the speakers run, bytes; 20480 when absent. */
  readonly optmemMax?: number;
}

export const DEFAULT_MIN_REFLECTORS = 2;

/** What is found only by looking at all speakers together; docs/check.md has a row for each. */
export const CHECK_CODES = [
  'as-mismatch',
  'bad-as-number',
  'cluster-id-clash',
  'conflict',
  'mesh-off',
  'one-failure-domain',
  'one-sided',
  'pairs-apart',
  'reflectors-apart',
  'session-mismatch',
  'stale-entry',
  'too-few-reflectors',
  'too-many-passwords',
  'unsettled',
] as const satisfies readonly ProblemCode[];

export interface CheckInput {
  readonly inventory: Inventory;
  readonly sessions: SessionsOfAll;
  readonly view: ClusterView;
  readonly resourceProblems: readonly Problem[];
}

/** @returns sorted, each once */
export function checkCluster(
  input: CheckInput,
  { minReflectors = DEFAULT_MIN_REFLECTORS, optmemMax = DEFAULT_OPTMEM_MAX }: CheckOptions,
): readonly Problem[] {
  const down = checkSessions(input);
  const saidOf = new Set(down.map(({ code, subject }) => `${code} ${subject}`));
  return orderedProblems([
    ...input.resourceProblems,
    // What one end suspects is not said again where both ends together show it.
    ...checkOwnSessions(input).filter(({ code, subject }) => !saidOf.has(`${code} ${subject}`)),
    ...down,
    ...checkMesh(input),
    ...checkPairs(input),
    ...checkReflectors(input, minReflectors),
    ...checkEntries(input, optmemMax),
  ]);
}
