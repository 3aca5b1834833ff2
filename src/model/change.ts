/** What a datastore holds and how it changes, in the words that the rooms share. */
import type { Problem } from './problem.ts';
import type { Kind, Resource, ResourceKey } from './resource.ts';

/** A stored value of which no resource can be made. */
export interface Broken {
  readonly kind: Kind;
  readonly name: string;
  readonly problem: Problem;
}

export interface Listing {
  readonly resources: readonly Resource[];
  readonly broken: readonly Broken[];
  /** Things to tell about that take nothing away (a stale key, two halves that differ). */
  readonly warnings: readonly Problem[];
}

/** A listing of which only what somebody wanted of each resource is kept. */
export interface Gleaning<Kept> {
  /** In the order of a listing. */
  readonly kept: readonly Kept[];
  readonly broken: readonly Broken[];
}

export type Change =
  | { readonly op: 'put'; readonly resource: Resource }
  | { readonly op: 'delete'; readonly kind: Kind; readonly name: string }
  | { readonly op: 'broken'; readonly broken: Broken };

/** `Kind/name` of what it is about. */
export function keyOfChange(change: Change): ResourceKey {
  switch (change.op) {
    case 'put':
      return `${change.resource.kind}/${change.resource.metadata.name}`;
    case 'delete':
      return `${change.kind}/${change.name}`;
    case 'broken':
      return `${change.broken.kind}/${change.broken.name}`;
    default:
      return change satisfies never;
  }
}
