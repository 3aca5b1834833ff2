/** `explain session SPEAKER PEER`: computed from the datastore or from files; touches nothing. */
import { meshEraOf } from '../../topology/mesh-rules.ts';
import { explainPair, otherEnd } from '../../topology/session-pair.ts';
import { createTopology } from '../../topology/topology.ts';
import { checkOutput } from '../output.ts';
import { readTopologyOptions } from '../run-settings.ts';
import { identityOf, readListing, type SourceFlags } from '../speaker-source.ts';
import { pairText } from './session-text.ts';

export interface ExplainSessionFlags extends SourceFlags {
  readonly output?: string;
}

/** @throws E_NOT_FOUND; what reading the resources throws */
export async function runExplainSession(
  speaker: string,
  peer: string,
  flags: ExplainSessionFlags,
): Promise<void> {
  const json = checkOutput(flags.output);
  const options = readTopologyOptions(process.env, flags.calicoVersion);
  const listing = await readListing(flags);
  const topology = createTopology(options);
  topology.load(listing);
  const here = identityOf(speaker, topology);
  const there = otherEnd(topology, peer) ?? identityOf(peer, topology);
  const explained = explainPair(topology, listing, here, there, meshEraOf(options.calicoVersion));
  process.stdout.write(json ? `${JSON.stringify(explained, null, 2)}\n` : pairText(explained));
}
