/**
 * Changing one resource in the text of a file and nothing else: other documents stay byte for byte, and in the
 * changed one comments and order stay where the values around them do. Pure: text in, text out.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isSeq, parseAllDocuments, stringify, type YAMLMap } from 'yaml';
import { isJsonObject } from '../../model/json.ts';
import { type Json, type JsonObject, KINDS, type Resource } from '../../model/resource.ts';
import { storedForm } from '../resource-json.ts';
import type { FileItem } from './documents.ts';
import { nodeAt } from './parse.ts';

type Spot = Pick<FileItem, 'document' | 'path'>;

export type Syntax = 'yaml' | 'json';

export function syntaxOf(file: string): Syntax {
  return file.endsWith('.json') ? 'json' : 'yaml';
}

/** The text with `resource` added at its end. */
export function withAdded(text: string, resource: Resource, syntax: Syntax): string {
  const document = documentOf(resource);
  if (syntax === 'json') {
    if (text.trim() === '') return json(document);
    const root = parseJson(text);
    if (Array.isArray(root)) return json([...root, document]);
    if (isJsonObject(root) && Array.isArray(root.items))
      return json({ ...root, items: [...root.items, document] });
    return json({ apiVersion: 'v1', kind: 'List', items: [root, document] });
  }
  const added = stringify(document, { lineWidth: 0 });
  if (text.trim() === '') return added;
  return `${text}${text.endsWith('\n') ? '' : '\n'}---\n${added}`;
}

/** The text with the resource at `spot` replaced. */
export function withReplaced(text: string, spot: Spot, resource: Resource, syntax: Syntax): string {
  const document = documentOf(resource);
  if (syntax === 'json') return json(replacedIn(parseJson(text), spot.path, document));
  return withChunk(text, spot.document, (parsed) => {
    const node = nodeAt(parsed, spot.path);
    if (isMap(node)) assign(parsed, node, document);
    return parsed.toString({ lineWidth: 0 });
  });
}

/** The text without the resource at `spot`. */
export function withRemoved(text: string, spot: Spot, syntax: Syntax): string {
  if (syntax === 'json') {
    if (spot.path.length === 0) return '';
    return json(replacedIn(parseJson(text), spot.path, undefined));
  }
  return withChunk(text, spot.document, (parsed) => {
    if (spot.path.length === 0) return '';
    parsed.deleteIn(spot.path);
    return parsed.toString({ lineWidth: 0 });
  });
}

/** Replaces the text of one document, from the end of the one before to its own end. */
function withChunk(text: string, index: number, change: (document: Document) => string): string {
  const parsed = parseAllDocuments(text, { prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  const document = documents[index];
  if (document === undefined) return text;
  const start = documents[index - 1]?.range[2] ?? 0;
  const end = document.range[2];
  const changed = change(document);
  const rest = text.slice(end);
  const separated = changed === '' || changed.endsWith('\n') || rest === '' ? changed : `${changed}\n`;
  return `${text.slice(0, start)}${separated}${rest}`;
}

/** Makes a mapping say `wanted`, leaving alone what says it already. */
function assign(document: Document, node: YAMLMap, wanted: JsonObject): void {
  for (const key of node.items.map((pair) => keyText(pair.key)))
    if (!Object.hasOwn(wanted, key)) node.delete(key);
  for (const [key, value] of Object.entries(wanted)) {
    const present: unknown = node.get(key, true);
    if (isMap(present) && isJsonObject(value)) assign(document, present, value);
    else if (!says(document, present, value)) node.set(key, document.createNode(value));
  }
}

function says(document: Document, node: unknown, value: Json): boolean {
  if (isMap(node) || isSeq(node)) return isDeepStrictEqual(node.toJS(document), value);
  if (typeof node !== 'object' || node === null || !('value' in node)) return false;
  // A label written as `true` reads as the text "true": it is what was meant, and stays as it was written.
  const written = 'source' in node ? node.source : undefined;
  return isDeepStrictEqual(node.value, value) || (typeof value === 'string' && written === value);
}

function keyText(key: unknown): string {
  return typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : String(key);
}

function replacedIn(root: Json, path: readonly (string | number)[], value: JsonObject | undefined): Json {
  const [step, ...rest] = path;
  if (step === undefined) return value ?? null;
  if (Array.isArray(root)) {
    if (rest.length === 0 && value === undefined) return root.filter((_, index) => index !== step);
    return root.map((item, index) => (index === step ? replacedIn(item, rest, value) : item));
  }
  if (!isJsonObject(root)) return root;
  return { ...root, [step]: replacedIn(root[step] ?? null, rest, value) };
}

/** As people write them: the API version first. */
function documentOf(resource: Resource): JsonObject {
  const { kind: _kind, apiVersion: _version, ...rest } = storedForm(resource);
  return { apiVersion: KINDS[resource.kind], kind: resource.kind, ...rest };
}

function parseJson(text: string): Json {
  const root: Json = JSON.parse(text);
  return root;
}

function json(value: Json): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
