/**
 * The text of one YAML or JSON file -> the JSON of each resource in it, each with its place.
 *
 * Several documents, `...List` kinds with `items` and plain arrays are taken, nested as they come. Four traps of YAML
 * are caught here (Calico users met them): `nodeSelector: !has(x)` without quotes is a tag and an empty value,
 * `asNumber: 64512.10` is the number 64512.1, a label `true` is no text, and `yes`, `no`, `on` and `off`, which
 * calicoctl reads as truth values, are plain text to a reader of YAML 1.2.
 */
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
import type { Place } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { ProblemCode } from '../../model/problem.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import { syntaxFaults } from './syntax-faults.ts';

/** What hides a document, or is no resource. */
export interface TextFault {
  readonly code: ProblemCode;
  readonly place: Place;
  readonly message: string;
  readonly hint?: string;
}

export interface Entry {
  readonly value: JsonObject;
  readonly place: Place;
  /** Where to find it again: the document, and the way into it. */
  readonly document: number;
  readonly path: readonly (string | number)[];
  /** A value of its document was lost to a tag, which is a fault: it is not what was meant, but can be judged. */
  readonly incomplete: boolean;
}

export interface ParsedText {
  readonly entries: readonly Entry[];
  readonly faults: readonly TextFault[];
  /** The documents, by the number in an entry. */
  readonly documents: readonly Document.Parsed<ParsedNode>[];
  /** @param offset in the text, from 0 */
  placeAt(offset: number): Place;
}

/** @param file its path, for places */
export function parseText(file: string, text: string): ParsedText {
  const entries: Entry[] = [];
  const faults: TextFault[] = [];
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  for (const [index, document] of documents.entries()) {
    faults.push(...syntaxFaults(document.errors, text, placeAt));
    for (const warning of document.warnings) {
      const place = placeAt(warning.pos[0]);
      if (warning.code !== 'TAG_RESOLVE_FAILED')
        faults.push({ code: 'bad-yaml', place, message: `${warning.message}.` });
      else
        faults.push({
          code: 'bad-yaml',
          place,
          message: `${text.slice(warning.pos[0], warning.pos[1])} without quotes is a YAML tag, and what it stands for would be empty.`,
          hint: "Put the whole value in quotes: '!has(label)'.",
        });
    }
    const tagsAlone = document.warnings.every(({ code }) => code === 'TAG_RESOLVE_FAILED');
    if (document.errors.length > 0 || !tagsAlone) continue;
    const incomplete = document.warnings.length > 0;
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
        faults.push({
          code: 'bad-yaml',
          place,
          message: 'This is no resource: it has no kind.',
          hint: 'A resource begins with apiVersion and kind; calico-rr explain bgppeer shows one.',
        });
        return;
      }
      const { kind, items: members } = value;
      if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(members)) {
        for (const [at, item] of members.entries()) take(item, [...path, 'items', at]);
        return;
      }
      entries.push({ value, place, document: index, path, incomplete });
    };
    take(root, []);
  }
  return { entries, faults, documents, placeAt };
}

/** The node of a document that a path leads to. */
export function nodeAt(document: Document, path: readonly (string | number)[]): unknown {
  return path.length === 0 ? document.contents : document.getIn(path, true);
}

function offsetOf(document: Document.Parsed<ParsedNode>, path: readonly (string | number)[]): number {
  const node = nodeAt(document, path);
  return isMap(node) || isSeq(node) || isScalar(node) ? (node.range?.[0] ?? 0) : document.range[0];
}

/** Fields that are true or false, in which YAML 1.1 has more words for the two. */
const FLAGS = new Set([
  'nodeToNodeMeshEnabled',
  'keepOriginalNextHop',
  'disabled',
  'disableBGPExport',
  'natOutgoing',
  'nat-outgoing',
  'enabled',
]);
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...['yes', 'Yes', 'YES', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['no', 'No', 'NO', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
]);

/**
 * Labels and annotations are text, whatever YAML makes of `true`, `0123` or `1e3`; and a dotted AS number is not a
 * fraction. Both are taken as they are written. A field that is true or false may say yes or off.
 */
function keepWrittenText(document: Document): void {
  visit(document, {
    Pair(_, pair) {
      const key = isScalar(pair.key) ? pair.key.value : undefined;
      if ((key === 'labels' || key === 'annotations') && isMap(pair.value))
        for (const item of pair.value.items) asWritten(item.value, () => true);
      if (typeof key === 'string' && FLAGS.has(key) && isScalar(pair.value) && pair.value.type === 'PLAIN')
        pair.value.value = TRUTH.get(String(pair.value.value)) ?? pair.value.value;
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
