/**
 * Calico's custom resources as its own clients keep them (libcalico-go, backend/k8s/resources): in the group
 * crd.projectcalico.org the real metadata stands as JSON in the annotation `projectcalico.org/metadata`, and the
 * object's own labels and annotations are empty but for those of projectcalico.org and operator.tigera.io. An object
 * that was made with kubectl has no such annotation and is used as it is. In projectcalico.org/v3, and for our own
 * kinds, metadata stands where it always does.
 */
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { Json, JsonObject, Kind, Resource } from '../../model/resource.ts';
import { readResource } from '../resource-json.ts';
import { identityOf, type Meaning } from './collection.ts';

const METADATA = 'projectcalico.org/metadata';

/** Of the API server's own, and of no use to a reader. */
const SERVER_FIELDS = new Set(['managedFields', 'selfLink', 'generation']);

/** @param moved whether metadata stands in the annotation */
export function decodeResource(kind: Kind, object: JsonObject, moved: boolean): Meaning {
  const { name, version } = identityOf(object);
  const metadata = asObject(object.metadata);
  const real = moved ? realMetadata(metadata) : metadata;
  const read =
    real === undefined
      ? undefined
      : readResource(kind, name, { ...object, metadata: withoutServerFields(real) }, version);
  if (read?.ok === true) return { op: 'put', resource: read.resource };
  const fault =
    read === undefined
      ? {
          code: 'bad-json' as const,
          message: `The annotation ${METADATA} is no JSON object.`,
          hint: `Remove it with kubectl annotate, or write the resource anew.`,
        }
      : read.fault;
  return {
    op: 'broken',
    broken: { kind, name, problem: { ...fault, severity: 'error', subject: `${kind}/${name}` } },
  };
}

/**
 * The object to store.
 * @param stored the object as it is; absent for a new one. What we do not know of it stays: finalizers, owners
 */
export function encodeResource(
  resource: Resource,
  apiVersion: string,
  moved: boolean,
  stored?: JsonObject,
): JsonObject {
  const { name, labels, annotations, resourceVersion, creationTimestamp } = resource.metadata;
  const own = asObject(stored?.metadata);
  const born = creationTimestamp === undefined ? {} : { creationTimestamp };
  const texts = {
    ...(labels === undefined || isEmpty(labels) ? {} : { labels }),
    ...(annotations === undefined || isEmpty(annotations) ? {} : { annotations }),
  };
  const { labels: _labels, annotations: _annotations, managedFields: _fields, ...rest } = own;
  const before = movedBefore(own);
  const metadata: Record<string, Json> = {
    ...rest,
    name,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(moved ? movedMetadata({ ...keptOf(before), ...born, ...texts }, texts) : texts),
  };
  const { apiVersion: _version, kind, metadata: _metadata, ...content } = resource;
  return { ...Object.fromEntries(Object.entries(content)), apiVersion, kind, metadata };
}

/** Calico's conversion between the UID that it shows and the object's own: each byte's bits in reverse, but 6 and 8. */
export function calicoUid(uid: string): string {
  const bytes = Buffer.from(uid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) return uid;
  for (const [index, byte] of bytes.entries()) {
    // Byte 6 holds the version and byte 8 the variant (RFC 9562).
    if (index !== 6 && index !== 8) bytes[index] = reversed(byte);
  }
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function reversed(byte: number): number {
  let bits = 0;
  for (let bit = 0; bit < 8; bit += 1) bits |= ((byte >> bit) & 1) << (7 - bit);
  return bits;
}

/** The metadata with the annotation's labels and annotations over its own; undefined where that is no JSON. */
function realMetadata(metadata: JsonObject): JsonObject | undefined {
  const { [METADATA]: text, ...annotations } = asObject(metadata.annotations);
  const uid = typeof metadata.uid === 'string' ? { uid: calicoUid(metadata.uid) } : {};
  if (text === undefined) return { ...metadata, ...uid };
  const moved = typeof text === 'string' ? parseJson(text) : undefined;
  if (!isJsonObject(moved)) return undefined;
  return {
    ...metadata,
    ...moved,
    ...uid,
    labels: { ...asObject(metadata.labels), ...asObject(moved.labels) },
    annotations: { ...annotations, ...asObject(moved.annotations) },
  };
}

function movedMetadata(
  real: JsonObject,
  texts: { readonly labels?: JsonObject; readonly annotations?: JsonObject },
): JsonObject {
  const labels = ofCalico(texts.labels);
  const annotations = { ...ofCalico(texts.annotations), [METADATA]: JSON.stringify(real) };
  return { ...(isEmpty(labels) ? {} : { labels }), annotations };
}

function movedBefore(metadata: JsonObject): JsonObject {
  const text = asObject(metadata.annotations)[METADATA];
  const moved = typeof text === 'string' ? parseJson(text) : undefined;
  return asObject(moved);
}

/** Fields of the moved metadata that Calico wrote and we do not know. */
function keptOf(before: JsonObject): JsonObject {
  const known = new Set(['name', 'uid', 'resourceVersion', 'labels', 'annotations', ...SERVER_FIELDS]);
  return Object.fromEntries(Object.entries(before).filter(([field]) => !known.has(field)));
}

function ofCalico(map: JsonObject | undefined): JsonObject {
  return Object.fromEntries(
    Object.entries(map ?? {}).filter(([key]) => /projectcalico\.org\/|operator\.tigera\.io\//.test(key)),
  );
}

function withoutServerFields(metadata: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(metadata).filter(
      ([field, value]) => !SERVER_FIELDS.has(field) && !(isJsonObject(value) && isEmpty(value)),
    ),
  );
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function isEmpty(object: object): boolean {
  for (const _key in object) return false;
  return true;
}
