/**
 * What a person should know of what runs: addresses that are not listened on, limits that are near, routes that are not
 * their peer's own.
 */
import type { Problem } from '../../model/problem.ts';
import type { SessionConfig } from '../../topology/speaker-config.ts';
import { DEFAULT_ROUTE } from '../bird/prefix-bounds.ts';
import { foreignOrigin } from '../foreign-origin.ts';
import type { PeerPolicy } from './peer.ts';
import type { Transport } from './peer-link.ts';
import { prefixText } from './prefix-text.ts';
import type { PrefixTable } from './rib/prefix-table.ts';

/** The part of a limit that may be held without a word. */
const WARN_AT = 0.8;

/** @param speaker its name */
export function notListening(unopened: Transport['unopened'], speaker: string): readonly Problem[] {
  return unopened.map(({ address: { address, port }, reason }) => ({
    code: 'not-listening',
    severity: 'warning',
    subject: speaker,
    message: `cannot listen on ${address} port ${port}: ${reason}`,
    hint: 'Another BGP speaker may hold the port (ss -ltnp), or the address is not on this machine. It is tried again every second.',
  }));
}

/**
 * @param held routes of the session that were taken
 * @returns null where it is far from its limit
 */
export function nearLimit(
  session: Pick<SessionConfig, 'name' | 'because'>,
  { most, overLimitSeconds }: Pick<PeerPolicy, 'most' | 'overLimitSeconds'>,
  held: number,
): Problem | null {
  if (most === null || held < most * WARN_AT) return null;
  const full = held >= most;
  const next =
    overLimitSeconds === null
      ? 'further ones are refused'
      : `with one more it is closed for ${overLimitSeconds} s (--over-limit)`;
  return {
    code: 'prefix-limit',
    severity: 'warning',
    subject: session.because,
    message: `session ${session.name} holds ${held} routes of at most ${most}${full ? `: ${next}` : ''}`,
    hint: full
      ? 'Raise --max-prefixes or its max_prefixes, or find out why this peer announces so many.'
      : 'Raise --max-prefixes or its max_prefixes before routes are refused.',
  };
}

/**
 * @param foreign numbers of prefixes that the peer may not announce, each with the reason
 * @param enforce whether they were refused, and not only told of; a default route always is
 * @returns null where it announces none
 */
export function foreignOf(
  { peerName, family }: Pick<SessionConfig, 'peerName' | 'family'>,
  foreign: ReadonlyMap<number, string>,
  prefixes: PrefixTable,
  enforce: boolean,
): Problem | null {
  const [first] = foreign;
  if (first === undefined || peerName === null) return null;
  const [number, fault] = first;
  const prefix = prefixText(prefixes, number);
  const refused = enforce || prefix === DEFAULT_ROUTE[family];
  return foreignOrigin(peerName, { prefix, fault, refused, count: foreign.size });
}
