/**
 * Connect and Active: RFC 4271 section 8.2.2. In Connect we dial, in Active we wait; in both, with DelayOpen, the
 * connection may be up already while the peer's OPEN is awaited.
 *
 * One deviation, shared with FRR and GoBGP: where a dial fails (event 18 in Connect, no DelayOpen) RFC 4271 goes to
 * Idle, which refuses the peer's own connections; we go to Active, as the RFC does with DelayOpen.
 */
import { ERROR, OPEN_ERROR } from '../error-codes.ts';
import {
  type Fsm,
  type FsmEvent,
  IDLE,
  type Step,
  startConnectRetry,
  stay,
  stopConnectRetry,
  toIdle,
  toOpenSent,
} from './fsm.ts';
import { dial } from './idle.ts';
import { acceptOpen } from './opening.ts';
import type { SessionSettings } from './settings.ts';

export function stepConnecting(settings: SessionSettings, fsm: Fsm, event: FsmEvent): Step {
  const { connection } = fsm;
  switch (event.type) {
    case 'start':
    case 'sent':
      return stay(fsm);
    case 'stop':
      // SendNOTIFICATIONwithoutOPEN is off (RFC 4271 section 8.1.1): nothing is said before our OPEN was.
      return toIdle(fsm, { kind: 'stopped', notification: null }, false);
    case 'connect-retry-expired':
      return retry(settings, fsm);
    case 'connected':
    case 'accepted': {
      const up = event.type === 'connected' ? 'outgoing' : 'incoming';
      if (settings.delayOpenSeconds === 0) return toOpenSent(settings, up);
      return stay({ ...fsm, connection: up, delaying: true }, [
        stopConnectRetry(),
        {
          do: 'start-timer',
          timer: 'delay-open',
          connection: up,
          seconds: settings.delayOpenSeconds,
          jitter: false,
        },
      ]);
    }
    case 'delay-open-expired':
      return connection !== null && fsm.delaying
        ? toOpenSent(settings, connection)
        : toIdle(fsm, { kind: 'connection-lost', detail: 'DelayOpenTimer without a connection' }, true);
    case 'failed':
      return failed(settings, fsm, event.detail);
    case 'open':
      // Event 20: the peer was first, and both messages of ours go out at once.
      return connection !== null && fsm.delaying
        ? acceptOpen(settings, fsm, connection, event.open, true)
        : toIdle(fsm, { kind: 'connection-lost', detail: 'an OPEN without a connection' }, true);
    case 'protocol-error':
      // Our OPEN was not sent yet, so no NOTIFICATION is either (SendNOTIFICATIONwithoutOPEN is off).
      return toIdle(fsm, { kind: 'connection-lost', detail: event.error.message }, true);
    case 'notification': {
      const { code, subcode } = event.notification;
      const version = code === ERROR.open && subcode === OPEN_ERROR.unsupportedVersion;
      const cause = { kind: 'notification-received', notification: event.notification } as const;
      return toIdle(fsm, cause, !(version && fsm.delaying));
    }
    case 'collision-lost':
      return toIdle(fsm, { kind: 'collision', notification: null }, false);
    case 'hold-expired':
    case 'keepalive-expired':
    case 'keepalive':
    case 'update':
    case 'route-refresh':
    case 'send-hold-expired':
      return toIdle(fsm, { kind: 'connection-lost', detail: `${event.type} before any OPEN` }, true);
    default:
      return event satisfies never;
  }
}

/** Event 9. In Connect the dial has taken too long; in Active it is time for one. */
function retry(settings: SessionSettings, fsm: Fsm): Step {
  if (settings.passive || (fsm.state === 'Active' && fsm.connection !== null)) return stay(fsm);
  const again = dial(settings, { ...fsm, delaying: false });
  if (fsm.state === 'Active') return again;
  return stay(again.fsm, [{ do: 'close', connection: 'outgoing' }, ...again.effects]);
}

/** Event 18. */
function failed(settings: SessionSettings, fsm: Fsm, detail: string): Step {
  if (fsm.state === 'Active') return toIdle(fsm, { kind: 'connection-lost', detail }, true);
  const effects = settings.passive ? [] : [startConnectRetry(settings.connectRetrySeconds)];
  return stay({ ...IDLE, state: 'Active' }, [
    { do: 'close', connection: fsm.connection ?? 'outgoing' },
    ...effects,
  ]);
}
