/** The forms in which an API server shows objects: whole, metadata alone, or as a table; single or in lists. */
import { isJsonObject } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';
import { apiVersionOf, type Served } from './served.ts';

export type Form = 'object' | 'metadata' | 'table';

const META = 'meta.k8s.io/v1';

/** The first form in an Accept header that is known. */
export function formOf(accept: string | undefined): Form {
  for (const part of (accept ?? '').split(',')) {
    if (/as=PartialObjectMetadata(List)?\b/.test(part)) return 'metadata';
    if (/as=Table\b/.test(part)) return 'table';
    if (/application\/json/.test(part)) return 'object';
  }
  return 'object';
}

export function show(object: JsonObject, form: Form): JsonObject {
  if (form === 'metadata')
    return { kind: 'PartialObjectMetadata', apiVersion: META, metadata: object.metadata ?? {} };
  return form === 'table' ? table([object], {}) : object;
}

export function showList(
  served: Served,
  objects: readonly JsonObject[],
  form: Form,
  metadata: JsonObject,
): JsonObject {
  if (form === 'metadata')
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: META,
      metadata,
      items: objects.map((object) => show(object, 'metadata')),
    };
  if (form === 'table') return table(objects, metadata);
  const apiVersion = apiVersionOf(served);
  const kind = `${served.kind}List`;
  if (!served.builtIn) return { apiVersion, items: objects, kind, metadata: { continue: '', ...metadata } };
  const items = objects.map(({ kind: _kind, apiVersion: _version, ...object }) => object);
  return { kind, apiVersion, metadata, items };
}

/** The columns of every kind; each kind's own are left out. */
function table(objects: readonly JsonObject[], metadata: JsonObject): JsonObject {
  const column = (name: string, type: string, format: string): JsonObject => ({
    name,
    type,
    format,
    priority: 0,
  });
  return {
    kind: 'Table',
    apiVersion: META,
    metadata,
    columnDefinitions: [column('Name', 'string', 'name'), column('Created At', 'date', '')],
    rows: objects.map((object) => {
      const own = isJsonObject(object.metadata) ? object.metadata : {};
      return { cells: [own.name ?? null, own.creationTimestamp ?? null], object: show(object, 'metadata') };
    }),
  };
}

/** What the server notes of who wrote which field; large beside the object, as it is in life. */
export function managedFields(object: JsonObject, time: string): Json {
  const { apiVersion = 'v1', kind: _kind, metadata, status: _status, ...rest } = object;
  const own = isJsonObject(metadata) ? metadata : {};
  const texts = Object.fromEntries(
    ['annotations', 'labels'].flatMap((field) => (isJsonObject(own[field]) ? [[field, own[field]]] : [])),
  );
  const fields = fieldsOf({ ...(Object.keys(texts).length === 0 ? {} : { metadata: texts }), ...rest });
  return [
    { manager: 'stand-in', operation: 'Update', apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: fields },
  ];
}

function fieldsOf(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      `f:${key}`,
      isJsonObject(child) ? { '.': {}, ...fieldsOf(child) } : {},
    ]),
  );
}
