/**
 * What a role's rules look like to the view that keeps its sessions current. All that a speaker does with one
 * peer address is one slot: rules answer for one slot at a time, so that a change costs the slots it concerns.
 */
import type { IpAddress } from '../model/address.ts';
import type { Problem } from '../model/problem.ts';
import type { ResourceKey } from '../model/resource.ts';
import type { InventoryChange } from './inventory.ts';
import type { SessionConfig } from './speaker-config.ts';
import type { SpeakerFrame } from './speaker-frame.ts';

export interface Slot {
  readonly session: SessionConfig | undefined;
  readonly problems: readonly Problem[];
}

/** One reason for a session with an address. */
export interface Candidate {
  readonly session: SessionConfig;
  /** Reported only when this candidate is the one that counts. */
  readonly problems: readonly Problem[];
}

export interface SessionRules {
  /** Every address that may have a session; more than those that have is no harm. */
  addresses(frame: SpeakerFrame): Iterable<IpAddress>;
  slot(frame: SpeakerFrame, address: IpAddress): Slot;
  /** Whose slots a change may alter, where it does not concern the speaker itself. */
  touched(frame: SpeakerFrame, change: InventoryChange): 'all' | Iterable<IpAddress>;
}

export const EMPTY_SLOT: Slot = { session: undefined, problems: [] };

/** The first candidate counts; each other resource that asked for the same is told so. */
export function chooseCandidate(candidates: readonly Candidate[]): Slot {
  const [first, ...others] = candidates;
  if (first === undefined) return EMPTY_SLOT;
  const problems = [...first.problems];
  const told = new Set<ResourceKey>([first.session.because]);
  for (const { session } of others) {
    if (told.has(session.because) || isExpected(first.session, session)) continue;
    told.add(session.because);
    problems.push(duplicate(first.session, session));
  }
  return { session: first.session, problems };
}

/** A peer of every node is for the node on a fellow reflector's machine too; there is nothing to mend in that. */
function isExpected(winner: SessionConfig, loser: SessionConfig): boolean {
  return winner.kind === 'reflector' && loser.kind === 'global';
}

function duplicate(winner: SessionConfig, loser: SessionConfig): Problem {
  const lost = loser.password && !winner.password;
  if (loser.kind === 'mesh') {
    const password = lost ? ' The password of the mesh is not used on it.' : '';
    return {
      code: 'duplicate',
      severity: 'warning',
      subject: winner.because,
      message: `It asks for the session with ${loser.peerAddress} (${loser.peerName}) that the node-to-node mesh makes too; the mesh's is not made.${password}`,
      hint: 'Delete it, or turn the mesh off (nodeToNodeMeshEnabled of BGPConfiguration/default).',
    };
  }
  const everyNode = winner.kind === 'global' && loser.kind === 'global';
  const which = everyNode
    ? 'the sessions of all nodes'
    : `the session with ${loser.peerAddress}${loser.peerName === null ? '' : ` (${loser.peerName})`}`;
  return {
    code: 'duplicate',
    severity: 'warning',
    subject: loser.because,
    message: `It asks for ${which} as ${winner.because} does, which counts.${lost ? ' Its password is not used.' : ''}`,
    hint: 'Delete one of the two.',
  };
}
