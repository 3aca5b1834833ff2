/** Sessions for tests of the transport: settings of two ends that fit together, and an engine that only keeps notes. */
import {
  CALICO_TIMES,
  type Cause,
  type Family,
  formatPrefix,
  type Negotiated,
  type Offer,
  parseRouterId,
  type Retained,
  type RouteRefresh,
  readNlri,
} from '../../src/bgp/index.ts';
import type { PeerEvents, PeerSettings } from '../../src/engine/native/peer-link.ts';

/** @param id router ID as a dotted quad; the AS is 64512 on both sides */
export function testOffer(
  id: string,
  families: readonly Family[] = [4],
  changes: Partial<Offer> = {},
): Offer {
  return {
    localAs: 64_512,
    peerAs: 64_512,
    routerId: parseRouterId(id) ?? 0,
    holdSeconds: 90,
    keepaliveSeconds: null,
    families: families.map((family) => ({
      family,
      addPath: null,
      ipv6NextHop: false,
      forwarding: true,
      longLivedSeconds: null,
    })),
    extendedMessages: true,
    gracefulRestart: { seconds: 120, restarting: false, notification: false },
    ...changes,
  };
}

type Given = Pick<PeerSettings, 'peerAddress' | 'peerPort' | 'sourceAddress'>;

export function testPeer(
  given: Given &
    Partial<Omit<PeerSettings, 'session'>> & { readonly offer: Offer; readonly passive?: boolean },
): PeerSettings {
  const { offer, passive = false, ...rest } = given;
  return {
    name: `to ${given.peerAddress}`,
    password: null,
    ttlSecurityHops: null,
    direct: false,
    session: { ...CALICO_TIMES, connectDelaySeconds: 0, connectRetrySeconds: 2, offer, passive },
    ...rest,
  };
}

export interface Notes extends PeerEvents {
  readonly ups: readonly Negotiated[];
  readonly downs: readonly { readonly cause: Cause; readonly retained: readonly Retained[] }[];
  /** Prefixes in the order in which they were announced, withdrawn ones as `-PREFIX`. */
  readonly routes: readonly string[];
  readonly refreshes: readonly RouteRefresh[];
  readonly updates: number;
  readonly drains: number;
  readonly endsOfRib: readonly Family[];
}

/** @param on what to do besides */
export function takeNotes(on: Partial<PeerEvents> = {}): Notes {
  const ups: Negotiated[] = [];
  const downs: { readonly cause: Cause; readonly retained: readonly Retained[] }[] = [];
  const routes: string[] = [];
  const refreshes: RouteRefresh[] = [];
  const endsOfRib: Family[] = [];
  let updates = 0;
  let drains = 0;
  return {
    ups,
    downs,
    routes,
    refreshes,
    endsOfRib,
    get updates() {
      return updates;
    },
    get drains() {
      return drains;
    },
    up(negotiated) {
      ups.push(negotiated);
      on.up?.(negotiated);
    },
    down(cause, retained) {
      downs.push({ cause, retained });
      on.down?.(cause, retained);
    },
    update(update) {
      updates++;
      if (update.endOfRib !== null) endsOfRib.push(update.endOfRib);
      for (const block of update.withdrawn) {
        for (const { prefix } of readNlri(block)) routes.push(`-${formatPrefix(prefix)}`);
      }
      for (const { nlri } of update.announced) {
        for (const { prefix } of readNlri(nlri)) routes.push(formatPrefix(prefix));
      }
      on.update?.(update);
    },
    routeRefresh(refresh) {
      refreshes.push(refresh);
      on.routeRefresh?.(refresh);
    },
    drained() {
      drains++;
      on.drained?.();
    },
  };
}
