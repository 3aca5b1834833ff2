/**
 * May this reflector go? Only when every client that it serves now has another reflector that serves it too: one
 * that the client is configured with, that has the client in its own sessions, that reported lately, is not
 * going itself, and does not report that session as down.
 */
import type { SessionConfig } from '../topology/speaker-config.ts';
import type { Topology } from '../topology/topology.ts';
import { type ReadReport, STATUS_FRESH_MS } from './status-object.ts';

export interface DrainCheckInput {
  /** This speaker's names, not counted as another. */
  readonly self: ReadonlySet<string>;
  /** Client sessions of ours that are established. */
  readonly clients: readonly SessionConfig[];
  readonly topology: Topology;
  /** Reflectors of our group with which we have no established session: whatever they last reported, they are away. */
  readonly away: ReadonlySet<string>;
  readonly reports: readonly { readonly name: string; readonly report: ReadReport }[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface StrandedClient {
  /** The node's name and address, or the address alone. */
  readonly client: string;
  /** Why none of its other reflectors counts; a clause. */
  readonly reason: string;
}

export function strandedClients(input: DrainCheckInput): readonly StrandedClient[] {
  const peersOf = new Map<string, ReadonlySet<string>>();

  function peersOfReflector(name: string): ReadonlySet<string> {
    const known = peersOf.get(name);
    if (known !== undefined) return known;
    const identity = input.topology.resolve(name);
    const sessions = identity === undefined ? [] : input.topology.speaker(identity).config().sessions;
    const peers = new Set<string>(sessions.filter((s) => s.client).map((s) => s.peerAddress));
    peersOf.set(name, peers);
    return peers;
  }

  /** By name, or by address: a process may go by another name than its entry. */
  function reportOf(reflector: string): ReadReport | undefined {
    const identity = input.topology.resolve(reflector);
    const found = input.reports.find(
      ({ name, report }) =>
        name === reflector ||
        report.addresses.some((address) => address === identity?.ipv4 || address === identity?.ipv6),
    );
    return found?.report;
  }

  function whyNot(reflector: string, session: SessionConfig): string | null {
    if (!peersOfReflector(reflector).has(session.peerAddress)) return `${reflector} does not serve it`;
    if (input.away.has(reflector)) return `our own session with ${reflector} is down`;
    const report = reportOf(reflector);
    if (report === undefined) return `${reflector} reports no status`;
    if (report.state !== 'running') return `${reflector} is ${report.state}`;
    if (input.now - report.updated > STATUS_FRESH_MS) return `${reflector} has not reported for long`;
    if (report.downOmitted > 0) return `${reflector} reports too many sessions down`;
    if (report.down.includes(session.peerAddress)) return `its session with ${reflector} is down`;
    return null;
  }

  const stranded: StrandedClient[] = [];
  for (const session of input.clients) {
    const others =
      session.peerName === null
        ? []
        : input.topology
            .reflectorsOf(session.peerName, session.family)
            .filter((name) => !input.self.has(name));
    const reasons = others.map((reflector) => whyNot(reflector, session));
    if (reasons.includes(null)) continue;
    stranded.push({
      client:
        session.peerName === null ? session.peerAddress : `${session.peerName} (${session.peerAddress})`,
      reason: reasons.length === 0 ? 'it has no other reflector' : reasons.join(', '),
    });
  }
  return stranded;
}

/** The first few, for a message. */
export function describeStranded(stranded: readonly StrandedClient[]): string {
  const shown = stranded.slice(0, 5).map(({ client, reason }) => `${client}: ${reason}`);
  const more = stranded.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
