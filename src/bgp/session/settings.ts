/**
 * How a session behaves towards one peer: the optional attributes of RFC 4271 section 8.1.1 and the times of its
 * section 10. Seconds everywhere.
 */
import type { Offer } from '../offer.ts';

export interface SessionSettings {
  readonly offer: Offer;
  /** Never dial, wait for the peer. */
  readonly passive: boolean;
  /** Wait before the first dial, so that a peer that dials us first causes no collision; 0: dial at once. */
  readonly connectDelaySeconds: number;
  /** ConnectRetryTime: between two dials, and for how long one may take. */
  readonly connectRetrySeconds: number;
  /** DelayOpenTime: how long the peer's OPEN is awaited before ours is sent; 0: not at all. */
  readonly delayOpenSeconds: number;
  /** IdleHoldTime (DampPeerOscillations): doubles from `first` to `longest` with each error. */
  readonly idleHold: { readonly first: number; readonly longest: number };
  /** Without an error for so long, the next one counts as the first again. */
  readonly forgetErrorsSeconds: number;
  /** SendHoldTime (RFC 9687); null: 8 minutes or twice the hold time, whichever is longer; 0: off. */
  readonly sendHoldSeconds: number | null;
}

/** Hold time before the peer's OPEN has said another: "a large value", 4 minutes (RFC 4271 section 8.2.2). */
export const OPEN_HOLD_SECONDS = 240;

/**
 * The times that Calico's own BIRD uses on nodes (connect delay 2, connect retry 5, error wait 5 to 30, forget 300): a
 * reflector that comes back is dialled within seconds and not after the two minutes of RFC 4271 section 10.
 */
export const CALICO_TIMES = {
  passive: false,
  connectDelaySeconds: 2,
  connectRetrySeconds: 5,
  delayOpenSeconds: 0,
  idleHold: { first: 5, longest: 30 },
  forgetErrorsSeconds: 300,
  sendHoldSeconds: null,
} as const satisfies Omit<SessionSettings, 'offer'>;

/** A time with the jitter of RFC 4271 section 10. `random` is at least 0 and less than 1. */
export function withJitter(seconds: number, random: number): number {
  return seconds * (0.75 + random * 0.25);
}

/** RFC 9687; 0: off. */
export function sendHoldSeconds(settings: SessionSettings, holdSeconds: number): number {
  return settings.sendHoldSeconds ?? Math.max(480, 2 * holdSeconds);
}
