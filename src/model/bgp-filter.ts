/**
 * Calico's BGPFilter (v3.26 and later): rules that BGPPeers name, asked of every route that a session takes or
 * gives, in order, the first that says Accept or Reject deciding. A rule without conditions is for every route.
 * What no rule decides goes the way it would have gone without the filter.
 */
import { addressBits, type Family, familyOf, type Prefix, parsePrefix } from './address.ts';
import type { AsNumber } from './as-number.ts';
import { type Community, parseCommunity } from './community.ts';
import {
  asObject,
  type Findings,
  isUnset,
  quote,
  type Reading,
  readAsNumber,
  readInteger,
  readList,
  readObject,
  readText,
  reject,
  startReading,
} from './reading.ts';
import type { Json, JsonObject, Resource } from './resource.ts';
import { noticeFields } from './schema/notices.ts';

/** A range of prefixes: those of these lengths that lie in `cidr`, or all others where `within` is false. */
export interface PrefixMatch {
  readonly cidr: Prefix;
  readonly within: boolean;
  readonly minLength: number;
  readonly maxLength: number;
}

export type FilterOperation =
  | { readonly type: 'add-community'; readonly community: Community }
  /** The path begins with these, in this order. */
  | { readonly type: 'prepend-as-path'; readonly path: readonly AsNumber[] }
  | { readonly type: 'set-priority'; readonly priority: number };

/** Every condition that is not null must hold. */
export interface FilterRule {
  readonly action: 'accept' | 'reject';
  readonly prefixes: PrefixMatch | null;
  /** True: only routes that were learned by BGP. */
  readonly fromPeers: boolean;
  /** Name of the outgoing interface, `*` for any letters. */
  readonly interface: string | null;
  readonly peerType: 'external' | 'internal' | null;
  readonly community: Community | null;
  /** What the AS path begins with; empty: anything. */
  readonly asPathPrefix: readonly AsNumber[];
  /** Route metric, which Calico carries as LOCAL_PREF 2147483647 - priority. */
  readonly priority: number | null;
  /** Done to a route before it is accepted. */
  readonly operations: readonly FilterOperation[];
}

export interface BgpFilter {
  readonly name: string;
  readonly importV4: readonly FilterRule[];
  readonly importV6: readonly FilterRule[];
  readonly exportV4: readonly FilterRule[];
  readonly exportV6: readonly FilterRule[];
}

const MOST_PRIORITY = 2147483646;

/** A filter of which one rule cannot be read is not used at all: without it, others would decide otherwise. */
export function readBgpFilter(resource: Resource): Reading<BgpFilter> {
  const { spec } = resource;
  const { name } = resource.metadata;
  const findings = startReading('BGPFilter', name);
  const value = {
    name,
    importV4: readRules(findings, spec.importV4, 'spec.importV4', 4),
    importV6: readRules(findings, spec.importV6, 'spec.importV6', 6),
    exportV4: readRules(findings, spec.exportV4, 'spec.exportV4', 4),
    exportV6: readRules(findings, spec.exportV6, 'spec.exportV6', 6),
  };
  noticeFields(findings, spec, 'BGPFilter');
  const broken = findings.problems.some((problem) => problem.severity === 'error');
  return { value: broken ? undefined : value, problems: findings.problems };
}

function readRules(
  findings: Findings,
  value: Json | undefined,
  field: string,
  family: Family,
): readonly FilterRule[] {
  const rules: FilterRule[] = [];
  for (const [index, item] of readList(findings, value, field).entries()) {
    const raw = asObject(item);
    if (raw === undefined)
      reject(findings, 'bad-field', `${field}[${index}]`, `is ${quote(item)}, not a rule.`);
    else rules.push(readRule(findings, raw, `${field}[${index}]`, family));
  }
  return rules;
}

function readRule(findings: Findings, raw: JsonObject, field: string, family: Family): FilterRule {
  const action = readChoice<FilterRule['action']>(findings, raw.action, `${field}.action`, {
    Accept: 'accept',
    Reject: 'reject',
  });
  if (isUnset(raw.action))
    reject(findings, 'bad-field', `${field}.action`, 'is missing.', 'Say Accept or Reject.');
  const operations = readOperations(findings, raw.operations, `${field}.operations`);
  if (action !== 'accept' && operations.length > 0) {
    reject(
      findings,
      'conflict',
      field,
      'has operations but does not accept.',
      'Operations go with Accept only.',
    );
  }
  return {
    action: action ?? 'reject',
    prefixes: readPrefixes(findings, raw, field, family),
    fromPeers: readChoice(findings, raw.source, `${field}.source`, { RemotePeers: true }) ?? false,
    interface: readInterface(findings, raw.interface, `${field}.interface`),
    peerType: readChoice<'external' | 'internal'>(findings, raw.peerType, `${field}.peerType`, {
      eBGP: 'external',
      iBGP: 'internal',
    }),
    community: readCommunities(findings, raw.communities, `${field}.communities`),
    asPathPrefix: readPath(findings, raw.asPathPrefix, `${field}.asPathPrefix`),
    priority: readInteger(findings, raw.priority, `${field}.priority`, [1, MOST_PRIORITY]),
    operations,
  };
}

/** One of a few words; null where it is not set or, with a problem, another word. */
function readChoice<Value>(
  findings: Findings,
  value: Json | undefined,
  field: string,
  choices: Readonly<Record<string, Value>>,
): Value | null {
  if (isUnset(value)) return null;
  if (typeof value === 'string' && Object.hasOwn(choices, value)) return choices[value] ?? null;
  reject(findings, 'bad-field', field, `is ${quote(value)}, not ${Object.keys(choices).join(' or ')}.`);
  return null;
}

