/**
 * The native engine's routes without sockets or an engine around them: sessions of a SpeakerConfig whose peers announce
 * and listen in one process, in simulated time.
 */
import assert from 'node:assert/strict';
import {
  type Cause,
  decodeUpdate,
  encodeAnnouncements,
  encodeAttributes,
  encodeEndOfRib,
  encodeNlri,
  encodeWithdrawals,
  type FamilyOffer,
  type Negotiated,
  NO_ATTRIBUTES,
  type Notification,
  negotiate,
  openOf,
  type PathAttributes,
  parsePrefix,
  type Retained,
  updateContext,
} from '../../src/bgp/index.ts';
import type { NativeOptions } from '../../src/engine/native/options.ts';
import { createPeer, type Peer } from '../../src/engine/native/peer.ts';
import type { PeerLink } from '../../src/engine/native/peer-link.ts';
import {
  type OriginJudge,
  planContext,
  planSession,
  type SessionPlan,
} from '../../src/engine/native/session-plan.ts';
import { createTable, type Table } from '../../src/engine/native/table.ts';
import { parseAddress } from '../../src/model/address.ts';
import { parseAsNumber } from '../../src/model/as-number.ts';
import type { SessionConfig, SpeakerConfig } from '../../src/topology/speaker-config.ts';
import { PLAIN_SESSION } from './plain-session.ts';
import { idOf, type Listener, listener, octetsOf } from './routes.ts';
import { type SimulatedTime, simulatedTime } from './simulated-time.ts';

export function asNumber(value: number): SessionConfig['peerAs'] {
  const parsed = parseAsNumber(value);
  assert(parsed !== undefined);
  return parsed;
}

export function addressOf(text: string): SessionConfig['peerAddress'] {
  const parsed = parseAddress(text);
  assert(parsed !== undefined, text);
  return parsed;
}

/** A client session to 10.0.0.N, by its own name. */
export function stageSession(host: number, changes: Partial<SessionConfig> = {}): SessionConfig {
  return {
    ...PLAIN_SESSION,
    name: `peer${host}`,
    kind: 'global',
    family: 4,
    peerAddress: addressOf(`10.0.0.${host}`),
    peerPort: 179,
    peerAs: asNumber(64512),
    localAs: asNumber(64512),
    peerName: `n${host}`,
    client: true,
    clusterId: '1.0.0.1',
    sourceAddress: null,
    because: 'BGPPeer/all-to-rr',
    ...changes,
  };
}

/** A fellow reflector of the group. */
export function stageFellow(host: number, changes: Partial<SessionConfig> = {}): SessionConfig {
  return stageSession(host, { kind: 'reflector', client: false, clusterId: null, ...changes });
}

/** A router of another AS that takes and gives everything. */
export function stageExternal(host: number, changes: Partial<SessionConfig> = {}): SessionConfig {
  const other = { client: false, clusterId: null, peerName: null, peerAs: asNumber(65001) } as const;
  return stageSession(host, { kind: 'external', ...other, ...changes });
}

export interface StagePeer {
  readonly peer: Peer;
  /** What it was told since it came up last. */
  readonly ear: Listener;
  /** Messages of ours that are no UPDATE. */
  readonly asked: readonly Uint8Array[];
  /** Where we closed its session for a while. */
  readonly stops: readonly { readonly notification: Notification; readonly seconds: number | null }[];
  /** @param changes of what it announces as its capabilities */
  up(changes?: Partial<FamilyOffer>): Negotiated;
  /**
   * @param pathId where it numbers its paths (RFC 7911)
   * @param hop another next hop than the peer itself (RFC 8950)
   */
  announce(
    prefixes: readonly string[],
    attributes?: Partial<PathAttributes>,
    pathId?: number,
    hop?: Uint8Array,
  ): void;
  withdraw(prefixes: readonly string[], pathId?: number): void;
  endOfRib(): void;
  /** It takes so many writes more, and then none before `drained`. */
  slow(writes: number): void;
  /** It takes everything again. */
  drained(): void;
  down(cause?: Cause, retained?: readonly Retained[]): void;
}

export interface NativeStage {
  readonly table: Table;
  readonly time: SimulatedTime;
  peer(name: string): StagePeer;
  /** Other settings of the speaker or its sessions, as `apply` brings them about. */
  change(sessions: readonly SessionConfig[], config?: Partial<SpeakerConfig>, lastChoice?: boolean): void;
  /** Passes everything on. */
  settle(): void;
  /** How often something was said to be there to be passed on. */
  readonly wakes: number;
}

const LOST: Cause = { kind: 'connection-lost', detail: 'gone' };

export function nativeStage(
  sessions: readonly SessionConfig[],
  changes: Partial<SpeakerConfig> = {},
  settings: Partial<NativeOptions> = {},
  guard: OriginJudge | null = null,
  /** Octets of batches that are kept for peers that are behind. */
  keptOctets?: number,
): NativeStage {
  const options: NativeOptions = {
    acceptPrefixes: 'any',
    maxPrefixes: 10_000,
    overLimitSeconds: null,
    llgrSeconds: 3600,
    addPaths: 'receive',
    ...settings,
  };
  const time = simulatedTime();
  const table = createTable(sessions[0]?.family ?? 4, keptOctets);
  let wakes = 0;
  const peers = new Map<string, StagePeer>();
  const plans = new Map<string, SessionPlan>();
  let config = speaker(sessions, changes);
  const planOf = (session: SessionConfig, lastChoice: boolean): SessionPlan =>
    planSession(
      planContext(config, options, () => table.rib.sets, lastChoice, guard),
      session,
      undefined,
    );

  for (const session of sessions) {
    const plan = planOf(session, false);
    plans.set(session.name, plan);
    peers.set(
      session.name,
      stagePeer(table, time, plan, () => {
        wakes++;
      }),
    );
  }
  const peer = (name: string): StagePeer => {
    const found = peers.get(name);
    assert(found !== undefined, name);
    return found;
  };
  const settle = (): void => {
    table.begin();
    assert(table.work(() => true));
  };
  return {
    table,
    time,
    peer,
    change(next, speakerChanges = {}, lastChoice = false) {
      config = speaker(next, { ...changes, ...speakerChanges });
      for (const session of next) peer(session.name).peer.setPolicy(planOf(session, lastChoice).policy);
      const terms = [...peers.values()].flatMap((one) => {
        const wanted = one.peer.terms();
        return wanted === null ? [] : [[one.peer.source, wanted] as const];
      });
      table.retarget(new Map(terms));
      settle();
    },
    settle,
    get wakes() {
      return wakes;
    },
  };
}

