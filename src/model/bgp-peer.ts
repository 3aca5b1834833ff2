/**
 * A Calico BGPPeer: nodes that are to peer with an address (v3 `BGPPeer.spec`). On etcd v2 the same resource
 * stands for `global/peer_v4|v6/<ip>` and `host/<node>/peer_v4|v6/<ip>`.
 */
import { familyOf, type IpAddress, parseAddress } from './address.ts';
import type { AsNumber } from './as-number.ts';
import {
  asObject,
  type Findings,
  isUnset,
  LONGEST_KEEPALIVE_SECONDS,
  LONGEST_RESTART_SECONDS,
  quote,
  type Reading,
  readAsNumber,
  readEndpoint,
  readFlag,
  readInteger,
  readList,
  readSeconds,
  readSelector,
  readText,
  reject,
  startReading,
  warn,
} from './reading.ts';
import type { JsonObject, Resource } from './resource.ts';
import { noticeFields } from './schema/notices.ts';
import { readSecretKeyRef } from './secret-reference.ts';

/** Whom an entry is for. Those of every node make `Global_` sessions, all others `Node_` sessions. */
export type LocalSide =
  | { readonly scope: 'every' }
  | { readonly scope: 'node'; readonly node: string }
  | { readonly scope: 'selected'; readonly selector: string };

/** Whom they are to peer with. */
export type RemoteSide =
  /** `port`: only where the entry names one. */
  | { readonly type: 'address'; readonly address: IpAddress; readonly port: number | null }
  /** Every Calico node that the selector finds. */
  | { readonly type: 'selected'; readonly selector: string }
  /** Local workloads, which only Felix knows; no session of ours comes of it. */
  | { readonly type: 'workloads' };

export interface BgpPeer {
  readonly name: string;
  readonly local: LocalSide;
  readonly remote: RemoteSide;
  /** AS of the peer; null where the entry names none (absent, or 0, which Calico stores for "not set"). */
  readonly asNumber: AsNumber | null;
  /** AS that the node speaks with on this session, or null: its own. Only with an address. */
  readonly localAsNumber: AsNumber | null;
  /** False: the nodes at the other end are not told to peer back. */
  readonly reverse: boolean;
  /** `NAME/KEY` of the password, or null: none. */
  readonly passwordRef: string | null;
  readonly restartSeconds: number | null;
  readonly keepaliveSeconds: number | null;
  readonly ttlSecurityHops: number | null;
  /** `keep-external`: keep on eBGP only (the older field keepOriginalNextHop). */
  readonly nextHop: 'auto' | 'self' | 'keep' | 'keep-external';
  /** False: the node leaves the choice of its source address to the kernel. */
  readonly fromOwnAddress: boolean;
  /** Only with an address. */
  readonly allowLocalAs: number;
  /** Names of BGPFilters, in the order in which routes are asked by them. */
  readonly filters: readonly string[];
  /** Gateway of a route to the peer's address, or null. Only with an address of its family. */
  readonly reachableBy: IpAddress | null;
}

