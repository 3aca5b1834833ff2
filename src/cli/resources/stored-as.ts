/**
 * What is stored of a document that somebody wrote: AS numbers as numbers, an IPPool's defaults, and, for one that
 * is stored already, everything that the document cannot know of it (libcalico-go, clientv3).
 */

import type { DatastoreType } from '../../datastore/datastore.ts';
import { parsePrefix } from '../../model/address.ts';
import { parseAsNumber } from '../../model/as-number.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject, Resource } from '../../model/resource.ts';

const AS_FIELDS = new Set(['asNumber', 'localASNumber']);

/** A document as it is stored. */
export function asStored(resource: Resource, type: DatastoreType): Resource {
  const spec = withNumbers(resource.spec);
  return { ...resource, spec: resource.kind === 'IPPool' && type !== 'etcdv2' ? withDefaults(spec) : spec };
}

/**
 * A document in place of what is stored: labels and annotations are the document's, replacing all; identity, and
 * what only programs write (status, owners, finalizers), stays where the document does not say it.
 * @param version the one to replace; the document's own where it names one
 */
export function inPlaceOf(stored: Resource, document: Resource): Resource {
  const { labels: _labels, annotations: _annotations, ...kept } = stored.metadata;
  const { labels, annotations, ...given } = document.metadata;
  const { uid, creationTimestamp } = stored.metadata;
  return {
    ...stored,
    ...document,
    metadata: {
      ...kept,
      ...given,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
  };
}

/** Text of an AS number becomes the number, dotted too; other text is left for validation to refuse. */
function withNumbers(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, numbersIn(key, value)]));
}

function numbersIn(key: string, value: Json): Json {
  if (AS_FIELDS.has(key) && typeof value === 'string')
    return /^0+$/.test(value) ? 0 : (parseAsNumber(value) ?? value);
  if (isJsonObject(value)) return withNumbers(value);
  if (!Array.isArray(value)) return value;
  const items: readonly Json[] = value;
  return items.map((item) => numbersIn(key, item));
}

/** Those that Calico's client writes into a pool. */
function withDefaults(spec: JsonObject): JsonObject {
  const prefix = typeof spec.cidr === 'string' ? parsePrefix(spec.cidr) : undefined;
  if (prefix === undefined) return spec;
  return {
    vxlanMode: 'Never',
    ipipMode: 'Never',
    blockSize: prefix.includes(':') ? 122 : 26,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
    ...spec,
  };
}
