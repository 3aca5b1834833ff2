/**
 * A collection of the API server and what its objects mean to us: one of Calico's kinds, mostly. Core Nodes with
 * USE_POD_CIDR are two: the Node and the blocks that are its pod CIDRs.
 */
import type { Change } from '../../model/change.ts';
import { isJsonObject } from '../../model/json.ts';
import type { JsonObject, Kind } from '../../model/resource.ts';

/** What one object stands for. */
export type Meaning = Exclude<Change, { readonly op: 'delete' }>;

/** Objects of one resource, or one of them, that can be listed and watched. */
export interface ApiCollection<Meant> {
  readonly group: string;
  /** `nodes`, `bgppeers`. */
  readonly resource: string;
  /** `/api/v1/nodes`. */
  readonly path: string;
  /** Asks for less than the whole object. */
  readonly acceptList?: string;
  readonly acceptObject?: string;
  /** `metadata.name=NAME` where one object is all that is asked for. */
  readonly fieldSelector?: string;
  /** Of all namespaces: an object is called `NAMESPACE/NAME`. */
  readonly namespaced?: true;
  /** Never throws: what cannot be understood is `broken`. */
  decode(object: JsonObject): readonly Meant[];
}

export interface Collection extends ApiCollection<Meaning> {
  /** The kinds that its objects become; deleting an object deletes one of the first kind under its name. */
  readonly kinds: readonly [Kind, ...Kind[]];
}

/** `nodes` or `bgppeers.crd.projectcalico.org`, as kubectl names them. */
export function fullName({ group, resource }: Pick<Collection, 'group' | 'resource'>): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** What an object of this collection is called: its name, or `NAMESPACE/NAME`. */
export function nameIn(collection: Pick<Collection, 'namespaced'>, object: JsonObject): string {
  const { name } = identityOf(object);
  if (collection.namespaced !== true) return name;
  const { namespace } = isJsonObject(object.metadata) ? object.metadata : {};
  return `${typeof namespace === 'string' ? namespace : ''}/${name}`;
}

/** Name and version of any object of the API. */
export function identityOf(object: JsonObject): { readonly name: string; readonly version: string } {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const { name, resourceVersion } = metadata;
  return {
    name: typeof name === 'string' ? name : '',
    version: typeof resourceVersion === 'string' ? resourceVersion : '',
  };
}
