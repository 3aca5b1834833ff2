/**
 * `rr remove`: takes a reflector's entry away, with the BGPPeers that lead to nothing but its addresses. Refused while
 * nodes would be left with fewer reflectors than the minimum, or would not learn each other's routes.
 */

import { parseAddress } from '../../model/address.ts';
import type { Change } from '../../model/change.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { parseEndpoint } from '../../model/reading.ts';
import type { Resource } from '../../model/resource.ts';
import { judgeChange } from '../../topology/what-if/judge-change.ts';
import { lossLines, sessionLines } from '../../topology/what-if/judgement-text.ts';
import { listCluster } from '../cluster-listing.ts';
import type { ProgramName } from '../program-name.ts';
import { CommandFailure, failedToExecute } from '../resources/failure.ts';
import { type DatastoreFlags, openForVerb } from '../resources/open.ts';
import { readWhole } from '../run-settings.ts';
import { addressesOf } from './addresses.ts';

export interface RemoveFlags extends DatastoreFlags {
  readonly minReflectors?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** @param name its name or one of its addresses. @throws CommandFailure */
export async function runReflectorRemove(
  name: string,
  flags: RemoveFlags,
  program: ProgramName,
): Promise<void> {
  try {
    const minReflectors = readWhole('--min-reflectors', flags.minReflectors ?? '2', 2, [0, 100]);
    const datastore = await openForVerb(flags, program);
    try {
      const listing = await listCluster(datastore);
      const entry = demandEntry(listing.resources, name);
      const addresses = new Set<string>(addressesOf(entry));
      const peers = listing.resources.filter(
        ({ kind, spec }) =>
          kind === 'BGPPeer' &&
          typeof spec.peerIP === 'string' &&
          addresses.has(parseEndpoint(spec.peerIP)?.address ?? ''),
      );
      const gone = [entry, ...peers];
      const changes = gone.map(({ kind, metadata }): Change => ({ op: 'delete', kind, name: metadata.name }));
      const judgement = judgeChange(listing, changes, { minReflectors });
      for (const { kind, metadata } of gone) process.stdout.write(`${kind}/${metadata.name} goes\n`);
      if (flags.dryRun === true)
        for (const line of sessionLines(judgement)) process.stdout.write(`${line}\n`);
      for (const line of lossLines(judgement)) process.stderr.write(`${line}\n`);
      if (judgement.loses && flags.force !== true)
        throw new CommandFailure(
          `${entry.metadata.name} is not removed: nodes would lose what is said above.\n  Give them another reflector first (rr add), or remove it all the same with --force.`,
          3,
        );
      if (flags.dryRun === true) return;
      // The peers last: the entry's going moves nobody, and every reflector learns of it first.
      for (const { kind, metadata } of gone) await datastore.delete(kind, metadata.name);
      process.stdout.write(`${entry.metadata.name} is removed\n`);
    } finally {
      await datastore.close();
    }
  } catch (error) {
    throw failedToExecute(error, program);
  }
}

function demandEntry(resources: readonly Resource[], name: string): Resource {
  const entries = resources.filter(({ kind }) => kind === 'RouteReflector');
  const address = parseAddress(name);
  const found =
    entries.find(({ metadata }) => metadata.name === name) ??
    entries.find((entry) => address !== undefined && addressesOf(entry).includes(address));
  if (found !== undefined) return found;
  const node = resources.find(({ kind, metadata }) => kind === 'Node' && metadata.name === name);
  throw new CalicoRrError('E_NOT_FOUND', `there is no RouteReflector ${name}`, {
    hint:
      node === undefined
        ? 'rr list shows all.'
        : `${name} is a node: it is no reflector any more without spec.bgp.routeReflectorClusterID.`,
  });
}
