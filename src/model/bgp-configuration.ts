/**
 * Calico's BGPConfiguration: `default` for the whole cluster, `node.<name>` for one node (reference
 * documentation of Calico v3, BGPConfiguration; on etcd v2 the keys under `global` and `host/<node>`).
 */
import { type Prefix, parsePrefix } from './address.ts';
import type { AsNumber } from './as-number.ts';
import { readCommunity } from './bgp-filter.ts';
import type { Community } from './community.ts';
import {
  asObject,
  type Findings,
  isUnset,
  LONGEST_RESTART_SECONDS,
  quote,
  type Reading,
  readAsNumber,
  readFlag,
  readList,
  readPort,
  readSeconds,
  readText,
  reject,
  startReading,
  warn,
} from './reading.ts';
import type { Json, JsonObject, Resource } from './resource.ts';
import { noticeFields } from './schema/notices.ts';
import { readSecretKeyRef } from './secret-reference.ts';

export type LogLevel = 'none' | 'info' | 'debug';

/** A range whose routes get these communities when a node announces them. */
export interface PrefixAdvertisement {
  readonly cidr: Prefix;
  readonly communities: readonly Community[];
}

/** Ranges in which services have their addresses, in the order given. */
export interface ServiceRanges {
  readonly clusterIps: readonly Prefix[];
  readonly externalIps: readonly Prefix[];
  readonly loadBalancerIps: readonly Prefix[];
  /** False: each load-balancer address is announced by itself, and not their ranges. */
  readonly loadBalancerAggregation: boolean;
}

/** Null everywhere: not set. */
export interface BgpConfiguration {
  readonly name: string;
  /** This and the next four: in `default` only. */
  readonly asNumber: AsNumber | null;
  readonly meshEnabled: boolean | null;
  readonly meshPasswordRef: string | null;
  readonly meshRestartSeconds: number | null;
  readonly serviceRanges: ServiceRanges;
  readonly listenPort: number | null;
  readonly logLevel: LogLevel | null;
  readonly prefixAdvertisements: readonly PrefixAdvertisement[] | null;
  /** Names of interfaces, `*` for any letters, whose networks nodes do not announce. */
  readonly ignoredInterfaces: readonly string[] | null;
}

/** Every field stands for itself: a bad one is left out and the others count. */
export function readBgpConfiguration(resource: Resource): Reading<BgpConfiguration> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('BGPConfiguration', name);
  const value: BgpConfiguration = {
    name,
    asNumber: readAsNumber(findings, spec.asNumber, 'spec.asNumber'),
    meshEnabled: readFlag(findings, spec.nodeToNodeMeshEnabled, 'spec.nodeToNodeMeshEnabled') ?? null,
    meshPasswordRef: isUnset(spec.nodeMeshPassword)
      ? null
      : readSecretKeyRef(findings, asObject(spec.nodeMeshPassword), 'spec.nodeMeshPassword'),
    meshRestartSeconds: readSeconds(
      findings,
      spec.nodeMeshMaxRestartTime,
      'spec.nodeMeshMaxRestartTime',
      LONGEST_RESTART_SECONDS,
    ),
    serviceRanges: readServiceRanges(findings, spec),
    listenPort: readPort(findings, spec.listenPort, 'spec.listenPort'),
    logLevel: readLogLevel(findings, spec.logSeverityScreen),
    prefixAdvertisements: readAdvertisements(findings, spec),
    ignoredInterfaces: readIgnoredInterfaces(findings, spec),
  };
  checkBindMode(findings, spec);
  noticeFields(findings, spec, 'BGPConfiguration');
  if (name !== 'default') warnOfDefaultOnly(findings, spec);
  if (name !== 'default' && !name.startsWith('node.')) {
    warn(
      findings,
      'bad-name',
      'metadata.name',
      `is ${quote(name)}, a BGPConfiguration that is passed over.`,
      'Only "default" and "node.NAME" have a meaning; rename it or delete it.',
    );
  }
  return { value, problems: findings.problems };
}

function readServiceRanges(findings: Findings, spec: JsonObject): ServiceRanges {
  return {
    clusterIps: readRanges(findings, spec, 'serviceClusterIPs'),
    externalIps: readRanges(findings, spec, 'serviceExternalIPs'),
    loadBalancerIps: readRanges(findings, spec, 'serviceLoadBalancerIPs'),
    loadBalancerAggregation: readAggregation(findings, spec.serviceLoadBalancerAggregation),
  };
}

/** False for `Disabled` alone: what is not understood takes no range away. */
function readAggregation(findings: Findings, value: Json | undefined): boolean {
  const field = 'spec.serviceLoadBalancerAggregation';
  const mode = readText(findings, value, field);
  if (mode !== null && mode !== 'Enabled' && mode !== 'Disabled')
    reject(findings, 'bad-field', field, `is ${quote(mode)}, not Enabled or Disabled.`);
  return mode !== 'Disabled';
}

