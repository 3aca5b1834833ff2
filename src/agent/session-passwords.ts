/**
 * Finds the password of every session that needs one. A session whose password cannot be used is refused: it is
 * never brought up without (a peer that is asked for authentication must not talk unauthenticated).
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Problem } from '../model/problem.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import type { Password, SecretSource } from './secret-source.ts';

export interface SessionPasswords {
  /** Without the sessions that are refused; the same object where none is. */
  readonly config: SpeakerConfig;
  readonly passwords: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

/** Names of the passwords that these sessions need. */
export function passwordNames({ sessions }: SpeakerConfig): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { password, passwordRef } of sessions)
    if (password && passwordRef !== null) names.add(passwordRef);
  return names;
}

export function findPasswords(config: SpeakerConfig, secrets: SecretSource): SessionPasswords {
  const passwords = new Map<string, string>();
  const refused = new Map<SessionConfig, Extract<Password, { readonly found: false }>>();
  for (const session of config.sessions) {
    if (!session.password) continue;
    const password = session.passwordRef === null ? UNNAMED : secrets.lookUp(session.passwordRef);
    if (password.found) passwords.set(session.name, password.value);
    else refused.set(session, password);
  }
  if (refused.size === 0) return { config, passwords, problems: [] };
  const sessions = config.sessions.filter((session) => !refused.has(session));
  return { config: { ...config, sessions }, passwords, problems: refusals(refused) };
}

const UNNAMED = {
  found: false,
  code: 'missing-password',
  reason: 'it names no entry of the secrets file',
} as const;

/** One problem for all sessions that the same resource gives the password and that fail for the same reason. */
function refusals(
  refused: ReadonlyMap<SessionConfig, Extract<Password, { readonly found: false }>>,
): readonly Problem[] {
  const groups = Map.groupBy(refused, ([session, { reason }]) => `${namedBy(session)}\0${reason}`);
  return [...groups.values()].flatMap(([first, ...others]): Problem[] => {
    if (first === undefined) return [];
    const [session, { code, reason, hint }] = first;
    const subject = namedBy(session);
    const down =
      others.length === 0
        ? `the session with ${session.peerAddress} stays down`
        : `the sessions with ${session.peerAddress} and ${others.length} more stay down`;
    return [
      {
        code,
        severity: 'error',
        subject,
        message: `${subject}: ${reason}; ${down}`,
        hint: hint ?? 'Put the password into the file that --secrets-file or CALICO_RR_SECRETS_FILE names.',
      },
    ];
  });
}

/** The resource that says which password it is. */
function namedBy({ kind, because }: SessionConfig): string {
  return kind === 'mesh' ? 'BGPConfiguration/default' : because;
}

// Of this process alone: what is written down of a password must not help to guess it.
const key = randomBytes(32);

/** Sessions whose password is another than the one in use, each with a text that stands for the new one. */
export function changedPasswords(
  inUse: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const changed = new Map<string, string>();
  for (const [session, password] of wanted) {
    const old = inUse.get(session);
    if (old === undefined || old === password) continue;
    changed.set(session, createHmac('sha256', key).update(password).digest('hex').slice(0, 16));
  }
  return changed;
}
