/**
 * The seam between calico-rr and wherever Calico keeps its data. One interface, one contract suite
 * (test/contract/datastore.ts) that every home passes on the real thing.
 *
 * A home hands out resources in Calico's v3 shape and judges only what it must to make one of a stored value.
 * What cannot be made one is `Broken`: named, reported, and no hindrance to the rest.
 */
import type { Change, Gleaning, Listing } from '../model/change.ts';
import type { Problem } from '../model/problem.ts';
import type { JsonObject, Kind, Resource } from '../model/resource.ts';

export type DatastoreType = 'etcdv2' | 'etcdv3' | 'kubernetes' | 'file';

export type WatchEvent =
  /** Everything there is, of all kinds asked for. First, and only once. */
  | ({ readonly type: 'snapshot' } & Listing)
  /** What changed since, in order. After a gap: the true difference, never a made-up deletion. */
  | {
      readonly type: 'changes';
      readonly changes: readonly Change[];
      readonly warnings?: readonly Problem[];
      /** Subjects whose warnings hold no more. */
      readonly settled?: readonly string[];
    }
  /** Told when it turns, so that status can say since when the data may be old. */
  | { readonly type: 'connection'; readonly connected: boolean; readonly reason?: string };

export interface WatchOptions {
  readonly signal: AbortSignal;
}

export interface DeleteOptions {
  /** Delete only this version; else E_CONFLICT. */
  readonly resourceVersion?: string;
}

/** What to keep of a resource; undefined leaves it out. */
export type Keep<Kept> = (resource: Resource) => Kept | undefined;

export interface Datastore {
  readonly type: DatastoreType;
  /** Where it is, for a person: endpoints or a path, never a secret. */
  readonly location: string;

  /** All resources of a kind, sorted by name. A kind that has no home here is an empty list. */
  list(kind: Kind): Promise<Listing>;
  /**
   * As `list`, for homes that read in parts: of each resource only what `keep` makes of it stays in memory, and nothing
   * of those of which it makes undefined. Ask through `glean`.
   */
  glean?<Kept>(kind: Kind, keep: Keep<Kept> | Promise<Keep<Kept>>): Promise<Gleaning<Kept>>;
  /** @throws E_NOT_FOUND, E_INVALID_RESOURCE (stored value broken) */
  get(kind: Kind, name: string): Promise<Resource>;
  /** @throws E_EXISTS, E_READ_ONLY */
  create(resource: Resource): Promise<Resource>;
  /**
   * Replaces a resource whose `metadata.resourceVersion` is still the stored one.
   * @throws E_CONFLICT when it is not, E_NOT_FOUND, E_READ_ONLY
   */
  update(resource: Resource): Promise<Resource>;
  /**
   * JSON merge patch (RFC 7386) of the whole resource, read and written conditionally, retried on conflict.
   * @throws E_NOT_FOUND, E_CONFLICT when others keep winning, E_READ_ONLY
   */
  patch(kind: Kind, name: string, patch: JsonObject): Promise<Resource>;
  /** @throws E_NOT_FOUND, E_CONFLICT, E_READ_ONLY */
  delete(kind: Kind, name: string, options?: DeleteOptions): Promise<void>;

  /**
   * A snapshot, then ordered changes, until `signal` aborts. Never ends by itself and never throws for a
   * datastore that is away: it says `connection`, retries with a bounded wait, and after any gap lists anew and
   * yields the difference to what it last yielded.
   */
  watch(kinds: readonly Kind[], options: WatchOptions): AsyncIterable<WatchEvent>;

  /** @throws E_DATASTORE_UNREACHABLE, E_DATASTORE_AUTH, E_DATASTORE_TLS where a single request gets no answer */
  close(): Promise<void>;
}

/**
 * What `keep` makes of each resource of a kind, at whichever home.
 * @param keep may be on its way still: reading begins meanwhile
 */
export async function glean<Kept>(
  datastore: Datastore,
  kind: Kind,
  keep: Keep<Kept> | Promise<Keep<Kept>>,
): Promise<Gleaning<Kept>> {
  if (datastore.glean !== undefined) return datastore.glean(kind, keep);
  const ready = await keep;
  return gleanFrom(await datastore.list(kind), ready);
}

/** The same of a listing that is there. */
export function gleanFrom<Kept>({ resources, broken }: Listing, keep: Keep<Kept>): Gleaning<Kept> {
  const kept: Kept[] = [];
  for (const resource of resources) {
    const value = keep(resource);
    if (value !== undefined) kept.push(value);
  }
  return { kept, broken };
}
