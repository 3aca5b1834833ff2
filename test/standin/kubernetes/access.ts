/** Who asks, and whether they may: tokens, client certificates, and RBAC roles read from manifests. */
import { parseAllDocuments } from 'yaml';
import { isJsonObject } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What a request asks for, in the words of RBAC. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  /** With the subresource: `nodes/status`. */
  readonly resource: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames: readonly string[];
  /** Of a Role; undefined for a ClusterRole bound cluster-wide. */
  readonly namespace: string | undefined;
}

export function allows(rules: readonly Rule[], asked: Attributes): boolean {
  return rules.some((rule) => ruleAllows(rule, asked));
}

export function ruleAllows(rule: Rule, asked: Attributes): boolean {
  const covers = (list: readonly string[], value: string): boolean =>
    list.includes(value) || list.includes('*');
  return (
    covers(rule.apiGroups, asked.group) &&
    covers(rule.resources, asked.resource) &&
    covers(rule.verbs, asked.verb) &&
    (rule.resourceNames.length === 0 ||
      (asked.name !== undefined && rule.resourceNames.includes(asked.name))) &&
    (rule.namespace === undefined || rule.namespace === asked.namespace)
  );
}

/** The rules that a manifest's bindings give to a service account, `NAMESPACE:NAME`. */
export function rulesOf(manifest: string, serviceAccount: string): readonly Rule[] {
  const documents = parseAllDocuments(manifest).flatMap((document): JsonObject[] => {
    const value: Json = document.toJS();
    return isJsonObject(value) ? [value] : [];
  });
  const rules: Rule[] = [];
  for (const binding of documents) {
    if (binding.kind !== 'ClusterRoleBinding' && binding.kind !== 'RoleBinding') continue;
    const subjects = Array.isArray(binding.subjects) ? binding.subjects : [];
    const bound = subjects.some(
      (subject) =>
        isJsonObject(subject) &&
        subject.kind === 'ServiceAccount' &&
        `${subject.namespace}:${subject.name}` === serviceAccount,
    );
    if (!bound) continue;
    const reference = isJsonObject(binding.roleRef) ? binding.roleRef : {};
    const role = documents.find(
      (one) => one.kind === reference.kind && metadataOf(one).name === reference.name,
    );
    if (role === undefined) throw new Error(`${reference.kind} ${reference.name} is bound and not there`);
    const namespace = binding.kind === 'RoleBinding' ? text(metadataOf(binding).namespace) : undefined;
    for (const rule of Array.isArray(role.rules) ? role.rules : []) {
      if (!isJsonObject(rule)) continue;
      rules.push({
        apiGroups: texts(rule.apiGroups),
        resources: texts(rule.resources),
        verbs: texts(rule.verbs),
        resourceNames: texts(rule.resourceNames),
        namespace,
      });
    }
  }
  return rules;
}

function metadataOf(object: JsonObject): JsonObject {
  return isJsonObject(object.metadata) ? object.metadata : {};
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