/** `cidr` and `matchOperator` go together; `prefixLength` narrows or widens them. */
function readPrefixes(
  findings: Findings,
  raw: JsonObject,
  field: string,
  family: Family,
): PrefixMatch | null {
  const operator = readChoice(findings, raw.matchOperator, `${field}.matchOperator`, {
    Equal: { within: true, exact: true },
    NotEqual: { within: false, exact: true },
    In: { within: true, exact: false },
    NotIn: { within: false, exact: false },
  });
  const lengths = readObject(findings, raw.prefixLength, `${field}.prefixLength`);
  if (isUnset(raw.cidr)) {
    if (operator !== null || lengths !== null) reject(findings, 'bad-field', `${field}.cidr`, 'is missing.');
    return null;
  }
  const cidr = typeof raw.cidr === 'string' ? parsePrefix(raw.cidr) : undefined;
  if (cidr === undefined || familyOf(cidr) !== family) {
    reject(findings, 'bad-prefix', `${field}.cidr`, `is ${quote(raw.cidr)}, not an IPv${family} CIDR.`);
    return null;
  }
  if (operator === null) {
    if (isUnset(raw.matchOperator)) reject(findings, 'bad-field', `${field}.matchOperator`, 'is missing.');
    return null;
  }
  const own = Number(cidr.slice(cidr.indexOf('/') + 1));
  const longest = addressBits(family);
  const { within } = operator;
  if (lengths === null) {
    return { cidr, within, minLength: own, maxLength: operator.exact ? own : longest };
  }
  const min = readInteger(findings, lengths.min, `${field}.prefixLength.min`, [0, longest]) ?? own;
  const maxLength = readInteger(findings, lengths.max, `${field}.prefixLength.max`, [0, longest]) ?? longest;
  const minLength = Math.max(min, own);
  if (minLength > maxLength) {
    reject(
      findings,
      'bad-field',
      `${field}.prefixLength`,
      `leaves no length: ${minLength} to ${maxLength} in ${cidr}.`,
    );
  }
  return { cidr, within, minLength, maxLength };
}

function readInterface(findings: Findings, value: Json | undefined, field: string): string | null {
  const text = readText(findings, value, field);
  if (text === null || /^[A-Za-z0-9_.*-]{1,15}$/.test(text)) return text;
  reject(findings, 'bad-field', field, `is ${quote(text)}, not the name of an interface.`);
  return null;
}

function readCommunities(findings: Findings, value: Json | undefined, field: string): Community | null {
  const raw = readObject(findings, value, field);
  if (raw === null) return null;
  const [first, ...others] = readList(findings, raw.values, `${field}.values`);
  if (first === undefined || others.length > 0) {
    reject(findings, 'bad-field', `${field}.values`, 'must name exactly one community.');
    return null;
  }
  return readCommunity(findings, first, `${field}.values[0]`);
}

/** A community; null, with a problem, where it is none. */
export function readCommunity(findings: Findings, value: Json | undefined, field: string): Community | null {
  const community = typeof value === 'string' ? parseCommunity(value) : undefined;
  if (community === undefined) {
    reject(
      findings,
      'bad-field',
      field,
      `is ${quote(value)}, not a community.`,
      'Write it as 65000:100 or 65000:100:200.',
    );
  }
  return community ?? null;
}

function readPath(findings: Findings, value: Json | undefined, field: string): readonly AsNumber[] {
  const path: AsNumber[] = [];
  for (const [index, item] of readList(findings, value, field).entries()) {
    const asNumber = readAsNumber(findings, item, `${field}[${index}]`);
    if (asNumber !== null) path.push(asNumber);
  }
  return path;
}

function readOperations(
  findings: Findings,
  value: Json | undefined,
  field: string,
): readonly FilterOperation[] {
  const operations: FilterOperation[] = [];
  for (const [index, item] of readList(findings, value, field).entries()) {
    const operation = readOperation(findings, asObject(item), `${field}[${index}]`);
    if (operation !== undefined) operations.push(operation);
  }
  return operations;
}

function readOperation(
  findings: Findings,
  raw: JsonObject | undefined,
  field: string,
): FilterOperation | undefined {
  const stated = Object.entries(raw ?? {}).filter(([, value]) => !isUnset(value));
  const [only] = stated;
  if (only === undefined || stated.length > 1) {
    reject(findings, 'bad-field', field, 'must be one of addCommunity, prependASPath and setPriority.');
    return undefined;
  }
  const settings = readObject(findings, only[1], `${field}.${only[0]}`);
  if (settings === null) return undefined;
  switch (only[0]) {
    case 'addCommunity': {
      const community = readCommunity(findings, settings.value, `${field}.addCommunity.value`);
      return community === null ? undefined : { type: 'add-community', community };
    }
    case 'prependASPath': {
      const path = readPath(findings, settings.prefix, `${field}.prependASPath.prefix`);
      if (path.length >= 1 && path.length <= 10) return { type: 'prepend-as-path', path };
      reject(findings, 'bad-field', `${field}.prependASPath.prefix`, 'must have 1 to 10 AS numbers.');
      return undefined;
    }
    case 'setPriority': {
      const priority = readInteger(findings, settings.value, `${field}.setPriority.value`, [
        1,
        MOST_PRIORITY,
      ]);
      if (priority !== null) return { type: 'set-priority', priority };
      if (isUnset(settings.value)) reject(findings, 'bad-field', `${field}.setPriority.value`, 'is missing.');
      return undefined;
    }
    default:
      reject(
        findings,
        'bad-field',
        `${field}.${only[0]}`,
        'is none of addCommunity, prependASPath and setPriority.',
      );
      return undefined;
  }
}
