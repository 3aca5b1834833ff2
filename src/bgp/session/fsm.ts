/**
 * The words of the finite state machine of one connection: RFC 4271 section 8. Each state has a function of its own
 * (idle.ts, connecting.ts, opening.ts, established.ts); this file holds what they share, which is mostly the many ways
 * to Idle.
 */
import type { Cause } from '../graceful-restart.ts';
import { retainedFamilies } from '../graceful-restart.ts';
import type { Negotiated } from '../negotiate.ts';
import { encodeNotification, type Notification } from '../notification.ts';
import { openOf } from '../offer.ts';
import { encodeOpen, type Open } from '../open.ts';
import type { ProtocolError } from '../protocol-error.ts';
import type { Connection, Effect } from './effects.ts';
import { OPEN_HOLD_SECONDS, type SessionSettings, withJitter } from './settings.ts';

export type State = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

export interface Fsm {
  readonly state: State;
  /** The TCP connection that it has, or is dialling in Connect. */
  readonly connection: Connection | null;
  /** The connection is up and DelayOpenTimer runs (Connect and Active). */
  readonly delaying: boolean;
  /**
   * OpenConfirm, while a rival that will win is still waiting for its OPEN (collision.ts): our KEEPALIVE is held back
   * for a moment, and the peer's is only noted.
   */
  readonly yielding: 'no' | 'silent' | 'heard';
  /** From OpenConfirm on. */
  readonly negotiated: Negotiated | null;
}

export const IDLE: Fsm = {
  state: 'Idle',
  connection: null,
  delaying: false,
  yielding: 'no',
  negotiated: null,
};

/** Events of RFC 4271 section 8.1, with their numbers. */
export type FsmEvent =
  /** 1, 3 to 7: start, however it came about. */
  | { readonly type: 'start' }
  /** 2, 8: stop; `notification` is what the peer is told, null: nothing, so that it may wait for us (RFC 4724). */
  | { readonly type: 'stop'; readonly notification: Notification | null }
  /** 9 */
  | { readonly type: 'connect-retry-expired' }
  /** 10 */
  | { readonly type: 'hold-expired' }
  /** 11 */
  | { readonly type: 'keepalive-expired' }
  /** 12 */
  | { readonly type: 'delay-open-expired' }
  /** 16: the connection that we dialled is up. */
  | { readonly type: 'connected' }
  /** 17: the peer's connection is up. */
  | { readonly type: 'accepted' }
  /** 18: the connection could not be made or is gone. */
  | { readonly type: 'failed'; readonly detail: string }
  /** 19; 20 where DelayOpenTimer runs. */
  | { readonly type: 'open'; readonly open: Open }
  /** 21, 22, 28: a broken header, OPEN, UPDATE or ROUTE-REFRESH. */
  | { readonly type: 'protocol-error'; readonly error: ProtocolError }
  /** 23 */
  | { readonly type: 'collision-lost' }
  /** 24 (Unsupported Version Number), 25 */
  | { readonly type: 'notification'; readonly notification: Notification }
  /** 26 */
  | { readonly type: 'keepalive' }
  /** 27 */
  | { readonly type: 'update' }
  /** RFC 2918; it is no event of RFC 4271 and is treated as an UPDATE. */
  | { readonly type: 'route-refresh' }
  /** 29 (RFC 9687) */
  | { readonly type: 'send-hold-expired' }
  /** The peer's TCP took octets of ours (RFC 9687). */
  | { readonly type: 'sent' };

export interface Step {
  readonly fsm: Fsm;
  readonly effects: readonly Effect[];
  /** Set where the step led to Idle. */
  readonly end: End | null;
}

export interface End {
  readonly cause: Cause;
  /** It counts as an error: ConnectRetryCounter goes up by one and the next start is put off (damping). */
  readonly counts: boolean;
}

/** Nothing happens. */
export function stay(fsm: Fsm, effects: readonly Effect[] = []): Step {
  return { fsm, effects, end: null };
}

/**
 * To Idle: tell the peer where there is something to tell, close the connection, stop ConnectRetryTimer, and where the
 * session was Established say what becomes of its routes.
 */
export function toIdle(fsm: Fsm, cause: Cause, counts: boolean): Step {
  const { connection, negotiated } = fsm;
  const effects: Effect[] = [];
  const tell =
    cause.kind === 'stopped' || cause.kind === 'notification-sent' || cause.kind === 'collision'
      ? cause.notification
      : null;
  if (connection !== null) {
    if (tell !== null) {
      effects.push({ do: 'send', connection, message: encodeNotification(tell, negotiated?.longestSent) });
    }
    effects.push({ do: 'close', connection });
  }
  if (fsm.state === 'Connect' || fsm.state === 'Active') effects.push(stopConnectRetry());
  if (fsm.state === 'Established' && negotiated !== null) {
    effects.push({ do: 'down', cause, retained: retainedFamilies(negotiated, cause) });
  }
  return { fsm: IDLE, effects, end: { cause, counts } };
}

/** To Idle with a NOTIFICATION. */
export function refuse(fsm: Fsm, notification: Notification, detail: string): Step {
  return toIdle(fsm, { kind: 'notification-sent', notification, detail }, true);
}

/** To Idle because of what the peer sent. */
export function refuseError(fsm: Fsm, { notification, what }: ProtocolError): Step {
  return refuse(fsm, notification, what);
}

/** To OpenSent: our OPEN, and the hold timer at its large value. */
export function toOpenSent(settings: SessionSettings, connection: Connection): Step {
  return stay({ ...IDLE, state: 'OpenSent', connection }, [
    stopConnectRetry(),
    { do: 'stop-timer', timer: 'delay-open', connection },
    { do: 'send', connection, message: encodeOpen(openOf(settings.offer)) },
    { do: 'start-timer', timer: 'hold', connection, seconds: OPEN_HOLD_SECONDS, jitter: false },
  ]);
}

export function startConnectRetry(seconds: number): Effect {
  return { do: 'start-timer', timer: 'connect-retry', connection: null, seconds, jitter: true };
}

export function stopConnectRetry(): Effect {
  return { do: 'stop-timer', timer: 'connect-retry', connection: null };
}

/** Starts HoldTimer anew; nothing where the negotiated time is 0 (RFC 4271 section 4.4). */
export function restartHold(connection: Connection, { holdSeconds }: Negotiated): readonly Effect[] {
  if (holdSeconds === 0) return [];
  return [{ do: 'start-timer', timer: 'hold', connection, seconds: holdSeconds, jitter: false }];
}

/**
 * Starts KeepaliveTimer anew; nothing where the negotiated time is 0. Jitter shortens it, but no two KEEPALIVEs may go out
 * within a second (RFC 4271 section 4.4).
 */
export function restartKeepalive(
  connection: Connection,
  { keepaliveSeconds }: Negotiated,
): readonly Effect[] {
  if (keepaliveSeconds === 0) return [];
  const jitter = withJitter(keepaliveSeconds, 0) >= 1;
  return [{ do: 'start-timer', timer: 'keepalive', connection, seconds: keepaliveSeconds, jitter }];
}
