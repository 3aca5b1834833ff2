/**
 * The routes of one family: what every peer told (Adj-RIB-In), by peer and by prefix, and the one that is used
 * (Loc-RIB), which is chosen when it is asked for. A route is a number into arrays; it stands in two lists, that of
 * its prefix and that of its peer. Prefixes of which something changed are collected until the update groups
 * have looked at them.
 *
 * Add-path (RFC 7911). A peer may tell several routes to one prefix, apart by its path identifiers. What we tell of
 * several routes is numbered by the number of the route, so a number stays while its route does. As long as somebody is
 * told routes by number, the number of a route that went is not used for another one before all of them know.
 */
import type { Family } from '../../../bgp/index.ts';
import type { AttributeSet, AttributeSets } from './attribute-sets.ts';
import { type Candidate, chooseRoute, type ToldBy } from './decision.ts';
import { createPrefixTable, type PrefixTable } from './prefix-table.ts';
import type { ToldTable } from './told-table.ts';

/** A peer as the routes know it: it outlives the session while its routes are stale. */
export interface Source extends ToldBy {
  /** Small number, unique within the RIB. */
  readonly index: number;
  readonly name: string;
  /** RFC 4456: reflected to everybody. */
  readonly client: boolean;
  /** A fellow reflector: not the edge of the tier. */
  readonly fellow: boolean;
}

/** A route with its number in the RIB. */
export interface NumberedRoute {
  readonly route: number;
  readonly source: Source;
  readonly attributes: AttributeSet;
}

/** How a route of a peer stands. */
export type RouteState = 'fresh' | 'stale' | 'long-lived-stale';

