/**
 * What an API server keeps: objects under versions that count every write of the whole store, and the history of
 * their changes until it is forgotten. In memory; plays the part of etcd and of the watch cache before it.
 */
import type { JsonObject } from '../../../src/model/resource.ts';

export interface StoredEvent {
  readonly version: number;
  readonly key: string;
  /** Null: deleted. */
  readonly object: JsonObject | null;
  /** Null: it was not there. */
  readonly before: JsonObject | null;
}

/** Events that a collection remembers; older ones are forgotten as if compacted. */
const REMEMBERED = 20_000;

export interface Store {
  /** Of the last write, of whatever collection. */
  readonly version: number;
  get(collection: string, key: string): JsonObject | undefined;
  /** In order of keys. @returns undefined where that version is forgotten */
  list(collection: string, version?: number): readonly JsonObject[] | undefined;
  /** `make` is given the version that the object will carry. */
  put(collection: string, key: string, make: (version: number) => JsonObject): JsonObject;
  /** @returns what was there, with the version of the deletion */
  delete(
    collection: string,
    key: string,
    make: (object: JsonObject, version: number) => JsonObject,
  ): JsonObject;
  /** @returns undefined where that version is forgotten */
  eventsSince(collection: string, version: number): readonly StoredEvent[] | undefined;
  onEvent(collection: string, listener: (event: StoredEvent) => void): () => void;
  /** Of the last write of this collection, or of when the server started. */
  cacheVersion(collection: string): number;
  /** Forgets all history: versions before now cannot be listed or watched any more. */
  compact(): void;
  /** The watch cache starts empty: nothing before now can be watched. */
  restartCache(): void;
  /** As an etcd restored from a backup: counts from `version` on and has only what was written up to it. */
  setBack(version: number): void;
  removeCollection(collection: string): void;
  clear(): void;
}

interface Collection {
  /** As of `floor`. */
  base: Map<string, JsonObject>;
  floor: number;
  events: StoredEvent[];
  readonly now: Map<string, JsonObject>;
  readonly listeners: Set<(event: StoredEvent) => void>;
}

export function createStore(firstVersion = 1): Store {
  let version = firstVersion;
  let cacheStart = version;
  const collections = new Map<string, Collection>();

  const collectionOf = (name: string): Collection => {
    const known = collections.get(name);
    if (known !== undefined) return known;
    const fresh: Collection = {
      base: new Map(),
      floor: 0,
      events: [],
      now: new Map(),
      listeners: new Set(),
    };
    collections.set(name, fresh);
    return fresh;
  };
  const record = (collection: Collection, event: StoredEvent): void => {
    collection.events.push(event);
    if (collection.events.length > REMEMBERED * 2) forget(collection, REMEMBERED);
    for (const listener of collection.listeners) listener(event);
  };
  const forget = (collection: Collection, keep: number): void => {
    const gone = collection.events.splice(0, collection.events.length - keep);
    apply(collection.base, gone);
    collection.floor = Math.max(collection.floor, gone.at(-1)?.version ?? 0);
  };
  const cacheVersion = (name: string): number =>
    Math.max(cacheStart, collectionOf(name).events.at(-1)?.version ?? 0);

  return {
    get version() {
      return version;
    },
    get: (name, key) => collectionOf(name).now.get(key),
    list(name, at = version) {
      const collection = collectionOf(name);
      if (at < collection.floor) return undefined;
      const state = at >= version ? collection.now : new Map(collection.base);
      if (at < version)
        apply(
          state,
          collection.events.filter((event) => event.version <= at),
        );
      return [...state.keys()]
        .sort()
        .map((key) => state.get(key))
        .filter((object) => object !== undefined);
    },
    put(name, key, make) {
      const collection = collectionOf(name);
      const before = collection.now.get(key) ?? null;
      version += 1;
      const object = make(version);
      collection.now.set(key, object);
      record(collection, { version, key, object, before });
      return object;
    },
    delete(name, key, make) {
      const collection = collectionOf(name);
      const before = collection.now.get(key);
      if (before === undefined) throw new Error(`${name} has no ${key}`);
      version += 1;
      const gone = make(before, version);
      collection.now.delete(key);
      record(collection, { version, key, object: null, before: gone });
      return gone;
    },
    eventsSince(name, since) {
      const collection = collectionOf(name);
      if (since < cacheStart || since < collection.floor) return undefined;
      return collection.events.filter((event) => event.version > since);
    },
    onEvent(name, listener) {
      const { listeners } = collectionOf(name);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    cacheVersion,
    compact() {
      version += 1;
      for (const collection of collections.values()) {
        forget(collection, 0);
        collection.floor = version;
      }
      cacheStart = version;
    },
    restartCache() {
      cacheStart = version;
    },
    setBack(to) {
      version = to;
      cacheStart = to;
      for (const collection of collections.values()) {
        collection.events = collection.events.filter((event) => event.version <= to);
        collection.now.clear();
        for (const [key, object] of collection.base) collection.now.set(key, object);
        apply(collection.now, collection.events);
      }
    },
    removeCollection(name) {
      collections.delete(name);
    },
    clear() {
      for (const [name, collection] of collections) {
        for (const key of collection.now.keys()) this.delete(name, key, (object) => object);
      }
    },
  };
}

function apply(state: Map<string, JsonObject>, events: readonly StoredEvent[]): void {
  for (const { key, object } of events) {
    if (object === null) state.delete(key);
    else state.set(key, object);
  }
}
