/**
 * Finds the password of every session that needs one. A session whose password cannot be used is refused: it is
 * never brought up without (a peer that is asked for authentication must not talk unauthenticated).
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Problem } from '../model/problem.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import type { Secrets } from './secrets.ts';

export interface SessionPasswords {
  /** Without the sessions that are refused; the same object where none is. */
  readonly config: SpeakerConfig;
  readonly passwords: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
}

export function findPasswords(config: SpeakerConfig, secrets: Secrets): SessionPasswords {
  const passwords = new Map<string, string>();
  const problems: Problem[] = [];
  const refused = new Set<string>();
  for (const session of config.sessions) {
    if (!session.password) continue;
    const password =
      session.passwordRef === null
        ? {
            found: false as const,
            code: 'missing-password' as const,
            reason: 'it names no entry of the secrets file',
          }
        : secrets.lookUp(session.passwordRef);
    if (password.found) {
      passwords.set(session.name, password.value);
      continue;
    }
    refused.add(session.name);
    problems.push({
      code: password.code,
      severity: 'error',
      subject: session.because,
      message: `${session.because}: ${password.reason}; the session with ${session.peerAddress} stays down`,
      hint: 'Put the password into the file that --secrets-file or CALICO_RR_SECRETS_FILE names.',
    });
  }
  if (refused.size === 0) return { config, passwords, problems };
  const sessions = config.sessions.filter((session) => !refused.has(session.name));
  return { config: { ...config, sessions }, passwords, problems };
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
