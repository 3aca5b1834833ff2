/** Faults of the documents given: calicoctl's sentence first, then every place with its line and a caret. */
import { showFault } from '../../datastore/file/excerpt.ts';
import type { ManifestProblem } from '../../datastore/file/manifest.ts';
import { DEFAULT_ONLY } from '../../model/bgp-configuration.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import type { Json, JsonObject } from '../../model/resource.ts';

/**
 * @param hiding those that keep a document from being read, at least one: calicoctl's sentence is about the first
 * @param faults all that are shown
 */
export function faultsText(hiding: readonly ManifestProblem[], faults: readonly ManifestProblem[]): string {
  const [first] = hiding;
  const what = first === undefined ? '' : parsingSentence(first);
  return [`Failed to execute command: ${what}`, ...faults.map(showFault)].join('\n');
}

/** calicoctl's words for a document that it cannot take; ours where it has none. */
function parsingSentence({ code, field, document, message }: ManifestProblem): string {
  if (code === 'unknown-field' && field !== undefined)
    return `error parsing document: field in document is not recognized or is in the wrong location: ${lastName(field)}`;
  if (code === 'not-supported' && (field === 'kind' || field === 'apiVersion')) {
    const { kind = '', apiVersion = '' } = document ?? {};
    return `Unknown resource type (${String(kind)}) and/or version (${String(apiVersion)})`;
  }
  return `error parsing document: ${message.replace(/\.$/, '')}`;
}

/** calicoctl's words for values that a resource cannot have (libcalico-go/lib/errors, ErrorValidation). */
export function validationText(
  problems: readonly Pick<Problem, 'code' | 'field' | 'message'>[],
  document: JsonObject | undefined,
): string {
  const excluded = problems.some(({ code }) => code === 'conflict') ? exclusions(document) : [];
  const others = problems.filter(({ code }) => code !== 'conflict' || excluded.length === 0);
  const told = others.map(({ code, field = '', message }) => {
    const rule = ruleOf(code, field, document);
    if (rule !== undefined) return rule;
    const name = goName(lastName(field));
    const reason = tagOf(code, field) ?? message.replace(/\.$/, '');
    const value = valueAt(document, field);
    // What may be a password is not repeated.
    const shown = /password/i.test(code) || value === undefined ? '' : ` = '${textOf(value)}'`;
    return field === '' ? `${reason}` : `${name}${shown} (${reason})`;
  });
  const lines = [...excluded, ...told];
  const [only] = lines;
  if (lines.length === 1) return `error with field ${only}`;
  return `error with the following fields:\n${lines.map((line) => `-  ${line}\n`).join('')}`;
}

/** Fields of a BGPPeer that calicoctl wants empty beside others. */
const EXCLUSIONS = [
  ['node', 'nodeSelector'],
  ['peerIP', 'peerSelector'],
  ['asNumber', 'peerSelector'],
  ['peerIP', 'localWorkloadSelector'],
  ['peerSelector', 'localWorkloadSelector'],
] as const;

function exclusions(document: JsonObject | undefined): readonly string[] {
  if (document?.kind !== 'BGPPeer') return [];
  return EXCLUSIONS.flatMap(([one, other]) => {
    const [value, beside] = [valueAt(document, `spec.${one}`), valueAt(document, `spec.${other}`)];
    if (!value || !beside) return [];
    const name = goName(one);
    return [`${name} = '${textOf(value)}' (${name} field must be empty when ${goName(other)} is specified)`];
  });
}

/** What calicoctl says of rules of one kind (clientv3/bgpconfig.go, validator.go). */
function ruleOf(code: Problem['code'], field: string, document: JsonObject | undefined): string | undefined {
  if (document?.kind === 'Node' && field === 'spec.bgp' && code === 'conflict')
    return 'Spec.BGP (Spec.BGP should not be empty)';
  const of = /^spec\.(\w+)$/.exec(field)?.[1];
  const name = isJsonObject(document?.metadata) ? document.metadata.name : undefined;
  if (document?.kind !== 'BGPConfiguration' || of === undefined || name === 'default') return undefined;
  if (!DEFAULT_ONLY.includes(of)) return undefined;
  const called = of === 'asNumber' ? 'ASNumber' : of;
  return `BGPConfiguration.Spec.${goName(of)} (Cannot set ${called} on a non default BGP Configuration.)`;
}

/** Reasons that calicoctl gives by the name of its rule. */
function tagOf(code: Problem['code'], field: string): string | undefined {
  const name = goName(lastName(field));
  const tag =
    code === 'bad-selector'
      ? 'selector'
      : field === 'spec.peerIP' && code === 'bad-address'
        ? 'IP:port'
        : undefined;
  return tag === undefined ? undefined : `Reason: failed to validate Field: ${name} because of Tag: ${tag} `;
}

/** `spec.peers[0].ip` is called `ip`. */
function lastName(field: string): string {
  return /([^.[\]]+)(?:\[\d+\])*$/.exec(field)?.[1] ?? field;
}

/** Go writes the letters of an abbreviation large: `asNumber` is `ASNumber`. */
function goName(name: string): string {
  const abbreviation = /^(as|ip|ipip|vxlan|nat|cidr|ttl|bgp|ipv4|ipv6)(?=[A-Z]|$)/.exec(name)?.[0] ?? '';
  const large = abbreviation.startsWith('ipv')
    ? abbreviation.replace('ip', 'IP')
    : abbreviation.toUpperCase();
  const rest = name.slice(abbreviation.length);
  return abbreviation === '' ? `${name.charAt(0).toUpperCase()}${name.slice(1)}` : `${large}${rest}`;
}

function valueAt(document: Json | undefined, field: string): Json | undefined {
  let value: Json | undefined = document;
  for (const [, key, index] of field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    if (key !== undefined) value = isJsonObject(value) ? value[key] : undefined;
    else if (Array.isArray(value)) {
      const items: readonly Json[] = value;
      value = items[Number(index)];
    } else return undefined;
  }
  return value;
}

function textOf(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
