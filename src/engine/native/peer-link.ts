/**
 * The seam between routes and transport. Transport (net/, session/) owns sockets, framing, timers and the state machine
 * of RFC 4271 section 8 (src/bgp); the engine (rib/, native-engine.ts) owns routes. A session reaches the engine as a
 * PeerLink to write to, and reports what happens as PeerEvents. The clock comes from outside, so that a whole
 * reflector runs in simulated time.
 *
 * Transport promises:
 * - Events come in the order of the stream, never from within a call of `write`, `stop`, `start` or `updateSettings`
 *   of the same link, but for `down`, which `stop` and `automaticStop` may call before they return.
 * - `update` and `routeRefresh` only between `up` and `down`; each `up` is followed by one `down`.
 * - Reading is fair: after some milliseconds of work it yields to the event loop. Hold timers are judged by when
 *   octets arrived at the socket, not by when they were worked off.
 * - KEEPALIVEs go out on time, between the octets that the engine writes (only whole messages are ever handed to
 *   `write` in one call), and the send hold timer (RFC 9687) ends a session whose peer reads nothing.
 */
import type {
  Cause,
  Negotiated,
  Notification,
  Retained,
  RouteRefresh,
  SessionSettings,
  State,
  Update,
} from '../../bgp/index.ts';
import type { TurnedAway } from '../engine.ts';

/** Time, real or simulated. Nothing below `src/engine/native` may ask for it in any other way. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; its zero means nothing. */
  now(): number;
  /** Milliseconds since 1970, only to be shown. */
  wallClock(): number;
  /** Calls once, after so many milliseconds; returns what calls it off. */
  setTimer(ms: number, expired: () => void): () => void;
}

/** What a session with one peer needs of TCP and of the protocol. Compared field by field by the engine. */
export interface PeerSettings {
  /** Name of the session, unique, for logs and counters. */
  readonly name: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Own address to dial from, and the only one on which this peer is accepted; null: the system's choice, any. */
  readonly sourceAddress: string | null;
  /** TCP-MD5 (RFC 2385); null: none. Never in any text. */
  readonly password: string | null;
  /** GTSM (RFC 5082): hops to the peer at most, 1 for a neighbor; null: off. */
  readonly ttlSecurityHops: number | null;
  /** An external neighbor is one hop away unless told otherwise: TTL 1 on what we send. False on iBGP and multihop. */
  readonly direct: boolean;
  /** OPEN, passive, timers. */
  readonly session: SessionSettings;
}

export interface PeerEvents {
  /** Established. From here on `write` reaches the peer. */
  up(negotiated: Negotiated): void;
  /** It was Established and is so no longer; routes of the families in `retained` become stale, others go. */
  down(cause: Cause, retained: readonly Retained[]): void;
  /** An UPDATE as `decodeUpdate` gives it: views into the read buffer, valid only until this returns. */
  update(update: Update): void;
  /** The peer asks for our routes again (RFC 2918), or brackets its own (RFC 7313). */
  routeRefresh(refresh: RouteRefresh): void;
  /** After `write` returned false: the socket takes more. */
  drained(): void;
}

export interface PeerCounters {
  /** Messages and octets since the session was added, both connections of a collision included. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly updatesIn: number;
  /** Times that it came to Established. */
  readonly established: number;
  /** UPDATEs that were treated as withdraw (RFC 7606), and attributes that were discarded. */
  readonly treatedAsWithdraw: number;
  readonly attributesDiscarded: number;
}

export interface PeerStatus {
  readonly state: State;
  /** `Clock.wallClock` of the last change of state. */
  readonly since: number;
  /** One line with the RFC's names of why the last connection ended or failed; null: none did. */
  readonly lastError: string | null;
  /** `Clock.wallClock` of that, or null. */
  readonly lastErrorAt: number | null;
  /** Null unless OpenConfirm or Established. */
  readonly negotiated: Negotiated | null;
  /** As of when they are read. */
  readonly counters: PeerCounters;
}

export interface PeerLink {
  readonly name: string;
  status(): PeerStatus;
  /**
   * Sends whole messages, all chunks in one go (corked). The chunks are shared with other peers: they are never
   * changed by anybody afterwards. When the session is not Established nothing is sent and the answer is true.
   * @param messages how many messages that is, where it is known: else their headers are counted
   * @returns false: taken, but the socket's buffer is full; write no more before `drained`
   */
  write(chunks: readonly Uint8Array[], messages?: number): boolean;
  /** Begin, or begin again after `stop`. */
  start(): void;
  /**
   * End until `start`. The notification is written, flushed, then FIN; null: close without a word, so that the peer
   * keeps our routes (RFC 4724).
   */
  stop(notification: Notification | null): void;
  /** End and begin again after so many seconds (null: do not): prefix limits, RFC 4486. */
  automaticStop(notification: Notification, restartSeconds: number | null): void;
  /**
   * Other settings from now on, without touching what is up: offer and timers count from the next connection;
   * password, addresses and TTL must only be changed while it is stopped.
   */
  updateSettings(settings: PeerSettings): void;
  /** Stopped for good: forgets the peer (gate, MD5 key). Resolves when its sockets are closed. */
  close(): Promise<void>;
}

export interface ListenAddress {
  /** Text of an IPv4 or IPv6 address; `0.0.0.0` and `::` are all of the family (`::` never takes IPv4). */
  readonly address: string;
  readonly port: number;
}

/** All of a speaker's TCP. Made by `createTransport` in transport.ts with `{ clock, log }`. */
export interface Transport {
  /**
   * Listens on exactly these from now on: new ones are opened, old ones closed, the rest stay as they are.
   * @returns what could not be opened, each with the system's reason; the others are open
   */
  listen(
    addresses: readonly ListenAddress[],
  ): Promise<readonly { readonly address: ListenAddress; readonly reason: string }[]>;
  /** What could not be opened yet, with the reason. It is tried again every second. */
  readonly unopened: readonly { readonly address: ListenAddress; readonly reason: string }[];
  /**
   * Why a peer cannot be run here as it is asked for (no TCP-MD5 without koffi, ...), or null.
   * @param ends whether the session of this name is about to be taken out, so that its peer is free; default: none is
   */
  refusalOf(settings: PeerSettings, ends?: (name: string) => boolean): string | null;
  /** A session that is not started yet. Only peers that were added get an answer from the listeners. */
  add(settings: PeerSettings, events: PeerEvents): PeerLink;
  counters(): TurnedAway;
  /** Whether octets have come in that were not worked off yet. */
  readonly unread: boolean;
  /** Closes listeners and whatever is left, without a word to anybody. */
  close(): Promise<void>;
}
