/** `explain session` for people. */
import type { ExplainedEnd, ExplainedPair } from '../../topology/session-pair.ts';
import type { SessionConfig } from '../../topology/speaker-config.ts';
import { paint } from '../paint.ts';
import { wrapped } from '../wrap.ts';

export function pairText({ speaker, peer, sessions, absent, problems }: ExplainedPair): string {
  const parts: string[] = [];
  if (sessions.length === 0) {
    parts.push(`${speaker} and ${peer} have no session.`, '');
    for (const reason of absent) parts.push(line('why', reason));
    parts.push('');
  }
  for (const { family, here, there, peerKnown } of sessions) {
    parts.push(
      `${speaker} and ${peer} have ${here && (there || !peerKnown) ? 'a' : 'half a'} session, IPv${family}.`,
      '',
    );
    parts.push(...endLines(here, speaker), ...(peerKnown ? ['', ...endLines(there, peer)] : []), '');
  }
  for (const { severity, message, subject, code, hint } of problems) {
    parts.push(
      `${paint(severity === 'error' ? 'bad' : 'attention', severity)}: ${message} (${subject}, ${code})`,
    );
    if (hint !== undefined) parts.push(`  ${hint}`);
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

function endLines(end: ExplainedEnd | null, speaker: string): readonly string[] {
  if (end === null)
    return [line(`at ${speaker}`, paint('bad', 'nothing: it does not answer to this session'))];
  const { session, reason, resource } = end;
  return [
    line(`at ${speaker}`, `${session.name}, ${whatItIs(session)}`),
    line('asked by', `${session.because}${resource === null ? ', which is gone' : specText(end)}`),
    line('rule', reason.says),
    line('since', reason.era),
  ];
}

function whatItIs(session: SessionConfig): string {
  const { localAs, peerAs, client, clusterId, peerAddress, peerPort, passive, passwordRef } = session;
  const as = localAs === peerAs ? `iBGP in AS ${localAs}` : `eBGP, AS ${localAs} to ${peerAs}`;
  const reflecting = client ? `; the peer is a client, cluster ID ${clusterId ?? 'the router ID'}` : '';
  const opens = passive ? 'waits for' : 'opens to';
  const password = passwordRef === null ? '' : `, password ${passwordRef}`;
  return `${as}${reflecting}; ${opens} ${peerAddress} port ${peerPort}${password}`;
}

/** The fields that say who and with whom. */
const TELLING = ['node', 'nodeSelector', 'peerIP', 'peerSelector', 'asNumber', 'reversePeering', 'group'];

function specText({ resource }: ExplainedEnd): string {
  const spec = resource?.spec ?? {};
  const said = TELLING.flatMap((field) => {
    const value = spec[field];
    return value === undefined || value === null || value === '' ? [] : [`${field}: ${String(value)}`];
  });
  return said.length === 0 ? '' : ` (${said.join(', ')})`;
}

const INDENT = 12;

function line(head: string, text: string): string {
  return `  ${head.padEnd(INDENT - 2)}${head.length > INDENT - 3 ? '  ' : ''}${wrapped(text, INDENT)}`;
}
