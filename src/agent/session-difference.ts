/**
 * What a new SpeakerConfig takes from the one that runs. A session is taken when it is removed, or when BIRD
 * must close it to give it its new settings; a session that only gets other filters or limits is not.
 */
import { restartingFields, SOFT_FIELDS, SPEAKER_FIELDS } from '../topology/session-restart.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';

export interface TakenSession {
  readonly name: string;
  readonly before: SessionConfig;
  /** What stands in its place: itself with new settings, the same peer under another name, or nothing. */
  readonly after: SessionConfig | null;
  readonly effect: 'removed' | 'restarted';
  /** Settings that differ, for a person. */
  readonly fields: readonly string[];
  /** The same text for the same change of this session; goes into the hold's ID. No secret. */
  readonly proposal: string;
}

export interface Difference {
  readonly taken: readonly TakenSession[];
  /** Settings of the whole speaker that differ and close every session. */
  readonly speakerFields: readonly string[];
}

const texts = new WeakMap<SessionConfig, string>();

function textOf(session: SessionConfig): string {
  const known = texts.get(session);
  if (known !== undefined) return known;
  // Sorted: what was read from disk has its fields in another order than what the topology made.
  const text = JSON.stringify(Object.entries(session).sort(([one], [other]) => (one < other ? -1 : 1)));
  texts.set(session, text);
  return text;
}

/** True where both ask for the same thing; the same object is the quick way to know. */
export function sameSession(one: SessionConfig, other: SessionConfig): boolean {
  return one === other || textOf(one) === textOf(other);
}

/** True where both ask for the same thing, sessions and all else. */
export function sameConfig(one: SpeakerConfig, other: SpeakerConfig): boolean {
  if (one === other) return true;
  if (one.sessions.length !== other.sessions.length) return false;
  for (const [index, session] of one.sessions.entries()) {
    const counterpart = other.sessions[index];
    if (counterpart === undefined || !sameSession(session, counterpart)) return false;
  }
  return JSON.stringify({ ...one, sessions: [] }) === JSON.stringify({ ...other, sessions: [] });
}

/**
 * The sessions of both between the first and the last that are not the same objects. Both are sorted by name, so
 * what one change concerns is found in a walk over thousands, with no table made of them.
 */
export function differingSessions(
  before: SpeakerConfig,
  after: SpeakerConfig,
): readonly [readonly SessionConfig[], readonly SessionConfig[]] {
  const [one, other] = [before.sessions, after.sessions];
  let start = 0;
  while (start < one.length && one[start] === other[start]) start++;
  let end = 0;
  const most = Math.min(one.length, other.length) - start;
  while (end < most && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
  return [one.slice(start, one.length - end), other.slice(start, other.length - end)];
}

/**
 * @param newPasswords sessions whose password is another than the one in use, with a text that is the same for
 *   the same new password and tells nothing of it
 */
export function takenSessions(
  before: SpeakerConfig,
  after: SpeakerConfig,
  newPasswords: ReadonlyMap<string, string>,
): Difference {
  const speakerFields = SPEAKER_FIELDS.filter((field) => before[field] !== after[field]);
  const speakerProposal = speakerFields.map((field) => `${field}=${after[field]}`).join(' ');
  // With a setting of the whole speaker or a password, a session is taken that is itself the same.
  const all = speakerFields.length > 0 || newPasswords.size > 0;
  const [old, fresh] = all ? [before.sessions, after.sessions] : differingSessions(before, after);
  const named = new Map(fresh.map((session) => [session.name, session]));
  let byPeer: Map<string, SessionConfig> | undefined;
  const taken: TakenSession[] = [];
  for (const session of old) {
    const next = named.get(session.name);
    const newPassword = newPasswords.get(session.name);
    if (next === session && speakerFields.length === 0 && newPassword === undefined) continue;
    if (next === undefined) {
      byPeer ??= new Map(fresh.map((other) => [peerKey(other), other]));
      const replacement = byPeer.get(peerKey(session));
      taken.push({
        name: session.name,
        before: session,
        after: replacement ?? null,
        effect: replacement === undefined ? 'removed' : 'restarted',
        fields: replacement === undefined ? [] : ['name'],
        proposal: replacement === undefined ? 'removed' : textOf(replacement),
      });
      continue;
    }
    const fields = [...speakerFields, ...hardFields(session, next)];
    if (newPassword !== undefined) fields.push('password');
    if (fields.length === 0) continue;
    const proposal = [hardText(next), speakerProposal, newPassword ?? ''].join('|');
    taken.push({ name: session.name, before: session, after: next, effect: 'restarted', fields, proposal });
  }
  return { taken, speakerFields };
}

function peerKey(session: SessionConfig): string {
  return `${session.peerAddress} ${session.peerPort}`;
}

function hardFields(before: SessionConfig, after: SessionConfig): readonly string[] {
  return sameSession(before, after) ? [] : restartingFields(before, after);
}

/** The settings that close a session; a later change of a filter must not give a hold another name. */
function hardText(session: SessionConfig): string {
  const hard = Object.entries(session).filter(([field]) => !SOFT_FIELDS.has(field));
  return JSON.stringify(hard.sort(([one], [other]) => (one < other ? -1 : 1)));
}
