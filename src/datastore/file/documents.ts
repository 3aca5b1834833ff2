/**
 * The text of one YAML or JSON file -> the resources in it, each with its place.
 *
 * A fault that hides what a document is (syntax, a tag, no kind, no name) is the file's fault: a watch then stays with
 * what the file last said whole, because a typing error must not read as a deletion. A document whose name is known but
 * whose content is not usable is broken by itself. Documents of Calico v2, and what kubectl prints of a cluster, become
 * resources of today.
 */
import { createHash } from 'node:crypto';
import type { Broken } from '../../model/change.ts';
import { formatPlace, type Place } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import { isKind, type JsonObject, KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { nearestOf } from '../../model/spelling.ts';
import { isV1, type Upgrade, type UpgradeOptions, upgradeV1 } from '../../model/upgrade/v1.ts';
import { type Fault, readResource, storedForm } from '../resource-json.ts';
import { type KubectlObject, readKubectlObject } from './kubectl-output.ts';
import { parseText, type TextFault } from './parse.ts';

/** One resource of a file, or what stands there in its stead. */
export interface FileItem {
  readonly kind: Kind;
  readonly name: string;
  readonly place: Place;
  /** Where to find it again when the file is edited: the document, and the way into it. */
  readonly document: number;
  readonly path: readonly (string | number)[];
  readonly content:
    | { readonly is: 'resource'; readonly resource: Resource }
    | { readonly is: 'broken'; readonly broken: Broken };
}

export interface FileContent {
  readonly items: readonly FileItem[];
  /** What hides a document: while there are any, the file counts as unreadable. Warnings hide nothing. */
  readonly faults: readonly Problem[];
}

/** @param file its path, for places */
export function readDocuments(file: string, text: string): FileContent {
  const parsed = parseText(file, text);
  const faults: Problem[] = parsed.faults.map(problemOf);
  const items: FileItem[] = [];
  for (const { value, place, document, path, incomplete } of parsed.entries) {
    if (incomplete) continue;
    const named = nameEntry(value);
    if (!named.ok) {
      faults.push(...named.faults.map((fault) => problemOf({ ...fault, place })));
      continue;
    }
    const content = readContent(named, place);
    items.push({ kind: named.kind, name: named.name, place, document, path, content });
  }
  return { items, faults };
}

/** What a document is: its kind and name are known, whatever is in it. */
export type NamedEntry =
  | {
      readonly ok: true;
      readonly kind: Kind;
      readonly name: string;
      /** In the shape of today; undefined where `upgrade` says why there is none. */
      readonly value: JsonObject | undefined;
      /** What was said on the way, and where its fields stand, for a document that had another shape. */
      readonly upgrade?: Pick<Extract<Upgrade, { readonly is: 'resource' }>, 'problems' | 'origins'>;
    }
  | { readonly ok: false; readonly faults: readonly EntryFault[] };

/** `field` where the fault is in one; those of a document of Calico v2 are its own. */
export type EntryFault = Omit<TextFault, 'place'> & { readonly field?: string };

/** @param options which names documents of Calico v2 get */
export function nameEntry(value: JsonObject, options: UpgradeOptions = {}): NamedEntry {
  const printed = readKubectlObject(value);
  if (printed !== undefined) return nameKubectlObject(printed);
  if (isV1(value)) {
    const upgrade = upgradeV1(value, options);
    if (upgrade.is === 'resource')
      return { ok: true, kind: upgrade.kind, name: upgrade.name, value: upgrade.document, upgrade };
    return { ok: false, faults: upgrade.problems.filter(({ severity }) => severity === 'error') };
  }
  const { kind, apiVersion, metadata } = value;
  if (typeof kind !== 'string' || !isKind(kind)) {
    const known = Object.keys(KINDS);
    const near = typeof kind === 'string' ? nearestOf(kind, known) : undefined;
    const what = typeof kind === 'string' ? `The kind ${kind} is not known` : 'kind is missing';
    return refuse(
      'not-supported',
      'kind',
      `${what}; known are ${known.join(', ')}.`,
      near === undefined
        ? "What is not about BGP is written with Calico's own calicoctl, or kubectl."
        : `Did you mean ${near}?`,
    );
  }
  if (apiVersion !== KINDS[kind]) {
    const what = typeof apiVersion === 'string' ? `has apiVersion ${apiVersion}` : 'has no apiVersion';
    return refuse('not-supported', 'apiVersion', `A ${kind} here ${what}; it is ${KINDS[kind]}.`);
  }
  const name = isJsonObject(metadata) ? metadata.name : undefined;
  if ((typeof name !== 'string' && typeof name !== 'number') || name === '' || String(name).includes('/')) {
    const what =
      name === undefined || name === null ? 'has no metadata.name' : 'has a metadata.name that is no name';
    return refuse(
      'bad-name',
      'metadata.name',
      `A ${kind} here ${what}.`,
      typeof value.name === 'string'
        ? 'Write the name indented below a line "metadata:", and the fields of the spec below "spec:".'
        : 'A name has 1 to 253 characters and no "/".',
    );
  }
  return { ok: true, kind, name: String(name), value };
}

function nameKubectlObject(printed: KubectlObject): NamedEntry {
  const { kind, name } = printed.ok
    ? { kind: printed.resource.kind, name: printed.resource.metadata.name }
    : printed;
  if (name === '') return refuse('bad-name', 'metadata.name', `A ${kind} here has no metadata.name.`);
  if (printed.ok) {
    const upgrade = { problems: [], origins: printed.origins };
    return { ok: true, kind, name, value: storedForm(printed.resource), upgrade };
  }
  const problem: Problem = { ...printed.fault, severity: 'error', subject: `${kind}/${name}` };
  return { ok: true, kind, name, value: undefined, upgrade: { problems: [problem], origins: new Map() } };
}

function refuse(code: TextFault['code'], field: string, message: string, hint?: string): NamedEntry {
  return { ok: false, faults: [{ code, field, message, ...(hint === undefined ? {} : { hint }) }] };
}

function problemOf({ code, place, message, hint }: TextFault): Problem {
  return {
    code,
    severity: 'error',
    subject: formatPlace(place),
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

function readContent(
  { kind, name, value, upgrade }: Extract<NamedEntry, { readonly ok: true }>,
  place: Place,
): FileItem['content'] {
  const broken = (fault: Fault): FileItem['content'] => {
    const message = `${formatPlace(place)}: ${fault.message}`;
    const problem: Problem = { ...fault, severity: 'error', subject: `${kind}/${name}`, message };
    return { is: 'broken', broken: { kind, name, problem } };
  };
  const homeless = upgrade?.problems.find(({ severity }) => severity === 'error');
  if (homeless !== undefined) return broken(homeless);
  const read = readResource(kind, name, value ?? null, undefined);
  if (!read.ok) return broken(read.fault);
  const resourceVersion = contentVersion(read.resource);
  const resource = { ...read.resource, metadata: { ...read.resource.metadata, resourceVersion } };
  return { is: 'resource', resource };
}

/** The version of a resource in a file: what it says, hashed. */
function contentVersion(resource: Resource): string {
  return createHash('sha256')
    .update(JSON.stringify(storedForm(resource)))
    .digest('hex')
    .slice(0, 16);
}
