/** Calico's IPPool as BGP needs it: the range and how its packets travel. */
import { type Prefix, parsePrefix } from './address.ts';
import {
  type Findings,
  isUnset,
  quote,
  type Reading,
  readFlag,
  readObject,
  reject,
  startReading,
} from './reading.ts';
import type { Json, Resource } from './resource.ts';
import { noticeFields } from './schema/notices.ts';

export type Encapsulation = 'Never' | 'Always' | 'CrossSubnet';

export interface IpPool {
  readonly name: string;
  readonly cidr: Prefix;
  readonly disabled: boolean;
  readonly ipip: Encapsulation;
  readonly vxlan: Encapsulation;
  /** True: its routes are not announced over BGP, whatever else allows them. */
  readonly disableBgpExport: boolean;
}

export function readIpPool(resource: Resource): Reading<IpPool> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('IPPool', name);
  const cidr = typeof spec.cidr === 'string' ? parsePrefix(spec.cidr) : undefined;
  if (cidr === undefined) reject(findings, 'bad-prefix', 'spec.cidr', `is ${quote(spec.cidr)}, not a CIDR.`);
  const fields = {
    disabled: readFlag(findings, spec.disabled, 'spec.disabled') ?? false,
    ipip: isUnset(spec.ipipMode)
      ? readOlderIpip(findings, spec.ipip)
      : readEncapsulation(findings, spec.ipipMode, 'spec.ipipMode'),
    vxlan: readEncapsulation(findings, spec.vxlanMode, 'spec.vxlanMode'),
    disableBgpExport: readFlag(findings, spec.disableBGPExport, 'spec.disableBGPExport') ?? false,
  };
  noticeFields(findings, spec, 'IPPool');
  return {
    value: cidr === undefined ? undefined : { name, cidr, ...fields },
    problems: findings.problems,
  };
}

/** `CrossSubnet` (v3) and `cross-subnet` (v1) are one. */
function readEncapsulation(findings: Findings, value: Json | undefined, field: string): Encapsulation {
  if (isUnset(value)) return 'Never';
  switch (typeof value === 'string' ? value.toLowerCase().replace('-', '') : undefined) {
    case 'never':
      return 'Never';
    case 'always':
      return 'Always';
    case 'crosssubnet':
      return 'CrossSubnet';
    default:
      reject(findings, 'bad-field', field, `is ${quote(value)}, not Never, Always or CrossSubnet.`);
      return 'Never';
  }
}

/** `ipip: {enabled, mode}`, as Calico wrote it before v3; without a mode it is always. */
function readOlderIpip(findings: Findings, value: Json | undefined): Encapsulation {
  const ipip = readObject(findings, value, 'spec.ipip');
  if (ipip === null) return 'Never';
  const enabled = readFlag(findings, ipip.enabled, 'spec.ipip.enabled') ?? false;
  const mode = readEncapsulation(findings, ipip.mode, 'spec.ipip.mode');
  return enabled ? (isUnset(ipip.mode) ? 'Always' : mode) : 'Never';
}
