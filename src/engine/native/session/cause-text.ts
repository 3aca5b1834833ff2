/** Why a session ended, as one line with the RFC's names. */
import { type Cause, describeNotification } from '../../../bgp/index.ts';
import type { WireTerms } from '../net/network.ts';

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

/** Of a dial that came to nothing. What is not signed or not near as it should be, the system drops without a word. */
export function noAnswer({
  password,
  ttlSecurityHops,
}: Pick<WireTerms, 'password' | 'ttlSecurityHops'>): string {
  const checks = [
    password === null ? [] : 'its TCP-MD5 password',
    ttlSecurityHops === null ? [] : 'TTL security',
  ];
  const look = checks.flat().join(' and ');
  return `no connection: the peer does not answer${look === '' ? '' : ` (${look} may be another at its end)`}`;
}
