/**
 * One session with its routes: what comes in through its PeerLink goes through import policy into the RIB, and while
 * it is up it is a member of an update group. It outlives connections, since routes may be stale.
 */
import {
  type Cause,
  encodeRouteRefresh,
  familyOf,
  forEachNlri,
  type Negotiated,
  type NlriBlock,
  prefixLimitReached,
  REFRESH,
  type Retained,
  type RouteRefresh,
  type Update,
} from '../../bgp/index.ts';
import type { Member } from './groups/update-group.ts';
import type { Clock, PeerEvents, PeerLink } from './peer-link.ts';
import type { ExportTerms } from './policy/export-policy.ts';
import type { ImportPolicy } from './policy/import-policy.ts';
import { type AttributeSet, sameBytes } from './rib/attribute-sets.ts';
import { type Loop, type ReceiveTermsOf, receiveAttributes } from './rib/received.ts';
import type { Source } from './rib/rib.ts';
import { createStaleRoutes, type StaleRoutes } from './stale-routes.ts';
import type { Table } from './table.ts';

/** What may change while the session is up. */
export interface PeerPolicy {
  readonly imports: ImportPolicy;
  readonly allowLocalAs: number;
  /** Routes taken at most; null: no limit. */
  readonly most: number | null;
  /** Beyond it the session is closed for so many seconds (RFC 4486); null: the excess is refused and it stays. */
  readonly overLimitSeconds: number | null;
  /** Why its peer may not announce a prefix (`OriginGuard`); null: it is not judged. */
  readonly originFault: ((address: Uint8Array, bits: number) => string | null) | null;
  /** What has such a fault is refused, and not only told of. */
  readonly refuseForeign: boolean;
  /** What it is told, once it is known what was agreed on. */
  readonly terms: (negotiated: Negotiated) => ExportTerms;
}

export interface PeerIdentity {
  readonly name: string;
  readonly client: boolean;
  readonly fellow: boolean;
  readonly peerAs: number;
  readonly localAs: number;
  readonly routerId: number;
  readonly address: Uint8Array;
  /** Our cluster ID towards this client; null: it is none. */
  readonly clusterId: number | null;
  /** The cluster ID that no route from this peer may have been through (RFC 4456 section 8). */
  readonly ownClusterId: number;
}

export interface DroppedRoutes {
  readonly asLoop: number;
  readonly originatorLoop: number;
  readonly clusterLoop: number;
  /** Beyond the limit. */
  readonly overLimit: number;
}

export interface Peer {
  readonly events: PeerEvents;
  readonly source: number;
  readonly negotiated: Negotiated | null;
  readonly dropped: DroppedRoutes;
  readonly stale: StaleRoutes['phase'];
  /** Numbers of prefixes that it may not announce, each with the reason. */
  readonly foreign: ReadonlyMap<number, string>;
  /** Hands over the link that was made with `events`. */
  attach(link: PeerLink): void;
  /** @returns whether anything changed */
  setPolicy(policy: PeerPolicy): boolean;
  /** What it is to be told now; null: it is not up. */
  terms(): ExportTerms | null;
  /** Judges anew where prefixes come from: all, or these and those that had a fault. */
  reviewOrigins(prefixes: Iterable<number> | 'all'): void;
  /** Forgets it and its routes. */
  remove(): void;
}

export interface PeerContext {
  readonly table: Table;
  readonly clock: Clock;
  /** Something is to be passed on. */
  readonly wake: () => void;
  /** It takes more again. */
  readonly serve: () => void;
  /** For who waits for this peer (recovery), and for logs. */
  readonly onUp: (negotiated: Negotiated) => void;
  readonly onDown: (cause: Cause) => void;
  readonly onEndOfRib: () => void;
}

/** A peer that has more routes than it may tell is asked for all of them again once in so long at most, milliseconds. */
const ASK_AGAIN_MS = 30_000;