function readRanges(findings: Findings, spec: JsonObject, field: string): readonly Prefix[] {
  const ranges: Prefix[] = [];
  for (const [index, item] of readList(findings, spec[field], `spec.${field}`).entries()) {
    const cidr = asObject(item)?.cidr;
    const prefix = typeof cidr === 'string' ? parsePrefix(cidr) : undefined;
    if (prefix !== undefined) ranges.push(prefix);
    else reject(findings, 'bad-prefix', `spec.${field}[${index}].cidr`, `is ${quote(cidr)}, not a CIDR.`);
  }
  return ranges;
}

/** Communities are named in the same resource, or written out. */
function readAdvertisements(findings: Findings, spec: JsonObject): readonly PrefixAdvertisement[] | null {
  const named = new Map<string, Community>();
  for (const [index, item] of readList(findings, spec.communities, 'spec.communities').entries()) {
    const field = `spec.communities[${index}]`;
    const name = readText(findings, asObject(item)?.name, `${field}.name`);
    const community = readCommunity(findings, asObject(item)?.value, `${field}.value`);
    if (name !== null && community !== null) named.set(name, community);
    if (name === null) reject(findings, 'bad-field', `${field}.name`, 'is missing.');
  }
  if (isUnset(spec.prefixAdvertisements)) return null;
  const advertisements: PrefixAdvertisement[] = [];
  const list = readList(findings, spec.prefixAdvertisements, 'spec.prefixAdvertisements');
  for (const [index, item] of list.entries()) {
    const field = `spec.prefixAdvertisements[${index}]`;
    const { cidr: text, communities } = asObject(item) ?? {};
    const cidr = typeof text === 'string' ? parsePrefix(text) : undefined;
    if (cidr === undefined) {
      reject(findings, 'bad-prefix', `${field}.cidr`, `is ${quote(text)}, not a CIDR.`);
      continue;
    }
    const found: Community[] = [];
    for (const [place, one] of readList(findings, communities, `${field}.communities`).entries()) {
      const where = `${field}.communities[${place}]`;
      const community =
        (typeof one === 'string' ? named.get(one) : undefined) ?? readCommunity(findings, one, where);
      if (community !== null) found.push(community);
    }
    advertisements.push({ cidr, communities: found });
  }
  return advertisements;
}

function readIgnoredInterfaces(findings: Findings, spec: JsonObject): readonly string[] | null {
  if (isUnset(spec.ignoredInterfaces)) return null;
  const names = new Set<string>();
  for (const [index, item] of readList(
    findings,
    spec.ignoredInterfaces,
    'spec.ignoredInterfaces',
  ).entries()) {
    if (typeof item === 'string' && item !== '*' && /^[A-Za-z0-9_.*-]{1,15}$/.test(item)) names.add(item);
    else
      reject(
        findings,
        'bad-field',
        `spec.ignoredInterfaces[${index}]`,
        `is ${quote(item)}, not the name of an interface.`,
      );
  }
  return [...names].sort();
}

/** Either way a speaker listens on its own addresses only. */
function checkBindMode(findings: Findings, spec: JsonObject): void {
  const mode = readText(findings, spec.bindMode, 'spec.bindMode');
  if (mode === null || mode === 'None' || mode === 'NodeIP') return;
  reject(findings, 'bad-field', 'spec.bindMode', `is ${quote(mode)}, not None or NodeIP.`);
}

/** Fields that only `default` can have. */
export const DEFAULT_ONLY: readonly string[] = [
  'nodeToNodeMeshEnabled',
  'asNumber',
  'serviceClusterIPs',
  'serviceExternalIPs',
  'serviceLoadBalancerIPs',
  'nodeMeshPassword',
  'nodeMeshMaxRestartTime',
];

function warnOfDefaultOnly(findings: Findings, spec: JsonObject): void {
  for (const field of DEFAULT_ONLY) {
    const value = spec[field];
    if (isUnset(value) || (Array.isArray(value) && value.length === 0)) continue;
    warn(
      findings,
      'bad-field',
      `spec.${field}`,
      'has no effect here.',
      field === 'asNumber'
        ? 'Set the AS of a node in its own spec.bgp.asNumber.'
        : 'Set it in BGPConfiguration/default.',
    );
  }
}

/** Calico's severities as BIRD's: debug and info as they are, every other one of them means silence. */
function readLogLevel(findings: Findings, value: Json | undefined): LogLevel | null {
  const text = readText(findings, value, 'spec.logSeverityScreen')?.toLowerCase();
  switch (text) {
    case undefined:
      return null;
    case 'debug':
    case 'info':
      return text;
    case 'none':
    case 'trace':
    case 'warning':
    case 'error':
    case 'critical':
    case 'fatal':
      return 'none';
    default:
      reject(
        findings,
        'bad-field',
        'spec.logSeverityScreen',
        `is ${quote(value)}, not a severity.`,
        'Use Trace, Debug, Info, Warning, Error or Fatal.',
      );
      return null;
  }
}