export function readBgpPeer(resource: Resource): Reading<BgpPeer> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('BGPPeer', name);
  const local = readLocal(findings, spec);
  const remote = readRemote(findings, spec);
  const byAddress = remote?.type === 'address';
  const asNumber = readAsNumber(findings, spec.asNumber, 'spec.asNumber', true);
  const localAsNumber = readAsNumber(findings, spec.localASNumber, 'spec.localASNumber', true);
  const allowLocalAs = readInteger(
    findings,
    spec.numAllowedLocalASNumbers,
    'spec.numAllowedLocalASNumbers',
    [0, 255],
  );
  if (remote?.type === 'selected') {
    warnOfAddressFields(findings, {
      asNumber,
      localASNumber: localAsNumber,
      numAllowedLocalASNumbers: allowLocalAs,
    });
  }
  const fields = {
    asNumber: remote?.type === 'selected' ? null : asNumber,
    localAsNumber: byAddress ? localAsNumber : null,
    reverse: readReverse(findings, spec),
    passwordRef: readPasswordRef(findings, spec),
    restartSeconds: readSeconds(
      findings,
      spec.maxRestartTime,
      'spec.maxRestartTime',
      LONGEST_RESTART_SECONDS,
    ),
    keepaliveSeconds: readKeepalive(findings, spec),
    ttlSecurityHops: readTtlSecurity(findings, spec),
    nextHop: readNextHop(findings, spec),
    fromOwnAddress: readSource(findings, spec),
    allowLocalAs: byAddress ? (allowLocalAs ?? 0) : 0,
    filters: readFilters(findings, spec),
    reachableBy: readGateway(findings, spec, remote),
  };
  noticeFields(findings, spec, 'BGPPeer');
  const broken = findings.problems.some((problem) => problem.severity === 'error');
  if (local === undefined || remote === undefined || broken) {
    return { value: undefined, problems: findings.problems };
  }
  return { value: { name, local, remote, ...fields }, problems: findings.problems };
}

/** Null where there is none: BGP counts in whole seconds, and BIRD refuses 0 (with everything else in its file). */
function readKeepalive(findings: Findings, spec: JsonObject): number | null {
  const field = 'spec.keepaliveTime';
  const seconds = readSeconds(findings, spec.keepaliveTime, field, LONGEST_KEEPALIVE_SECONDS);
  if (seconds !== 0) return seconds;
  warn(
    findings,
    'bad-field',
    field,
    'is less than a second: a third of the hold time is used.',
    'Write 1s or more.',
  );
  return null;
}

function readLocal(findings: Findings, spec: JsonObject): LocalSide | undefined {
  const node = readText(findings, spec.node, 'spec.node');
  const selector = readSelector(findings, spec.nodeSelector, 'spec.nodeSelector');
  if (spec.nodeSelector === '') {
    // Calico's own clients leave an empty field out. kubectl keeps what YAML made of !has(label) without quotes.
    warn(
      findings,
      'empty-selector',
      'spec.nodeSelector',
      'is empty, which makes this a peer of every node.',
      'If it was !has(label) without quotes, which YAML takes for a tag, write it again with quotes; else leave it out.',
    );
  }
  if (node !== null && !isUnset(spec.nodeSelector)) {
    reject(
      findings,
      'conflict',
      'spec.nodeSelector',
      'stands beside spec.node, and each says for whom this is.',
      'Keep the one that you mean, or make two BGPPeers.',
    );
    return undefined;
  }
  if (node !== null) return { scope: 'node', node };
  return selector === null ? { scope: 'every' } : { scope: 'selected', selector };
}

/** Exactly one of peerIP, peerSelector and localWorkloadSelector says with whom. */
function readRemote(findings: Findings, spec: JsonObject): RemoteSide | undefined {
  const stated = (['peerIP', 'peerSelector', 'localWorkloadSelector'] as const).filter(
    (field) => !isUnset(spec[field]),
  );
  if (stated.length > 1) {
    reject(
      findings,
      'conflict',
      `spec.${stated[1]}`,
      `stands beside spec.${stated[0]}, and each says who the peer is.`,
      'Keep the one that you mean, or make two BGPPeers.',
    );
    return undefined;
  }
  switch (stated[0]) {
    case 'peerSelector': {
      const selector = readSelector(findings, spec.peerSelector, 'spec.peerSelector');
      return selector === null ? undefined : { type: 'selected', selector };
    }
    case 'localWorkloadSelector':
      if (readSelector(findings, spec.localWorkloadSelector, 'spec.localWorkloadSelector') === null)
        return undefined;
      return { type: 'workloads' };
    case 'peerIP':
    case undefined: {
      const endpoint = readEndpoint(findings, spec.peerIP, 'spec.peerIP');
      return endpoint === undefined ? undefined : { type: 'address', ...endpoint };
    }
    default:
      return stated[0] satisfies never;
  }
}

