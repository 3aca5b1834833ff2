/**
 * What a watch (or one list) knows of etcd v2's keys, and the changes of resources that follow from changes of keys.
 *
 * A key that changed makes its resource due to be read again; nothing else is read. Due resources are gathered
 * until they are taken, so that several keys of one resource written one after the other are one change.
 * Listing anew goes the same way: only the keys that differ from what is known make anything due.
 */
import type { Broken, Change, Listing } from '../../model/change.ts';
import type { Problem } from '../../model/problem.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import { trackYielded } from '../difference.ts';
import { joinReflectorEntries, type ReflectorEntry, type ReflectorListing } from '../reflector-entry.ts';
import { trackSettling } from '../settled.ts';
import { BGP, keyOfPath, type Owner, ownerOf } from './keys.ts';
import { readOwner } from './read.ts';
import type { V2Event, V2Node } from './reply.ts';
import { applyEvent, type Directory, emptyTree, leafAt, namesBelow, replaceAt } from './tree.ts';

export interface Changes {
  readonly changes: readonly Change[];
  /** Warnings that were not told before. */
  readonly warnings: readonly Problem[];
  /** Subjects of which a warning was told that holds no more. */
  readonly settled: readonly string[];
}

export interface Keyspace {
  /** Makes what is below `path` what was listed there. */
  replace(path: readonly string[], node: V2Node | undefined): void;
  apply(event: V2Event): void;
  /** What is due: nothing, only resources of one key, or some that are stored in several keys. */
  readonly due: 'nothing' | 'whole' | 'parts';
  /** Reads what is due. */
  take(): Changes;
}

/** Kinds whose resources are several keys, written one after the other. */
const OF_SEVERAL_KEYS: ReadonlySet<Kind> = new Set(['Node', 'BGPConfiguration', 'RouteReflector']);

export function createKeyspace(kinds: readonly Kind[]): Keyspace {
  const tree = emptyTree();
  const wanted = new Set(kinds);
  const told = trackYielded();
  const due = new Map<string, Owner>();
  const warned = new Map<string, string>();
  const settling = trackSettling();
  /** The name of the reflector that each entry was last a part of. */
  const reflectorNames = new Map<string, string>();

  const touched = (path: readonly string[]): void => {
    const owner = ownerOf(path);
    if (owner !== undefined && wanted.has(owner.kind)) due.set(`${owner.kind}/${owner.name}`, owner);
  };

  const news = (about: string, warnings: readonly Problem[]): Pick<Changes, 'warnings' | 'settled'> => {
    const text = warnings.length === 0 ? undefined : JSON.stringify(warnings);
    if (warned.get(about) === text) return { warnings: [], settled: [] };
    if (text === undefined) warned.delete(about);
    else warned.set(about, text);
    return { warnings, settled: settling.now(about, warnings) };
  };

  const takeOne = (owner: Owner): Changes => {
    const { kind, name } = owner;
    const read = readOwner(tree, owner);
    const change: Change =
      read === undefined
        ? { op: 'delete', kind, name }
        : read.is === 'broken'
          ? { op: 'broken', broken: read.broken }
          : { op: 'put', resource: read.resource };
    const accepted = told.accept(change);
    return {
      changes: accepted === undefined ? [] : [accepted],
      ...news(`${kind}/${name}`, read?.is === 'resource' ? read.warnings : []),
    };
  };

  const takeReflectors = (): Changes => {
    const before = new Set(reflectorNames.values());
    const listing = readReflectors(tree, reflectorNames);
    reflectorNames.clear();
    for (const [name, entries] of listing.entries)
      for (const { key } of entries) reflectorNames.set(key, name);
    const changes: Change[] = [];
    for (const name of before)
      if (!listing.entries.has(name)) changes.push({ op: 'delete', kind: 'RouteReflector', name });
    for (const resource of listing.resources) changes.push({ op: 'put', resource });
    for (const broken of listing.broken) changes.push({ op: 'broken', broken });
    return {
      changes: changes.map((change) => told.accept(change)).filter((change) => change !== undefined),
      ...news('RouteReflector', listing.warnings),
    };
  };

  return {
    replace: (path, node) => replaceAt(tree, path, node, touched),
    apply: (event) => applyEvent(tree, event, touched),
    get due() {
      if (due.size === 0) return 'nothing';
      for (const owner of due.values()) if (OF_SEVERAL_KEYS.has(owner.kind)) return 'parts';
      return 'whole';
    },
    take() {
      const owners = [...due.values()];
      due.clear();
      const changes: Change[] = [];
      const warnings: Problem[] = [];
      const settled: string[] = [];
      for (const owner of owners) {
        const taken = owner.kind === 'RouteReflector' ? takeReflectors() : takeOne(owner);
        changes.push(...taken.changes);
        warnings.push(...taken.warnings);
        settled.push(...taken.settled);
      }
      return { changes, warnings, settled };
    },
  };
}

/** A first `take` as the listing that it is, sorted by kind and name. */
export function listingOf({ changes, warnings }: Omit<Changes, 'settled'>): Listing {
  const resources: Resource[] = [];
  const broken: Broken[] = [];
  for (const change of changes) {
    if (change.op === 'put') resources.push(change.resource);
    if (change.op === 'broken') broken.push(change.broken);
  }
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  resources.sort((a, b) => order(a.kind, b.kind) || order(a.metadata.name, b.metadata.name));
  broken.sort((a, b) => order(a.kind, b.kind) || order(a.name, b.name));
  return { resources, broken, warnings };
}

/** All reflectors that the tree holds. */
export function readReflectors(tree: Directory, knownNames?: ReadonlyMap<string, string>): ReflectorListing {
  const entries: ReflectorEntry[] = [];
  for (const directory of ['rr_v4', 'rr_v6'])
    for (const address of namesBelow(tree, [...BGP, directory])) {
      const path = [...BGP, directory, address];
      const leaf = leafAt(tree, path);
      if (leaf !== undefined)
        entries.push({ key: keyOfPath(path), value: leaf.value, revision: leaf.modifiedIndex });
    }
  return joinReflectorEntries(entries, knownNames);
}
