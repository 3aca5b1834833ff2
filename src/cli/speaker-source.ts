/**
 * For the verbs that only compute: the resources of the datastore, or of files given with `-f`, as one topology,
 * and the speaker that NAME (or an address) means in it. Nothing is touched.
 */
import { parseAddress } from '../model/address.ts';
import type { Listing } from '../model/change.ts';
import { CalicoRrError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import { keyOf, type Resource } from '../model/resource.ts';
import { distance } from '../model/spelling.ts';
import {
  createTopology,
  type SpeakerIdentity,
  type SpeakerView,
  type Topology,
} from '../topology/topology.ts';
import { listCluster } from './cluster-listing.ts';
import type { DatastoreOrConfig } from './datastore-flags.ts';
import { readTopologyOptions } from './run-settings.ts';

/** A verb that a person waits for gives a datastore this long to be found. */
const OPEN_MS = 10_000;

export interface SourceFlags extends DatastoreOrConfig {
  readonly file?: string | readonly string[];
  readonly calicoVersion?: string;
}

export interface FoundSpeaker {
  readonly view: SpeakerView;
  /** Of what was read, of single resources, and of this speaker's sessions. */
  readonly problems: readonly Problem[];
  /** What is found beyond these when all speakers are looked at together; worked out when asked for. */
  readonly beyond: () => readonly Problem[];
}

/** The whole cluster, and what reading it told. @throws what reading the resources throws */
export async function readTopology(
  flags: SourceFlags,
): Promise<{ readonly topology: Topology; readonly warnings: readonly Problem[] }> {
  const options = readTopologyOptions(process.env, flags.calicoVersion);
  const listing = await readListing(flags);
  const topology = createTopology(options);
  topology.load(listing);
  return { topology, warnings: listing.warnings };
}

/** @throws E_NOT_FOUND where NAME is neither a name nor an address; what reading the resources throws */
export async function findSpeaker(name: string, flags: SourceFlags): Promise<FoundSpeaker> {
  const { topology, warnings } = await readTopology(flags);
  const view = topology.speaker(identityOf(name, topology));
  const ofServices = await takeServices(topology, view.serviceNode, flags);
  const problems = [...warnings, ...topology.problems(), ...view.problems(), ...ofServices];
  return {
    view,
    problems,
    beyond() {
      const told = new Set(problems.map(({ code, subject }) => `${code} ${subject}`));
      return topology.check().filter(({ code, subject }) => !told.has(`${code} ${subject}`));
    },
  };
}

/** Lets the topology know the services that this node announces. @returns why they cannot be known */
async function takeServices(
  topology: Topology,
  node: string | null,
  flags: SourceFlags,
): Promise<readonly Problem[]> {
  // Files have no services beside them.
  if (node === null || flags.file !== undefined) return [];
  const { settingsForVerb } = await import('./resources/open.ts');
  const { serviceWatchOf } = await import('./service-source.ts');
  const watchServices = await serviceWatchOf(await settingsForVerb(flags, process.env));
  if (watchServices === null) return [];
  const watch = watchServices(() => {});
  try {
    watch.want(node);
    await watch.heard();
    topology.setServices(node, watch.services());
    return watch.problems();
  } finally {
    await watch.close();
  }
}

/** Every resource that sessions depend on. @throws what reading them throws */
export async function readListing(flags: SourceFlags): Promise<Listing> {
  const { file } = flags;
  if (file === undefined) return readDatastore(flags);
  return readFiles(typeof file === 'string' ? [file] : file);
}

/** @throws E_NOT_FOUND where it is neither a name nor an address */
export function identityOf(name: string, topology: Topology): SpeakerIdentity {
  const known = topology.resolve(name);
  if (known !== undefined) return known;
  const address = parseAddress(name);
  if (address === undefined) {
    const names = topology.speakers().map((speaker) => speaker.name ?? speaker.ipv4 ?? speaker.ipv6 ?? '');
    const near = names.filter((candidate) => distance(candidate, name) <= 2).slice(0, 3);
    const some = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : knownNames(names);
    throw new CalicoRrError('E_NOT_FOUND', `no RouteReflector or Node is named ${name}`, { hint: some });
  }
  // An address that nobody has is a standalone reflector's: it serves whoever names it as a peer.
  const ipv6 = address.includes(':');
  return { name: null, ipv4: ipv6 ? null : address, ipv6: ipv6 ? address : null, listenPort: null };
}

function knownNames(names: readonly string[]): string {
  if (names.length === 0) return 'There are no RouteReflectors and no Nodes in it at all.';
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return `There are ${names.slice(0, 10).join(', ')}${more}.`;
}

/** Of two resources of one name in different files the first counts, as it does within one. */
async function readFiles(paths: readonly string[]): Promise<Listing> {
  const { readResources } = await import('../datastore/file/catalogue.ts');
  const listings = await Promise.all(paths.map((path) => readResources(path)));
  const resources = new Map<string, Resource>();
  const warnings = listings.flatMap((listing) => listing.warnings);
  for (const [at, listing] of listings.entries()) {
    for (const resource of listing.resources) {
      const key = keyOf(resource);
      if (!resources.has(key)) resources.set(key, resource);
      else
        warnings.push({
          code: 'duplicate',
          severity: 'warning',
          subject: key,
          message: `${key} stands in ${paths[at]} and in a file before it; the first counts.`,
          hint: 'Remove one of them.',
        });
    }
  }
  return { resources: [...resources.values()], broken: [], warnings };
}

async function readDatastore(flags: SourceFlags): Promise<Listing> {
  const { openDatastore } = await import('../datastore/open.ts');
  const { settingsForVerb } = await import('./resources/open.ts');
  const warnings: Problem[] = [];
  let waitingFor = 'it does not answer';
  const settings = await settingsForVerb(flags, process.env);
  const signal = AbortSignal.timeout(OPEN_MS);
  const opened = openDatastore(settings, {
    signal,
    onWaiting: (reason) => {
      waitingFor = reason;
    },
    onWarning: (problem) => warnings.push(problem),
  });
  const datastore = await opened.catch((error: unknown) => {
    if (!signal.aborted) throw error;
    throw new CalicoRrError('E_DATASTORE_UNREACHABLE', `no datastore could be read: ${waitingFor}`, {
      hint: 'Check DATASTORE_TYPE, and ETCD_ENDPOINTS or KUBECONFIG, or give files with -f.',
      cause: error,
    });
  });
  try {
    const listing = await listCluster(datastore);
    return { ...listing, warnings: [...warnings, ...listing.warnings] };
  } finally {
    await datastore.close();
  }
}
