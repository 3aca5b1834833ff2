/**
 * Resources as calicoctl hands them out: documents with their keys in Go's order, lists as a `...List` document, and
 * without what belongs to one cluster alone where they are exported.
 */
import { type Json, type JsonObject, KINDS, type Kind, type Resource } from '../../model/resource.ts';

/** What a `get` found: one resource that was asked for by name, several, or all of a kind. */
export type Found =
  | { readonly is: 'one'; readonly resource: Resource }
  | { readonly is: 'several'; readonly resources: readonly Resource[] }
  | { readonly is: 'list'; readonly kind: Kind; readonly resources: readonly Resource[] };

const CLUSTERS_OWN = new Set(['namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'selfLink']);

/** @param exported without namespace, uid, version and time, as calicoctl's `--export` */
export function documentOf(resource: Resource, exported = false): JsonObject {
  const { kind, apiVersion, metadata, spec, status, ...others } = resource;
  const kept: Record<string, Json> = {};
  for (const [key, value] of Object.entries<Json | undefined>({ ...metadata }))
    if (value !== undefined && !(exported && CLUSTERS_OWN.has(key))) kept[key] = value;
  if (exported) kept.creationTimestamp = null;
  return { kind, apiVersion, metadata: kept, spec, ...others, ...(status === undefined ? {} : { status }) };
}

/** The one value that is printed for a result: a document, a list of documents, or a `...List` document. */
export function printedValue(found: Found, exported = false): Json {
  switch (found.is) {
    case 'one':
      return documentOf(found.resource, exported);
    case 'several':
      return found.resources.map((resource) => documentOf(resource, exported));
    case 'list': {
      const items = found.resources.map((resource) => documentOf(resource, exported));
      return {
        kind: `${found.kind}List`,
        apiVersion: KINDS[found.kind],
        metadata: exported ? {} : versionOf(found.resources),
        items,
      };
    }
    default:
      return found satisfies never;
  }
}

export function resourcesOf(found: Found): readonly Resource[] {
  return found.is === 'one' ? [found.resource] : found.resources;
}

/** The newest version among the resources, where versions are numbers: what a watch could go on from. */
function versionOf(resources: readonly Resource[]): JsonObject {
  let newest = -1;
  for (const { metadata } of resources) {
    const version = Number(metadata.resourceVersion?.split('.')[0]);
    if (Number.isSafeInteger(version) && version > newest) newest = version;
  }
  return newest < 0 ? {} : { resourceVersion: String(newest) };
}
