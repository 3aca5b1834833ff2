/** A change that the guard holds: what it would take, why, who asked for it, and the ID that approves it. */
import { createHash } from 'node:crypto';
import type { Family, IpAddress } from '../model/address.ts';
import type { ResourceKey } from '../model/resource.ts';

export const GUARD_RULES = [
  /** A node would be left with fewer reflectors than it should have. */
  'min-reflectors',
  /** Every client of this reflector at once. */
  'all-clients',
  /** More of the established sessions than `--max-session-loss` within ten minutes. */
  'session-loss',
  /** Every other reflector of the group. */
  'all-reflectors',
  /** A node (not a reflector) would be left with no session at all. */
  'last-session',
  /** The entry that makes this speaker what it is has vanished. */
  'own-entry',
  /** With no saved state: a first state that takes the sessions of a living BIRD. Nothing of it is applied. */
  'first-state',
  /** Prefix bounds that would drop routes now held. */
  'narrower-bounds',
] as const;

export type GuardRule = (typeof GUARD_RULES)[number];

export interface HeldSession {
  readonly name: string;
  readonly peerAddress: IpAddress;
  readonly peerName: string | null;
  readonly family: Family;
  readonly effect: 'removed' | 'restarted';
  /** What would happen to it; compared, not shown. */
  readonly proposal: string;
}

export interface HeldChange {
  /** Short, and the same for the same change. */
  readonly id: string;
  /** ISO 8601. */
  readonly since: string;
  readonly rules: readonly GuardRule[];
  /** A sentence for each rule that it breaks. */
  readonly reasons: readonly string[];
  /** Sessions that keep their old configuration meanwhile. */
  readonly sessions: readonly HeldSession[];
  /** Routes that would be dropped (rule `narrower-bounds`). */
  readonly routes: readonly { readonly session: string; readonly prefix: string }[];
  /** Resources behind it, as far as they are known. */
  readonly resources: readonly ResourceKey[];
}

/** Eight hexadecimal digits: enough to tell a handful of held changes apart, short enough to type. */
export function holdId(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of [...parts].sort()) hash.update(part).update('\n');
  return hash.digest('hex').slice(0, 8);
}

export function holdIdOfSessions(sessions: readonly HeldSession[]): string {
  return holdId(sessions.map((session) => `${session.name} ${session.proposal}`));
}

/** One line: what is held. */
export function describeHold(hold: HeldChange): string {
  const removed = hold.sessions.filter((session) => session.effect === 'removed').length;
  const restarted = hold.sessions.length - removed;
  const parts: string[] = [];
  if (hold.rules.includes('own-entry')) parts.push("the loss of this speaker's own entry");
  if (removed > 0) parts.push(`${count(removed, 'session')} to be removed`);
  if (restarted > 0) parts.push(`${count(restarted, 'session')} to be restarted`);
  if (hold.rules.includes('first-state')) parts.push('the first state from the datastore');
  if (hold.rules.includes('narrower-bounds')) {
    parts.push(`prefix bounds that would drop ${count(hold.routes.length, 'route')}`);
  }
  return parts.join(', ');
}

/** `1 session`, `2 sessions`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
