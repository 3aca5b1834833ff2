/**
 * Two speakers, and why they have a session or have none: both ends looked at together. For `calico-rr explain session`.
 */
import { type Family, type IpAddress, parseAddress } from '../model/address.ts';
import type { Listing } from '../model/change.ts';
import type { Problem } from '../model/problem.ts';
import { keyOf, type Resource, type ResourceKey } from '../model/resource.ts';
import { isSelector, parseSelector } from '../model/selector/selector.ts';
import { addressOf } from './inventory.ts';
import type { MeshEra } from './mesh-rules.ts';
import { reasonOf, type SessionReason } from './session-reason.ts';
import type { SpeakerIdentity, SpeakerView } from './speaker.ts';
import type { SessionConfig, SpeakerConfig } from './speaker-config.ts';
import type { Topology } from './topology.ts';

/** One end's session, and why it is there. */
export interface ExplainedEnd {
  readonly speaker: string;
  readonly session: SessionConfig;
  readonly reason: SessionReason;
  /** The resource that asked for it; null where it is gone. */
  readonly resource: Resource | null;
}

export interface ExplainedPair {
  readonly speaker: string;
  readonly peer: string;
  /** One for each family in which at least one end has a session. */
  readonly sessions: readonly {
    readonly family: Family;
    /** At `speaker`; null: only the peer has it. */
    readonly here: ExplainedEnd | null;
    /** At `peer`; null: it has none, or it is no speaker that Calico knows. */
    readonly there: ExplainedEnd | null;
    readonly peerKnown: boolean;
  }[];
  /** Why there is none; empty where there is one. Sentences. */
  readonly absent: readonly string[];
  /** What is wrong with either end's sessions with the other, or with what asks for them. */
  readonly problems: readonly Problem[];
}

interface End {
  readonly config: SpeakerConfig;
  readonly view: SpeakerView;
  readonly self: Resource | undefined;
}

/** @param peer a name or an address */
export function explainPair(
  topology: Topology,
  listing: Listing,
  speaker: SpeakerIdentity,
  peer: SpeakerIdentity | IpAddress,
  meshEra: MeshEra,
): ExplainedPair {
  const resources = new Map(listing.resources.map((resource) => [keyOf(resource), resource]));
  const here = endOf(topology.speaker(speaker));
  const there = typeof peer === 'string' ? undefined : endOf(topology.speaker(peer));
  const peerName = there?.config.speaker ?? (typeof peer === 'string' ? peer : '');

  function endOf(view: SpeakerView): End {
    const config = view.config();
    const own: ResourceKey =
      view.standing === 'node' ? `Node/${config.speaker}` : `RouteReflector/${config.speaker}`;
    return { view, config, self: resources.get(own) };
  }

  function explained(end: End | undefined, family: Family, other: readonly IpAddress[]): ExplainedEnd | null {
    const session = end?.config.sessions.find(
      (one) => one.family === family && other.includes(one.peerAddress),
    );
    if (end === undefined || session === undefined) return null;
    const { config, view, self } = end;
    const resource = resources.get(session.because);
    const defaults = resources.get('BGPConfiguration/default');
    const reason = reasonOf({
      ...{ config, standing: view.standing, session, resource, self, defaults, meshEra },
    });
    return { speaker: config.speaker, session, reason, resource: resource ?? null };
  }

  const theirs = typeof peer === 'string' ? [peer] : addressesOfEnd(there);
  const ours = addressesOfEnd(here);
  const sessions = ([4, 6] as const).flatMap((family) => {
    const one = explained(here, family, theirs);
    const other = explained(there, family, ours);
    return one === null && other === null
      ? []
      : [{ family, here: one, there: other, peerKnown: there !== undefined }];
  });
  return {
    speaker: here.config.speaker,
    peer: peerName,
    sessions,
    absent: sessions.length > 0 ? [] : absentReasons(here, there, peerName, listing),
    problems: problemsBetween(topology, here, there, peerName, sessions),
  };
}

function addressesOfEnd(end: End | undefined): readonly IpAddress[] {
  return end === undefined ? [] : [end.config.ipv4, end.config.ipv6].filter((address) => address !== null);
}

