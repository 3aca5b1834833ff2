/** Calico's BlockAffinity: a block of addresses that belongs to one node, which announces it. */
import { type Prefix, parsePrefix } from './address.ts';
import { quote, type Reading, readText, reject, startReading } from './reading.ts';
import type { Resource } from './resource.ts';

export interface BlockAffinity {
  readonly name: string;
  readonly node: string;
  readonly cidr: Prefix;
  /** False while it is pending or being given up: such a block is not announced. */
  readonly confirmed: boolean;
}

export function readBlockAffinity(resource: Resource): Reading<BlockAffinity> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('BlockAffinity', name);
  const node = readText(findings, spec.node, 'spec.node');
  if (node === null && findings.problems.length === 0)
    reject(findings, 'bad-field', 'spec.node', 'is missing.');
  const cidr = typeof spec.cidr === 'string' ? parsePrefix(spec.cidr) : undefined;
  if (cidr === undefined) reject(findings, 'bad-prefix', 'spec.cidr', `is ${quote(spec.cidr)}, not a CIDR.`);
  const state = readText(findings, spec.state, 'spec.state');
  // The CRD of Calico v1 keeps the flag as text, later ones as a boolean.
  const deleted = spec.deleted === true || spec.deleted === 'true';
  return {
    value:
      node === null || cidr === undefined
        ? undefined
        : { name, node, cidr, confirmed: (state === null || state === 'confirmed') && !deleted },
    problems: findings.problems,
  };
}
