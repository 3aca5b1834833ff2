/**
 * OpenSent and OpenConfirm: RFC 4271 section 8.2.2, subcodes of RFC 6608 for what comes at the wrong time.
 *
 * One deviation: a NOTIFICATION in OpenSent (event 25) is not answered with another one, as "any other event" would
 * have it: whoever sends one closes the connection at once (RFC 4271 section 6).
 */
import { CEASE, ERROR, OPEN_ERROR, STATE_MACHINE_ERROR } from '../error-codes.ts';
import { encodeKeepalive } from '../header.ts';
import { type Negotiated, negotiate } from '../negotiate.ts';
import { cease, type Notification } from '../notification.ts';
import { openOf } from '../offer.ts';
import { encodeOpen, type Open } from '../open.ts';
import { ProtocolError } from '../protocol-error.ts';
import { NO_BYTES } from '../wire.ts';
import type { Connection, Effect } from './effects.ts';
import {
  type Fsm,
  type FsmEvent,
  IDLE,
  refuse,
  refuseError,
  restartHold,
  restartKeepalive,
  type Step,
  startConnectRetry,
  stay,
  stopConnectRetry,
  toIdle,
} from './fsm.ts';
import { type SessionSettings, sendHoldSeconds } from './settings.ts';

export function stepOpening(settings: SessionSettings, fsm: Fsm, event: FsmEvent): Step {
  const { connection, negotiated } = fsm;
  if (connection === null) return stay(fsm);
  switch (event.type) {
    case 'start':
    case 'sent':
      return stay(fsm);
    case 'stop':
      return toIdle(fsm, { kind: 'stopped', notification: event.notification }, false);
    case 'hold-expired':
      return refuse(fsm, holdTimerExpired(), 'the peer went silent before the session was up');
    case 'keepalive-expired':
      if (negotiated === null) return unexpected(fsm, event);
      return fsm.yielding === 'no'
        ? stay(fsm, keepalive(connection, negotiated))
        : endYielding(settings, fsm, connection, negotiated);
    case 'failed':
      return fsm.state === 'OpenSent'
        ? backToActive(settings, connection)
        : toIdle(fsm, { kind: 'connection-lost', detail: event.detail }, true);
    case 'open':
      return fsm.state === 'OpenSent'
        ? acceptOpen(settings, fsm, connection, event.open, false)
        : unexpected(fsm, event);
    case 'protocol-error':
      // Events 21 and 22 are told as what they are; what is broken in a message that may not come yet does not matter.
      return isOutOfPlace(event.error) ? unexpected(fsm, event) : refuseError(fsm, event.error);
    case 'collision-lost':
      return collisionLost(fsm);
    case 'notification': {
      const { notification } = event;
      const version =
        notification.code === ERROR.open && notification.subcode === OPEN_ERROR.unsupportedVersion;
      return toIdle(fsm, { kind: 'notification-received', notification }, !version);
    }
    case 'keepalive':
      if (negotiated === null) return unexpected(fsm, event);
      return fsm.yielding === 'no'
        ? toEstablished(settings, connection, negotiated)
        : stay({ ...fsm, yielding: 'heard' });
    case 'connect-retry-expired':
    case 'delay-open-expired':
    case 'connected':
    case 'accepted':
    case 'update':
    case 'route-refresh':
    case 'send-hold-expired':
      return unexpected(fsm, event);
    default:
      return event satisfies never;
  }
}

/**
 * Event 19, or 20 where our own OPEN was held back: to OpenConfirm, or to Idle where the two OPENs do not fit.
 */
export function acceptOpen(
  settings: SessionSettings,
  fsm: Fsm,
  connection: Connection,
  open: Open,
  ourOpenToo: boolean,
): Step {
  const agreed = agree(settings, open);
  if (agreed instanceof ProtocolError) {
    return ourOpenToo
      ? toIdle(fsm, { kind: 'connection-lost', detail: agreed.message }, true)
      : refuseError(fsm, agreed);
  }
  const ours: Effect[] = ourOpenToo
    ? [
        stopConnectRetry(),
        { do: 'stop-timer', timer: 'delay-open', connection },
        { do: 'send', connection, message: encodeOpen(openOf(settings.offer)) },
      ]
    : [];
  const hold = restartHold(connection, agreed);
  return stay({ ...IDLE, state: 'OpenConfirm', connection, negotiated: agreed }, [
    ...ours,
    { do: 'agreed', connection, negotiated: agreed },
    ...keepalive(connection, agreed),
    ...(hold.length > 0 || ourOpenToo ? hold : [stopHold(connection)]),
  ]);
}

