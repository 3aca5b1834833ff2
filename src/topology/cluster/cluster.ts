/**
 * The cluster as a whole: what all speakers do together, whether every node learns every other's routes, and what a
 * change would alter in that. Worked out when asked for and kept until something changes.
 */
import type { Change } from '../../model/change.ts';
import type { Problem } from '../../model/problem.ts';
import { type CheckOptions, checkCluster } from '../check/check-cluster.ts';
import type { Inventory, InventoryChange } from '../inventory.ts';
import type { MeshEra } from '../mesh-rules.ts';
import { compareViews, type Moment } from '../what-if/compare-views.ts';
import type { ChangeJudgement, JudgeOptions } from '../what-if/judgement.ts';
import { type ClusterView, viewCluster } from './cluster-view.ts';
import { createSessionsOfAll } from './sessions-of-all.ts';

export interface Cluster {
  note(change: InventoryChange): void;
  noteAll(): void;
  view(): ClusterView;
  check(options?: CheckOptions): readonly Problem[];
  judge(changes: readonly Change[], options?: JudgeOptions): ChangeJudgement;
}

/** @param resourceProblems what is wrong with resources by themselves, as of now */
export function createCluster(
  inventory: Inventory,
  era: MeshEra,
  resourceProblems: () => readonly Problem[],
): Cluster {
  const sessions = createSessionsOfAll(inventory, era);
  let current: ClusterView | undefined;

  function view(): ClusterView {
    sessions.speakers();
    current ??= viewCluster(inventory, sessions);
    return current;
  }

  function check(options: CheckOptions = {}): readonly Problem[] {
    return checkCluster({ inventory, sessions, view: view(), resourceProblems: resourceProblems() }, options);
  }

  function moment(options: JudgeOptions): Moment {
    return { view: view(), problems: check(options) };
  }

  return {
    note(change) {
      current = undefined;
      sessions.note(change);
    },
    noteAll() {
      current = undefined;
      sessions.noteAll();
    },
    view,
    check,
    judge(changes, options = {}) {
      const before = moment(options);
      const replaced = sessions.startTrial();
      const kept = current;
      const restore = changes.map((change) => inventory.capture(...keyOf(change)));
      try {
        for (const change of changes) inventory.apply(change);
        const after = moment(options);
        return compareViews(before, after, replaced, sessions.speakers(), inventory, options);
      } finally {
        for (const undo of restore.reverse()) undo();
        sessions.endTrial();
        current = kept;
      }
    },
  };
}

function keyOf(change: Change): Parameters<Inventory['capture']> {
  switch (change.op) {
    case 'put':
      return [change.resource.kind, change.resource.metadata.name];
    case 'delete':
      return [change.kind, change.name];
    case 'broken':
      return [change.broken.kind, change.broken.name];
    default:
      return change satisfies never;
  }
}
