/** `rr list`: every reflector of the cluster, entries and nodes with a cluster ID, and what each last said of itself. */

import { readReport, STATUS_FRESH_MS } from '../../agent/status-object.ts';
import type { Listing } from '../../model/change.ts';
import type { Problem } from '../../model/problem.ts';
import type { Resource } from '../../model/resource.ts';
import { createTopology } from '../../topology/topology.ts';
import { listCluster } from '../cluster-listing.ts';
import { checkOutput } from '../output.ts';
import type { ProgramName } from '../program-name.ts';
import { failedToExecute } from '../resources/failure.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { problemsText } from '../session-text.ts';
import { plainTable } from '../table.ts';

export interface ListFlags extends DatastoreFlags {
  readonly output?: string;
}

interface Row {
  readonly name: string;
  /** `RouteReflector`, or `Node` for a node with a cluster ID. */
  readonly kind: 'RouteReflector' | 'Node';
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly clusterId: string;
  readonly group: string | null;
  readonly asNumber: number;
  /** Nodes with a client session, whatever their number of sessions. */
  readonly clients: number;
  /** What it reports; null for one that never did, as reflectors of others do not. */
  readonly report: {
    readonly state: string;
    readonly established: number;
    readonly configured: number;
  } | null;
}

const HEAD = ['NAME', 'KIND', 'IPV4', 'IPV6', 'CLUSTERID', 'GROUP', 'ASN', 'CLIENTS', 'STATE'];

/** @throws CommandFailure */
export async function runReflectorList(flags: ListFlags, program: ProgramName): Promise<void> {
  try {
    const json = checkOutput(flags.output);
    const datastore = await openForVerb(flags, program);
    try {
      const listing = await listCluster(datastore);
      const reports = await datastore.list('RouteReflectorStatus');
      const topology = createTopology();
      topology.load(listing);
      const rows = topology.speakers().flatMap((identity) => {
        const view = topology.speaker(identity);
        const config = view.config();
        if (config.role !== 'reflector') return [];
        const clients = new Set(
          config.sessions
            .filter(({ client }) => client)
            .map(({ peerName, peerAddress }) => peerName ?? peerAddress),
        );
        const row: Row = {
          name: config.speaker,
          kind: view.standing === 'node' ? 'Node' : 'RouteReflector',
          ...{ ipv4: config.ipv4, ipv6: config.ipv6, clusterId: config.clusterId ?? config.routerId },
          ...{ group: config.group, asNumber: config.asNumber, clients: clients.size },
          report: reportOf(reports.resources, config.speaker),
        };
        return [row];
      });
      process.stderr.write(problemsText(faultsOf(listing, topology.problems())));
      process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : `${textOf(rows)}\n`);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

/** What keeps entries out of the list, or parts of them out of force. */
function faultsOf({ broken }: Listing, problems: readonly Problem[]): readonly Problem[] {
  const unreadable = new Set(
    broken.filter(({ kind }) => kind === 'RouteReflector').map(({ problem }) => problem),
  );
  return problems.filter(
    (problem) =>
      unreadable.has(problem) ||
      (problem.severity === 'error' && problem.subject.startsWith('RouteReflector/')),
  );
}

function reportOf(reports: readonly Resource[], name: string): Row['report'] {
  const found = reports.find(({ metadata }) => metadata.name === name);
  const report = found === undefined ? undefined : readReport(found);
  if (report === undefined) return null;
  const { established, configured } = report;
  const silent = Date.now() - report.updated > STATUS_FRESH_MS;
  return { state: silent ? 'silent' : report.state, established, configured };
}

function textOf(rows: readonly Row[]): string {
  if (rows.length === 0)
    return 'There is no reflector. Add one with: calico-rr rr add ADDRESS --cluster-id ID';
  return plainTable(
    HEAD,
    rows.map(({ name, kind, ipv4, ipv6, clusterId, group, asNumber, clients, report }) => [
      ...[name, kind, ipv4 ?? '-', ipv6 ?? '-', clusterId, group ?? '-', String(asNumber), String(clients)],
      report === null ? '-' : `${report.state}, ${report.established} of ${report.configured} sessions up`,
    ]),
  );
}
