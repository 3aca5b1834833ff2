/**
 * What the datastore knows of a speaker: for a reflector that calico-rr runs the RouteReflectorStatus that it writes, for
 * a node the CalicoNodeStatus that Calico writes where one was asked for.
 */
import { type ReadReport, readReport, STATUS_FRESH_MS } from '../../agent/status-object.ts';
import type { Datastore } from '../../datastore/datastore.ts';
import { type Family, parseAddress } from '../../model/address.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, Resource } from '../../model/resource.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import { createTopology } from '../../topology/topology.ts';
import { listCluster } from '../cluster-listing.ts';
import { paint } from '../paint.ts';
import { ageText, type PeerRow, peerTables, peerTypeOf } from './text.ts';

export interface Reported {
  readonly name: string;
  /** Who said it. */
  readonly source: 'RouteReflectorStatus' | 'CalicoNodeStatus';
  /** ISO 8601, and how long ago that is. */
  readonly updated: string;
  readonly ageSeconds: number;
  /** False: too old to say anything of now. */
  readonly fresh: boolean;
  readonly state: string;
  readonly configured: number;
  readonly established: number;
  readonly held: number;
  readonly version: string | null;
  /** Where the agent can be asked, or null. */
  readonly control: string | null;
  readonly peers: readonly PeerRow[];
}

export interface ReportReader {
  /** @throws E_NOT_FOUND where nobody is called so, or where it has said nothing */
  read(name: string): Promise<Reported>;
}

export function createReportReader(datastore: Datastore): ReportReader {
  let known: { readonly name: string; readonly config: SpeakerConfig; readonly sessions: number } | undefined;

  /** The whole cluster is read once, and again when the reflector has other sessions than we know of. */
  async function configOf(name: string, sessions: number | undefined): Promise<SpeakerConfig> {
    if (known?.name === name && known.sessions === (sessions ?? known.sessions)) return known.config;
    const topology = createTopology();
    topology.load(await listCluster(datastore));
    const identity = topology.resolve(name);
    if (identity === undefined)
      throw new CalicoRrError('E_NOT_FOUND', `no RouteReflector or Node is named ${name}`, {
        hint: 'calico-rr rr list shows the reflectors, calico-rr get nodes the nodes.',
      });
    const config = topology.speaker(identity).config();
    known = { name, config, sessions: sessions ?? config.sessions.length };
    return config;
  }

  return {
    async read(name) {
      const reports = (await datastore.list('RouteReflectorStatus')).resources;
      const first = await configOf(name, undefined);
      const report = reportOf(reports, first);
      if (report !== undefined) {
        const config = await configOf(name, report.configured);
        return ofReflector(config, report);
      }
      const nodeStatus = await nodeStatusOf(datastore, first.speaker);
      if (nodeStatus !== undefined) return ofNode(first.speaker, nodeStatus);
      throw new CalicoRrError('E_NOT_FOUND', `${first.speaker} has said nothing of itself in the datastore`, {
        hint: first.forwards
          ? 'Calico reports a node for which there is a CalicoNodeStatus: calico-rr explain caliconodestatus shows one.'
          : 'A reflector that calico-rr runs does; another cannot be asked from here.',
      });
    },
  };
}

/** By name, or by address: a process may go by another name than its entry. */
function reportOf(reports: readonly Resource[], config: SpeakerConfig): ReadReport | undefined {
  const own = [config.ipv4, config.ipv6].filter((address) => address !== null);
  for (const resource of reports) {
    const report = readReport(resource);
    if (report === undefined) continue;
    const sameAddress = report.addresses.some((address) => own.some((one) => one === address));
    if (resource.metadata.name === config.speaker || sameAddress) return report;
  }
  return undefined;
}

