/** The pieces that every write of etcd v2 is made of, and how it is refused. */
import { CalicoRrError } from '../../model/errors.ts';
import { type Json, type JsonObject, keyOf, type Resource } from '../../model/resource.ts';
import type { KeyWrite } from '../reflector-entry-write.ts';
import { keyOfPath } from './keys.ts';
import { type Directory, leafAt } from './tree.ts';

/** One key made to hold `value`, or nothing where it is undefined. */
export function planValue(
  tree: Directory,
  path: readonly string[],
  value: string | undefined,
): readonly KeyWrite[] {
  const leaf = leafAt(tree, path);
  if (leaf?.value === value) return [];
  return [{ key: keyOfPath(path), value, revision: leaf?.modifiedIndex }];
}

/** Numbers and texts as etcd v2 keeps them; undefined where nothing is set. */
export function textOf(resource: Resource, value: Json | undefined, field: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw refused(resource, `${field} is ${JSON.stringify(value)}, neither text nor a number.`);
}

/** The spec, when it and the metadata have nothing but what has a key. */
export function onlyFields(resource: Resource, fields: readonly string[]): JsonObject {
  const { labels = {}, annotations = {} } = resource.metadata;
  onlyNamed(resource, labels, [], 'metadata.labels');
  onlyNamed(resource, annotations, [], 'metadata.annotations');
  onlyNamed(resource, resource.status ?? {}, [], 'status');
  onlyNamed(resource, resource.spec, fields, 'spec');
  return resource.spec;
}

export function onlyNamed(
  resource: Resource,
  object: JsonObject,
  names: readonly string[],
  where: string,
): void {
  for (const [name, value] of Object.entries(object))
    if (value !== null && !names.includes(name))
      throw refused(
        resource,
        `etcd v2 has no key for ${where}.${name}, and Calico's nodes of this era would not obey it.`,
        'Leave it out, or move to a datastore of Calico v3.',
      );
}

export function refused(resource: Resource, message: string, hint?: string): CalicoRrError {
  return new CalicoRrError(
    'E_INVALID_RESOURCE',
    `${keyOf(resource)}: ${message}`,
    hint === undefined ? {} : { hint },
  );
}
