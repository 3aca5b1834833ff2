/**
 * The kinds of resources that the command line knows: the names under which each is asked for (calicoctl's, in any
 * case) and the columns in which it is listed (calicoctl's templates). One table for every verb that takes a kind.
 */
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, Kind, Resource } from '../../model/resource.ts';
import { nearestOf } from '../../model/spelling.ts';

/** What a cell may need beyond its resource. */
export interface CellContext {
  /** AS of nodes that have none of their own; undefined where it cannot be known. */
  readonly globalAsNumber: number | undefined;
}

export interface Column {
  readonly heading: string;
  readonly cell: (resource: Resource, context: CellContext) => string;
}

export interface ResourceKind {
  readonly kind: Kind;
  /** Lower case; the first is the one to show. */
  readonly aliases: readonly string[];
  /** Every heading that there is for it, in the order of the wide table. */
  readonly columns: readonly Column[];
  /** Headings of the table without `-o wide`. */
  readonly narrow: readonly string[];
  /** Written by people and by documents; the others are only shown. */
  readonly writable: boolean;
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((inner, key) => (isJsonObject(inner) ? inner[key] : undefined), value);
}

function text(value: Json | undefined, absent = ''): string {
  if (value === undefined || value === null || value === '') return absent;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

const NAME: Column = { heading: 'NAME', cell: (resource) => resource.metadata.name };

/** A field of `spec`, as it stands. */
function field(heading: string, path: string, absent = ''): Column {
  return { heading, cell: ({ spec }) => text(at(spec, path.split('.')), absent) };
}

function flag(heading: string, path: string): Column {
  return { heading, cell: ({ spec }) => String(at(spec, path.split('.')) === true) };
}

function count(heading: string, path: string): Column {
  return {
    heading,
    cell({ spec }) {
      const list = spec[path];
      return String(isList(list) ? list.length : 0);
    },
  };
}

function words(heading: string, path: string): Column {
  return {
    heading,
    cell({ spec }) {
      const list = spec[path];
      return isList(list) ? list.map((item) => text(item)).join(',') : '';
    },
  };
}

/** A node without an AS of its own has the global one, in parentheses; one without BGP has none. */
const NODE_AS: Column = {
  heading: 'ASN',
  cell({ spec }, { globalAsNumber }) {
    if (!isJsonObject(spec.bgp)) return '';
    return text(spec.bgp.asNumber, `(${globalAsNumber ?? 'unknown'})`);
  },
};

const PEER_NODE: Column = {
  heading: 'NODE',
  cell: ({ spec }) => text(spec.node, text(spec.nodeSelector, '(global)')),
};

export const RESOURCE_KINDS: readonly ResourceKind[] = [
  {
    kind: 'Node',
    aliases: ['node', 'nodes', 'no', 'nos'],
    columns: [NAME, NODE_AS, field('IPV4', 'bgp.ipv4Address'), field('IPV6', 'bgp.ipv6Address')],
    narrow: ['NAME'],
    writable: true,
  },
  {
    kind: 'BGPPeer',
    aliases: ['bgppeer', 'bgppeers', 'bgpp', 'bgpps', 'bp', 'bps'],
    columns: [NAME, field('PEERIP', 'peerIP'), PEER_NODE, field('ASN', 'asNumber', '0')],
    narrow: ['NAME', 'PEERIP', 'NODE', 'ASN'],
    writable: true,
  },
  {
    kind: 'BGPConfiguration',
    aliases: ['bgpconfiguration', 'bgpconfigurations', 'bgpconfig', 'bgpconfigs'],
    columns: [
      NAME,
      field('LOGSEVERITY', 'logSeverityScreen'),
      field('MESHENABLED', 'nodeToNodeMeshEnabled', '-'),
      field('ASNUMBER', 'asNumber', '-'),
    ],
    narrow: ['NAME', 'LOGSEVERITY', 'MESHENABLED', 'ASNUMBER'],
    writable: true,
  },
  {
    kind: 'BGPFilter',
    aliases: ['bgpfilter', 'bgpfilters', 'bgpf', 'bgpfs', 'bf', 'bfs'],
    columns: [
      NAME,
      count('NUMEXPORTV4', 'exportV4'),
      count('NUMIMPORTV4', 'importV4'),
      count('NUMEXPORTV6', 'exportV6'),
      count('NUMIMPORTV6', 'importV6'),
    ],
    narrow: ['NAME', 'NUMEXPORTV4', 'NUMIMPORTV4', 'NUMEXPORTV6', 'NUMIMPORTV6'],
    writable: true,
  },
  {
    kind: 'IPPool',
    aliases: ['ippool', 'ippools', 'ipp', 'ipps', 'pool', 'pools'],
    columns: [
      NAME,
      field('CIDR', 'cidr'),
      flag('NAT', 'natOutgoing'),
      field('IPIPMODE', 'ipipMode', 'Never'),
      field('VXLANMODE', 'vxlanMode', 'Never'),
      flag('DISABLED', 'disabled'),
      flag('DISABLEBGPEXPORT', 'disableBGPExport'),
      field('SELECTOR', 'nodeSelector', 'all()'),
      field('ASSIGNMENTMODE', 'assignmentMode'),
    ],
    narrow: ['NAME', 'CIDR', 'SELECTOR'],
    writable: true,
  },
  {
    kind: 'CalicoNodeStatus',
    aliases: ['caliconodestatus', 'caliconodestatuses', 'nodestatus', 'nodestatuses'],
    columns: [NAME, field('NODE', 'node'), words('CLASSES', 'classes')],
    narrow: ['NAME', 'NODE'],
    writable: true,
  },
  {
    kind: 'RouteReflector',
    aliases: ['routereflector', 'routereflectors', 'rr', 'rrs'],
    columns: [
      NAME,
      field('IPV4', 'ipv4'),
      field('IPV6', 'ipv6'),
      field('CLUSTERID', 'clusterID'),
      field('GROUP', 'group', 'default'),
      field('ASN', 'asNumber'),
      count('PEERS', 'peers'),
    ],
    narrow: ['NAME', 'IPV4', 'IPV6', 'CLUSTERID', 'GROUP'],
    writable: true,
  },
  {
    kind: 'RouteReflectorStatus',
    aliases: ['routereflectorstatus', 'routereflectorstatuses', 'rrstatus', 'rrstatuses'],
    columns: [NAME],
    narrow: ['NAME'],
    writable: false,
  },
  {
    kind: 'BlockAffinity',
    aliases: ['blockaffinity', 'blockaffinities', 'affinity', 'affinities'],
    columns: [NAME, field('CIDR', 'cidr'), field('NODE', 'node'), field('STATE', 'state')],
    narrow: ['NAME', 'CIDR', 'NODE'],
    writable: false,
  },
  {
    kind: 'CustomFilter',
    aliases: ['customfilter', 'customfilters'],
    columns: [NAME, field('FAMILY', 'family')],
    narrow: ['NAME', 'FAMILY'],
    writable: true,
  },
];

const BY_ALIAS = new Map(RESOURCE_KINDS.flatMap((entry) => entry.aliases.map((alias) => [alias, entry])));
const BY_KIND = new Map(RESOURCE_KINDS.map((entry) => [entry.kind, entry]));

/** Undefined where no kind is called so. */
export function findKind(word: string): ResourceKind | undefined {
  return BY_ALIAS.get(word.toLowerCase());
}

/**
 * The kind that a word on the command line means.
 * @throws E_USAGE in calicoctl's words, with the nearest names as hint
 */
export function kindOf(word: string): ResourceKind {
  const found = findKind(word);
  if (found !== undefined) return found;
  const near = nearestOf(word, BY_ALIAS.keys());
  const known = RESOURCE_KINDS.map(({ aliases }) => aliases[0]).join(', ');
  throw new CalicoRrError('E_USAGE', `resource type '${word}' is not supported`, {
    hint: near === undefined ? `There are ${known}.` : `Did you mean ${near}?`,
  });
}

export function entryOf(kind: Kind): ResourceKind {
  const entry = BY_KIND.get(kind);
  if (entry === undefined) throw new Error(`${kind} is in no table of kinds.`);
  return entry;
}
