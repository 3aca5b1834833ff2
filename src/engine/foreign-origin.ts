/** What every engine makes of the origin guard alike: whose routes it judges, and what it tells of them. */
import type { Problem } from '../model/problem.ts';
import type { SessionConfig } from '../topology/speaker-config.ts';

/** The node whose announcements on this session are judged; null: fellows and routers, which pass on what others said. */
export function nodeToJudge({ kind, peerName }: SessionConfig): string | null {
  return kind === 'reflector' || kind === 'external' ? null : peerName;
}

export interface ForeignRoute {
  readonly prefix: string;
  /** Why the node may not announce it, as the end of a sentence. */
  readonly fault: string;
  /** False: it is used all the same. */
  readonly refused: boolean;
  /** How many such routes there are of this node. */
  readonly count: number;
}

export function foreignOrigin(node: string, { prefix, fault, refused, count }: ForeignRoute): Problem {
  const more = count === 1 ? '' : `, and ${count - 1} more like this`;
  const did = refused ? 'refused' : 'taken, since --origin-guard only logs';
  return {
    code: 'foreign-origin',
    severity: 'warning',
    subject: `Node/${node}`,
    message: `${node} announces ${prefix}, and ${fault}${more}: ${did}.`,
    hint: 'Look at the routes of that node (a static route, another BGP speaker on it), and at its block affinities.',
  };
}
