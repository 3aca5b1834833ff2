/** Where a reflector's agent can be asked: on its socket where it runs here, else at the address that it reports. */
import { type ReadReport, readReport } from '../../agent/status-object.ts';
import type { Datastore } from '../../datastore/datastore.ts';
import type { Resource } from '../../model/resource.ts';
import type { ControlTarget } from '../../server/control-client.ts';
import type { ControlFlags } from '../control-options.ts';
import { remoteTarget } from '../control-target.ts';
import { localSocketOf } from '../instance.ts';
import { addressesOf } from './addresses.ts';

/** What one reflector last said of itself. */
export interface NamedReport {
  readonly name: string;
  readonly report: ReadReport;
}

export async function listReports(datastore: Datastore): Promise<readonly NamedReport[]> {
  return (await datastore.list('RouteReflectorStatus')).resources.flatMap((resource) => {
    const report = readReport(resource);
    return report === undefined ? [] : [{ name: resource.metadata.name, report }];
  });
}

/** The name and the addresses of an entry: its process may go by any of them. */
export function namesOf(entry: Resource): readonly string[] {
  return [entry.metadata.name, ...addressesOf(entry)];
}

export function reportOf(reports: readonly NamedReport[], names: readonly string[]): NamedReport | undefined {
  return reports.find(
    ({ name, report }) => names.includes(name) || report.addresses.some((address) => names.includes(address)),
  );
}

/**
 * @param report what it reports, if it does
 * @returns undefined where it does not run here and says no address that proves by TLS who answers
 * @throws E_SECRETS, E_FILE
 */
export function agentOf(
  names: readonly string[],
  report: ReadReport | undefined,
  flags: Pick<ControlFlags, 'tokenFile' | 'caFile'>,
): ControlTarget | undefined {
  for (const name of names) {
    const socket = localSocketOf(process.env, name);
    if (socket !== undefined) return { socket };
  }
  const url = report?.control;
  // Who can write to the datastore must not be able to ask for the token.
  return url?.startsWith('https://') ? remoteTarget(process.env, url, flags) : undefined;
}
