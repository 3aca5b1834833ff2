/** Two moments of the cluster, and what lies between them. */
import type { Problem } from '../../model/problem.ts';
import { DEFAULT_MIN_REFLECTORS } from '../check/check-cluster.ts';
import type { ClusterView, FamilyView } from '../cluster/cluster-view.ts';
import { groupOf, type PairGroup, withoutPairs } from '../cluster/pairs.ts';
import type { ClusterSpeaker } from '../cluster/sessions-of-all.ts';
import type { Inventory } from '../inventory.ts';
import type { ChangeJudgement, FewerReflectors, JudgeOptions } from './judgement.ts';
import { meshChange, speakerChange } from './session-changes.ts';

export interface Moment {
  readonly view: ClusterView;
  readonly problems: readonly Problem[];
}

/**
 * @param replaced the speakers that were worked out anew, by name, as they were before
 * @param speakers all speakers as they are after
 * @param inventory as it is after
 */
export function compareViews(
  before: Moment,
  after: Moment,
  replaced: ReadonlyMap<string, ClusterSpeaker | undefined>,
  speakers: ReadonlyMap<string, ClusterSpeaker>,
  inventory: Inventory,
  { minReflectors = DEFAULT_MIN_REFLECTORS }: JudgeOptions,
): ChangeJudgement {
  const families = before.view.families.flatMap((was, index) => {
    const is = after.view.families[index];
    return is === undefined ? [] : [{ was, is }];
  });
  const lostPairs = families.flatMap(({ was, is }) => lost(was, is, inventory));
  const fewerReflectors = families
    .flatMap(({ was, is }) => fewer(was, is, minReflectors))
    .sort((one, other) =>
      one.node < other.node ? -1 : one.node > other.node ? 1 : one.family - other.family,
    );
  return {
    loses: fewerReflectors.length > 0 || lostPairs.some((group) => !group.throughOutside),
    speakers: [...replaced]
      .flatMap(([name, was]) => speakerChange(was, speakers.get(name)) ?? [])
      .sort((one, other) => (one.speaker < other.speaker ? -1 : 1)),
    meshes: families.flatMap(({ was, is }) => meshChange(was.family, was.mesh, is.mesh) ?? []),
    lostPairs,
    gainedPairs: families.flatMap(({ was, is }) =>
      withoutPairs(sure(was), is.pairs.groups, (name) => is.nodes.has(name)),
    ),
    fewerReflectors,
    newProblems: difference(after.problems, before.problems),
    settledProblems: difference(before.problems, after.problems),
  };
}

function sure({ pairs }: FamilyView): readonly PairGroup[] {
  return pairs.groups.filter((group) => !group.throughOutside);
}

/** Pairs of nodes that are there before and after, and that learn each other's routes before only. */
function lost(was: FamilyView, is: FamilyView, inventory: Inventory): readonly PairGroup[] {
  const wasThere = (name: string) => was.nodes.has(name);
  const doubtful = is.pairs.groups.filter((group) => group.throughOutside);
  return [
    ...withoutPairs([...sure(is), ...droppedOut(was, is, inventory)], sure(was), wasThere),
    ...withoutPairs(doubtful, was.pairs.groups, wasThere),
  ];
}

/** Nodes that still exist and have no part in this family any more, with everybody. */
function droppedOut(was: FamilyView, is: FamilyView, inventory: Inventory): readonly PairGroup[] {
  const gone: string[] = [];
  const left: string[] = [];
  for (const name of was.nodes.keys()) {
    if (is.nodes.has(name)) left.push(name);
    else if (inventory.nodes.has(name)) gone.push(name);
  }
  return [...groupOf(was.family, gone, [...left, ...gone], false), ...groupOf(was.family, left, gone, false)];
}

function fewer(was: FamilyView, is: FamilyView, minReflectors: number): readonly FewerReflectors[] {
  const found: FewerReflectors[] = [];
  for (const [node, index] of is.nodes) {
    const after = is.reflectors[index] ?? 0;
    if (after >= minReflectors || is.mesh.members.has(node)) continue;
    if (is.speakers[index]?.frame.settings.role === 'reflector') continue;
    const before = was.reflectors[was.nodes.get(node) ?? -1] ?? 0;
    if (after < before) found.push({ node, family: is.family, before, after });
  }
  return found;
}

/** Said node by node in the judgement itself. */
const SAID_BETTER: ReadonlySet<string> = new Set(['pairs-apart', 'too-few-reflectors']);

/** What is only in `problems`. A count or a name in the sentence does not make it another problem. */
function difference(problems: readonly Problem[], others: readonly Problem[]): readonly Problem[] {
  const known = new Set(others.map(keyOf));
  return problems.filter((problem) => !SAID_BETTER.has(problem.code) && !known.has(keyOf(problem)));
}

function keyOf({ code, severity, subject }: Problem): string {
  return `${code} ${severity} ${subject}`;
}
