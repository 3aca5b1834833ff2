/**
 * A session with one peer: RFC 4271 section 8 for up to two connections at once (section 8.2.1: a state machine for
 * each, until collision detection has chosen), with start, stop and damping of errors around them. A pure function
 * from (settings, session, event) to (session, effects): sockets, timers and chance are the caller's.
 *
 * The first machine dials, or takes the peer's connection while it waits in Active. A second one exists only while the
 * peer's connection came in and ours is dialled or not yet Established. Whichever gets there first is kept: its
 * rival is told Cease / Connection Collision Resolution.
 */
import type { Cause } from '../graceful-restart.ts';
import type { Notification } from '../notification.ts';
import { accept, collide, keepaliveDue } from './collision.ts';
import {
  type ConnectionEvent,
  newSession,
  onConnection,
  onFirst,
  type Session,
  type SessionStep,
} from './connections.ts';
import type { Connection, ConnectionTimer, Effect, SessionTimer } from './effects.ts';
import type { State } from './fsm.ts';
import { stepFsm } from './machine.ts';
import type { SessionSettings } from './settings.ts';

export type SessionEvent =
  | { readonly type: 'start' }
  /** Stop until the next start. Null: close without a word, so that the peer keeps our routes (RFC 4724). */
  | { readonly type: 'stop'; readonly notification: Notification | null }
  /** AutomaticStop (event 8): stop and start again after so many seconds, or not; say prefix limits (RFC 4486). */
  | {
      readonly type: 'automatic-stop';
      readonly notification: Notification;
      readonly restartSeconds: number | null;
    }
  | { readonly type: 'timer'; readonly timer: SessionTimer }
  | { readonly type: 'timer'; readonly timer: ConnectionTimer; readonly connection: Connection }
  /** The connection that was dialled is up. */
  | { readonly type: 'connected' }
  /** The peer's connection is up: the answer is the effect `accept` or `refuse`. */
  | { readonly type: 'accepted' }
  | ConnectionEvent;

const ORDER: readonly State[] = ['Idle', 'Active', 'Connect', 'OpenSent', 'OpenConfirm', 'Established'];

/** The state to show: that of the connection which has come farthest. */
export function sessionState({ first, second }: Session): State {
  return second !== null && ORDER.indexOf(second.state) > ORDER.indexOf(first.state)
    ? second.state
    : first.state;
}

/**
 * One step. `settings` may differ from those of the step before; what was said in an OPEN stays said.
 */
export function stepSession(settings: SessionSettings, session: Session, event: SessionEvent): SessionStep {
  switch (event.type) {
    case 'start':
      return start(settings, session);
    case 'stop':
      return stop(settings, session, event.notification);
    case 'automatic-stop':
      return automaticStop(settings, session, event.notification, event.restartSeconds);
    case 'timer':
      return timer(settings, session, event);
    case 'connected':
      return onConnection(settings, session, 'outgoing', event);
    case 'accepted':
      return accept(settings, session);
    case 'open':
      return collide(settings, session, event);
    case 'failed':
    case 'protocol-error':
    case 'notification':
    case 'keepalive':
    case 'update':
    case 'route-refresh':
    case 'sent':
      return onConnection(settings, session, event.connection, event);
    default:
      return event satisfies never;
  }
}

function start(settings: SessionSettings, session: Session): SessionStep {
  if (session.running) return { session, effects: [] };
  const fresh = { ...newSession(settings), lastEnd: session.lastEnd, running: true };
  return onFirst(settings, fresh, { type: 'start' });
}

function stop(settings: SessionSettings, session: Session, notification: Notification | null): SessionStep {
  const effects: Effect[] = [];
  for (const fsm of [session.second, session.first]) {
    if (fsm !== null) effects.push(...stepFsm(settings, fsm, { type: 'stop', notification }).effects);
  }
  effects.push(
    { do: 'stop-timer', timer: 'idle-hold', connection: null },
    { do: 'stop-timer', timer: 'forget-errors', connection: null },
  );
  const lastEnd: Cause = { kind: 'stopped', notification };
  return { session: { ...newSession(settings), lastEnd }, effects };
}

function automaticStop(
  settings: SessionSettings,
  session: Session,
  notification: Notification,
  restartSeconds: number | null,
): SessionStep {
  const stopped = stop(settings, session, notification);
  const connectRetryCounter = session.connectRetryCounter + 1;
  if (restartSeconds === null) {
    return { session: { ...stopped.session, connectRetryCounter }, effects: stopped.effects };
  }
  return {
    session: { ...stopped.session, running: true, connectRetryCounter },
    effects: [
      ...stopped.effects,
      { do: 'start-timer', timer: 'idle-hold', connection: null, seconds: restartSeconds, jitter: false },
    ],
  };
}

function timer(
  settings: SessionSettings,
  session: Session,
  event: Extract<SessionEvent, { type: 'timer' }>,
): SessionStep {
  switch (event.timer) {
    case 'connect-retry':
      // Anywhere else it was stopped, and this is the echo of a driver that was not quick enough.
      return session.first.state === 'Connect' || session.first.state === 'Active'
        ? onFirst(settings, session, { type: 'connect-retry-expired' })
        : { session, effects: [] };
    case 'idle-hold':
      // Event 13.
      return session.running && session.first.state === 'Idle'
        ? onFirst(settings, session, { type: 'start' })
        : { session, effects: [] };
    case 'forget-errors':
      return { session: { ...session, idleHoldSeconds: settings.idleHold.first }, effects: [] };
    case 'hold':
      return onConnection(settings, session, event.connection, { type: 'hold-expired' });
    case 'keepalive':
      return keepaliveDue(settings, session, event.connection);
    case 'delay-open':
      return onConnection(settings, session, event.connection, { type: 'delay-open-expired' });
    case 'send-hold':
      return onConnection(settings, session, event.connection, { type: 'send-hold-expired' });
    default:
      return event satisfies never;
  }
}
