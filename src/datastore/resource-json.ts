/**
 * One stored JSON document <-> one resource, for the homes that keep resources as Calico v3 writes them.
 *
 * Nothing is lost on the way: fields that we do not know stay where they stand, in the document and in its
 * metadata, so that what is read can be changed and written back. Only what a `Resource` cannot be without is
 * judged: an object, with an object for metadata and for spec, and text for labels.
 */
import { isJsonObject } from '../model/json.ts';
import type { Problem } from '../model/problem.ts';
import {
  type Json,
  type JsonObject,
  KINDS,
  type Kind,
  type Metadata,
  type Resource,
} from '../model/resource.ts';

export type Fault = Pick<Problem, 'code' | 'message' | 'hint' | 'field'>;

export type ReadResource =
  | { readonly ok: true; readonly resource: Resource }
  | { readonly ok: false; readonly fault: Fault };

/**
 * A resource of a parsed document. `kind`, `name` and the API version are forced: where a document is stored says
 * what it is. Label and annotation values that are numbers or booleans are read as their text, as YAML writers
 * mean them.
 * @param resourceVersion the home's version; whatever the document says of it does not count
 */
export function readResource(
  kind: Kind,
  name: string,
  document: Json,
  resourceVersion: string | undefined,
): ReadResource {
  if (!isJsonObject(document)) return bad('', 'The value is no JSON object.');
  const { metadata = {}, spec = {}, status } = document;
  if (!isJsonObject(metadata)) return bad('metadata', 'is no object.');
  if (!isJsonObject(spec) && spec !== null) return bad('spec', 'is no object.');
  if (status !== undefined && status !== null && !isJsonObject(status)) return bad('status', 'is no object.');

  const labels = readTexts('labels', metadata.labels);
  if (!labels.ok) return labels;
  const annotations = readTexts('annotations', metadata.annotations);
  if (!annotations.ok) return annotations;
  for (const field of ['uid', 'creationTimestamp']) {
    const value = metadata[field];
    if (value !== undefined && value !== null && typeof value !== 'string')
      return bad(`metadata.${field}`, 'is no text.');
  }
  const known: Metadata = {
    name,
    ...(labels.texts === undefined ? {} : { labels: labels.texts }),
    ...(annotations.texts === undefined ? {} : { annotations: annotations.texts }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const whole = {
    apiVersion: KINDS[kind],
    kind,
    metadata: Object.assign(without(NOT_COPIED_METADATA, metadata, true), known),
    spec: spec ?? {},
  };
  const resource: Resource = Object.assign(
    without(READ_FIELDS, document, false),
    whole,
    isJsonObject(status) ? { status } : undefined,
  );
  return { ok: true, resource };
}

/** Fields of a document that are read, and not copied as they stand. */
const READ_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
const NOT_COPIED_METADATA: ReadonlySet<string> = new Set([
  'labels',
  'annotations',
  'resourceVersion',
  'selfLink',
]);

type ReadTexts =
  | { readonly ok: true; readonly texts: Readonly<Record<string, string>> | undefined }
  | Extract<ReadResource, { readonly ok: false }>;

/** Labels or annotations. Thousands of documents are read at once, so what is all text already is not copied. */
function readTexts(field: 'labels' | 'annotations', value: Json | undefined): ReadTexts {
  if (value === undefined || value === null) return { ok: true, texts: undefined };
  if (!isJsonObject(value)) return bad(`metadata.${field}`, 'is no object.');
  if (isAllText(value)) return { ok: true, texts: value };
  const texts: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text === 'object')
      return bad(`metadata.${field}.${key}`, 'is no text.', 'Put its value in quotes.');
    texts[key] = String(text);
  }
  return { ok: true, texts };
}

function isAllText(object: JsonObject): object is Readonly<Record<string, string>> {
  for (const key in object) if (typeof object[key] !== 'string') return false;
  return true;
}

/** A copy without these fields; where they are all there is, which is usual, it costs nothing. */
function without(names: ReadonlySet<string>, object: JsonObject, nullsToo: boolean): Record<string, Json> {
  const copy: Record<string, Json> = {};
  for (const key in object) {
    const value = object[key];
    if (!names.has(key) && value !== undefined && !(nullsToo && value === null)) copy[key] = value;
  }
  return copy;
}

/** What is stored of a resource: all of it but the version, which the home keeps itself. */
export function storedForm(resource: Resource): JsonObject {
  const { resourceVersion: _version, ...metadata } = resource.metadata;
  const { apiVersion: _api, kind, metadata: _metadata, ...rest } = resource;
  return Object.assign({ kind, apiVersion: KINDS[kind] }, { metadata: toJson(metadata) }, toJsonObject(rest));
}

/** The metadata that Calico's client gives a new resource: a random uid and the time in seconds. */
export function born(resource: Resource, now: Date = new Date()): Resource {
  const { uid = crypto.randomUUID(), creationTimestamp = now.toISOString().replace(/\.\d+Z$/, 'Z') } =
    resource.metadata;
  return { ...resource, metadata: { ...resource.metadata, uid, creationTimestamp } };
}

/** Keeps the identity that is stored: an update is the same resource, whether or not it was copied along. */
export function sameBirth(resource: Resource, stored: Resource): Resource {
  const { uid, creationTimestamp } = stored.metadata;
  const identity = {
    ...(uid === undefined ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
  return { ...resource, metadata: { ...resource.metadata, ...identity } };
}

/**
 * A resource as the merge patch leaves it (RFC 7386): objects merge, null removes, all else replaces. Its kind,
 * name and version cannot be patched.
 */
export function patched(resource: Resource, patch: JsonObject): ReadResource {
  const document = mergePatch(storedForm(resource), patch);
  return readResource(resource.kind, resource.metadata.name, document, resource.metadata.resourceVersion);
}

/** JSON merge patch, RFC 7386 section 2. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

function bad(field: string, says: string, hint?: string): Extract<ReadResource, { readonly ok: false }> {
  const where = field === '' ? { message: says } : { message: `${field} ${says}`, field };
  return { ok: false, fault: { code: 'bad-field', ...where, ...(hint === undefined ? {} : { hint }) } };
}

/** The JSON that a value of plain data is; undefined fields are absent in it. */
function toJson(value: unknown): Json {
  const json: Json = JSON.parse(JSON.stringify(value));
  return json;
}

function toJsonObject(value: object): JsonObject {
  const json = toJson(value);
  return isJsonObject(json) ? json : {};
}
