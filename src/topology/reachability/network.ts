/**
 * The BGP sessions of one address family as plain numbers: what reachability is worked out from. Only sessions that
 * come up are in it, so each end has its counterpart.
 */

/** One speaker's end of a session. */
export interface End {
  /** Index of the speaker at the other end. */
  readonly peer: number;
  readonly localAs: number;
  readonly peerAs: number;
  /** True: the peer is a client of this speaker (RFC 4456). */
  readonly client: boolean;
  /** What this speaker prepends and looks for on this session; null where the peer is no client. */
  readonly clusterId: number | null;
  /** How often its own AS may be in a path that it takes. */
  readonly allowLocalAs: number;
  /** False: it takes no node's route from this peer. */
  readonly imports: boolean;
  /** False: it gives no node's route to this peer. */
  readonly exports: boolean;
  /** Place of the peer's address in the order of addresses: the last tie-break (RFC 4271 section 9.1.2.2 g). */
  readonly rank: number;
}

/** A session with a router that no resource describes. */
export interface OutsideEnd {
  readonly localAs: number;
  readonly peerAs: number;
  readonly client: boolean;
  readonly clusterId: number | null;
  readonly imports: boolean;
  readonly exports: boolean;
  readonly address: string;
}

export interface NetworkSpeaker {
  readonly name: string;
  /** True: a node, which has routes of its own and needs those of the others. */
  readonly isNode: boolean;
  /** BGP Identifier as a number. */
  readonly routerId: number;
  readonly ends: readonly End[];
  readonly outside: readonly OutsideEnd[];
  /**
   * The node-to-node mesh that it is in, by number, or null. Two of one number exchange their own routes over a
   * plain internal session that is in nobody's `ends`, unless one of them is in `unmeshed` of the other. Only
   * speakers that pass nothing on are in one; a mesh session with any other has ends like all others.
   */
  readonly mesh: number | null;
  /** Members of its mesh with which it has no mesh session, because something else asked for another one. */
  readonly unmeshed: readonly number[];
}

/** Everything of one family. */
export interface Network {
  readonly speakers: readonly NetworkSpeaker[];
}

export function isInternal(end: { readonly localAs: number; readonly peerAs: number }): boolean {
  return end.localAs === end.peerAs;
}

/**
 * True where this speaker never hands a learned route to another that would keep it: a node with plain internal
 * sessions only (what came over one goes over no other), or with external ones to a single AS, which finds itself
 * in the path of all that it is offered. `endOf` gives the other end of a session.
 */
export function passesNothingOn(
  speaker: Pick<NetworkSpeaker, 'isNode' | 'ends'>,
  inMesh: boolean,
  endOf: (end: End) => End | undefined,
): boolean {
  if (!speaker.isNode) return false;
  if (speaker.ends.every((end) => isInternal(end) && !end.client)) return true;
  const [first] = speaker.ends;
  return (
    first !== undefined &&
    !inMesh &&
    speaker.ends.every(
      (end) => !isInternal(end) && end.peerAs === first.peerAs && endOf(end)?.allowLocalAs === 0,
    )
  );
}