/** Those that name a resource of the session, or one end while they speak of the other. */
function problemsBetween(
  topology: Topology,
  here: End,
  there: End | undefined,
  peerName: string,
  sessions: ExplainedPair['sessions'],
): readonly Problem[] {
  const asked = new Set<string>(
    sessions.flatMap((one) => [one.here, one.there]).flatMap((end) => end?.session.because ?? []),
  );
  const names = [here.config.speaker, peerName, ...addressesOfEnd(here), ...addressesOfEnd(there)];
  const said = (problem: Problem): boolean =>
    names.filter((name) => saysWord(`${problem.subject} ${problem.message}`, name)).length > 1;
  const all = [...topology.problems(), ...here.view.problems(), ...(there?.view.problems() ?? [])];
  const found = all.filter((problem) => asked.has(problem.subject) || said(problem));
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()];
}

function saysWord(text: string, word: string): boolean {
  return text.split(/[^\w.:-]+/).some((part) => part.replace(/[.:]$/, '') === word);
}

function absentReasons(
  here: End,
  there: End | undefined,
  peerName: string,
  { resources }: Listing,
): readonly string[] {
  const name = here.config.speaker;
  if (there === undefined)
    return [
      `No Node and no RouteReflector has the address ${peerName}, and nothing that is for ${name} names it.`,
      ...entriesOf(here, resources),
    ];
  if (name === there.config.speaker) return ['They are one: a speaker has no session with itself.'];
  const common = ([4, 6] as const).filter(
    (family) => addressOf(here.config, family) !== null && addressOf(there.config, family) !== null,
  );
  if (common.length === 0)
    return [`They have no address family in common: ${familiesOf(here)}, ${familiesOf(there)}.`];
  const kinds = [here, there].map(({ view }) => view.standing === 'node');
  if (kinds.every((isNode) => !isNode)) {
    const groups = [here, there].map(({ config }) => `${config.speaker} is in the group ${config.group}`);
    return [
      `${groups.join(', ')}: groups have no sessions with each other unless an entry names the other reflector in spec.peers.`,
    ];
  }
  return [
    ...(kinds.every(Boolean) ? [meshReason([here, there], resources)] : []),
    ...[here, there].flatMap((end) => entriesOf(end, resources)),
  ];
}

function familiesOf({ config }: End): string {
  const families = [config.ipv4 === null ? [] : ['IPv4'], config.ipv6 === null ? [] : ['IPv6']].flat();
  return `${config.speaker} has ${families.length === 0 ? 'none' : families.join(' and ')}`;
}

function meshReason(ends: readonly End[], resources: readonly Resource[]): string {
  const defaults = resources.find(
    ({ kind, metadata }) => kind === 'BGPConfiguration' && metadata.name === 'default',
  );
  if (defaults?.spec.nodeToNodeMeshEnabled === false)
    return 'The node-to-node mesh is off (nodeToNodeMeshEnabled of BGPConfiguration/default).';
  const reflecting = ends.filter(({ config }) => config.clusterId !== null);
  return `${reflecting.map(({ config }) => config.speaker).join(' and ')} has a cluster ID, and nodes that have one are in no mesh.`;
}

/** Whom the entries that are for this one lead to. */
function entriesOf({ config, view, self }: End, resources: readonly Resource[]): readonly string[] {
  if (view.standing !== 'node') return [];
  const labels = self?.metadata.labels ?? {};
  const entries = resources.filter(({ kind, spec }) => {
    if (kind !== 'BGPPeer') return false;
    if (typeof spec.node === 'string' && spec.node !== '') return spec.node === config.speaker;
    if (typeof spec.nodeSelector !== 'string' || spec.nodeSelector === '') return true;
    const selector = parseSelector(spec.nodeSelector);
    return isSelector(selector) && selector.matches(labels);
  });
  if (entries.length === 0) return [`No BGPPeer is for ${config.speaker}.`];
  const said = entries.slice(0, 5).map((entry) => {
    const { peerIP, peerSelector } = entry.spec;
    const where =
      typeof peerSelector === 'string' ? `whom ${peerSelector} finds` : String(peerIP ?? 'nobody');
    return `${keyOf(entry)} (with ${where})`;
  });
  const more = entries.length > 5 ? ` and ${entries.length - 5} more` : '';
  return [`The BGPPeers that are for ${config.speaker}: ${said.join(', ')}${more}.`];
}

/** What a word on the command line means as the other end: a speaker by name or address, or an address of nobody. */
export function otherEnd(topology: Topology, word: string): SpeakerIdentity | IpAddress | undefined {
  return topology.resolve(word) ?? parseAddress(word);
}
