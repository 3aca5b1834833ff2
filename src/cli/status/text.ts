/**
 * `calico-rr status` for people. The first part has the shape of `calicoctl node status`, byte for byte where the
 * data allows, so that whoever reads (or parses) that finds the same here; what only we know comes after it.
 */
import type { AgentStatus, SessionStatus } from '../../agent/status.ts';
import type { Family } from '../../model/address.ts';
import type { Problem } from '../../model/problem.ts';
import type { SessionKind } from '../../topology/speaker-config.ts';
import { paint } from '../paint.ts';
import { borderedTable } from '../table.ts';

const PEER_TYPES: Readonly<Record<SessionKind, string>> = {
  mesh: 'node-to-node mesh',
  reflector: 'node-to-node mesh',
  global: 'global',
  node: 'node specific',
  external: 'node specific',
};

export function statusText(status: AgentStatus): string {
  const parts = ['Calico process is running.', '', ...peerTables(status.sessions.map(rowOf))];
  parts.push(...speakerLines(status), '');
  parts.push(...heldLines(status), ...problemLines('Problems:', status.problems));
  parts.push(...problemLines('Problems of the cluster as a whole:', status.cluster.problems));
  return `${parts.join('\n').trimEnd()}\n`;
}

/** One peer, as the tables show it. */
export interface PeerRow {
  readonly family: Family;
  readonly address: string;
  readonly type: string;
  readonly state: string;
  readonly since: string;
  readonly info: string;
}

/** A table for each family, in the shape of `calicoctl node status`. */
export function peerTables(peers: readonly PeerRow[]): readonly string[] {
  return ([4, 6] as const).flatMap((family) =>
    peerTable(
      family,
      peers.filter((peer) => peer.family === family),
    ),
  );
}

/** The table of one family, its heading and the blank line after it. */
export function peerTable(family: Family, peers: readonly PeerRow[]): readonly string[] {
  const rows = peers.map(({ address, type, state, since, info }) => [
    address,
    type,
    state === '' ? '' : painted(state),
    since,
    info,
  ]);
  const table =
    rows.length === 0
      ? `No IPv${family} peers found.`
      : borderedTable(['PEER ADDRESS', 'PEER TYPE', 'STATE', 'SINCE', 'INFO'], rows);
  return [`IPv${family} BGP status`, table, ''];
}

/** What calicoctl calls the kind of a session. */
export function peerTypeOf(kind: SessionKind): string {
  return PEER_TYPES[kind];
}

function painted(state: string): string {
  return paint(state === 'up' ? 'good' : state === 'unknown' ? 'attention' : 'bad', state);
}

function rowOf({ family, peerAddress, kind, protocolState, since, info }: SessionStatus): PeerRow {
  return {
    family,
    address: peerAddress,
    type: peerTypeOf(kind),
    state: protocolState,
    // BIRD 2 tells milliseconds where BIRD 1 (and so calicoctl) did not.
    since: since.replace(/\.\d+$/, ''),
    info: info.replace(/\s+/g, ' ').trim(),
  };
}