/** How long a connection that will lose waits for the OPEN of its rival, seconds. */
const YIELD_SECONDS = 1;

/** Event 19 on a connection that yields to its rival: as `acceptOpen`, with the KEEPALIVE held back. */
export function acceptOpenYielding(connection: Connection, agreed: Negotiated): Step {
  const hold = restartHold(connection, agreed);
  return stay({ ...IDLE, state: 'OpenConfirm', connection, yielding: 'silent', negotiated: agreed }, [
    { do: 'agreed', connection, negotiated: agreed },
    { do: 'start-timer', timer: 'keepalive', connection, seconds: YIELD_SECONDS, jitter: false },
    ...(hold.length > 0 ? hold : [stopHold(connection)]),
  ]);
}

/** The rival did not get any further, so this connection goes on. */
function endYielding(
  settings: SessionSettings,
  fsm: Fsm,
  connection: Connection,
  negotiated: Negotiated,
): Step {
  const effects = keepalive(connection, negotiated);
  if (fsm.yielding !== 'heard') return stay({ ...fsm, yielding: 'no' }, effects);
  const up = toEstablished(settings, connection, negotiated);
  return stay(up.fsm, [...effects, ...up.effects]);
}

/** What the OPENs make of the session, or why they make nothing. */
export function agree(settings: SessionSettings, open: Open): Negotiated | ProtocolError {
  try {
    return negotiate(settings.offer, open);
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

/** They are all the same octets, which nobody changes. */
const KEEPALIVE = encodeKeepalive();

/** A KEEPALIVE, and the time of the next one. */
export function keepalive(connection: Connection, negotiated: Negotiated): readonly Effect[] {
  const send: Effect = { do: 'send', connection, message: KEEPALIVE };
  return [send, ...restartKeepalive(connection, negotiated)];
}

export function holdTimerExpired(): Notification {
  return { code: ERROR.holdTimerExpired, subcode: 0, data: NO_BYTES };
}

/** Event 23: a Cease (RFC 4486), and no error of anybody's. */
export function collisionLost(fsm: Fsm): Step {
  return toIdle(fsm, { kind: 'collision', notification: cease(CEASE.collisionResolution) }, false);
}

/** A broken UPDATE (event 28) or ROUTE-REFRESH, before the session is up. */
function isOutOfPlace({ notification: { code } }: ProtocolError): boolean {
  return code === ERROR.update || code === ERROR.routeRefresh;
}

const UNEXPECTED: Readonly<Record<Fsm['state'], number>> = {
  Idle: STATE_MACHINE_ERROR.unspecific,
  Connect: STATE_MACHINE_ERROR.unspecific,
  Active: STATE_MACHINE_ERROR.unspecific,
  OpenSent: STATE_MACHINE_ERROR.inOpenSent,
  OpenConfirm: STATE_MACHINE_ERROR.inOpenConfirm,
  Established: STATE_MACHINE_ERROR.inEstablished,
};

/** RFC 4271 section 6.6, RFC 6608. */
export function unexpected(fsm: Fsm, event: FsmEvent): Step {
  const notification = { code: ERROR.stateMachine, subcode: UNEXPECTED[fsm.state], data: NO_BYTES };
  const what = event.type === 'protocol-error' ? event.error.message : event.type;
  return refuse(fsm, notification, `${what} in ${fsm.state}`);
}

function backToActive(settings: SessionSettings, connection: Connection): Step {
  const retry = settings.passive ? [] : [startConnectRetry(settings.connectRetrySeconds)];
  return stay({ ...IDLE, state: 'Active' }, [{ do: 'close', connection }, ...retry]);
}

function toEstablished(settings: SessionSettings, connection: Connection, negotiated: Negotiated): Step {
  return stay({ ...IDLE, state: 'Established', connection, negotiated }, [
    ...restartHold(connection, negotiated),
    ...restartSendHold(settings, connection, negotiated),
    { do: 'up', connection, negotiated },
  ]);
}

/** RFC 9687; off where there is no hold time. */
export function restartSendHold(
  settings: SessionSettings,
  connection: Connection,
  negotiated: Negotiated,
): readonly Effect[] {
  const seconds = negotiated.holdSeconds === 0 ? 0 : sendHoldSeconds(settings, negotiated.holdSeconds);
  return seconds === 0 ? [] : [{ do: 'start-timer', timer: 'send-hold', connection, seconds, jitter: false }];
}

function stopHold(connection: Connection): Effect {
  return { do: 'stop-timer', timer: 'hold', connection };
}
