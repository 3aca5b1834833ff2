/**
 * The watch of Kubernetes: every collection followed by itself, their words joined into one snapshot and then ordered
 * changes. What each collection told is remembered, so that a list after a gap yields the true difference, and so
 * that a heartbeat, which changes a Node's version and nothing that we read, yields nothing. So the version of a
 * resource told here may be older than the stored one; who writes reads first.
 *
 * A collection that the server does not let us see is reported with the RBAC rule to add, and the others go on: seen
 * from the start it counts as empty, lost later it stays as it was told last. One that does not exist is empty.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Broken, Change, Listing } from '../../model/change.ts';
import { messageOf } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';
import { KINDS, type Kind, type Resource } from '../../model/resource.ts';
import type { WatchEvent } from '../datastore.ts';
import { trackYielded } from '../difference.ts';
import { createMailbox } from '../mailbox.ts';
import { pause, retryPause } from '../retry-pause.ts';
import { type Collection, fullName, type Meaning } from './collection.ts';
import { collectionsOf, isCalicoKind } from './collections.ts';
import type { Connection } from './connection.ts';
import type { Discovery } from './discovery.ts';
import { rbacRule, toError } from './failure.ts';
import { follow, type Told } from './follow.ts';
import type { CalicoApiGroup } from './settings.ts';

export async function* watchKubernetes(
  connection: Connection,
  discovery: Discovery,
  kinds: readonly Kind[],
  usePodCidr: boolean,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  let connected: boolean | undefined;
  let failures = 0;
  const state = createState(kinds);
  while (!signal.aborted) {
    let group: CalicoApiGroup;
    try {
      group = kinds.some(isCalicoKind) ? await discovery.calicoGroup(signal) : 'crd.projectcalico.org/v1';
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (connected !== false && failures > 1) {
        connected = false;
        const permission = { verb: 'get', group: '', resource: 'API groups' };
        yield {
          type: 'connection',
          connected,
          reason: toError(error, connection.location, permission).message,
        };
      }
      await pause(retryPause(failures), signal);
      continue;
    }
    const collections = collectionsOf(kinds, group, usePodCidr);
    for await (const event of joinCollections(connection, discovery, group, collections, state, signal)) {
      if (event.type === 'connection') {
        if (event.connected === connected) continue;
        connected = event.connected;
      }
      yield event;
    }
  }
}

type State = ReturnType<typeof createState>;

/** What was told, across a change of the API group. */
function createState(kinds: readonly Kind[]) {
  const asked = new Set(kinds);
  const yielded = new Map<string, Followed>();
  return {
    snapshotTold: false,
    followed(resource: string): Followed {
      const known = yielded.get(resource) ?? createFollowed(asked);
      yielded.set(resource, known);
      return known;
    },
  };
}

