/**
 * Our own kind: a route reflector that is no Calico node (`apiVersion: calico-rr.io/v1`). On both etcds it
 * stands for the flat keys `/calico/bgp/v1/rr_v4/<ip>` and `rr_v6/<ip>` of the route reflector image.
 */
import { familyOf, type IpAddress, type Prefix, parsePrefix } from './address.ts';
import type { AsNumber } from './as-number.ts';
import type { ClusterId } from './cluster-id.ts';
import { readClusterId } from './node.ts';
import {
  asObject,
  type Findings,
  isUnset,
  quote,
  type Reading,
  readAsNumber,
  readEndpoint,
  readHostAddress,
  readInteger,
  readList,
  readPort,
  readText,
  reject,
  startReading,
  warn,
} from './reading.ts';
import type { Json, Resource } from './resource.ts';
import { noticeFields } from './schema/notices.ts';
import { type Labels, NO_LABELS } from './selector/selector.ts';

/** The group of a reflector that names none. */
export const DEFAULT_GROUP = 'default';

export interface RouteReflector {
  readonly name: string;
  /** At least one of the two is set. */
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
  /** Null: BIRD's default, the router ID. */
  readonly clusterId: ClusterId | null;
  /** Its own AS, or null: the global one. */
  readonly asNumber: AsNumber | null;
  readonly group: string;
  /** One for each address. */
  readonly peers: readonly ReflectorPeer[];
  /** What a BGPPeer's nodeSelector finds it by. */
  readonly labels: Labels;
}

/** A router, or a reflector of another group, that this reflector peers with. */
export interface ReflectorPeer {
  readonly address: IpAddress;
  readonly port: number | null;
  /** Null: that of the reflector or node with this address. */
  readonly asNumber: AsNumber | null;
  readonly passwordRef: string | null;
  readonly maxPrefixes: number | null;
  readonly importPrefixes: readonly Prefix[];
  readonly exportPrefixes: readonly Prefix[];
}

/** A bad address takes its family away, a bad peer itself; a bad AS or cluster ID the whole reflector. */
export function readRouteReflector(resource: Resource): Reading<RouteReflector> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('RouteReflector', name);
  const clusterId = readClusterId(findings, spec.clusterID, 'spec.clusterID');
  const asNumber = readAsNumber(findings, spec.asNumber, 'spec.asNumber');
  const group = readText(findings, spec.group, 'spec.group') ?? DEFAULT_GROUP;
  const usable = findings.problems.length === 0;
  const ipv4 = readHostAddress(findings, spec.ipv4, 'spec.ipv4', 4);
  const ipv6 = readHostAddress(findings, spec.ipv6, 'spec.ipv6', 6);
  if (ipv4 === null && ipv6 === null && usable && findings.problems.length === 0) {
    reject(findings, 'no-address', '', 'It has neither spec.ipv4 nor spec.ipv6.');
  }
  const peers = readPeers(findings, spec.peers, [ipv4, ipv6]);
  noticeFields(findings, spec, 'RouteReflector');
  return {
    value:
      usable && (ipv4 !== null || ipv6 !== null)
        ? {
            name,
            ipv4,
            ipv6,
            clusterId,
            asNumber,
            group,
            peers,
            labels: resource.metadata.labels ?? NO_LABELS,
          }
        : undefined,
    problems: findings.problems,
  };
}

function readPeers(
  findings: Findings,
  value: Json | undefined,
  own: readonly (IpAddress | null)[],
): readonly ReflectorPeer[] {
  const peers = new Map<IpAddress, ReflectorPeer>();
  for (const [index, item] of readList(findings, value, 'spec.peers').entries()) {
    const field = `spec.peers[${index}]`;
    const peer = readPeer(findings, item, field);
    if (peer === undefined) continue;
    if (own.includes(peer.address)) {
      reject(findings, 'self-peer', field, `names ${peer.address}, which is this reflector itself.`);
    } else if (peers.has(peer.address)) {
      warn(findings, 'duplicate', field, `names ${peer.address} once more; the first of the two counts.`);
    } else {
      peers.set(peer.address, peer);
    }
  }
  return [...peers.values()];
}

function readPeer(findings: Findings, item: Json, field: string): ReflectorPeer | undefined {
  const faultsBefore = countErrors(findings);
  const raw = asObject(item);
  if (raw === undefined) {
    reject(findings, 'bad-field', field, 'is not an object with the fields ip and asNumber.');
    return undefined;
  }
  if (!isUnset(raw.password)) {
    reject(
      findings,
      'inline-password',
      `${field}.password`,
      'holds a password, or what may be one; this peer is set aside.',
      'Put a new password into the secrets file and name it here by passwordRef (password_ref in etcd).',
    );
  }
  const endpoint = readEndpoint(findings, raw.ip, `${field}.ip`);
  const peer = {
    port: readPort(findings, raw.port, `${field}.port`),
    asNumber: readAsNumber(findings, raw.asNumber, `${field}.asNumber`),
    passwordRef: readPasswordName(findings, raw.passwordRef, `${field}.passwordRef`),
    maxPrefixes: readInteger(findings, raw.maxPrefixes, `${field}.maxPrefixes`, [1, 0xffffffff]),
    importPrefixes: readPrefixes(findings, raw.import, `${field}.import`, endpoint?.address),
    exportPrefixes: readPrefixes(findings, raw.export, `${field}.export`, endpoint?.address),
  };
  if (endpoint === undefined || countErrors(findings) > faultsBefore) return undefined;
  return { ...peer, address: endpoint.address, port: peer.port ?? endpoint.port };
}

/** Never quotes what it finds: it may be the password itself. */
function readPasswordName(findings: Findings, value: Json | undefined, field: string): string | null {
  if (isUnset(value)) return null;
  if (typeof value === 'string') return value;
  reject(findings, 'missing-password', field, 'is not the name of a password.');
  return null;
}

function readPrefixes(
  findings: Findings,
  value: Json | undefined,
  field: string,
  peer: IpAddress | undefined,
): readonly Prefix[] {
  const prefixes = new Set<Prefix>();
  for (const [index, item] of readList(findings, value, field).entries()) {
    const prefix = typeof item === 'string' ? parsePrefix(item) : undefined;
    if (prefix === undefined) {
      reject(findings, 'bad-prefix', `${field}[${index}]`, `is ${quote(item)}, not a CIDR.`);
    } else if (peer !== undefined && familyOf(prefix) !== familyOf(peer)) {
      reject(
        findings,
        'bad-prefix',
        `${field}[${index}]`,
        `is ${prefix}, which a session with ${peer} does not carry.`,
        'A session carries the routes of its own family only.',
      );
    } else {
      prefixes.add(prefix);
    }
  }
  return [...prefixes].sort();
}

function countErrors(findings: Findings): number {
  return findings.problems.filter((problem) => problem.severity === 'error').length;
}
