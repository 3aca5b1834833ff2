/** Whether two states of a resource say the same: versions and times aside, and `{}` the same as nothing. */
import { isDeepStrictEqual } from 'node:util';
import { isJsonObject } from '../../model/json.ts';
import type { Json, Resource } from '../../model/resource.ts';
import { documentOf } from './listed.ts';

export function sameContent(one: Resource, other: Resource): boolean {
  return isDeepStrictEqual(withoutEmpty(documentOf(one, true)), withoutEmpty(documentOf(other, true)));
}

function withoutEmpty(value: Json): Json {
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(([, inner]) => inner !== null && !(isJsonObject(inner) && Object.keys(inner).length === 0));
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
