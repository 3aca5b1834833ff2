/**
 * The text of one YAML or JSON file -> the resources in it, each with its place.
 *
 * Several documents, `...List` kinds with `items` and plain arrays are taken, nested as they come. A fault that
 * hides what a document is (syntax, a tag, no kind, no name) is the file's fault: a watch then stays with what the
 * file last said whole, because a typing error must not read as a deletion. A document whose name is known but
 * whose content is not usable is broken by itself.
 *
 * Two traps of YAML are caught here (Calico users met both): `nodeSelector: !has(x)` without quotes is a tag and an
 * empty value, and `asNumber: 64512.10` is the number 64512.1.
 */
import { createHash } from 'node:crypto';
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseAllDocuments,
  type Scalar,
  visit,
  type Node as YamlNode,
} from 'yaml';
import type { Broken } from '../../model/change.ts';
import { formatPlace, type Place } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem, ProblemCode } from '../../model/problem.ts';
import { type Json, type JsonObject, KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { readResource, storedForm } from '../resource-json.ts';

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
  /** What hides a document: while there are any, the file counts as unreadable. */
  readonly faults: readonly Problem[];
}

/** @param file its path, for places */
export function readDocuments(file: string, text: string): FileContent {
  const items: FileItem[] = [];
  const faults: Problem[] = [];
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const fault = (code: ProblemCode, place: Place, message: string, hint?: string): void => {
    faults.push({
      code,
      severity: 'error',
      subject: formatPlace(place),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  };

  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  for (const [index, document] of documents.entries()) {
    for (const error of document.errors) fault('bad-yaml', placeAt(error.pos[0]), `${error.message}.`);
    for (const warning of document.warnings) {
      const place = placeAt(warning.pos[0]);
      if (warning.code !== 'TAG_RESOLVE_FAILED') fault('bad-yaml', place, `${warning.message}.`);
      else
        fault(
          'bad-yaml',
          place,
          `${text.slice(warning.pos[0], warning.pos[1])} without quotes is a YAML tag, and what it stands for would be empty.`,
          "Put the whole value in quotes: '!has(label)'.",
        );
    }
    if (document.errors.length > 0 || document.warnings.length > 0) continue;
    keepWrittenText(document);
    const root: Json = document.toJS();
    const take = (value: Json, path: readonly (string | number)[]): void => {
      const place = placeAt(offsetOf(document, path));
      if (value === null) return;
      if (Array.isArray(value)) {
        for (const [at, item] of value.entries()) take(item, [...path, at]);
        return;
      }
      if (!isJsonObject(value)) {
        fault('bad-yaml', place, 'This is no resource: it has no kind.');
        return;
      }
      const { kind, items: members } = value;
      if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(members)) {
        for (const [at, item] of members.entries()) take(item, [...path, 'items', at]);
        return;
      }
      const item = readItem(value, place, fault);
      if (item !== undefined) items.push({ ...item, place, document: index, path });
    };
    take(root, []);
  }
  return { items, faults };
}

/** The version of a resource in a file: what it says, hashed. */
export function contentVersion(resource: Resource): string {
  return createHash('sha256')
    .update(JSON.stringify(storedForm(resource)))
    .digest('hex')
    .slice(0, 16);
}

function readItem(
  value: JsonObject,
  place: Place,
  fault: (code: ProblemCode, place: Place, message: string, hint?: string) => void,
): Pick<FileItem, 'kind' | 'name' | 'content'> | undefined {
  const { kind, apiVersion, metadata } = value;
  const kinds = Object.keys(KINDS).join(', ');
  if (apiVersion === 'v1') {
    fault(
      'not-supported',
      place,
      `${typeof kind === 'string' ? kind : 'This document'} has apiVersion v1, of Calico before 3.0, which is not read.`,
      'Convert it with "calicoctl convert" of Calico 3.',
    );
    return undefined;
  }
  if (typeof kind !== 'string' || !isKind(kind)) {
    const what = typeof kind === 'string' ? `The kind ${kind} is not known` : 'kind is missing';
    fault('not-supported', place, `${what}; known are ${kinds}.`, 'Kinds are written as they stand here.');
    return undefined;
  }
  if (apiVersion !== KINDS[kind]) {
    const what = typeof apiVersion === 'string' ? `has apiVersion ${apiVersion}` : 'has no apiVersion';
    fault('not-supported', place, `A ${kind} here ${what}; it is ${KINDS[kind]}.`);
    return undefined;
  }
  const name = isJsonObject(metadata) ? metadata.name : undefined;
  if ((typeof name !== 'string' && typeof name !== 'number') || name === '' || String(name).includes('/')) {
    const what =
      name === undefined || name === null ? 'has no metadata.name' : 'has a metadata.name that is no name';
    fault('bad-name', place, `A ${kind} here ${what}.`, 'A name has 1 to 253 characters and no "/".');
    return undefined;
  }
  const read = readResource(kind, String(name), value, undefined);
  if (!read.ok) {
    const problem: Problem = {
      ...read.fault,
      severity: 'error',
      subject: `${kind}/${name}`,
      message: `${formatPlace(place)}: ${read.fault.message}`,
    };
    return {
      kind,
      name: String(name),
      content: { is: 'broken', broken: { kind, name: String(name), problem } },
    };
  }
  const resourceVersion = contentVersion(read.resource);
  const resource = { ...read.resource, metadata: { ...read.resource.metadata, resourceVersion } };
  return { kind, name: String(name), content: { is: 'resource', resource } };
}

/** The node of a document that a path leads to. */
export function nodeAt(document: Document, path: readonly (string | number)[]): unknown {
  return path.length === 0 ? document.contents : document.getIn(path, true);
}

function offsetOf(document: Document.Parsed<ParsedNode>, path: readonly (string | number)[]): number {
  const node = nodeAt(document, path);
  return isMap(node) || isSeq(node) || isScalar(node) ? (node.range?.[0] ?? 0) : document.range[0];
}

/**
 * Labels and annotations are text, whatever YAML makes of `true`, `0123` or `1e3`; and a dotted AS number is not a
 * fraction. Both are taken as they are written.
 */
function keepWrittenText(document: Document): void {
  visit(document, {
    Pair(_, pair) {
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      if ((key === 'labels' || key === 'annotations') && isMap(pair.value))
        for (const item of pair.value.items) asWritten(item.value, () => true);
      if (key === 'asNumber' || key === 'localASNumber')
        asWritten(pair.value, (value) => typeof value === 'number' && !Number.isInteger(value));
    },
  });
}

function asWritten(node: YamlNode | unknown, wanted: (value: unknown) => boolean): void {
  if (!isScalar(node) || node.source === undefined) return;
  const scalar: Scalar = node;
  if ((typeof scalar.value === 'number' || typeof scalar.value === 'boolean') && wanted(scalar.value))
    scalar.value = scalar.source;
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}
