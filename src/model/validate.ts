/**
 * One resource judged before it is stored or used. The agent is lenient: it takes what it can and warns. A person who
 * writes a resource wants to hear of everything: in strict mode an unknown field is an error, as it is to calicoctl,
 * and fields that nobody here reads have to be of their type, too.
 */
import { readBgpConfiguration } from './bgp-configuration.ts';
import { readBgpFilter } from './bgp-filter.ts';
import { readBgpPeer } from './bgp-peer.ts';
import { readBlockAffinity } from './block-affinity.ts';
import { readCustomFilter } from './custom-filter.ts';
import { readIpPool } from './ip-pool.ts';
import { isJsonObject } from './json.ts';
import { readNode } from './node.ts';
import type { Problem, ProblemCode } from './problem.ts';
import { type Findings, isUnset, type Reading, reject, startReading } from './reading.ts';
import type { Json, JsonObject, Kind, Resource } from './resource.ts';
import { readRouteReflector } from './route-reflector.ts';
import { checkFields } from './schema/check.ts';
import { METADATA } from './schema/metadata.ts';
import { noticeFields, noticeIn } from './schema/notices.ts';
import { SCHEMAS } from './schema/schemas.ts';
import { nearestOf } from './spelling.ts';

export interface ValidateOptions {
  /** True for what a person writes; false for what the agent makes of what is stored. */
  readonly strict: boolean;
  /** `keys`: names are made of keys, as on etcd v2, whose nodes may have any name. Default: Calico v3's rule. */
  readonly names?: 'v3' | 'keys';
}

/** Warnings that stay warnings in strict mode: the field is right, but has no effect here. */
const NO_FAULT: ReadonlySet<ProblemCode> = new Set(['not-supported', 'bad-name']);

const READERS: Readonly<Partial<Record<Kind, (resource: Resource) => Reading<unknown>>>> = {
  Node: readNode,
  BGPPeer: readBgpPeer,
  BGPConfiguration: readBgpConfiguration,
  BGPFilter: readBgpFilter,
  IPPool: readIpPool,
  BlockAffinity: readBlockAffinity,
  RouteReflector: readRouteReflector,
  CustomFilter: readCustomFilter,
};

/**
 * Everything that is wrong with a resource. Each problem names in `field` where it is, such as `spec.peers[0].ip`;
 * one without is about the whole. Errors keep a resource from being stored, warnings do not.
 */
export function validateResource(
  resource: Resource,
  { strict, names = 'v3' }: ValidateOptions,
): readonly Problem[] {
  const { problems } = READERS[resource.kind]?.(resource) ?? readUnread(resource);
  if (!strict) return problems;
  const found = problems.map(asStrict);
  const seen = new Set(found.map(({ field }) => field));
  for (const problem of strictProblems(resource, names)) {
    if (seen.has(problem.field)) continue;
    seen.add(problem.field);
    found.push(asStrict(problem));
  }
  return found;
}

function asStrict(problem: Problem): Problem {
  if (problem.severity === 'error' || NO_FAULT.has(problem.code)) return problem;
  const { message } = problem;
  return {
    ...problem,
    severity: 'error',
    message: problem.code === 'unknown-field' ? message.replace(' and is passed over.', '.') : message,
  };
}

/** A kind that nothing here depends on. */
function readUnread({ kind, metadata, spec }: Resource): Reading<unknown> {
  const findings = startReading(kind, metadata.name);
  noticeFields(findings, spec, kind);
  return { value: spec, problems: findings.problems };
}

function strictProblems(resource: Resource, names: 'v3' | 'keys'): readonly Problem[] {
  const { kind, metadata } = resource;
  const schema = SCHEMAS[kind];
  const findings = startReading(kind, metadata.name);
  const whole = jsonOf(resource);
  checkTopLevel(findings, whole, schema.status !== undefined);
  checkMetadata(findings, whole.metadata, kind);
  if (names === 'v3' && !OWN_NAMES.has(kind)) checkName(findings);
  for (const part of ['spec', 'status'] as const) {
    const fields = schema[part];
    const object = whole[part];
    if (fields === undefined || fields === 'anything' || !isJsonObject(object)) continue;
    checkFields(findings, object, fields, part);
    if (part === 'status') noticeIn(findings, object, fields, part, { kind });
  }
  for (const rule of schema.rules) {
    if (rule.broken?.(resource.spec)) reject(findings, 'conflict', rule.field, `breaks a rule: ${rule.says}`);
  }
  return findings.problems;
}

const TOP_LEVEL = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

function checkTopLevel(findings: Findings, whole: JsonObject, hasStatus: boolean): void {
  for (const [key, value] of Object.entries(whole)) {
    const empty = isUnset(value) || (isJsonObject(value) && Object.keys(value).length === 0);
    if (TOP_LEVEL.has(key) && (key !== 'status' || hasStatus || empty)) continue;
    reject(findings, 'unknown-field', key, 'has no meaning.', hintForTopLevel(key, findings.kind));
  }
}

function hintForTopLevel(key: string, kind: Kind): string {
  if (key === 'status') return 'Leave it out.';
  const near = nearestOf(key, TOP_LEVEL);
  return near === undefined ? `Fields of a ${kind} stand under spec.` : `Did you mean ${near}?`;
}

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Kinds whose names Calico made, or makes: they follow its rule. Ours may be IPv6 addresses. */
const OWN_NAMES: ReadonlySet<Kind> = new Set(['RouteReflector', 'RouteReflectorStatus', 'CustomFilter']);

function checkMetadata(findings: Findings, metadata: Json | undefined, kind: Kind): void {
  if (!isJsonObject(metadata)) return;
  checkFields(findings, metadata, METADATA, 'metadata');
  noticeIn(findings, metadata, METADATA, 'metadata', { kind });
  if (!isUnset(metadata.namespace))
    reject(
      findings,
      'bad-field',
      'metadata.namespace',
      `is given, and a ${kind} is not namespaced.`,
      'Leave it out.',
    );
}

function checkName(findings: Findings): void {
  if (SUBDOMAIN.test(findings.name) && findings.name.length <= 253) return;
  reject(
    findings,
    'bad-name',
    'metadata.name',
    `is ${JSON.stringify(findings.name)}, which Calico does not take for a name.`,
    'Use lower-case letters, digits, "-" and ".", with a letter or digit at both ends of each part.',
  );
}

/** The JSON that a resource is written as. */
function jsonOf(resource: Resource): JsonObject {
  const json: Json = JSON.parse(JSON.stringify(resource));
  return isJsonObject(json) ? json : {};
}