export interface Rib {
  readonly family: Family;
  readonly prefixes: PrefixTable;
  readonly sets: AttributeSets;
  /** Number of routes of all peers. */
  readonly routes: number;
  /** A peer that may tell routes; `index` is free again after `removeSource`. */
  addSource(make: (index: number) => Source): Source;
  /** Changes what is compared (a new BGP Identifier after a restart). The index stays. */
  replaceSource(source: Source): void;
  /** Forgets a peer and all that it told. */
  removeSource(index: number): void;
  sourceAt(index: number): Source | undefined;
  /**
   * A peer's route, new or in the place of its old one, fresh. Takes over the reference to `received`.
   * @param used what counts for the decision after import policy, with a reference of its own; null: rejected
   * @param pathId the peer's identifier of this path (RFC 7911); 0 where it sends none
   */
  put(
    source: number,
    prefix: number,
    received: AttributeSet,
    used: AttributeSet | null,
    pathId?: number,
  ): void;
  /** @returns whether there was one */
  remove(source: number, prefix: number, pathId?: number): boolean;
  /** Whether the peer's route to the prefix, by this path, was not rejected; null: there is none. */
  accepted(source: number, prefix: number, pathId?: number): boolean | null;
  /** Whether the peer has any route to the prefix, by whatever path. */
  tells(source: number, prefix: number): boolean;
  /**
   * Judges every route of a peer anew, or those to one prefix: `judge` returns what is used from now on, with a reference;
   * null: rejected. It is told whether the route is accepted as it stands.
   */
  review(
    source: number,
    judge: (prefix: number, received: AttributeSet, accepted: boolean) => AttributeSet | null,
    only?: number,
  ): void;
  /** Marks all routes of a peer as stale (RFC 4724 section 4.2). */
  markStale(source: number): void;
  /** Removes what is stale still, once the peer has told all (End-of-RIB), or its time is over; up to `most` routes. */
  sweep(source: number, most?: number): void;
  /**
   * What is stale becomes long-lived stale (RFC 9494 section 4.2): `mark` returns the set with LLGR_STALE and a
   * reference, or null where the route must go (NO_LLGR).
   */
  prolong(source: number, mark: (used: AttributeSet) => AttributeSet | null): void;
  /** Routes of a peer that were accepted. */
  acceptedCount(source: number): number;
  /** Routes of a peer that are stale. */
  staleCount(source: number): number;
  /** A prefix that got a number and then no route: the number may be freed. */
  abandon(prefix: number): void;
  /** Routes that were accepted, rejected by policy, and are stale in either way. */
  countsOf(source: number): { readonly accepted: number; readonly rejected: number; readonly stale: number };
  /** Calls for each route of a peer. */
  forEachOf(source: number, visit: (prefix: number, received: AttributeSet, accepted: boolean) => void): void;
  /** The route that is used. */
  best(prefix: number): NumberedRoute | undefined;
  /**
   * Calls for each number that a route to the prefix has or had: `attributes` is null where the route is gone or
   * rejected, so that nobody may be told it.
   */
  forEachPath(
    prefix: number,
    visit: (route: number, source: Source | undefined, attributes: AttributeSet | null) => void,
  ): void;
  /** Of several routes the better one by the decision process; -1 of none. */
  choose(routes: readonly NumberedRoute[]): number;
  /** Routes as they are told by number. */
  readonly paths: ToldTable;
  /** Whether somebody is told routes by number. Until then, a number is free as soon as its route is gone. */
  tellByNumber(told: boolean): void;
  /** Routes that are gone and whose numbers are not free yet. */
  readonly gone: number;
  /** Frees the numbers of routes that are gone for which `unneeded` says so. */
  freePaths(unneeded: (route: number) => boolean): void;
  /** All routes to a prefix, rejected ones too, for people. */
  routesOf(prefix: number): readonly {
    readonly route: number;
    readonly pathId: number;
    readonly source: Source;
    readonly received: AttributeSet;
    readonly used: AttributeSet | null;
    readonly state: RouteState;
  }[];
  /** Number of prefixes that changed and were not taken yet. */
  readonly changed: number;
  /** Up to `most` changed prefixes, which count as unchanged from now on. */
  takeChanged(most: number): Int32Array;
  /** All prefixes count as changed (a policy did). */
  changeAll(): void;
  /** Prefixes without any route, whose numbers are not free yet: nobody may need them any more. */
  readonly empty: number;
  /**
   * Frees the numbers of prefixes without routes for which `unneeded` says so: looks at up to `most` of them, and next time
   * at those after them.
   * @returns whether that was the last of them
   */
  freeEmpty(unneeded: (prefix: number) => boolean, most: number): boolean;
}

const NONE = -1;
const STALE = 1;
const LONG_LIVED = 2;
/** The route is gone; its number is kept until nobody needs it. */
const GONE = 3;

/** The path identifier by which a route is told. Never 0: who reads a log should not take it for "none". */
export function pathIdTold(route: number): number {
  return route + 1;
}

/** Growing arrays by route number and by prefix number. */
function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(Math.max(length, array.length * 2)).fill(NONE);
  longer.set(array);
  return longer;
}

