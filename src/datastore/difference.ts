/**
 * What a watch has told so far, and the true difference between that and a new complete listing.
 *
 * Every home needs it for the same reason: after a gap (a restart, a compacted history, a cut connection) the
 * only safe thing is to list anew. Told as "everything again" that would touch sessions that did not change;
 * told as "everything gone, then back" it would drop them. So a home yields exactly what differs, and a deletion
 * only for what a complete listing no longer holds.
 *
 * Costs: `accept` is proportional to the one change, `moveTo` to the listing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Broken, Change, Listing } from '../model/change.ts';
import { KINDS, type Kind, type Resource } from '../model/resource.ts';

/** The last thing told of one name. */
type Told =
  | { readonly is: 'resource'; readonly resource: Resource }
  | { readonly is: 'broken'; readonly broken: Broken };

export interface Yielded {
  /**
   * Takes `listing` for everything there is now.
   * @returns the changes that lead there from what was told, in order of kind and name; empty where nothing
   * differs. A name that was broken and is gone is a deletion, one that was broken and is whole again a put.
   * Where a listing holds a name both whole and broken, the whole one counts.
   * @param kinds the kinds that the listing is complete for; others are left as they are. Absent: all.
   */
  moveTo(listing: Listing, kinds?: readonly Kind[]): Change[];
  /**
   * Takes one change that the datastore told.
   * @returns it, or undefined where it tells nothing new (a repeated event, the deletion of what was not there)
   */
  accept(change: Change): Change | undefined;
  /** The resource last told of under this name; undefined where there is none or it was broken. */
  resource(kind: Kind, name: string): Resource | undefined;
  /** Whether anything, broken included, was told of under this name. */
  has(kind: Kind, name: string): boolean;
}

export function trackYielded(): Yielded {
  const told = new Map<Kind, Map<string, Told>>();

  const ofKind = (kind: Kind): Map<string, Told> => {
    const known = told.get(kind);
    if (known !== undefined) return known;
    const fresh = new Map<string, Told>();
    told.set(kind, fresh);
    return fresh;
  };

  const accept = (change: Change): Change | undefined => {
    switch (change.op) {
      case 'put': {
        const { kind, metadata } = change.resource;
        const before = ofKind(kind).get(metadata.name);
        if (before?.is === 'resource' && sameResource(before.resource, change.resource)) return undefined;
        ofKind(kind).set(metadata.name, { is: 'resource', resource: change.resource });
        return change;
      }
      case 'broken': {
        const { kind, name } = change.broken;
        const before = ofKind(kind).get(name);
        if (before?.is === 'broken' && isDeepStrictEqual(before.broken, change.broken)) return undefined;
        ofKind(kind).set(name, { is: 'broken', broken: change.broken });
        return change;
      }
      case 'delete':
        return ofKind(change.kind).delete(change.name) ? change : undefined;
      default:
        return change satisfies never;
    }
  };

  return {
    accept,
    moveTo(listing, kinds = kindsInOrder) {
      const now = new Map<Kind, Map<string, Change>>();
      const note = (kind: Kind, name: string, change: Change): void => {
        const names = now.get(kind);
        if (names === undefined) now.set(kind, new Map([[name, change]]));
        else if (!names.has(name)) names.set(name, change);
      };
      for (const resource of listing.resources)
        note(resource.kind, resource.metadata.name, { op: 'put', resource });
      for (const broken of listing.broken) note(broken.kind, broken.name, { op: 'broken', broken });

      const changes: Change[] = [];
      for (const kind of kinds) {
        const names = new Set([...ofKind(kind).keys(), ...(now.get(kind)?.keys() ?? [])]);
        for (const name of [...names].sort()) {
          const change = accept(now.get(kind)?.get(name) ?? { op: 'delete', kind, name });
          if (change !== undefined) changes.push(change);
        }
      }
      return changes;
    },
    resource(kind, name) {
      const known = told.get(kind)?.get(name);
      return known?.is === 'resource' ? known.resource : undefined;
    },
    has: (kind, name) => told.get(kind)?.has(name) ?? false,
  };
}

const kindsInOrder = Object.keys(KINDS).filter((kind): kind is Kind => kind in KINDS);

/**
 * Versions that differ are two states of a resource, whatever they hold: a conditional write needs the newer.
 * Versions that agree are not proof of the contrary: an etcd restored from a backup counts its revisions a second
 * time. So the content is compared too; only a listing pays for it.
 */
function sameResource(one: Resource, other: Resource): boolean {
  const versions = [one.metadata.resourceVersion, other.metadata.resourceVersion];
  if (versions[0] !== undefined && versions[1] !== undefined && versions[0] !== versions[1]) return false;
  return one === other || isDeepStrictEqual(one, other);
}
