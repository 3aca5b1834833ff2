/** Whether two speakers' ends of one session fit together, so that it comes up. */
import type { SessionConfig } from '../speaker-config.ts';
import type { ClusterSpeaker } from './sessions-of-all.ts';

export interface SessionSide {
  readonly speaker: ClusterSpeaker;
  readonly session: SessionConfig;
}

/** What keeps the session down. */
export type Disagreement = 'as' | 'password' | 'passive' | 'port' | 'ttl-security' | 'router-id';

/** @returns null where the session comes up */
export function disagreementOf(one: SessionSide, other: SessionSide): Disagreement | null {
  const [a, b] = [one.session, other.session];
  if (a.peerAs !== b.localAs || b.peerAs !== a.localAs) return 'as';
  if (a.password !== b.password) return 'password';
  if (a.passive && b.passive) return 'passive';
  if (!reaches(one, other) && !reaches(other, one)) return 'port';
  if ((a.ttlSecurityHops === null) !== (b.ttlSecurityHops === null)) return 'ttl-security';
  // RFC 6286 section 2.3: within one AS two speakers never have one BGP Identifier.
  const sameId = one.speaker.frame.settings.routerId === other.speaker.frame.settings.routerId;
  return sameId && a.localAs === b.localAs ? 'router-id' : null;
}

/** True where `one` opens the connection, and to the port that the other listens on. */
function reaches(one: SessionSide, other: SessionSide): boolean {
  return !one.session.passive && one.session.peerPort === other.speaker.frame.settings.listenPort;
}
