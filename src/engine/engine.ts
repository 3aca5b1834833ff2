/**
 * The seam between what a speaker has to do and the BGP implementation that does it. Desired state, not
 * commands: `apply` replaces the whole, and the same state again does nothing. Every engine passes
 * test/contract/engine.ts.
 */
import type { Prefix } from '../model/address.ts';
import type { Problem } from '../model/problem.ts';
import type { OriginLists } from '../topology/origins.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import type { RouteExplanation } from './route-explanation.ts';

/**
 * What a reconfiguration did to a session. `changed`: new settings, the session stayed up. `restarted`: it went
 * down and comes up with the new settings.
 */
export type SessionOutcome = 'kept' | 'changed' | 'restarted' | 'added' | 'removed';

export interface ApplyReport {
  /** Outcome by session name, removed ones included. */
  readonly sessions: ReadonlyMap<string, SessionOutcome>;
  /** Sessions that this engine will not run, each with the reason. They are not in its state. */
  readonly refused: readonly { readonly session: string; readonly problem: Problem }[];
  /** False: nothing was written and nothing was reloaded. */
  readonly wrote: boolean;
  /** What was applied and yet does not work as the configuration says (a pool's tunnel, say). */
  readonly warnings?: readonly Problem[];
}

/** States of RFC 4271 section 8.2.2, and `Down` for a session that is disabled or not configured (yet). */
export type SessionState =
  | 'Idle'
  | 'Connect'
  | 'Active'
  | 'OpenSent'
  | 'OpenConfirm'
  | 'Established'
  | 'Down';

export interface ObservedSession {
  readonly name: string;
  readonly state: SessionState;
  /** Coarse state as `calicoctl node status` shows it: `up`, `start`, `down`, ... */
  readonly protocolState: string;
  /** When it came into this state, as the engine writes times (BIRD: `HH:MM:SS` today, else a date). */
  readonly since: string;
  /** The text of the INFO column: state and last error. */
  readonly info: string;
  /** As of when they are read. Null where the engine does not count by session. */
  readonly counters: SessionCounters | null;
}

export interface SessionCounters {
  /** Routes of the peer that were taken, that policy rejected, and of both, those that wait for its return (RFC 4724). */
  readonly accepted: number;
  readonly rejected: number;
  readonly stale: number;
  /** Routes that it was told. */
  readonly told: number;
  /** Announcements dropped: loops by AS path, ORIGINATOR_ID and CLUSTER_LIST, and what was beyond its limit. */
  readonly asLoop: number;
  readonly originatorLoop: number;
  readonly clusterLoop: number;
  readonly overLimit: number;
  /** Since the session was configured. */
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  /** Times that it was established. */
  readonly established: number;
  /** UPDATEs taken as withdrawals for an error in them, and attributes dropped for one (RFC 7606). */
  readonly treatedAsWithdraw: number;
  readonly attributesDiscarded: number;
  /** Why it last ended, with the RFC's names, also where it is up again. */
  readonly lastError: string | null;
}

/** Connections that were closed without an answer, since the engine started. */
export interface TurnedAway {
  /** From addresses that are no peer's. */
  readonly unknownPeer: number;
  /** From peers that came more often than a speaker that works has reason to. */
  readonly tooManyOpens: number;
}

export interface EngineState {
  /** Name and version, such as `BIRD 2.0.12`. */
  readonly engine: string;
  readonly running: boolean;
  readonly routerId: string | null;
  /** Graceful restart recovery in progress (RFC 4724: End-of-RIB markers awaited). */
  readonly recovering: boolean;
  readonly sessions: readonly ObservedSession[];
  /** What to tell about before it hurts: sessions that near their limit of routes. */
  readonly warnings?: readonly Problem[];
  /** Null: the engine does not count them. */
  readonly turnedAway: TurnedAway | null;
}

/** @param engine its name, and its version where that is known */
export function notRunning(engine: string): EngineState {
  return { engine, running: false, routerId: null, recovering: false, sessions: [], turnedAway: null };
}

/** How many routes a peer gave and got. */
export interface RouteCounts {
  readonly imported: number;
  readonly exported: number;
}

export interface DrainRequest {
  /** Text for the shutdown communication (RFC 9003), at most 128 bytes of UTF-8 used. */
  readonly message: string;
  /** Awaited between "take another path" (LOCAL_PREF 0, GRACEFUL_SHUTDOWN) and the Cease. Throws to call it off. */
  readonly proceed: () => Promise<void>;
}

/**
 * `graceful`: end so that peers keep our routes (RFC 4724: no NOTIFICATION).
 * `detach`: leave it running for the next agent to find.
 */
export type StopMode = 'graceful' | 'detach';

export interface Engine {
  readonly name: 'bird' | 'native';
  /**
   * Brings the engine into this state, starting it where it does not run.
   * @param passwords TCP-MD5 passwords by session name, for every session with `password: true`
   * @throws E_ENGINE_START, E_ENGINE_REFUSED (nothing of it could be applied: the old state runs on),
   *   E_ENGINE_FOREIGN (the daemon found is not ours)
   */
  apply(config: SpeakerConfig, passwords: ReadonlyMap<string, string>): Promise<ApplyReport>;
  observe(): Promise<EngineState>;
  /**
   * Routes now held that the prefix bounds of `config` would refuse, so that a narrower bound can be judged
   * before it is applied. Empty where the bounds are no narrower than those that run.
   */
  lostRoutes(
    config: SpeakerConfig,
  ): Promise<readonly { readonly session: string; readonly prefix: string }[]>;
  /** Route counts of one session, or undefined where it is not up. */
  countRoutes(session: string): Promise<RouteCounts | undefined>;
  /**
   * Who told a prefix (or the longest one around an address), which route won and why, and whom we told. Null: nobody
   * told it.
   * @throws E_ENGINE_PROTOCOL where this engine cannot say
   */
  explainRoute(prefix: string): Promise<RouteExplanation | null>;
  /**
   * Takes this speaker out of service without losing a route: first every route again with LOCAL_PREF 0 and
   * community 65535:0 (RFC 8326), then, after `proceed`, Cease/Administrative Shutdown with the text (RFC 9003).
   */
  drain(request: DrainRequest): Promise<void>;
  stop(mode: StopMode): Promise<void>;
  /**
   * Before it starts: these sessions were up with another engine that has just ended gracefully here, so their peers
   * hold our routes and are waited for (RFC 4724 section 4.1).
   */
  inherit(sessions: readonly string[]): void;
  /** Called whenever the daemon ends unasked or comes back, and once when others changed what it runs. */
  onEvent(listener: (event: EngineEvent) => void): void;
  /** Before the first `apply`: what Calico's nodes announce is judged from now on. */
  guardOrigins(guard: OriginGuard): void;
  /** The guard may judge these otherwise than before. */
  reviewOrigins(changed: readonly Prefix[] | 'all'): void;
}

export interface OriginGuard {
  /** False: routes with a fault are taken and told of. True: they are refused. */
  readonly enforce: boolean;
  /** Why this node may not announce this prefix, as the end of a sentence; null: it may. */
  faultOf(node: string, prefix: Prefix): string | null;
  /** The same as lists, for an engine whose routes are judged elsewhere. */
  lists(): OriginLists;
}

export type EngineEvent =
  | { readonly type: 'exited'; readonly reason: string; readonly restartInMs: number }
  | { readonly type: 'started'; readonly recovered: boolean }
  /**
   * Others gave it another configuration, or it holds a session down that should run; noticed by `observe`.
   * Applying the same state again puts it right.
   */
  | { readonly type: 'altered' };
