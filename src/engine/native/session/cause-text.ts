/** Why a session ended, as one line with the RFC's names. */
import { type Cause, describeNotification } from '../../../bgp/index.ts';

/** Null where nothing went wrong: we closed it ourselves, or it was one connection too many. */
export function errorText(cause: Cause): string | null {
  switch (cause.kind) {
    case 'stopped':
      return cause.notification === null ? null : `sent ${describeNotification(cause.notification)}`;
    case 'notification-sent':
      return `sent ${describeNotification(cause.notification)}: ${cause.detail}`;
    case 'notification-received':
      return `received ${describeNotification(cause.notification)}`;
    case 'connection-lost':
      return cause.detail;
    case 'replaced':
      return 'the peer has restarted: it opened a new connection (RFC 4724)';
    case 'send-hold-expired':
      return 'Send Hold Timer Expired (8/0): the peer reads nothing';
    case 'collision':
      return null;
    default:
      return cause satisfies never;
  }
}
