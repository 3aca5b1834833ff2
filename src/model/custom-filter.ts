/** Raw BIRD filter text that an operator put under etcd v2's `global/custom_filters`; ours as a resource. */
import type { Family } from './address.ts';
import { quote, type Reading, readText, reject, startReading } from './reading.ts';
import type { Json, Resource } from './resource.ts';

export interface CustomFilter {
  readonly name: string;
  readonly family: Family;
  readonly text: string;
}

export function readCustomFilter(resource: Resource): Reading<CustomFilter> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('CustomFilter', name);
  const family = familyFrom(spec.family);
  if (family === undefined)
    reject(findings, 'bad-field', 'spec.family', `is ${quote(spec.family)}, not 4 or 6.`);
  const text = readText(findings, spec.text, 'spec.text') ?? '';
  const usable = family !== undefined && findings.problems.length === 0;
  return { value: usable ? { name, family, text } : undefined, problems: findings.problems };
}

function familyFrom(value: Json | undefined): Family | undefined {
  if (value === 4 || value === 'v4') return 4;
  return value === 6 || value === 'v6' ? 6 : undefined;
}
