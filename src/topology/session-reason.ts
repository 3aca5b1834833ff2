/**
 * Why a speaker has a session: the rule that made it of the resource that asked for it, and since when Calico has that
 * rule. For `calico-rr explain session`; the rules themselves are in docs/topology.md, and sessions know only `because`.
 */
import { parseAddress } from '../model/address.ts';
import { parseEndpoint } from '../model/reading.ts';
import type { Json, Resource } from '../model/resource.ts';
import { isSelector, parseSelector } from '../model/selector/selector.ts';
import type { MeshEra } from './mesh-rules.ts';
import type { Standing } from './speaker.ts';
import type { SessionConfig, SpeakerConfig } from './speaker-config.ts';

export interface SessionReason {
  /** A name for programs. */
  readonly rule:
    | 'mesh'
    | 'fellow-reflector'
    | 'own-peer'
    | 'peer-of-other'
    | 'named-by-all'
    | 'named-by-node'
    | 'named-by-selected'
    | 'own-label'
    | 'every-node'
    | 'this-node'
    | 'selected-node'
    | 'reverse';
  /** What the resource says, and what follows; a sentence. */
  readonly says: string;
  /** Which Calico behaves so, and where older ones keep it; a sentence. */
  readonly era: string;
}

export interface ReasonInput {
  readonly config: SpeakerConfig;
  readonly standing: Standing;
  readonly session: SessionConfig;
  /** The resource that `because` names; undefined where it is gone. */
  readonly resource: Resource | undefined;
  /** The speaker's own Node or RouteReflector. */
  readonly self: Resource | undefined;
  /** BGPConfiguration `default`. */
  readonly defaults: Resource | undefined;
  readonly meshEra: MeshEra;
}

const SELECTORS = 'Calico 3.3 and later, which have selectors.';

export function reasonOf(input: ReasonInput): SessionReason {
  const { session, config, standing } = input;
  switch (session.kind) {
    case 'mesh':
      return meshReason(input);
    case 'reflector':
      return {
        rule: 'fellow-reflector',
        says: `Both are reflectors of the group ${config.group ?? 'default'}, and reflectors of a group mesh with each other as plain iBGP, whatever their cluster IDs.`,
        era: `The route reflector image did so with all entries of rr_v${session.family}; groups are calico-rr's.`,
      };
    case 'external':
      return externalReason(input);
    case 'global':
    case 'node':
      return standing === 'node' ? nodeReason(input) : reflectorReason(input);
    default:
      return session.kind satisfies never;
  }
}

const MESH_ERAS: Readonly<Record<MeshEra, string>> = {
  'before 3.13':
    'Calico before 3.13: a node with a cluster ID builds no mesh session, the others build theirs towards it.',
  '3.13 to 3.20': 'Calico 3.13 to 3.20: nodes with a cluster ID are in the IPv4 mesh too.',
  later:
    'Every Calico has this mesh; since 3.21 nodes with a cluster ID are left out at both ends. On etcd v2 it is the key global/node_mesh.',
};

function meshReason({ config, session, defaults, meshEra }: ReasonInput): SessionReason {
  const stated = defaults?.spec.nodeToNodeMeshEnabled;
  const setting =
    stated === undefined || stated === null
      ? 'is not set in BGPConfiguration/default, which means true'
      : 'of BGPConfiguration/default is true';
  return {
    rule: 'mesh',
    says: `nodeToNodeMeshEnabled ${setting}, and ${config.speaker} and ${whoIs(session)} are nodes of the mesh.`,
    era: MESH_ERAS[meshEra],
  };
}

function externalReason({ session, self, resource }: ReasonInput): SessionReason {
  const own = resource !== undefined && resource.metadata.name === self?.metadata.name;
  const era = "calico-rr's own: the route reflector image knew no routers outside Calico.";
  if (own) return { rule: 'own-peer', says: `The reflector's own entry has it in spec.peers.`, era };
  return {
    rule: 'peer-of-other',
    says: `The entry at the other end has this reflector in spec.peers, and one line joins both ends${session.client ? ', each a client of the other' : ''}.`,
    era,
  };
}