/** Ends when `signal` aborts, or when Calico's resources turn out to be in another group. */
async function* joinCollections(
  connection: Connection,
  discovery: Discovery,
  group: CalicoApiGroup,
  collections: readonly Collection[],
  state: State,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, undefined> {
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  const mailbox = createMailbox<{ readonly collection: Collection; readonly told: Told }>();
  const running = collections.map((collection) =>
    follow(connection, collection, until, (told) => mailbox.put({ collection, told })),
  );
  const lost = new Map<Collection, string>();
  const reported = new Set<Collection>();
  const warned = new Map<Collection, Problem>();
  /** Before the snapshot: what there is so far. */
  const gathered = new Map<string, Meaning>();

  try {
    if (collections.length === 0 && !state.snapshotTold) {
      state.snapshotTold = true;
      yield { type: 'connection', connected: true };
      yield { type: 'snapshot', resources: [], broken: [], warnings: [] };
    }
    while (!signal.aborted) {
      const { collection, told } = await mailbox.take(signal);
      const followed = state.followed(collection.resource);
      let changes: readonly Change[] = [];
      let warnings: readonly Problem[] = [];
      let settled: readonly string[] = [];
      switch (told.type) {
        case 'list':
          changes = followed.moveTo(told.objects);
          reported.add(collection);
          lost.delete(collection);
          break;
        case 'events':
          changes = followed.apply(collection, told.events);
          break;
        case 'absent':
          changes = followed.moveTo(new Map());
          reported.add(collection);
          lost.delete(collection);
          if (warned.delete(collection)) settled = [subjectOf(collection)];
          if (collection.kinds.some(isCalicoKind)) {
            discovery.forget();
            if (await hasMoved(discovery, group, until)) return;
          }
          break;
        case 'forbidden': {
          reported.add(collection);
          const problem = forbidden(collection, told);
          if (!isDeepStrictEqual(warned.get(collection), problem)) warnings = [problem];
          warned.set(collection, problem);
          break;
        }
        case 'allowed':
          if (warned.delete(collection)) settled = [subjectOf(collection)];
          break;
        case 'lost':
          lost.set(collection, messageOf(told.error));
          break;
        case 'alive':
          lost.delete(collection);
          break;
        default:
          told satisfies never;
      }
      const [reason] = lost.values();
      if (reason !== undefined) yield { type: 'connection', connected: false, reason };
      else if (reported.size === collections.length) yield { type: 'connection', connected: true };

      if (state.snapshotTold) {
        if (changes.length + warnings.length + settled.length > 0)
          yield { type: 'changes', changes, warnings, settled };
        continue;
      }
      gather(gathered, changes);
      if (reported.size < collections.length) continue;
      state.snapshotTold = true;
      yield { type: 'snapshot', ...listingOf(gathered.values(), [...warned.values()]) };
      gathered.clear();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ending.abort();
    await Promise.all(running);
  }
}

async function hasMoved(discovery: Discovery, group: CalicoApiGroup, signal: AbortSignal): Promise<boolean> {
  try {
    return (await discovery.calicoGroup(signal)) !== group;
  } catch {
    // The followers meet the same failure and tell of it.
    return false;
  }
}

interface Followed {
  /** The changes that lead from what was told of this collection to these objects. */
  moveTo(objects: ReadonlyMap<string, readonly Meaning[]>): Change[];
  apply(
    collection: Collection,
    events: readonly { readonly name: string; readonly meanings: readonly Meaning[] }[],
  ): Change[];
}

function createFollowed(asked: ReadonlySet<Kind>): Followed {
  const yielded = trackYielded();
  /** What each object stood for, where that is not just one thing under its own name. */
  const several = new Map<string, readonly Meaning[]>();

  /** The resource told before where nothing but the version is new. */
  const settledOn = (meaning: Meaning): Meaning => {
    if (meaning.op !== 'put') return meaning;
    const { kind, metadata } = meaning.resource;
    const before = yielded.resource(kind, metadata.name);
    return before !== undefined && saysTheSame(before, meaning.resource)
      ? { op: 'put', resource: before }
      : meaning;
  };
  const wanted = (meanings: readonly Meaning[]): readonly Meaning[] =>
    meanings.filter((meaning) => asked.has(kindOf(meaning))).map(settledOn);

  return {
    moveTo(objects) {
      several.clear();
      const all: Meaning[] = [];
      for (const [name, meanings] of objects) {
        if (meanings.length > 1) several.set(name, meanings);
        all.push(...wanted(meanings));
      }
      return yielded.moveTo(listingOf(all, []));
    },
    apply(collection, events) {
      const changes: Change[] = [];
      const accept = (change: Change): void => {
        const news = yielded.accept(change);
        if (news !== undefined) changes.push(news);
      };
      for (const { name, meanings } of events) {
        const now = new Set(meanings.map(keyOfMeaning));
        const before = several.get(name);
        for (const meaning of before ?? []) {
          if (!now.has(keyOfMeaning(meaning)))
            accept({ op: 'delete', kind: kindOf(meaning), name: nameOf(meaning) });
        }
        if (before === undefined && meanings.length === 0)
          accept({ op: 'delete', kind: collection.kinds[0], name });
        for (const meaning of wanted(meanings)) accept(meaning);
        if (meanings.length > 1) several.set(name, meanings);
        else several.delete(name);
      }
      return changes;
    },
  };
}

/** Whether two states of a resource differ in nothing but their version. */
function saysTheSame(one: Resource, other: Resource): boolean {
  if (one.metadata.resourceVersion === other.metadata.resourceVersion) return isDeepStrictEqual(one, other);
  const { resourceVersion: _one, ...metadata } = one.metadata;
  const { resourceVersion: _other, ...otherMetadata } = other.metadata;
  return (
    isDeepStrictEqual(metadata, otherMetadata) &&
    isDeepStrictEqual(one.spec, other.spec) &&
    isDeepStrictEqual(one.status, other.status)
  );
}

function subjectOf(collection: Collection): string {
  return `permission/${fullName(collection)}`;
}

function forbidden(collection: Collection, told: Extract<Told, { readonly type: 'forbidden' }>): Problem {
  return {
    code: 'no-permission',
    severity: 'error',
    subject: subjectOf(collection),
    message: `${collection.kinds.join(' and ')} cannot be read: ${told.message}`,
    hint: `Add this rule to the role of that user: ${rbacRule(told.permission, ['list', 'watch'])}`,
  };
}

function gather(gathered: Map<string, Meaning>, changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.op === 'delete') gathered.delete(`${change.kind}/${change.name}`);
    else gathered.set(keyOfMeaning(change), change);
  }
}

const ORDER = Object.keys(KINDS);

function listingOf(meanings: Iterable<Meaning>, warnings: readonly Problem[]): Listing {
  const resources: Resource[] = [];
  const broken: Broken[] = [];
  for (const meaning of meanings) {
    if (meaning.op === 'put') resources.push(meaning.resource);
    else broken.push(meaning.broken);
  }
  const rank = (kind: Kind): number => ORDER.indexOf(kind);
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  resources.sort((a, b) => rank(a.kind) - rank(b.kind) || byName(a.metadata.name, b.metadata.name));
  broken.sort((a, b) => rank(a.kind) - rank(b.kind) || byName(a.name, b.name));
  return { resources, broken, warnings };
}

function kindOf(meaning: Meaning): Kind {
  return meaning.op === 'put' ? meaning.resource.kind : meaning.broken.kind;
}

function nameOf(meaning: Meaning): string {
  return meaning.op === 'put' ? meaning.resource.metadata.name : meaning.broken.name;
}

function keyOfMeaning(meaning: Meaning): string {
  return `${kindOf(meaning)}/${nameOf(meaning)}`;
}