function speakerLines(status: AgentStatus): string[] {
  const { speaker, engine, datastore, state } = status;
  const lines: string[] = [];
  if (speaker !== null) {
    const what = speaker.standing === 'standalone' ? 'standalone reflector' : speaker.role;
    const group = speaker.group === null ? '' : `, group ${speaker.group}`;
    const cluster = speaker.role === 'node' ? '' : `, cluster ID ${speaker.clusterId ?? speaker.routerId}`;
    lines.push(`Speaker:    ${speaker.name} (${what}, AS ${speaker.asNumber}${cluster}${group})`);
  }
  lines.push(`State:      ${status.phase}: ${status.reason}`);
  if (engine !== null) {
    const how = engine.running ? (engine.recovering ? 'recovering' : 'running') : 'not running';
    lines.push(`Engine:     ${engine.name}, ${how}${turnedAwayText(engine.counters)}`);
  }
  const where = datastore.location === null ? 'not opened yet' : `${datastore.type} at ${datastore.location}`;
  const link = datastore.connected ? 'connected' : `NOT REACHABLE (${datastore.reason ?? 'no reason known'})`;
  lines.push(`Datastore:  ${where}, ${link} since ${datastore.since}`);
  lines.push(`Guard:      ${guarded(datastore.type)}`);
  lines.push(`Cluster:    ${clusterText(status.cluster)}`);
  if (state.ageSeconds !== null)
    lines.push(`Last good:  ${ageText(state.ageSeconds)} ago, in ${state.directory}`);
  else lines.push(`Last good:  none yet; it will be kept in ${state.directory}`);
  if (state.lost !== null) lines.push(`            ${state.lost}`);
  if (status.applyError !== null) lines.push(`Not applied: ${status.applyError}`);
  return lines;
}

/** Who dials in vain is seen at the end that is dialled. */
function turnedAwayText(counters: NonNullable<AgentStatus['engine']>['counters']): string {
  const { unknownPeer, tooManyOpens } = counters ?? { unknownPeer: 0, tooManyOpens: 0 };
  const parts = [
    ...(unknownPeer === 0 ? [] : [`${unknownPeer} connections from addresses that are no peer's`]),
    ...(tooManyOpens === 0 ? [] : [`${tooManyOpens} that came too often`]),
  ];
  return parts.length === 0 ? '' : `; turned away: ${parts.join(', ')}`;
}

/** Whom the guard protects, and what else does (docs/guard.md). */
function guarded(datastore: AgentStatus['datastore']['type']): string {
  const own = "holds this speaker's own side;";
  switch (datastore) {
    case 'kubernetes':
      return `${own} for nodes that do not run calico-rr, only the admission webhook stops a change`;
    case 'etcdv2':
    case 'etcdv3':
      return `${own} nodes that do not run calico-rr obey what is written to etcd at once`;
    default:
      return `${own} nodes that do not run calico-rr do as their own datastore says`;
  }
}

/** What a look at all speakers together found (docs/check.md). */
function clusterText({ checkedAt, notChecked, problems }: AgentStatus['cluster']): string {
  if (notChecked !== null) return `not checked as a whole: ${notChecked}`;
  if (checkedAt === null) return 'not checked as a whole yet';
  const found = problems.length === 0 ? 'nothing wrong' : `${problems.length} found (below)`;
  return `all speakers together: ${found} at ${checkedAt}`;
}

function heldLines(status: AgentStatus): string[] {
  if (status.held.length === 0) return [];
  const lines = [
    paint(
      'attention',
      `HELD: ${status.held.length === 1 ? '1 change waits' : `${status.held.length} changes wait`} for approval`,
    ),
  ];
  for (const hold of status.held) {
    lines.push(`  ${hold.id}  since ${hold.since}`);
    for (const reason of hold.reasons) lines.push(`    why:      ${reason}`);
    if (hold.resources.length > 0) lines.push(`    because:  ${hold.resources.join(', ')}`);
    const sessions = hold.sessions.map(({ name, effect }) => `${name} (${effect})`);
    if (sessions.length > 0) lines.push(`    sessions: ${shortened(sessions)}`);
    lines.push(`    approve:  calico-rr approve ${hold.id}`);
  }
  return [...lines, ''];
}

function problemLines(title: string, problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  const lines = [title];
  for (const { severity, code, subject, message, hint } of problems) {
    lines.push(
      `  ${paint(severity === 'error' ? 'bad' : 'attention', severity)}: ${message} (${subject}, ${code})`,
    );
    if (hint !== undefined) lines.push(`    ${hint}`);
  }
  return [...lines, ''];
}

function shortened(items: readonly string[]): string {
  const shown = items.slice(0, 8).join(', ');
  return items.length > 8 ? `${shown} and ${items.length - 8} more` : shown;
}

export function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
