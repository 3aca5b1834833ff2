/**
 * The one or two state machines of a session, kept together: RFC 4271 section 8.2.1. Which of them an event is for, what
 * becomes of the other when one reaches Established or Idle, and how long Idle lasts (DampPeerOscillations).
 */
import type { Cause } from '../graceful-restart.ts';
import type { Connection, Effect } from './effects.ts';
import { type End, type Fsm, type FsmEvent, IDLE, type Step } from './fsm.ts';
import { stepFsm } from './machine.ts';
import type { SessionSettings } from './settings.ts';

export interface Session {
  readonly first: Fsm;
  readonly second: Fsm | null;
  /** Started and not stopped: out of Idle it comes back by itself. */
  readonly running: boolean;
  /** Next IdleHoldTime, seconds. */
  readonly idleHoldSeconds: number;
  /** RFC 4271 section 8.1.1: errors since the start. */
  readonly connectRetryCounter: number;
  /** Why the last connection ended; for status and logs. */
  readonly lastEnd: Cause | null;
}

/** What happens to a connection of the session; `Extract` keeps RFC 4271's events where they are described. */
export type ConnectionEvent = Extract<
  FsmEvent,
  {
    type:
      | 'failed'
      | 'open'
      | 'protocol-error'
      | 'notification'
      | 'keepalive'
      | 'update'
      | 'route-refresh'
      | 'sent';
  }
> & { readonly connection: Connection };

export interface SessionStep {
  readonly session: Session;
  readonly effects: readonly Effect[];
}

export function newSession(settings: SessionSettings): Session {
  return {
    first: IDLE,
    second: null,
    running: false,
    idleHoldSeconds: settings.idleHold.first,
    connectRetryCounter: 0,
    lastEnd: null,
  };
}

/** The machine of a connection; null where it has none any more. */
export function machineOf({ first, second }: Session, connection: Connection): Fsm | null {
  if (second?.connection === connection) return second;
  return first.connection === connection ? first : null;
}

/** The machine of the other connection. */
export function rivalOf({ first, second }: Session, connection: Connection): Fsm | null {
  if (second === null) return null;
  return second.connection === connection ? first : second;
}

/** Ends the rival of this connection's machine, which is the first one from now on. */
export function dismissRival(
  settings: SessionSettings,
  session: Session,
  connection: Connection,
): SessionStep {
  const { first, second } = session;
  const rival = rivalOf(session, connection);
  if (rival === null || second === null) return { session, effects: [] };
  const kept = rival === first ? second : first;
  const { effects } = stepFsm(settings, rival, { type: 'collision-lost' });
  const mine = rival === first ? effects : withoutConnectRetry(effects);
  return { session: { ...session, first: kept, second: null }, effects: mine };
}

export function onConnection(
  settings: SessionSettings,
  session: Session,
  connection: Connection,
  event: FsmEvent,
): SessionStep {
  if (session.second?.connection === connection) return onSecond(settings, session, event);
  // What was under way when the connection was closed comes too late and means nothing.
  if (session.first.connection !== connection) return { session, effects: [] };
  return onFirst(settings, session, event);
}

export function onFirst(settings: SessionSettings, session: Session, event: FsmEvent): SessionStep {
  const step = stepFsm(settings, session.first, event);
  if (step.end === null) return established(settings, { ...session, first: step.fsm }, step);
  const counted = count(session, step.end);
  if (session.second !== null) {
    return goOn(settings, { ...counted, first: session.second, second: null }, step.effects);
  }
  return idle(settings, { ...counted, first: IDLE }, step.end, step.effects);
}

export function onSecond(settings: SessionSettings, session: Session, event: FsmEvent): SessionStep {
  if (session.second === null) return { session, effects: [] };
  const step = stepFsm(settings, session.second, event);
  const effects = withoutConnectRetry(step.effects);
  if (step.end !== null) return goOn(settings, { ...count(session, step.end), second: null }, effects);
  // It has lost its connection, and waiting for another is the first one's business.
  if (step.fsm.connection === null) return { session: { ...session, second: null }, effects };
  return established(settings, { ...session, second: step.fsm }, { ...step, effects });
}

/** The peer has ended the rival: what waited to see whether it would need not wait any longer. */
function goOn(settings: SessionSettings, session: Session, effects: readonly Effect[]): SessionStep {
  if (session.first.yielding === 'no') return { session, effects };
  const step = onFirst(settings, session, { type: 'keepalive-expired' });
  return { session: step.session, effects: [...effects, ...step.effects] };
}

/** A machine that has reached Established has no rival any more. */
function established(settings: SessionSettings, session: Session, step: Step): SessionStep {
  const { connection, state } = step.fsm;
  if (state !== 'Established' || connection === null || session.second === null) {
    return { session, effects: step.effects };
  }
  const alone = dismissRival(settings, session, connection);
  return { session: alone.session, effects: [...alone.effects, ...step.effects] };
}

/** ConnectRetryTimer is the first machine's alone. */
function withoutConnectRetry(effects: readonly Effect[]): readonly Effect[] {
  return effects.filter((effect) => !('timer' in effect) || effect.timer !== 'connect-retry');
}

function count(session: Session, end: End): Session {
  const connectRetryCounter = session.connectRetryCounter + (end.counts ? 1 : 0);
  return { ...session, connectRetryCounter, lastEnd: end.cause };
}

/** In Idle with nothing left: start again, at once where the peer restarts gracefully, else after a while. */
function idle(
  settings: SessionSettings,
  session: Session,
  end: End,
  effects: readonly Effect[],
): SessionStep {
  if (!session.running) return { session, effects };
  const restarting = effects.some((effect) => effect.do === 'down' && effect.retained.length > 0);
  if (restarting && end.cause.kind === 'connection-lost') {
    const step = onFirst(settings, session, { type: 'start' });
    return { session: step.session, effects: [...effects, ...step.effects] };
  }
  const seconds = session.idleHoldSeconds;
  const wait: Effect[] = [{ do: 'start-timer', timer: 'idle-hold', connection: null, seconds, jitter: true }];
  if (!end.counts) return { session, effects: [...effects, ...wait] };
  const { forgetErrorsSeconds, idleHold } = settings;
  wait.push({
    do: 'start-timer',
    timer: 'forget-errors',
    connection: null,
    seconds: forgetErrorsSeconds,
    jitter: false,
  });
  const idleHoldSeconds = Math.min(seconds * 2, idleHold.longest);
  return { session: { ...session, idleHoldSeconds }, effects: [...effects, ...wait] };
}