function speaker(sessions: readonly SessionConfig[], changes: Partial<SpeakerConfig>): SpeakerConfig {
  return {
    speaker: 'rr1',
    role: 'reflector',
    forwards: false,
    standalone: false,
    asNumber: asNumber(64512),
    routerId: '10.0.0.254',
    ipv4: addressOf('10.0.0.254'),
    ipv4Network: null,
    ipv6: null,
    clusterId: '1.0.0.1',
    group: 'default',
    listenPort: 179,
    logLevel: 'info',
    pools: [],
    serviceRanges: [],
    serviceRoutes: [],
    filters: [],
    prefixAdvertisements: [],
    ignoredInterfaces: [],
    blocks: [],
    customFilters: [],
    sessions,
    ...changes,
  };
}

function stagePeer(table: Table, time: SimulatedTime, plan: SessionPlan, wake: () => void): StagePeer {
  const ear = listener(() => peer.negotiated?.families[plan.session.family]?.addPathSend === true, true);
  /** Writes that it takes. */
  let room = Number.POSITIVE_INFINITY;
  const asked: Uint8Array[] = [];
  const stops: { readonly notification: Notification; readonly seconds: number | null }[] = [];
  const peer = createPeer(plan.identity, plan.policy, {
    table,
    clock: time.clock,
    wake,
    serve: () => {},
    onUp: () => {},
    onDown: () => {},
    onEndOfRib: () => {},
  });
  const unused = (): never => assert.fail('not in this test');
  const link: PeerLink = {
    name: plan.session.name,
    status: unused,
    start: unused,
    stop: unused,
    automaticStop(notification, seconds) {
      stops.push({ notification, seconds });
      peer.events.down({ kind: 'stopped', notification }, []);
    },
    updateSettings: unused,
    close: unused,
    write(chunks) {
      const [first] = chunks;
      if (first !== undefined && first[18] === 5) asked.push(first);
      ear.hear(chunks);
      const routes = chunks.some((chunk) => chunk[18] === 2);
      assert(room > 0 || !routes, 'no routes may be written before `drained`');
      room--;
      return room > 0;
    },
  };
  peer.attach(link);
  const { family, peerAddress, peerAs } = plan.session;
  const routes = (prefixes: readonly string[], pathId: number) =>
    encodeNlri(
      family,
      peer.negotiated?.families[family]?.addPathReceive === true,
      prefixes.map((text) => {
        const prefix = parsePrefix(text);
        assert(prefix !== null, text);
        return { prefix, pathId };
      }),
    );
  const hear = (message: Uint8Array): void => {
    assert(peer.negotiated !== null, 'it is not up');
    peer.events.update(decodeUpdate(message, updateContext(peer.negotiated)));
  };
  return {
    peer,
    ear,
    asked,
    stops,
    up(changes = {}) {
      const { offer } = plan.settings(false).session;
      const families = offer.families.map((one) => ({ ...one, ...changes }));
      const theirs = { ...offer, families, localAs: offer.peerAs, peerAs: offer.localAs };
      const routerId = family === 4 ? idOf(peerAddress) : idOf('10.0.0.1');
      const negotiated = negotiate(offer, openOf({ ...theirs, routerId }));
      ear.startAnew();
      room = Number.POSITIVE_INFINITY;
      peer.events.up(negotiated);
      return negotiated;
    },
    announce(prefixes, attributes = {}, pathId = 0, hop = octetsOf(peerAddress)) {
      const nextHop = hop;
      const inside = family === 4 ? { nextHop } : {};
      const asPath: PathAttributes['asPath'] =
        peerAs === 64512 ? [] : [{ type: 'sequence', asNumbers: [peerAs] }];
      const localPref = peerAs === 64512 ? 100 : null;
      const all = { ...NO_ATTRIBUTES, origin: 0, asPath, localPref, ...inside, ...attributes } as const;
      const encoded = encodeAttributes(all);
      const messages = encodeAnnouncements(
        { nlri: routes(prefixes, pathId), nextHop, attributes: encoded },
        4096,
      );
      assert(messages !== null);
      hear(messages);
    },
    withdraw: (prefixes, pathId = 0) => hear(encodeWithdrawals(routes(prefixes, pathId), 4096)),
    endOfRib: () => hear(encodeEndOfRib(family)),
    slow(writes) {
      if (room > 0) room = writes;
    },
    drained() {
      const wasFull = room <= 0;
      room = Number.POSITIVE_INFINITY;
      if (wasFull && peer.negotiated !== null) peer.events.drained();
    },
    down: (cause = LOST, retained = []) => peer.events.down(cause, retained),
  };
}