export function createPeer(identity: PeerIdentity, first: PeerPolicy, context: PeerContext): Peer {
  const { table, clock, wake, serve } = context;
  const { rib } = table;
  const external = identity.localAs !== identity.peerAs;
  let policy = first;
  let link: PeerLink | undefined;
  let negotiated: Negotiated | null = null;
  const makeSource = (index: number, routerId: number): Source => {
    const { name, client, fellow, peerAs, address } = identity;
    return { index, name, client, fellow, peerAs, address, external, routerId };
  };
  const source = rib.addSource((index) => makeSource(index, 0)).index;
  const stale = createStaleRoutes(rib, source, identity.fellow, clock, () => {
    routesWent();
    wake();
  });
  const dropped = { asLoop: 0, originatorLoop: 0, clusterLoop: 0, overLimit: 0 };
  /** Routes were refused and not kept, so only the peer knows them. */
  let incomplete = false;
  /** When it may be asked for them again because there is room, and what calls off the wait for that. */
  let askAgainAt = Number.NEGATIVE_INFINITY;
  let callOffAsking: (() => void) | null = null;
  /** It went beyond a limit that closes the session. */
  let tooMany = false;
  /** Attributes of the last UPDATE, as they came, and what was made of them: they often come again. */
  let last: {
    readonly attributes: Uint8Array;
    readonly nextHop: Uint8Array;
    readonly set: AttributeSet;
  } | null = null;
  const address = new Uint8Array(rib.family === 4 ? 4 : 16);
  const foreign = new Map<number, string>();

  function forgetLast(): void {
    if (last !== null) rib.sets.release(last.set);
    last = null;
  }

  /** @returns with the reference that `last` has; or the loop that was found */
  function receive(attributes: Uint8Array, nextHop: Uint8Array, terms: ReceiveTermsOf): AttributeSet | Loop {
    if (last !== null && sameBytes(last.attributes, attributes) && sameBytes(last.nextHop, nextHop)) {
      return last.set;
    }
    const set = receiveAttributes(rib.sets, terms, attributes, nextHop);
    if (typeof set === 'string') return set;
    forgetLast();
    last = { attributes: attributes.slice(), nextHop: nextHop.slice(), set };
    return set;
  }

  function countLoop(loop: Loop, routes: number): void {
    if (loop === 'as-path') dropped.asLoop += routes;
    else if (loop === 'originator-id') dropped.originatorLoop += routes;
    else dropped.clusterLoop += routes;
  }

  /** What was stale was swept. */
  function routesWent(): void {
    for (const prefix of foreign.keys()) if (!rib.tells(source, prefix)) foreign.delete(prefix);
    askForRest();
  }

  function withdraw(block: NlriBlock): void {
    forEachNlri(block, (at, bits, pathId) => {
      const prefix = rib.prefixes.find(block.bytes, at, bits);
      if (prefix >= 0) forget(prefix, pathId);
    });
    askForRest();
  }

  function forget(prefix: number, pathId: number): void {
    rib.remove(source, prefix, pathId);
    if (foreign.size > 0 && !rib.tells(source, prefix)) foreign.delete(prefix);
  }

  function announce(block: NlriBlock, set: AttributeSet): void {
    const { most } = policy;
    forEachNlri(block, (at, bits, pathId) => {
      const prefix = rib.prefixes.intern(block.bytes, at, bits);
      const used = judge(prefix, set);
      if (most !== null && !hasRoom(prefix, pathId, used, most)) {
        if (used !== null) rib.sets.release(used);
        forget(prefix, pathId);
        rib.abandon(prefix);
        incomplete = true;
        dropped.overLimit++;
        tooMany ||= policy.overLimitSeconds !== null && used !== null;
        return;
      }
      rib.put(source, prefix, rib.sets.hold(set), used, pathId);
    });
  }

  /** What counts of a route, with a reference; null: it is rejected. */
  function judge(prefix: number, set: AttributeSet): AttributeSet | null {
    rib.prefixes.writeAddress(prefix, address);
    const bits = rib.prefixes.bitsOf(prefix);
    const fault = policy.originFault?.(address, bits) ?? null;
    if (fault === null) foreign.delete(prefix);
    else foreign.set(prefix, fault);
    return fault !== null && policy.refuseForeign ? null : policy.imports.judge(address, bits, set);
  }

  /** As `judge`, for routes that are there: what was rejected is taken now only as far as the limit allows. */
  function judgeAgain(prefix: number, set: AttributeSet, accepted: boolean): AttributeSet | null {
    const used = judge(prefix, set);
    const { most, overLimitSeconds } = policy;
    if (used === null || accepted || most === null || rib.acceptedCount(source) < most) return used;
    rib.sets.release(used);
    incomplete = true;
    dropped.overLimit++;
    tooMany ||= overLimitSeconds !== null && negotiated !== null;
    return null;
  }

  function hasRoom(prefix: number, pathId: number, used: AttributeSet | null, most: number): boolean {
    if (!isOverLimit(prefix, pathId, used, most)) return true;
    // What is about to go does not count.
    stale.finish();
    return !isOverLimit(prefix, pathId, used, most);
  }

  /** The limit bounds what is taken, and likewise what is remembered of what was rejected. */
  function isOverLimit(prefix: number, pathId: number, used: AttributeSet | null, most: number): boolean {
    if (used !== null)
      return rib.acceptedCount(source) >= most && rib.accepted(source, prefix, pathId) !== true;
    return rib.countsOf(source).rejected >= most && rib.accepted(source, prefix, pathId) !== false;
  }

  function askAgain(): void {
    if (negotiated?.routeRefresh !== true || link === undefined) return;
    stopAsking();
    askAgainAt = clock.now() + ASK_AGAIN_MS;
    incomplete = false;
    link.write([encodeRouteRefresh(rib.family)]);
  }

  /**
   * What was refused may have room now. Whoever has many more routes than it may tell, and changes some of them
   * all the time, would have to tell all of them all the time: it is asked at once, and then now and then.
   */
  function askForRest(): void {
    if (!incomplete || policy.most === null || rib.acceptedCount(source) >= policy.most) return;
    const wait = askAgainAt - clock.now();
    if (wait <= 0) askAgain();
    else {
      callOffAsking ??= clock.setTimer(wait, () => {
        callOffAsking = null;
        askForRest();
      });
    }
  }

  function stopAsking(): void {
    callOffAsking?.();
    callOffAsking = null;
  }

  function closeForLimit(): void {
    tooMany = false;
    link?.automaticStop(prefixLimitReached(rib.family, policy.most ?? 0), policy.overLimitSeconds);
  }

  const events: PeerEvents = {
    up(next) {
      negotiated = next;
      rib.replaceSource(makeSource(source, next.peerRouterId));
      stale.up(next);
      routesWent();
      const write: Member['write'] = (chunks, messages) => link?.write(chunks, messages) ?? true;
      table.join({ source, write }, policy.terms(next));
      wake();
      context.onUp(next);
    },
    down(cause: Cause, retained: readonly Retained[]) {
      negotiated = null;
      table.leave(source);
      forgetLast();
      incomplete = false;
      stopAsking();
      askAgainAt = Number.NEGATIVE_INFINITY;
      tooMany = false;
      foreign.clear();
      stale.down(retained.find(({ family }) => family === rib.family) ?? null);
      wake();
      context.onDown(cause);
    },
    update(update: Update) {
      if (negotiated === null) return;
      const terms: ReceiveTermsOf = {
        external,
        localAs: identity.localAs,
        allowLocalAs: policy.allowLocalAs,
        localRouterId: identity.routerId,
        peerRouterId: negotiated.peerRouterId,
        clusterId: identity.clusterId,
        ownClusterId: identity.ownClusterId,
      };
      const emptyBefore = rib.empty;
      for (const block of update.withdrawn) if (block.family === rib.family) withdraw(block);
      for (const { nlri, nextHop, attributes } of update.announced) {
        if (nlri.family !== rib.family) continue;
        const set = receive(attributes, nextHop, terms);
        if (typeof set === 'string') {
          countLoop(set, nlri.count);
          withdraw(nlri);
        } else announce(nlri, set);
      }
      if (tooMany) closeForLimit();
      if (update.endOfRib === rib.family) {
        stale.endOfRib();
        routesWent();
        context.onEndOfRib();
      }
      // Prefixes that have no route any more are let go of by the next flush, also where nobody has to be told.
      if (rib.changed > 0 || rib.empty > emptyBefore) wake();
    },
    routeRefresh(refresh: RouteRefresh) {
      // RFC 2918 section 4: one for a family that was not agreed on is ignored.
      if (familyOf(refresh.afi, refresh.safi) !== rib.family) return;
      const enhanced = negotiated?.enhancedRouteRefresh ?? false;
      // Without RFC 7313 the subtype is a reserved octet and means nothing.
      switch (enhanced ? refresh.subtype : REFRESH.request) {
        case REFRESH.request:
          table.refresh(source, enhanced);
          break;
        case REFRESH.begin:
          stale.refreshBegins();
          routesWent();
          break;
        case REFRESH.end:
          stale.refreshEnds();
          routesWent();
          break;
        default:
          return;
      }
      wake();
    },
    drained() {
      table.drained(source);
      serve();
    },
  };

  return {
    events,
    source,
    get negotiated() {
      return negotiated;
    },
    dropped,
    get stale() {
      return stale.phase;
    },
    attach(next) {
      link = next;
    },
    setPolicy(next) {
      const before = policy;
      policy = next;
      const otherImports = before.imports.key !== next.imports.key;
      if (otherImports) {
        stale.finish();
        rib.review(source, judgeAgain);
      }
      const more = before.most !== null && (next.most === null || next.most > before.most);
      const otherLoops = before.allowLocalAs !== next.allowLocalAs;
      // What was made of the last attributes may not be what would be made of them now.
      if (otherLoops) forgetLast();
      if (tooMany) closeForLimit();
      else if (otherLoops || (incomplete && (more || otherImports))) askAgain();
      wake();
      return (
        otherImports ||
        before.most !== next.most ||
        before.overLimitSeconds !== next.overLimitSeconds ||
        otherLoops
      );
    },
    foreign,
    reviewOrigins(prefixes) {
      if (policy.originFault === null) return;
      stale.finish();
      if (prefixes === 'all') rib.review(source, judgeAgain);
      else {
        for (const prefix of new Set([...foreign.keys(), ...prefixes]))
          rib.review(source, judgeAgain, prefix);
      }
      if (tooMany) closeForLimit();
    },
    terms: () => (negotiated === null ? null : policy.terms(negotiated)),
    remove() {
      incomplete = false;
      stopAsking();
      table.leave(source);
      forgetLast();
      stale.remove();
      wake();
    },
  };
}
