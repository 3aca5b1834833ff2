/**
 * Documents of Calico v2 (`apiVersion: v1`, calicoctl 1.x) as resources of today. Kinds begin with a small letter,
 * and what a resource is called follows from other fields: scope, node and peerIP of a bgpPeer, cidr of an ipPool.
 *
 *     bgpPeer  scope global          BGPPeer global.ADDRESS
 *     bgpPeer  scope node            BGPPeer node.NODE.ADDRESS with spec.node
 *     node                           Node NAME
 *     ipPool                         IPPool CIDR, "-" for "." ":" and "/"
 *
 * Names are made so that one document has one name for ever, and on etcd v2 (`names: 'keys'`) it is the one that the
 * key gives. Calico v3 wants names of small letters, digits, "-" and ".", so an IPv6 address is written with "-" there.
 */
import { type IpAddress, parseAddress, parsePrefix } from '../address.ts';
import { isJsonObject } from '../json.ts';
import type { Problem, ProblemCode } from '../problem.ts';
import { isUnset, quote } from '../reading.ts';
import { CALICO_API_VERSION, type Json, type JsonObject, type Kind } from '../resource.ts';
import { nearestOf } from '../spelling.ts';

export interface UpgradeOptions {
  /** `keys`: the names that etcd v2's keys give; default: names that Calico v3 takes. */
  readonly names?: 'v3' | 'keys';
}

export type Upgrade =
  | {
      readonly is: 'resource';
      readonly kind: Kind;
      readonly name: string;
      /** The document in the shape of today. */
      readonly document: JsonObject;
      /** Errors: something has no home today, and the resource is not what was meant. Fields are those of v1. */
      readonly problems: readonly Problem[];
      /** Where a field of today stands in the document of v1, for those that moved. */
      readonly origins: ReadonlyMap<string, string>;
    }
  /** Not even its name is known. */
  | { readonly is: 'nothing'; readonly problems: readonly Problem[] };

/** True for a document of that era; the core's own List is none. */
export function isV1(document: JsonObject): boolean {
  return (
    document.apiVersion === 'v1' && !(typeof document.kind === 'string' && document.kind.endsWith('List'))
  );
}

/** @param document one of which `isV1` is true */
export function upgradeV1(document: JsonObject, { names = 'v3' }: UpgradeOptions = {}): Upgrade {
  const { kind, metadata } = document;
  const said = new Said(typeof kind === 'string' ? kind : 'document');
  const head = isJsonObject(metadata) ? metadata : {};
  const spec = isJsonObject(document.spec) ? document.spec : {};
  for (const part of ['metadata', 'spec'] as const) {
    const value = document[part];
    if (!isUnset(value) && !isJsonObject(value))
      said.error('bad-field', part, `is ${quote(value)}, not an object.`);
  }
  said.onlyFields('', document, ['apiVersion', 'kind', 'metadata', 'spec']);
  switch (kind) {
    case 'bgpPeer':
      return upgradePeer(said, head, spec, names);
    case 'node':
      return upgradeNode(said, head, spec, names);
    case 'ipPool':
      return upgradePool(said, head, spec, names);
    default:
      if (typeof kind === 'string' && OTHER_KINDS.has(kind))
        said.error(
          'not-supported',
          'kind',
          `is ${kind}, which says nothing about BGP and is not read here.`,
          'Leave it to Calico.',
        );
      else
        said.error(
          'not-supported',
          'kind',
          `is ${quote(kind)}, not one of apiVersion v1.`,
          hintForKind(kind),
        );
      return { is: 'nothing', problems: said.problems };
  }
}

const OTHER_KINDS = new Set(['policy', 'profile', 'hostEndpoint', 'workloadEndpoint']);

function hintForKind(kind: Json | undefined): string {
  const kinds = 'Kinds of apiVersion v1 are bgpPeer, node and ipPool';
  if (typeof kind !== 'string') return `${kinds}.`;
  const near = nearestOf(kind, ['bgpPeer', 'node', 'ipPool']);
  const own = near === undefined ? '' : ` ${near} is written so;`;
  return `${kinds};${own} resources of Calico v3 have apiVersion ${CALICO_API_VERSION}.`;
}

