/** Sessions that this engine must not run, told before anything is rendered. No message holds a secret. */
import type { Problem } from '../../model/problem.ts';
import type { SessionConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { localAddressOf } from './session-block.ts';

export interface Refusal {
  readonly session: string;
  readonly problem: Problem;
}

/** TCP-MD5 (RFC 2385) keys in Linux: TCP_MD5SIG_MAXKEYLEN. */
const LONGEST_PASSWORD = 80;

/** Sessions that may be rendered, and the others with the reason. */
export function judgeSessions(
  config: SpeakerConfig,
  passwords: ReadonlyMap<string, string>,
): { readonly fit: readonly SessionConfig[]; readonly refused: readonly Refusal[] } {
  const fit: SessionConfig[] = [];
  const refused: Refusal[] = [];
  for (const session of config.sessions) {
    const problem = problemOf(config, session, passwords);
    if (problem === undefined) fit.push(session);
    else refused.push({ session: session.name, problem });
  }
  return { fit, refused };
}

function problemOf(
  config: SpeakerConfig,
  session: SessionConfig,
  passwords: ReadonlyMap<string, string>,
): Problem | undefined {
  const error = (code: Problem['code'], message: string, hint: string): Problem => ({
    code,
    severity: 'error',
    subject: session.because,
    message: `session ${session.name}: ${message}`,
    hint,
  });
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(session.name)) {
    return error('bad-name', 'its name cannot be a BIRD protocol', 'Use letters, digits and _, at most 64.');
  }
  if (localAddressOf(config, session) === null) {
    return error(
      'no-address',
      `${config.speaker} has no IPv${session.family} address to bind it to`,
      `Give it one (${session.family === 4 ? 'IP' : 'IP6'}) or remove the peer.`,
    );
  }
  if (session.client && session.clusterId !== null && /^0+(\.0+){0,3}$/.test(session.clusterId)) {
    // BIRD takes it and then reflects with its router ID instead.
    return error(
      'bad-cluster-id',
      'its cluster ID is 0.0.0.0, which names no cluster',
      'Set another cluster ID.',
    );
  }
  if (session.password) return passwordProblem(passwords.get(session.name), session, error);
  return undefined;
}

function passwordProblem(
  password: string | undefined,
  session: SessionConfig,
  error: (code: Problem['code'], message: string, hint: string) => Problem,
): Problem | undefined {
  const named = session.passwordRef ?? 'its password';
  if (password === undefined || password === '') {
    return error(
      'missing-password',
      `it asks for the password ${named}, which is not there; it is not brought up without`,
      `Put ${named} into the secrets file.`,
    );
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/["\u0000-\u001f\u007f]/.test(password)) {
    return error(
      'bad-password',
      `the password ${named} holds a quote or a control character, which BIRD cannot read`,
      'A newline at its end is the usual cause. Choose one without on both ends.',
    );
  }
  if (Buffer.byteLength(password) > LONGEST_PASSWORD) {
    return error(
      'bad-password',
      `the password ${named} is longer than ${LONGEST_PASSWORD} bytes, the most that TCP-MD5 takes`,
      'Choose a shorter one on both ends.',
    );
  }
  return undefined;
}