function ofReflector(config: SpeakerConfig, report: ReadReport): Reported {
  const age = Date.now() - report.updated;
  const fresh = age <= STATUS_FRESH_MS;
  const down = new Set(report.down);
  const gone = report.state === 'stopped' || report.state === 'drained';
  const peers = config.sessions.map(({ family, peerAddress, kind }): PeerRow => {
    const isDown = gone || down.has(peerAddress);
    const unknown = !fresh || (!isDown && report.downOmitted > 0);
    return {
      family,
      address: peerAddress,
      type: peerTypeOf(kind),
      state: unknown ? 'unknown' : isDown ? 'down' : 'up',
      since: '',
      info: unknown ? '' : isDown ? 'Not established' : 'Established',
    };
  });
  return {
    name: config.speaker,
    source: 'RouteReflectorStatus',
    updated: new Date(report.updated).toISOString(),
    ageSeconds: Math.max(0, Math.round(age / 1000)),
    fresh,
    state: report.state,
    configured: report.configured,
    established: report.established,
    held: report.held,
    version: report.version === '' ? null : report.version,
    control: report.control,
    peers,
  };
}

async function nodeStatusOf(datastore: Datastore, node: string): Promise<Resource | undefined> {
  const { resources } = await datastore.list('CalicoNodeStatus');
  return resources.find(({ spec, status }) => spec.node === node && isJsonObject(status?.bgp));
}

/** What CalicoNodeStatus calls the kinds of sessions, in the words of `node status`. */
const NODE_PEER_TYPES: ReadonlyMap<Json | undefined, string> = new Map<Json | undefined, string>([
  ['NodeMesh', 'node-to-node mesh'],
  ['NodePeer', 'node specific'],
  ['GlobalPeer', 'global'],
]);

function ofNode(name: string, { spec, status }: Resource): Reported {
  const bgp = isJsonObject(status?.bgp) ? status.bgp : {};
  const peers = ([4, 6] as const).flatMap((family) => nodePeers(bgp[`peersV${family}`], family));
  const updated = typeof status?.lastUpdated === 'string' ? Date.parse(status.lastUpdated) : Number.NaN;
  const age = Number.isNaN(updated) ? Number.POSITIVE_INFINITY : Date.now() - updated;
  // It is written once a period; twice that, and it is late.
  const period = typeof spec.updatePeriodSeconds === 'number' ? spec.updatePeriodSeconds : 0;
  return {
    name,
    source: 'CalicoNodeStatus',
    updated: Number.isNaN(updated) ? '' : new Date(updated).toISOString(),
    ageSeconds: Number.isFinite(age) ? Math.max(0, Math.round(age / 1000)) : 0,
    fresh: age <= Math.max(60, 2 * period) * 1000,
    state: 'reported by Calico',
    configured: peers.length,
    established: peers.filter(({ info }) => info === 'Established').length,
    held: 0,
    version: null,
    control: null,
    peers,
  };
}

function nodePeers(list: Json | undefined, family: Family): readonly PeerRow[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((peer: Json) => {
    if (!isJsonObject(peer) || typeof peer.peerIP !== 'string') return [];
    const state = typeof peer.state === 'string' ? peer.state : '';
    return [
      {
        family,
        address: parseAddress(peer.peerIP) ?? peer.peerIP,
        type: NODE_PEER_TYPES.get(peer.type) ?? '',
        state: state === 'Established' ? 'up' : 'start',
        since: typeof peer.since === 'string' ? peer.since : '',
        info: state,
      },
    ];
  });
}

export function reportedText(reported: Reported): string {
  const { name, updated, ageSeconds, fresh, state, established, configured, held, version } = reported;
  const late = paint('attention', `${name} is silent: this is ${ageText(ageSeconds)} old (${updated}).`);
  const when = `What ${name} said ${ageText(ageSeconds)} ago (${reported.source}).`;
  const lines = [fresh ? when : late, '', ...peerTables(reported.peers)];
  lines.push(`State:      ${state}, ${established} of ${configured} sessions up`);
  if (held > 0)
    lines.push(
      paint(
        'attention',
        `HELD:       ${held === 1 ? '1 change waits' : `${held} changes wait`} for approval`,
      ),
    );
  if (version !== null) lines.push(`Version:    calico-rr ${version}`);
  if (reported.control !== null)
    lines.push(`More:       calico-rr status --address ${reported.control} --token-file FILE`);
  return `${lines.join('\n')}\n`;
}
