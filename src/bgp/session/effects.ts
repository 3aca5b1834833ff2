/**
 * What a session asks of the world outside: connections, timers, and the routes that depend on it. Effects are carried
 * out in the order in which they stand.
 */
import type { Cause, Retained } from '../graceful-restart.ts';
import type { Negotiated } from '../negotiate.ts';

/** Who opened a TCP connection. There is at most one of each between us and a peer. */
export type Connection = 'outgoing' | 'incoming';

/** Timers of one connection (RFC 4271 section 8, RFC 9687). */
export type ConnectionTimer = 'hold' | 'keepalive' | 'delay-open' | 'send-hold';
/** Timers of the session as a whole. */
export type SessionTimer = 'connect-retry' | 'idle-hold' | 'forget-errors';

export type Effect =
  /** Open a TCP connection to the peer; it is the `outgoing` one from now on. */
  | { readonly do: 'dial' }
  /** The connection that has just come in is the `incoming` one. */
  | { readonly do: 'accept' }
  /** Close the connection that has just come in; it was never ours. */
  | { readonly do: 'refuse'; readonly because: string }
  /** Send octets. */
  | { readonly do: 'send'; readonly connection: Connection; readonly message: Uint8Array }
  /** Close a connection after what was sent, or give up dialling; all of its timers stop. */
  | { readonly do: 'close'; readonly connection: Connection }
  /** Start, or start anew. With `jitter` the time is shortened by up to a quarter (`withJitter`). */
  | ({ readonly do: 'start-timer'; readonly seconds: number; readonly jitter: boolean } & TimerOf)
  | ({ readonly do: 'stop-timer' } & TimerOf)
  /** Both OPENs are known; messages after this one may be long (RFC 8654) and are read by these terms. */
  | { readonly do: 'agreed'; readonly connection: Connection; readonly negotiated: Negotiated }
  /** The session is Established. */
  | { readonly do: 'up'; readonly connection: Connection; readonly negotiated: Negotiated }
  /** It is so no longer. Routes of the families in `retained` become stale, all others are forgotten. */
  | { readonly do: 'down'; readonly cause: Cause; readonly retained: readonly Retained[] };

export type TimerOf =
  | { readonly timer: ConnectionTimer; readonly connection: Connection }
  | { readonly timer: SessionTimer; readonly connection: null };
