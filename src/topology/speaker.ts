/** Who a speaker is, and the view of the topology that is made for it. */
import type { IpAddress } from '../model/address.ts';
import type { Problem } from '../model/problem.ts';
import type { SpeakerConfig } from './speaker-config.ts';

/**
 * Who a speaker is, as far as its own process (or the datastore) knows. With at least one address given, the
 * addresses are taken as given: a missing one means that this speaker does not speak that family. With none,
 * they are those of the RouteReflector or Node of this name.
 */
export interface SpeakerIdentity {
  readonly name: string | null;
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
  /** TCP port that it listens on, or null: what BGPConfiguration says, else 179. */
  readonly listenPort: number | null;
  /** Restart time announced (RFC 4724) where no BGPPeer sets one, seconds; 120 when absent. */
  readonly gracefulRestartSeconds?: number;
  /** The BGP Identifier to use, or `hash`: made of the name. Absent: the IPv4 address, and without one as `hash`. */
  readonly routerId?: string;
}

/** `entry`: a RouteReflector of its own; `node`: a Node, no RouteReflector; `standalone`: neither. */
export type Standing = 'entry' | 'node' | 'standalone';

export interface SpeakerView {
  /**
   * The whole of what this speaker has to do, as of now. The same object while nothing of it changed, and
   * unchanged sessions are the same objects as in the previous result: engines compare by identity first.
   */
  config(): SpeakerConfig;
  /** What is wrong with this speaker's sessions (as-mismatch, duplicates, ...), sorted, each once. */
  problems(): readonly Problem[];
  /** What it is as of now; turns when its entry or node comes or goes. */
  readonly standing: Standing;
  /** The Node that it is, where services are to be announced and so have to be known; else null. */
  readonly serviceNode: string | null;
}