/** What is said of one document. */
class Said {
  readonly problems: Problem[] = [];
  readonly #kind: string;
  constructor(kind: string) {
    this.#kind = kind;
  }
  error(code: ProblemCode, field: string, says: string, hint?: string): void {
    this.#add('error', code, field, says, hint);
  }
  warn(code: ProblemCode, field: string, says: string, hint?: string): void {
    this.#add('warning', code, field, says, hint);
  }
  onlyFields(path: string, object: JsonObject, known: readonly string[]): void {
    for (const key of Object.keys(object)) {
      if (known.includes(key)) continue;
      const near = nearestOf(key, known);
      this.warn(
        'unknown-field',
        path === '' ? key : `${path}.${key}`,
        'has no meaning and is passed over.',
        near === undefined ? undefined : `Did you mean ${near}?`,
      );
    }
  }
  #add(severity: Problem['severity'], code: ProblemCode, field: string, says: string, hint?: string): void {
    const message = `${field} ${says}`;
    this.problems.push({
      ...{ code, severity, subject: this.#kind, field, message },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function upgradePeer(said: Said, metadata: JsonObject, spec: JsonObject, names: 'v3' | 'keys'): Upgrade {
  said.onlyFields('metadata', metadata, ['scope', 'node', 'peerIP', 'labels', 'annotations']);
  said.onlyFields('spec', spec, ['asNumber']);
  const { scope, peerIP } = metadata;
  const node = nodeName(said, metadata.node, 'metadata.node', names);
  if (!isUnset(scope) && scope !== 'global' && scope !== 'node')
    said.error('bad-field', 'metadata.scope', `is ${quote(scope)}, not global or node.`);
  if (scope === 'global' && node !== undefined)
    said.error('conflict', 'metadata.node', 'stands beside scope global.', 'Leave one of the two out.');
  if (scope === 'node' && node === undefined && isUnset(metadata.node))
    said.error('bad-field', 'metadata.node', 'is missing, and the scope is node.', 'Name the node.');
  const address = typeof peerIP === 'string' ? parseAddress(peerIP) : undefined;
  if (address === undefined) {
    said.error(
      'bad-address',
      'metadata.peerIP',
      isUnset(peerIP) ? 'is missing.' : `is ${quote(peerIP)}, not an IP address.`,
      'A peer of this era has no name: it is known by its address.',
    );
    return { is: 'nothing', problems: said.problems };
  }
  if (isUnset(spec.asNumber))
    said.error('bad-field', 'spec.asNumber', 'is missing.', 'State the AS of the peer.');
  const place = node === undefined ? 'global' : `node.${node}`;
  const name = `${place}.${names === 'keys' ? address : nameOfAddress(address)}`;
  return made(said, 'BGPPeer', name, metadata, {
    spec: {
      ...(node === undefined ? {} : { node }),
      peerIP: address,
      ...(spec.asNumber === undefined ? {} : { asNumber: spec.asNumber }),
    },
    origins: [
      ['metadata.name', 'metadata.peerIP'],
      ['spec.peerIP', 'metadata.peerIP'],
      ['spec.node', 'metadata.node'],
    ],
  });
}

function upgradeNode(said: Said, metadata: JsonObject, spec: JsonObject, names: 'v3' | 'keys'): Upgrade {
  said.onlyFields('metadata', metadata, ['name', 'labels', 'annotations']);
  said.onlyFields('spec', spec, ['bgp', 'orchRefs']);
  const name = nodeName(said, metadata.name, 'metadata.name', names);
  if (name === undefined) {
    if (isUnset(metadata.name)) said.error('bad-name', 'metadata.name', 'is missing.');
    return { is: 'nothing', problems: said.problems };
  }
  // An empty bgp was no BGP at all; today it is a fault.
  const { bgp, ...others } = spec;
  const empty = isUnset(bgp) || (isJsonObject(bgp) && Object.keys(bgp).length === 0);
  return made(said, 'Node', name, metadata, { spec: empty ? others : { ...others, bgp }, origins: [] });
}

function upgradePool(said: Said, metadata: JsonObject, spec: JsonObject, names: 'v3' | 'keys'): Upgrade {
  said.onlyFields('metadata', metadata, ['cidr', 'labels', 'annotations']);
  said.onlyFields('spec', spec, ['ipip', 'nat-outgoing', 'disabled']);
  const cidr = typeof metadata.cidr === 'string' ? parsePrefix(metadata.cidr) : undefined;
  if (cidr === undefined) {
    said.error(
      'bad-prefix',
      'metadata.cidr',
      isUnset(metadata.cidr) ? 'is missing.' : `is ${quote(metadata.cidr)}, not a CIDR.`,
      'A pool of this era has no name: it is known by its range.',
    );
    return { is: 'nothing', problems: said.problems };
  }
  const ipip = isJsonObject(spec.ipip) ? spec.ipip : {};
  if (!isUnset(spec.ipip) && !isJsonObject(spec.ipip))
    said.error('bad-field', 'spec.ipip', `is ${quote(spec.ipip)}, not an object.`);
  said.onlyFields('spec.ipip', ipip, ['enabled', 'mode']);
  const modes = new Map<Json | undefined, string>([
    [undefined, 'Always'],
    [null, 'Always'],
    ['', 'Always'],
    ['always', 'Always'],
    ['cross-subnet', 'CrossSubnet'],
  ]);
  const mode = modes.get(ipip.mode);
  if (mode === undefined)
    said.error('bad-field', 'spec.ipip.mode', `is ${quote(ipip.mode)}, not always or cross-subnet.`);
  if (!isUnset(ipip.enabled) && typeof ipip.enabled !== 'boolean')
    said.error('bad-field', 'spec.ipip.enabled', `is ${quote(ipip.enabled)}, not true or false.`);
  const nat = spec['nat-outgoing'];
  const name = names === 'keys' ? cidr.replace('/', '-') : cidr.replaceAll(/[.:/]/g, '-').replace(/^-/, '0-');
  return made(said, 'IPPool', name, metadata, {
    spec: {
      cidr,
      ipipMode: ipip.enabled === true ? (mode ?? 'Never') : 'Never',
      ...(isUnset(nat) ? {} : { natOutgoing: nat }),
      ...(isUnset(spec.disabled) ? {} : { disabled: spec.disabled }),
    },
    origins: [
      ['metadata.name', 'metadata.cidr'],
      ['spec.cidr', 'metadata.cidr'],
      ['spec.ipipMode', 'spec.ipip'],
      ['spec.natOutgoing', 'spec.nat-outgoing'],
    ],
  });
}

function made(
  said: Said,
  kind: Kind,
  name: string,
  metadata: JsonObject,
  { spec, origins }: { readonly spec: JsonObject; readonly origins: readonly (readonly [string, string])[] },
): Upgrade {
  const { labels, annotations } = metadata;
  const texts = {
    ...(isUnset(labels) ? {} : { labels }),
    ...(isUnset(annotations) ? {} : { annotations }),
  };
  return {
    is: 'resource',
    kind,
    name,
    document: { apiVersion: CALICO_API_VERSION, kind, metadata: { name, ...texts }, spec },
    problems: said.problems.map((problem) => ({ ...problem, subject: `${kind}/${name}` })),
    origins: new Map(origins),
  };
}

/** Today's Calico calls a node by its host name in small letters. */
function nodeName(
  said: Said,
  value: Json | undefined,
  field: string,
  names: 'v3' | 'keys',
): string | undefined {
  if (isUnset(value)) return undefined;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.includes('/')) {
    said.error('bad-name', field, `is ${quote(value)}, which is no name.`);
    return undefined;
  }
  if (names === 'keys') return text;
  const small = text.toLowerCase();
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(small)) {
    said.error(
      'bad-name',
      field,
      `is ${quote(text)}, which no node of Calico v3 can be called.`,
      'Give the node a name of letters, digits, "-" and ".", and use it here.',
    );
    return undefined;
  }
  if (small !== text)
    said.warn(
      'bad-name',
      field,
      `is ${quote(text)}, which is ${small} today.`,
      'Calico v3 uses small letters.',
    );
  return small;
}

/** An address as a part of a name: no ":", and a letter or digit at both ends. */
/** An address as a part of a name of Calico v3. */
export function nameOfAddress(address: IpAddress): string {
  return address.replaceAll(':', '-').replace(/^-/, '0-').replace(/-$/, '-0');
}