/** A reflector that is no node: whoever names it, it serves. */
function reflectorReason({ config, session, resource, self }: ReasonInput): SessionReason {
  const spec = resource?.spec ?? {};
  const own = (session.family === 4 ? config.ipv4 : config.ipv6) ?? '';
  const back = `names ${own}, and a reflector has in return the session that others have with it`;
  if (isFor(spec.nodeSelector, self, 'means') && addressIn(spec.peerIP) === session.peerAddress)
    return {
      rule: 'own-label',
      says: `Its nodeSelector finds ${config.speaker} by a label of the reflector's own, and it names ${session.peerAddress}.`,
      era: "calico-rr's own: labels of a RouteReflector are unknown to Calico's nodes.",
    };
  if (isText(spec.node))
    return {
      rule: 'named-by-node',
      says: `It is for the node ${spec.node}; it ${back}.`,
      era: `Every Calico; on etcd v2 it is the key host/${spec.node}/peer_v${session.family}/${own}.`,
    };
  if (isText(spec.nodeSelector))
    return {
      rule: 'named-by-selected',
      says: `Its nodeSelector finds ${whoIs(session)}; it ${back}.`,
      era: SELECTORS,
    };
  return {
    rule: 'named-by-all',
    says: `It is for every node, having neither node nor nodeSelector; it ${back}.`,
    era: `Every Calico; on etcd v2 it is the key global/peer_v${session.family}/${own}.`,
  };
}

/** A node, reflecting or not, in the order of Calico's passes. */
function nodeReason({ config, session, resource, self }: ReasonInput): SessionReason {
  const spec = resource?.spec ?? {};
  const { peerSelector, node, nodeSelector } = spec;
  const finds = isText(peerSelector)
    ? `its peerSelector finds ${whoIs(session)}`
    : `it names ${session.peerAddress}`;
  const old = (key: string): string =>
    isText(peerSelector) ? SELECTORS : `Every Calico; on etcd v2 it is the key ${key}.`;
  const version = `peer_v${session.family}/${session.peerAddress}`;
  if (session.kind === 'global')
    return {
      rule: 'every-node',
      says: `It is for every node, having neither node nor nodeSelector, and ${finds}.`,
      era: old(`global/${version}`),
    };
  const remote = isText(peerSelector) || addressIn(spec.peerIP) === session.peerAddress;
  if (remote && node === config.speaker)
    return {
      rule: 'this-node',
      says: `It is for ${config.speaker} by its name, and ${finds}.`,
      era: old(`host/${config.speaker}/${version}`),
    };
  if (remote && isFor(nodeSelector, self, 'matches'))
    return {
      rule: 'selected-node',
      says: `Its nodeSelector finds ${config.speaker}, and ${finds}.`,
      era: SELECTORS,
    };
  const known = isText(peerSelector)
    ? `its peerSelector finds ${config.speaker}`
    : `it names the address of ${config.speaker}, with its AS`;
  return {
    rule: 'reverse',
    says: `It is for ${whoIs(session)}, and ${known}: a node peers back with whoever is told to peer with it.`,
    era: 'Reverse peering of Calico 3.3 and later; since 3.31 reversePeering: Manual in the entry ends it.',
  };
}

function whoIs({ peerName, peerAddress }: SessionConfig): string {
  return peerName ?? peerAddress;
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function addressIn(peerIP: Json | undefined): string | undefined {
  return isText(peerIP) ? (parseEndpoint(peerIP)?.address ?? parseAddress(peerIP)) : undefined;
}

function isFor(selector: Json | undefined, self: Resource | undefined, how: 'matches' | 'means'): boolean {
  if (!isText(selector) || self === undefined) return false;
  const parsed = parseSelector(selector);
  return isSelector(parsed) && parsed[how](self.metadata.labels ?? {});
}
