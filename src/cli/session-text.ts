/** `calico-rr sessions NAME` for people: who the speaker is, and one line for each session with its reason. */
import type { Problem } from '../model/problem.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import { plainTable } from './table.ts';

export function sessionsText(config: SpeakerConfig, standing: string): string {
  const what = standing === 'standalone' ? 'standalone reflector' : config.role;
  const parts = [
    `${config.speaker}: ${what}, AS ${config.asNumber}`,
    `router ID ${config.routerId}`,
    ...(config.clusterId === null ? [] : [`cluster ID ${config.clusterId}`]),
    ...(config.group === null ? [] : [`group ${config.group}`]),
    `listens on ${[config.ipv4, config.ipv6].filter((address) => address !== null).join(' and ')} port ${config.listenPort}`,
  ];
  const head = `${parts.join(', ')}\n\n`;
  if (config.sessions.length === 0) return `${head}No sessions.\n`;
  const table = plainTable(
    ['SESSION', 'KIND', 'PEER', 'NODE', 'AS', 'CLIENT', 'CLUSTER', 'BECAUSE'],
    config.sessions.map((session) => [
      session.name,
      session.kind,
      session.peerPort === 179 ? session.peerAddress : withPort(session.peerAddress, session.peerPort),
      session.peerName ?? '-',
      session.localAs === session.peerAs ? `${session.peerAs}` : `${session.localAs}>${session.peerAs}`,
      session.client ? 'yes' : '-',
      session.client ? (session.clusterId ?? config.routerId) : '-',
      session.because,
    ]),
  );
  return `${head}${table}\n`;
}

function withPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Lines for stderr, so that the output itself can be piped. */
export function problemsText(problems: readonly Problem[]): string {
  return problems
    .map(({ severity, code, subject, message, hint }) => {
      const next = hint === undefined ? '' : `\n  ${hint}`;
      return `${severity}: ${message} (${subject}, ${code})${next}\n`;
    })
    .join('');
}
