/**
 * What a change would do, asked of a listing: for whoever has no topology at hand (a dry run, a diff). Who follows a
 * datastore asks its `Topology.judge`, which keeps what it worked out.
 */
import type { Change, Listing } from '../../model/change.ts';
import { createTopology, type Topology, type TopologyOptions } from '../topology.ts';
import type { ChangeJudgement, JudgeOptions } from './judgement.ts';

/**
 * Judges `changes`, taken together, against what is there. Pure: nothing is written, and a Topology that is handed in
 * is afterwards as it was.
 * @param before everything that the datastore holds, as its `list` or `watch` gives it, or a Topology that holds it
 * @param changes as `watch` would tell them: a put with the whole resource, or a deletion, in the order of writing
 * @returns sessions that come, go and restart by speaker, node pairs that lose each other's routes, nodes that fall
 *   below the minimum, and what `check` newly finds
 */
export function judgeChange(
  before: Listing | Topology,
  changes: readonly Change[],
  options: JudgeOptions & TopologyOptions = {},
): ChangeJudgement {
  return asTopology(before, options).judge(changes, options);
}

function asTopology(before: Listing | Topology, options: TopologyOptions): Topology {
  if ('judge' in before) return before;
  const topology = createTopology(options);
  topology.load(before);
  return topology;
}
