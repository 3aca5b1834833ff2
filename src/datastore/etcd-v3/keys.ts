/**
 * Where each kind lives in etcd v3.
 *
 * Calico's resources: `/calico/resources/v3/projectcalico.org/<plural>/<name>` (libcalico-go, model/resource.go).
 * Block affinities: only Calico's IPAM keys, `/calico/ipam/v2/host/<node>/ipv4|ipv6/block/<cidr>`. Reflectors:
 * the flat keys of the etcd v2 era, which nothing of Calico reads in this keyspace. A reflector's report of itself
 * stands beside them.
 */
import type { Kind } from '../../model/resource.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org';
const STATUS = '/calico/bgp/v1/rr_status';
const AFFINITY = /^\/calico\/ipam\/v2\/host\/([^/]+)\/(ipv4|ipv6)\/block\/([^/]+)$/;
const ENTRY = /^\/calico\/bgp\/v1\/(rr_v4|rr_v6)\/([^/]+)$/;

/** Kinds of which each resource is one JSON document at one key. */
export const DOCUMENT_PREFIXES = {
  Node: `${RESOURCES}/nodes/`,
  BGPPeer: `${RESOURCES}/bgppeers/`,
  BGPConfiguration: `${RESOURCES}/bgpconfigurations/`,
  BGPFilter: `${RESOURCES}/bgpfilters/`,
  CalicoNodeStatus: `${RESOURCES}/caliconodestatuses/`,
  IPPool: `${RESOURCES}/ippools/`,
  RouteReflectorStatus: `${STATUS}/`,
} as const;

export type DocumentKind = keyof typeof DOCUMENT_PREFIXES;

/** The key prefixes, each ending in `/`, under which a kind is found; none where it has no home here. */
export const PREFIXES: Readonly<Record<Kind, readonly string[]>> = {
  ...wrapped(),
  BlockAffinity: ['/calico/ipam/v2/host/'],
  RouteReflector: ['/calico/bgp/v1/rr_v4/', '/calico/bgp/v1/rr_v6/'],
  CustomFilter: [],
};

/**
 * Any of these holding a key means that Calico's data is in this keyspace. What reflectors report of themselves is
 * not among them: after a wipe they report anew, which must not decide where the next Calico is looked for.
 */
export const CALICO_PREFIXES = [
  '/calico/resources/v3/',
  '/calico/ipam/v2/',
  ...PREFIXES.RouteReflector,
] as const;

export type ParsedKey =
  | { readonly is: 'document'; readonly kind: DocumentKind; readonly name: string }
  | {
      readonly is: 'affinity';
      readonly node: string;
      readonly family: 'ipv4' | 'ipv6';
      readonly block: string;
    }
  | { readonly is: 'entry'; readonly table: 'rr_v4' | 'rr_v6'; readonly address: string };

/** What a key stands for; undefined where it is none of ours. */
export function parseKey(key: string): ParsedKey | undefined {
  for (const kind of documentKinds) {
    const prefix = DOCUMENT_PREFIXES[kind];
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    return name === '' || name.includes('/') ? undefined : { is: 'document', kind, name };
  }
  const affinity = AFFINITY.exec(key);
  if (affinity !== null) {
    const [, node = '', family, block = ''] = affinity;
    return { is: 'affinity', node, family: family === 'ipv6' ? 'ipv6' : 'ipv4', block };
  }
  const entry = ENTRY.exec(key);
  if (entry === null) return undefined;
  const [, table, address = ''] = entry;
  return { is: 'entry', table: table === 'rr_v6' ? 'rr_v6' : 'rr_v4', address };
}

export function isDocumentKind(kind: Kind): kind is DocumentKind {
  return kind in DOCUMENT_PREFIXES;
}

export function documentKey(kind: DocumentKind, name: string): string {
  return `${DOCUMENT_PREFIXES[kind]}${name}`;
}

/** The first key after all that begin with `prefix`; prefixes here end in `/`, so the last byte can grow. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end.writeUInt8(end.readUInt8(end.length - 1) + 1, end.length - 1);
  return end;
}

const documentKinds = Object.keys(DOCUMENT_PREFIXES).filter(
  (kind): kind is DocumentKind => kind in DOCUMENT_PREFIXES,
);

function wrapped(): Record<DocumentKind, readonly string[]> {
  const { Node, BGPPeer, BGPConfiguration, BGPFilter, CalicoNodeStatus, IPPool, RouteReflectorStatus } =
    DOCUMENT_PREFIXES;
  return {
    Node: [Node],
    BGPPeer: [BGPPeer],
    BGPConfiguration: [BGPConfiguration],
    BGPFilter: [BGPFilter],
    CalicoNodeStatus: [CalicoNodeStatus],
    IPPool: [IPPool],
    RouteReflectorStatus: [RouteReflectorStatus],
  };
}