/** A peer found by its labels brings its own AS; what is stated of it beside is passed over, as in Calico. */
function warnOfAddressFields(findings: Findings, fields: Readonly<Record<string, number | null>>): void {
  for (const [field, value] of Object.entries(fields)) {
    if (value === null || value === 0) continue;
    warn(
      findings,
      'conflict',
      `spec.${field}`,
      'has no effect beside spec.peerSelector.',
      'Leave it out; the AS of a node is set in its own spec.bgp.asNumber.',
    );
  }
}

function readFilters(findings: Findings, spec: JsonObject): readonly string[] {
  const names = new Set<string>();
  for (const [index, item] of readList(findings, spec.filters, 'spec.filters').entries()) {
    if (typeof item === 'string' && item !== '') names.add(item);
    else
      reject(
        findings,
        'bad-field',
        `spec.filters[${index}]`,
        `is ${quote(item)}, not the name of a BGPFilter.`,
      );
  }
  return [...names];
}

function readGateway(findings: Findings, spec: JsonObject, remote: RemoteSide | undefined): IpAddress | null {
  const text = readText(findings, spec.reachableBy, 'spec.reachableBy');
  if (text === null || remote === undefined) return null;
  const gateway = parseAddress(text);
  if (remote.type !== 'address') {
    reject(findings, 'conflict', 'spec.reachableBy', 'goes with spec.peerIP only.', 'Leave it out.');
  } else if (gateway === undefined || familyOf(gateway) !== familyOf(remote.address)) {
    const family = familyOf(remote.address);
    reject(
      findings,
      'bad-address',
      'spec.reachableBy',
      `is ${quote(text)}, not an IPv${family} address as spec.peerIP.`,
    );
  } else {
    return gateway;
  }
  return null;
}

function readReverse(findings: Findings, spec: JsonObject): boolean {
  const mode = readText(findings, spec.reversePeering, 'spec.reversePeering');
  if (mode !== null && mode !== 'Auto' && mode !== 'Manual') {
    reject(findings, 'bad-field', 'spec.reversePeering', `is ${JSON.stringify(mode)}, not Auto or Manual.`);
  }
  return mode !== 'Manual';
}

/** A password that is asked for but cannot be named sets the peer aside: never a session without it. */
function readPasswordRef(findings: Findings, spec: JsonObject): string | null {
  if (isUnset(spec.password)) return null;
  return readSecretKeyRef(findings, asObject(spec.password), 'spec.password');
}

function readTtlSecurity(findings: Findings, spec: JsonObject): number | null {
  const hops = readInteger(findings, spec.ttlSecurity, 'spec.ttlSecurity', [0, 255]);
  return hops === 0 ? null : hops;
}

function readNextHop(findings: Findings, spec: JsonObject): BgpPeer['nextHop'] {
  const mode = readText(findings, spec.nextHopMode, 'spec.nextHopMode');
  const keep = readFlag(findings, spec.keepOriginalNextHop, 'spec.keepOriginalNextHop') ?? false;
  switch (mode) {
    case null:
      return keep ? 'keep-external' : 'auto';
    case 'Auto':
      return 'auto';
    case 'Self':
      return 'self';
    case 'Keep':
      return 'keep';
    default:
      reject(
        findings,
        'bad-field',
        'spec.nextHopMode',
        `is ${JSON.stringify(mode)}, not Auto, Self or Keep.`,
      );
      return 'auto';
  }
}

function readSource(findings: Findings, spec: JsonObject): boolean {
  const source = readText(findings, spec.sourceAddress, 'spec.sourceAddress');
  if (source !== null && source !== 'UseNodeIP' && source !== 'None') {
    reject(
      findings,
      'bad-field',
      'spec.sourceAddress',
      `is ${JSON.stringify(source)}, not UseNodeIP or None.`,
    );
  }
  return source !== 'None';
}
