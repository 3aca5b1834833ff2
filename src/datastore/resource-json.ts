/**
 * One stored JSON document <-> one resource, for the homes that keep resources as Calico v3 writes them.
 *
 * Nothing is lost on the way: fields that we do not know stay where they stand, in the document and in its
 * metadata, so that what is read can be changed and written back. Only what a `Resource` cannot be without is
 * judged: an object, with an object for metadata and for spec, and text for labels.
 */
import { randomUUID } from 'node:crypto';
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
  const { metadata = {}, spec = {}, status, ...others } = document;
  if (!isJsonObject(metadata)) return bad('metadata', 'is no object.');
  if (!isJsonObject(spec) && spec !== null) return bad('spec', 'is no object.');
  if (status !== undefined && status !== null && !isJsonObject(status)) return bad('status', 'is no object.');

  const { labels, annotations, resourceVersion: _version, selfLink: _link, ...otherMetadata } = metadata;
  const texts: { labels?: Record<string, string>; annotations?: Record<string, string> } = {};
  for (const [field, value] of [
    ['labels', labels],
    ['annotations', annotations],
  ] as const) {
    if (value === undefined || value === null) continue;
    if (!isJsonObject(value)) return bad(`metadata.${field}`, 'is no object.');
    const read: Record<string, string> = {};
    for (const [key, text] of Object.entries(value)) {
      if (typeof text === 'object')
        return bad(`metadata.${field}.${key}`, 'is no text.', 'Put its value in quotes.');
      read[key] = String(text);
    }
    texts[field] = read;
  }
  for (const field of ['uid', 'creationTimestamp']) {
    const value = otherMetadata[field];
    if (value !== undefined && value !== null && typeof value !== 'string')
      return bad(`metadata.${field}`, 'is no text.');
  }
  const version = resourceVersion === undefined ? {} : { resourceVersion };
  const known: Metadata = { name, ...texts, ...version };
  const whole = {
    apiVersion: KINDS[kind],
    kind,
    metadata: Object.assign({}, withoutNulls(otherMetadata), known),
  };
  const resource: Resource = Object.assign({}, others, whole, {
    spec: spec ?? {},
    ...(isJsonObject(status) ? { status } : {}),
  });
  return { ok: true, resource };
}

/** What is stored of a resource: all of it but the version, which the home keeps itself. */
export function storedForm(resource: Resource): JsonObject {
  const { resourceVersion: _version, ...metadata } = resource.metadata;
  const { apiVersion: _api, kind, metadata: _metadata, ...rest } = resource;
  return Object.assign({ kind, apiVersion: KINDS[kind] }, { metadata: toJson(metadata) }, toJsonObject(rest));
}

/** The metadata that Calico's client gives a new resource: a random uid and the time in seconds. */
export function born(resource: Resource, now: Date = new Date()): Resource {
  const { uid = randomUUID(), creationTimestamp = now.toISOString().replace(/\.\d+Z$/, 'Z') } =
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

function bad(field: string, says: string, hint?: string): ReadResource {
  const where = field === '' ? { message: says } : { message: `${field} ${says}`, field };
  return { ok: false, fault: { code: 'bad-field', ...where, ...(hint === undefined ? {} : { hint }) } };
}

function withoutNulls(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
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
