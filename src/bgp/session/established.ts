/**
 * Established: RFC 4271 section 8.2.2, graceful restart RFC 4724 section 5 and RFC 8538, send hold timer RFC 9687.
 *
 * One deviation: a broken header (event 21) is answered with its own error of RFC 4271 section 6.1, not with Finite
 * State Machine Error, which "any other event" would make of it and which would hide what was wrong.
 */
import { CEASE, ERROR } from '../error-codes.ts';
import { hardReset, type Notification } from '../notification.ts';
import { type Fsm, type FsmEvent, refuse, refuseError, restartHold, type Step, stay, toIdle } from './fsm.ts';
import { collisionLost, holdTimerExpired, keepalive, restartSendHold, unexpected } from './opening.ts';
import type { SessionSettings } from './settings.ts';

export function stepEstablished(settings: SessionSettings, fsm: Fsm, event: FsmEvent): Step {
  const { connection, negotiated } = fsm;
  if (connection === null || negotiated === null) return stay(fsm);
  switch (event.type) {
    case 'start':
      return stay(fsm);
    case 'update':
    case 'keepalive':
      return stay(fsm, restartHold(connection, negotiated));
    // RFC 4271 restarts HoldTimer for UPDATE and KEEPALIVE only.
    case 'route-refresh':
      return stay(fsm);
    case 'sent':
      return stay(fsm, restartSendHold(settings, connection, negotiated));
    case 'keepalive-expired':
      return stay(fsm, keepalive(connection, negotiated));
    case 'stop': {
      const notification = event.notification === null ? null : final(fsm, event.notification);
      return toIdle(fsm, { kind: 'stopped', notification }, false);
    }
    case 'hold-expired': {
      const seconds = negotiated.holdSeconds;
      return refuse(fsm, holdTimerExpired(), `nothing came from the peer for ${seconds} s`);
    }
    // RFC 9687: a NOTIFICATION would only wait behind what the peer does not read.
    case 'send-hold-expired':
      return toIdle(fsm, { kind: 'send-hold-expired' }, true);
    case 'protocol-error':
      // Event 22: a second OPEN, broken or not.
      return event.error.notification.code === ERROR.open
        ? unexpected(fsm, event)
        : refuseError(fsm, event.error);
    case 'notification':
      return toIdle(fsm, { kind: 'notification-received', notification: event.notification }, true);
    case 'failed':
      return toIdle(fsm, { kind: 'connection-lost', detail: event.detail }, true);
    case 'collision-lost':
      return collisionLost(fsm);
    // The session sees to collisions, so on this connection it can only be a second OPEN.
    case 'open':
    case 'connect-retry-expired':
    case 'delay-open-expired':
    case 'connected':
    case 'accepted':
      return unexpected(fsm, event);
    default:
      return event satisfies never;
  }
}

/** RFC 8538 section 5: a stop for good must be a Hard Reset, or the peer would wait for us. */
function final(fsm: Fsm, notification: Notification): Notification {
  const { code, subcode } = notification;
  const forGood =
    code === ERROR.cease && (subcode === CEASE.administrativeShutdown || subcode === CEASE.peerDeconfigured);
  return forGood && fsm.negotiated?.gracefulRestart?.notification === true
    ? hardReset(notification)
    : notification;
}