export function createRib(family: Family, sets: AttributeSets): Rib {
  const prefixes = createPrefixTable(family);
  const sources: (Source | undefined)[] = [];
  /** First route of each prefix, and of each peer. */
  let firstOfPrefix = new Int32Array(1024).fill(NONE);
  const firstOfSource: number[] = [];
  // By route.
  let prefixOf = new Int32Array(1024).fill(NONE);
  let sourceOf = new Int32Array(1024).fill(NONE);
  let nextOfPrefix = new Int32Array(1024).fill(NONE);
  let nextOfSource = new Int32Array(1024).fill(NONE);
  let beforeOfSource = new Int32Array(1024).fill(NONE);
  let flags = new Uint8Array(1024);
  const received: (AttributeSet | undefined)[] = [];
  const used: (AttributeSet | null)[] = [];
  const freed: number[] = [];
  /** Path identifiers by route; null as long as no peer sends any. */
  let pathIds: Uint32Array<ArrayBuffer> | null = null;
  let toldByNumber = false;
  /** Numbers of routes that are gone and not free. */
  const goneRoutes = new Set<number>();
  let bound = 0;
  let routes = 0;
  // By source.
  const acceptedOf: number[] = [];
  const rejectedOf: number[] = [];
  const staleOf: number[] = [];

  let changedList = new Int32Array(1024);
  let changedCount = 0;
  let isChanged = new Uint8Array(1024);
  const emptyPrefixes: number[] = [];
  /** Of these, so many were looked at since the beginning, and so many had to be kept, which stand first. */
  let emptySeen = 0;
  let emptyKept = 0;
  let isEmpty = new Uint8Array(1024);

  function change(prefix: number): void {
    if (prefix >= isChanged.length) {
      const longer = new Uint8Array(Math.max(prefix + 1, isChanged.length * 2));
      longer.set(isChanged);
      isChanged = longer;
    }
    if (isChanged[prefix] === 1) return;
    isChanged[prefix] = 1;
    if (changedCount === changedList.length) changedList = grown(changedList, changedCount + 1);
    changedList[changedCount++] = prefix;
  }

  /** The number of a peer's route, also of one that is gone. */
  function findNumber(source: number, prefix: number, pathId: number): number {
    if (prefix >= firstOfPrefix.length) return NONE;
    let route = firstOfPrefix[prefix] ?? NONE;
    while (route !== NONE && (sourceOf[route] !== source || pathIdOf(route) !== pathId)) {
      route = nextOfPrefix[route] ?? NONE;
    }
    return route;
  }

  function find(source: number, prefix: number, pathId: number): number {
    const route = findNumber(source, prefix, pathId);
    return route !== NONE && flags[route] === GONE ? NONE : route;
  }

  function pathIdOf(route: number): number {
    return pathIds === null ? 0 : (pathIds[route] ?? 0);
  }

  function setPathId(route: number, pathId: number): void {
    if (pathIds === null) {
      if (pathId === 0) return;
      pathIds = new Uint32Array(prefixOf.length);
    }
    if (route >= pathIds.length) {
      const longer = new Uint32Array(prefixOf.length);
      longer.set(pathIds);
      pathIds = longer;
    }
    pathIds[route] = pathId;
  }

  function add(source: number, prefix: number, pathId: number): number {
    if (goneRoutes.size > 0) {
      // It is back before all were told that it went: the same route under the same number.
      const gone = findNumber(source, prefix, pathId);
      if (gone !== NONE) {
        goneRoutes.delete(gone);
        linkToSource(gone, source);
        flags[gone] = 0;
        routes++;
        return gone;
      }
    }
    const route = freed.pop() ?? bound++;
    if (route >= prefixOf.length) {
      const length = route + 1;
      prefixOf = grown(prefixOf, length);
      sourceOf = grown(sourceOf, length);
      nextOfPrefix = grown(nextOfPrefix, length);
      nextOfSource = grown(nextOfSource, length);
      beforeOfSource = grown(beforeOfSource, length);
      const longer = new Uint8Array(prefixOf.length);
      longer.set(flags);
      flags = longer;
    }
    if (prefix >= firstOfPrefix.length) firstOfPrefix = grown(firstOfPrefix, prefix + 1);
    prefixOf[route] = prefix;
    sourceOf[route] = source;
    nextOfPrefix[route] = firstOfPrefix[prefix] ?? NONE;
    firstOfPrefix[prefix] = route;
    linkToSource(route, source);
    setPathId(route, pathId);
    flags[route] = 0;
    routes++;
    return route;
  }

  function linkToSource(route: number, source: number): void {
    const first = firstOfSource[source] ?? NONE;
    nextOfSource[route] = first;
    beforeOfSource[route] = NONE;
    if (first !== NONE) beforeOfSource[first] = route;
    firstOfSource[source] = route;
  }

  function setUsed(route: number, source: number, next: AttributeSet | null): void {
    const list = next === null ? rejectedOf : acceptedOf;
    list[source] = (list[source] ?? 0) + 1;
    used[route] = next;
  }

  /** Takes a route's sets away; it is about to get others or to go. */
  function clearSets(route: number, source: number): void {
    const before = received[route];
    const was = used[route] ?? null;
    if (before !== undefined) {
      const list = was === null ? rejectedOf : acceptedOf;
      list[source] = (list[source] ?? 0) - 1;
      sets.release(before);
    }
    if (was !== null) sets.release(was);
    received[route] = undefined;
    used[route] = null;
  }

  function setFlags(route: number, source: number, next: number): void {
    const was = flags[route] ?? 0;
    if (was === 0 && next !== 0) staleOf[source] = (staleOf[source] ?? 0) + 1;
    if (was !== 0 && next === 0) staleOf[source] = (staleOf[source] ?? 0) - 1;
    flags[route] = next;
  }

  function drop(route: number): void {
    const prefix = prefixOf[route] ?? NONE;
    const source = sourceOf[route] ?? NONE;
    if (used[route] !== null) change(prefix);
    clearSets(route, source);
    setFlags(route, source, 0);
    const after = nextOfSource[route] ?? NONE;
    const before = beforeOfSource[route] ?? NONE;
    if (before === NONE) firstOfSource[source] = after;
    else nextOfSource[before] = after;
    if (after !== NONE) beforeOfSource[after] = before;
    routes--;
    if (toldByNumber) {
      flags[route] = GONE;
      goneRoutes.add(route);
    } else freeNumber(route);
  }

  function freeNumber(route: number): void {
    const prefix = prefixOf[route] ?? NONE;
    const next = nextOfPrefix[route] ?? NONE;
    let at = firstOfPrefix[prefix] ?? NONE;
    if (at === route) firstOfPrefix[prefix] = next;
    else {
      while (at !== NONE && nextOfPrefix[at] !== route) at = nextOfPrefix[at] ?? NONE;
      if (at !== NONE) nextOfPrefix[at] = next;
    }
    prefixOf[route] = NONE;
    sourceOf[route] = NONE;
    flags[route] = 0;
    freed.push(route);
    abandon(prefix);
  }

  function abandon(prefix: number): void {
    if ((firstOfPrefix[prefix] ?? NONE) !== NONE) return;
    if (prefix >= isEmpty.length) {
      const longer = new Uint8Array(Math.max(prefix + 1, isEmpty.length * 2));
      longer.set(isEmpty);
      isEmpty = longer;
    }
    if (isEmpty[prefix] === 1) return;
    isEmpty[prefix] = 1;
    emptyPrefixes.push(prefix);
  }

  /** Each route of a peer; `visit` may drop the one that it is given. */
  function forEachRoute(source: number, visit: (route: number) => void): void {
    let route = firstOfSource[source] ?? NONE;
    while (route !== NONE) {
      const next = nextOfSource[route] ?? NONE;
      visit(route);
      route = next;
    }
  }

  function best(prefix: number): NumberedRoute | undefined {
    let route = firstOfPrefix[prefix] ?? NONE;
    let only = NONE;
    for (; route !== NONE; route = nextOfPrefix[route] ?? NONE) {
      // Also of what is gone.
      if (used[route] === null) continue;
      if (only !== NONE) return bestOfMany(prefix);
      only = route;
    }
    return numbered(only);
  }

  function numbered(route: number): NumberedRoute | undefined {
    const attributes = used[route];
    const source = sources[sourceOf[route] ?? NONE];
    return attributes == null || source === undefined ? undefined : { route, source, attributes };
  }

  function bestOfMany(prefix: number): NumberedRoute | undefined {
    const list: NumberedRoute[] = [];
    for (let route = firstOfPrefix[prefix] ?? NONE; route !== NONE; route = nextOfPrefix[route] ?? NONE) {
      const one = numbered(route);
      if (one !== undefined) list.push(one);
    }
    return list[choose(list)];
  }

  function choose(list: readonly NumberedRoute[]): number {
    return chooseRoute(
      list.map(({ route, source, attributes }): Candidate => {
        return { attributes, from: source, pathId: pathIdOf(route) };
      }),
    );
  }

  return {
    family,
    prefixes,
    sets,
    get routes() {
      return routes;
    },
    addSource(make) {
      let index = sources.indexOf(undefined);
      if (index < 0) index = sources.length;
      const source = make(index);
      sources[index] = source;
      firstOfSource[index] = NONE;
      acceptedOf[index] = rejectedOf[index] = staleOf[index] = 0;
      return source;
    },
    replaceSource(source) {
      const before = sources[source.index];
      sources[source.index] = source;
      if (before?.routerId === source.routerId) return;
      forEachRoute(source.index, (route) => change(prefixOf[route] ?? NONE));
    },
    removeSource(index) {
      forEachRoute(index, drop);
      sources[index] = undefined;
    },
    sourceAt: (index) => sources[index],
    put(source, prefix, next, usedNext, pathId = 0) {
      const known = find(source, prefix, pathId);
      const route = known === NONE ? add(source, prefix, pathId) : known;
      const was = known === NONE ? null : (used[route] ?? null);
      if (was !== usedNext) change(prefix);
      // The new references are there already, so a set that is given again survives this.
      clearSets(route, source);
      setFlags(route, source, 0);
      received[route] = next;
      setUsed(route, source, usedNext);
    },
    remove(source, prefix, pathId = 0) {
      const route = find(source, prefix, pathId);
      if (route === NONE) return false;
      drop(route);
      return true;
    },
    accepted(source, prefix, pathId = 0) {
      const route = find(source, prefix, pathId);
      return route === NONE ? null : used[route] !== null;
    },
    tells(source, prefix) {
      let route = firstOfPrefix[prefix] ?? NONE;
      while (route !== NONE && (sourceOf[route] !== source || flags[route] === GONE)) {
        route = nextOfPrefix[route] ?? NONE;
      }
      return route !== NONE;
    },
    review(source, judge, only) {
      const review = (route: number): void => {
        const prefix = prefixOf[route] ?? NONE;
        const set = received[route];
        // What is long-lived stale was marked by us and goes when its time is over.
        if (set === undefined || flags[route] === LONG_LIVED) return;
        const next = judge(prefix, set, used[route] !== null);
        if (next !== used[route]) change(prefix);
        sets.hold(set);
        clearSets(route, source);
        received[route] = set;
        setUsed(route, source, next);
      };
      if (only === undefined) forEachRoute(source, review);
      else {
        let route = firstOfPrefix[only] ?? NONE;
        for (; route !== NONE; route = nextOfPrefix[route] ?? NONE) {
          if (sourceOf[route] === source) review(route);
        }
      }
    },
    markStale(source) {
      forEachRoute(source, (route) => {
        if (flags[route] === 0) setFlags(route, source, STALE);
      });
    },
    sweep(source, most = Number.POSITIVE_INFINITY) {
      const least = Math.max(0, (staleOf[source] ?? 0) - most);
      let route = firstOfSource[source] ?? NONE;
      while (route !== NONE && (staleOf[source] ?? 0) > least) {
        const next = nextOfSource[route] ?? NONE;
        if (flags[route] !== 0) drop(route);
        route = next;
      }
    },
    prolong(source, mark) {
      forEachRoute(source, (route) => {
        const was = used[route] ?? null;
        if (flags[route] !== STALE) return;
        const next = was === null ? null : mark(was);
        const set = received[route];
        if (next === null || set === undefined) {
          drop(route);
          return;
        }
        sets.hold(set);
        clearSets(route, source);
        received[route] = set;
        setUsed(route, source, next);
        setFlags(route, source, LONG_LIVED);
        change(prefixOf[route] ?? NONE);
      });
    },
    acceptedCount: (source) => acceptedOf[source] ?? 0,
    staleCount: (source) => staleOf[source] ?? 0,
    abandon,
    countsOf: (source) => ({
      accepted: acceptedOf[source] ?? 0,
      rejected: rejectedOf[source] ?? 0,
      stale: staleOf[source] ?? 0,
    }),
    forEachOf(source, visit) {
      forEachRoute(source, (route) => {
        const set = received[route];
        if (set !== undefined) visit(prefixOf[route] ?? NONE, set, used[route] !== null);
      });
    },
    best,
    forEachPath(prefix, visit) {
      for (let route = firstOfPrefix[prefix] ?? NONE; route !== NONE; route = nextOfPrefix[route] ?? NONE) {
        visit(route, sources[sourceOf[route] ?? NONE], used[route] ?? null);
      }
    },
    choose,
    paths: {
      family,
      addPath: true,
      get bound() {
        return bound;
      },
      writeNlri(route, target, at) {
        const pathId = pathIdTold(route);
        target[at] = pathId >>> 24;
        target[at + 1] = pathId >>> 16;
        target[at + 2] = pathId >>> 8;
        target[at + 3] = pathId;
        return prefixes.writeNlri(prefixOf[route] ?? 0, target, at + 4);
      },
    },
    tellByNumber(told) {
      toldByNumber = told;
    },
    get gone() {
      return goneRoutes.size;
    },
    freePaths(unneeded) {
      for (const route of goneRoutes) {
        if (isChanged[prefixOf[route] ?? NONE] === 1 || !unneeded(route)) continue;
        goneRoutes.delete(route);
        freeNumber(route);
      }
    },
    routesOf(prefix) {
      const list: ReturnType<Rib['routesOf']>[number][] = [];
      for (let route = firstOfPrefix[prefix] ?? NONE; route !== NONE; route = nextOfPrefix[route] ?? NONE) {
        const source = sources[sourceOf[route] ?? NONE];
        const set = received[route];
        if (source === undefined || set === undefined) continue;
        const state = flags[route] === 0 ? 'fresh' : flags[route] === STALE ? 'stale' : 'long-lived-stale';
        const pathId = pathIdOf(route);
        list.push({ route, pathId, source, received: set, used: used[route] ?? null, state });
      }
      return list;
    },
    get changed() {
      return changedCount;
    },
    takeChanged(most) {
      const taken = changedList.slice(0, Math.min(most, changedCount));
      changedList.copyWithin(0, taken.length, changedCount);
      changedCount -= taken.length;
      for (const prefix of taken) isChanged[prefix] = 0;
      return taken;
    },
    changeAll() {
      for (let prefix = 0; prefix < firstOfPrefix.length; prefix++) {
        if (firstOfPrefix[prefix] !== NONE) change(prefix);
      }
    },
    get empty() {
      return emptyPrefixes.length - emptySeen + emptyKept;
    },
    freeEmpty(unneeded, most) {
      const end = Math.min(emptyPrefixes.length, emptySeen + most);
      for (; emptySeen < end; emptySeen++) {
        const prefix = emptyPrefixes[emptySeen] ?? NONE;
        if ((firstOfPrefix[prefix] ?? NONE) !== NONE) {
          isEmpty[prefix] = 0;
        } else if (isChanged[prefix] !== 1 && unneeded(prefix)) {
          isEmpty[prefix] = 0;
          prefixes.free(prefix);
        } else emptyPrefixes[emptyKept++] = prefix;
      }
      if (emptySeen < emptyPrefixes.length) return false;
      emptyPrefixes.length = emptyKept;
      emptySeen = 0;
      emptyKept = 0;
      return true;
    },
  };
}
