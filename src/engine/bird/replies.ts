/**
 * What BIRD's replies say, as values: `show status`, `show protocols [all]`, `show route`. Pure; the shapes
 * of 2.0.12 and of 1.6.8 are in test/fixtures/bird.
 */
import type { RouteCounts, SessionState } from '../engine.ts';
import { type Reply, textsOf } from './control-grammar.ts';

export interface ProtocolRow {
  readonly name: string;
  readonly proto: string;
  /** `up`, `start`, `stop`, `flush` or `down`. */
  readonly state: string;
  readonly since: string;
  readonly info: string;
}

/** Rows of `show protocols`, in BIRD's order. */
export function parseProtocols(reply: Reply): readonly ProtocolRow[] {
  const rows: ProtocolRow[] = [];
  for (const text of textsOf(reply, 1002)) {
    // Name, protocol and table hold no blanks; Info may be empty or hold several parts.
    const match = /^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*(.*?)\s*$/.exec(text);
    if (match === null) continue;
    const [, name = '', proto = '', , state = '', since = '', info = ''] = match;
    rows.push({ name, proto, state, since, info: info.replace(/\s{2,}/g, ' ') });
  }
  return rows;
}

const STATES: readonly SessionState[] = [
  'Idle',
  'Connect',
  'Active',
  'OpenSent',
  'OpenConfirm',
  'Established',
];

/** State of RFC 4271 8.2.2 of a BGP row; a protocol that is down has none. */
export function sessionStateOf(row: ProtocolRow): SessionState {
  const word = row.info.split(' ', 1)[0];
  return STATES.find((state) => state === word) ?? (row.state === 'down' ? 'Down' : 'Idle');
}

export interface DaemonStatus {
  readonly version: string;
  readonly routerId: string | null;
  /** Graceful restart recovery: End-of-RIB markers of peers are awaited. */
  readonly recovering: boolean;
  /** A configuration is still being carried out (protocols that go down). */
  readonly reconfiguring: boolean;
  readonly lastReboot: string;
  readonly lastReconfiguration: string;
}

/** What `show status` says. */
export function parseStatus(reply: Reply): DaemonStatus {
  const texts = reply.lines.map((line) => line.text);
  const after = (start: string): string | undefined =>
    texts.find((text) => text.startsWith(start))?.slice(start.length);
  return {
    version: textsOf(reply, 1000)[0]?.replace(/^BIRD /, '') ?? '',
    routerId: after('Router ID is ') ?? null,
    recovering: texts.some((text) => text.startsWith('Graceful restart recovery in progress')),
    reconfiguring: reply.text.startsWith('Reconfiguration in progress'),
    lastReboot: after('Last reboot on ') ?? '',
    lastReconfiguration: after('Last reconfiguration on ') ?? '',
  };
}

/** Route counts by protocol name of `show protocols all`, for those that have a channel that is up. */
export function parseRouteCounts(reply: Reply): ReadonlyMap<string, RouteCounts> {
  const counts = new Map<string, RouteCounts>();
  let name: string | undefined;
  for (const line of reply.lines) {
    if (line.code === 1002) name = line.text.split(/\s/, 1)[0];
    const match = /^\s*Routes:\s+(\d+) imported,.*?(\d+) exported/.exec(line.text);
    if (match !== null && name !== undefined) {
      counts.set(name, { imported: Number(match[1]), exported: Number(match[2]) });
    }
  }
  return counts;
}

/** Prefix and protocol of each path of `show route`; a further path of a network has an empty first column. */
export function parseRoutes(reply: Reply): readonly { readonly prefix: string; readonly protocol: string }[] {
  const routes: { prefix: string; protocol: string }[] = [];
  let prefix: string | undefined;
  for (const text of textsOf(reply, 1007)) {
    const match = /^(\S+\/\d+)?\s+.*?\[(\S+) [^\]]*\]/.exec(text);
    if (match === null) continue;
    prefix = match[1] ?? prefix;
    if (prefix !== undefined && match[2] !== undefined) routes.push({ prefix, protocol: match[2] });
  }
  return routes;
}
