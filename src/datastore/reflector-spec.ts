/** The spec and the labels of a RouteReflector, as one or two entries write them. */
import { isJsonObject } from '../model/json.ts';
import type { Json, JsonObject } from '../model/resource.ts';
import type { ReflectorHalf } from './reflector-half.ts';

/** Names of an entry's fields where the resource's spec calls them otherwise. */
export const SPEC_NAME_OF_FIELD: ReadonlyMap<string, string> = new Map([
  ['cluster_id', 'clusterID'],
  ['as_num', 'asNumber'],
]);
export const SPEC_NAME_OF_PEER_FIELD: ReadonlyMap<string, string> = new Map([
  ['as_num', 'asNumber'],
  ['password_ref', 'passwordRef'],
  ['max_prefixes', 'maxPrefixes'],
]);

/** Fields of an entry that do not stand in the spec under their own name. */
const ELSEWHERE = new Set(['ip', 'name', 'labels', 'annotations', 'peers', 'ipv4', 'ipv6']);

/** The spec that one or two halves make together. The IPv4 half counts where both say something. */
export function specOfHalves(halves: readonly ReflectorHalf[]): JsonObject {
  const spec = new Map<string, Json>();
  for (const half of halves) spec.set(half.family === 4 ? 'ipv4' : 'ipv6', half.address);
  for (const half of halves)
    for (const [field, value] of renamed(half.fields, SPEC_NAME_OF_FIELD))
      if (!ELSEWHERE.has(field) && isSet(value) && !spec.has(field)) spec.set(field, value);
  const peers = halves.flatMap(peersOf);
  const distinct = new Map(peers.map((peer) => [JSON.stringify(peer), peer]));
  if (halves.some((half) => isSet(half.fields.peers))) spec.set('peers', [...distinct.values()]);
  return Object.fromEntries(spec);
}

/** A half's peers as the spec shows them. What is no list counts as one peer, for the topology to refuse. */
export function peersOf(half: ReflectorHalf): readonly Json[] {
  const { peers } = half.fields;
  if (!isSet(peers)) return [];
  const list: readonly Json[] = isList(peers) ? peers : [peers];
  return list.map((peer) =>
    isJsonObject(peer) ? Object.fromEntries(renamed(peer, SPEC_NAME_OF_PEER_FIELD)) : peer,
  );
}

/**
 * The members under the spec's names. A member that already carries such a name (copied from a resource's YAML)
 * is taken where the entry's own name is absent.
 */
function renamed(fields: JsonObject, names: ReadonlyMap<string, string>): [string, Json][] {
  const taken = new Set(Object.keys(fields).map((field) => names.get(field)));
  return Object.entries(fields)
    .filter(([field]) => !taken.has(field))
    .map(([field, value]) => [names.get(field) ?? field, value]);
}

/** The image's template left the cluster ID line out for an absent and for an empty value alike. */
export function isSet(value: Json | undefined): value is Exclude<Json, null> {
  return value !== undefined && value !== null && value !== '';
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/**
 * Labels or annotations: those of the IPv4 half where both have some. Numbers and truth values are written out,
 * as one who left out the quotes meant them.
 */
export function textsOf(
  halves: readonly ReflectorHalf[],
  field: 'labels' | 'annotations',
): Readonly<Record<string, string>> | undefined {
  const value = halves.map((half) => half.fields[field]).find(isSet);
  if (!isJsonObject(value)) return undefined;
  const texts = Object.entries(value).filter(([, text]) => text !== null && typeof text !== 'object');
  return Object.fromEntries(texts.map(([key, text]) => [key, String(text)]));
}
