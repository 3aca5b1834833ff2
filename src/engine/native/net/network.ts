/**
 * What a session needs of TCP, as an interface: real sockets behind it (tcp-network.ts), or a network in simulated
 * time (test/support/simulated-network.ts).
 */
import type { ListenAddress } from '../peer-link.ts';

/** What happens to a connection. Nothing is called from within a call of the wire, and nothing after `closed`. */
export interface WireEvents {
  /** The connection that we dialled is up. */
  connected(): void;
  /** The octets may be kept: nobody writes over them. */
  received(octets: Uint8Array): void;
  /** After `write` returned false: it takes more. */
  drained(): void;
  /** It is gone, or never came up; the reason in words. */
  closed(reason: string): void;
}

/** One TCP connection, being dialled or up. */
export interface Wire {
  /**
   * Writes all chunks in one go.
   * @returns false: taken, but more should wait for `drained`
   */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Octets written that the system has not taken yet, each `write` counted whole until it is taken whole. */
  readonly waiting: number;
  /** Octets that the system has taken since the beginning, parts of a large `write` included. */
  readonly taken: number;
  /** Stop reading, so that the peer's TCP has to wait; some octets may still come. */
  pause(): void;
  resume(): void;
  /**
   * Ends it after what was written, and says nothing more to its events. What the peer still sends is read and thrown
   * away: closing a socket with unread octets makes TCP reset the connection, and a reset takes the NOTIFICATION
   * away from the peer again. A peer that does not close within seconds is cut off.
   */
  finish(): Promise<void>;
  /** Ends it at once and says nothing more to its events. */
  destroy(): void;
}

/** Protection of one connection. */
export interface WireTerms {
  /** TCP-MD5 (RFC 2385); null: none. */
  readonly password: string | null;
  /** GTSM (RFC 5082): hops to the peer at most; null: off. */
  readonly ttlSecurityHops: number | null;
  /** TTL 1 on what we send, where TTL security is off. */
  readonly direct: boolean;
}

export interface DialTarget extends WireTerms {
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Null: the system's choice. */
  readonly sourceAddress: string | null;
}

/** A connection that has come in. It is paused; exactly one of `take` and `turnAway` is to be called, at once. */
export interface Offered {
  /** Our address and the peer's, as text. */
  readonly local: string;
  readonly remote: string;
  /** Why a peer with these terms must not be given this connection, in words; null: it may. To be asked once. */
  objection(terms: WireTerms): string | null;
  /** Where the terms cannot be kept, `closed` says so. */
  take(terms: WireTerms, events: WireEvents): Wire;
  /** Closes it without an answer. */
  turnAway(): void;
}

/** A socket that listens. */
export interface Listener {
  /** The key that connections from `peer` must be signed with; null: none. Other peers are not touched. */
  setKey(peer: string, key: string | null): void;
  /**
   * The lowest TTL with which anything may arrive, from whomever; 0: any. Only where every peer has TTL security: what
   * is asked of a single one is asked of its own connection, as soon as that is accepted.
   */
  setLowestTtl(ttl: number): void;
  /** Connections that it accepted stay. */
  close(): Promise<void>;
}

export interface Network {
  /** Why these terms cannot be kept here, or null. */
  refusalOf(terms: WireTerms): string | null;
  /** @throws Error with the system's reason in words */
  listen(address: ListenAddress, offered: (connection: Offered) => void): Promise<Listener>;
  /** Begins to dial. What goes wrong is told by `closed`. */
  dial(target: DialTarget, events: WireEvents): Wire;
}
