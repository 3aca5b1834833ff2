/**
 * What becomes of a peer's routes when its session ends and when it comes back: RFC 4724 section 4.2 (we are the
 * receiving speaker), RFC 8538 section 4 (NOTIFICATIONs), RFC 9494 section 4.2 (long-lived).
 */
import { FAMILIES, type Family } from './family.ts';
import type { Negotiated } from './negotiate.ts';
import { type Notification, unwrapHardReset } from './notification.ts';

/** Why a session, or an attempt at one, came to its end. */
export type Cause =
  /** We were told to stop; `notification` is what the peer was told, null: nothing (it may wait for us). */
  | { readonly kind: 'stopped'; readonly notification: Notification | null }
  | {
      readonly kind: 'notification-sent';
      readonly notification: Notification;
      /** What was wrong, in words. */
      readonly detail: string;
    }
  | { readonly kind: 'notification-received'; readonly notification: Notification }
  | { readonly kind: 'connection-lost'; readonly detail: string }
  /** The peer opened a new connection: it restarted before we noticed (RFC 4724 section 5). */
  | { readonly kind: 'replaced' }
  /** Nothing of ours reached the peer for the send hold time (RFC 9687). */
  | { readonly kind: 'send-hold-expired' }
  /** The other connection to the same peer was kept (RFC 4271 section 6.8). */
  | { readonly kind: 'collision'; readonly notification: Notification | null };

export interface Retained {
  readonly family: Family;
  /** Restart time: how long stale routes may wait for the peer to come back, seconds. */
  readonly seconds: number;
  /** How long they may live on after that, least preferred and marked LLGR_STALE, seconds; 0: not at all. */
  readonly longLivedSeconds: number;
}

/** The families whose routes become stale instead of being forgotten when an established session ends. */
export function retainedFamilies(negotiated: Negotiated, cause: Cause): readonly Retained[] {
  const { gracefulRestart } = negotiated;
  if (gracefulRestart === null || !isRestart(cause, gracefulRestart.notification)) return [];
  return FAMILIES.flatMap((family) => {
    const terms = negotiated.families[family];
    if (terms === null || terms.restart === null) return [];
    return [{ family, seconds: gracefulRestart.seconds, longLivedSeconds: terms.longLivedSeconds }];
  });
}

function isRestart(cause: Cause, notificationToo: boolean): boolean {
  switch (cause.kind) {
    case 'connection-lost':
    case 'replaced':
      return true;
    case 'notification-received':
    case 'notification-sent':
      return notificationToo && !unwrapHardReset(cause.notification).hard;
    // RFC 9687 says nothing of it; a peer that reads nothing has not told us that it keeps forwarding.
    case 'send-hold-expired':
    case 'stopped':
    case 'collision':
      return false;
    default:
      return cause satisfies never;
  }
}

/**
 * Whether stale routes may stay until the peer's End-of-RIB, now that it is back. False: forget them at once.
 * @param longLived the restart time had run out and they were long-lived stale
 */
export function keepsStale(negotiated: Negotiated, family: Family, longLived: boolean): boolean {
  const terms = negotiated.families[family];
  if (terms === null) return false;
  return longLived ? terms.longLivedForwarding : (terms.restart?.forwarding ?? false);
}
