/**
 * What a watch of etcd v3 knows of the keys it follows, and the changes of resources that changes of keys mean.
 * One key event costs what that key costs; only a reflector, which is made of two keys, is derived from all
 * entries, of which there are as many as reflectors.
 */
import type { Broken, Change, Listing } from '../../model/change.ts';
import type { Problem } from '../../model/problem.ts';
import type { Kind, Resource } from '../../model/resource.ts';
import { trackYielded } from '../difference.ts';
import { joinReflectorEntries, type ReflectorEntry, type ReflectorListing } from '../reflector-entry.ts';
import { trackSettling } from '../settled.ts';
import { decode, nameOfKey } from './decode.ts';
import { PREFIXES, parseKey } from './keys.ts';
import type { WatchedEvent } from './messages.ts';
import type { KeyValue } from './range-message.ts';
import { entryOf } from './reflector-store.ts';

export interface Keyspace {
  /** All keys there are now, at one revision: what changed since this keyspace was last told of anything. */
  replace(kvs: readonly KeyValue[]): Told;
  /** Events in the order of their revisions. */
  apply(events: readonly WatchedEvent[]): Told;
}

export interface Told {
  readonly changes: readonly Change[];
  readonly warnings: readonly Problem[];
  /** Subjects of which a warning was told that holds no more; those of changed resources go without saying. */
  readonly settled: readonly string[];
}

/**
 * The listing that these keys are, of the kinds that they belong to; sorted by kind and name.
 * @param join how entries become reflectors
 */
export function listingOf(
  kvs: readonly KeyValue[],
  join: (entries: readonly ReflectorEntry[]) => ReflectorListing = joinReflectorEntries,
): Listing {
  const resources: Resource[] = [];
  const broken: Broken[] = [];
  const warnings: Problem[] = [];
  const entries: ReflectorEntry[] = [];
  for (const kv of kvs) {
    const parsed = parseKey(kv.key);
    if (parsed === undefined) continue;
    if (parsed.is === 'entry') {
      entries.push(entryOf(kv));
      continue;
    }
    const decoded = decode(parsed, kv);
    if (decoded.is === 'broken') broken.push(decoded.broken);
    else resources.push(decoded.resource);
    if (decoded.is === 'resource' && decoded.warning !== undefined) warnings.push(decoded.warning);
  }
  const reflectors = join(entries);
  return {
    resources: [...resources, ...reflectors.resources].sort(byName),
    broken: [...broken, ...reflectors.broken],
    warnings: [...warnings, ...reflectors.warnings],
  };
}

export function createKeyspace(): Keyspace {
  const yielded = trackYielded();
  const entries = new Map<string, ReflectorEntry>();
  /** Under which name each entry was last whole: one that breaks is broken under that name. */
  const names = new Map<string, string>();
  const settling = trackSettling();

  const join = (): ReflectorListing => {
    const listing = joinReflectorEntries([...entries.values()], names);
    for (const [name, halves] of listing.halves) for (const { entry } of halves) names.set(entry.key, name);
    return listing;
  };

  return {
    replace(kvs) {
      entries.clear();
      for (const kv of kvs) if (parseKey(kv.key)?.is === 'entry') entries.set(kv.key, entryOf(kv));
      for (const key of names.keys()) if (!entries.has(key)) names.delete(key);
      let settled: readonly string[] = [];
      const listing = listingOf(kvs, () => {
        const reflectors = join();
        settled = settling.now('entries', reflectors.warnings);
        return reflectors;
      });
      return { changes: yielded.moveTo(listing), warnings: listing.warnings, settled };
    },
    apply(events) {
      const changes: Change[] = [];
      const warnings: Problem[] = [];
      let settled: readonly string[] = [];
      const note = (change: Change): void => {
        const news = yielded.accept(change);
        if (news !== undefined) changes.push(news);
      };
      let entriesChanged = false;
      for (const { type, kv } of events) {
        const parsed = parseKey(kv.key);
        if (parsed === undefined) continue;
        if (parsed.is === 'entry') {
          entriesChanged = true;
          if (type === 'PUT') entries.set(kv.key, entryOf(kv));
          else {
            entries.delete(kv.key);
            names.delete(kv.key);
          }
        } else if (type === 'DELETE') {
          note({ op: 'delete', ...nameOfKey(parsed) });
        } else {
          const decoded = decode(parsed, kv);
          if (decoded.is === 'broken') note({ op: 'broken', broken: decoded.broken });
          else note({ op: 'put', resource: decoded.resource });
          if (decoded.is === 'resource' && decoded.warning !== undefined) warnings.push(decoded.warning);
        }
      }
      if (entriesChanged) {
        const listing = join();
        changes.push(...yielded.moveTo(listing, ['RouteReflector']));
        warnings.push(...listing.warnings);
        settled = settling.now('entries', listing.warnings);
      }
      return { changes, warnings, settled };
    },
  };
}

/** The prefixes to list and to watch for these kinds, each once. */
export function prefixesOf(kinds: readonly Kind[]): string[] {
  return [...new Set(kinds.flatMap((kind) => PREFIXES[kind]))];
}

function byName(one: Resource, other: Resource): number {
  if (one.kind !== other.kind) return one.kind < other.kind ? -1 : 1;
  if (one.metadata.name === other.metadata.name) return 0;
  return one.metadata.name < other.metadata.name ? -1 : 1;
}
