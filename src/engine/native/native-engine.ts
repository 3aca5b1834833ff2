/**
 * The Engine seam on our own BGP, within this process: no daemon, no root, no other package. `apply` compares what is
 * asked for with what runs, session by session, and touches nothing that stays as it is.
 *
 * docs/engine.md tells how it works. The parts: session-plan (what a session needs), peer (a session with its routes),
 * table (routes and update groups of a family), pacer (when changes are passed on), recovery and earlier-run (our own
 * restart), transport (sockets and state machines).
 */
import { join, resolve } from 'node:path';
import { CEASE, cease, FAMILIES, type Family } from '../../bgp/index.ts';
import { CalicoRrError } from '../../model/errors.ts';
import type { Problem } from '../../model/problem.ts';

import type { SessionConfig, SpeakerConfig } from '../../topology/speaker-config.ts';
import { DEFAULT_ADD_PATHS } from '../add-paths.ts';
import { judgeSessions, type Refusal } from '../bird/judge.ts';
import { DEFAULT_LLGR_SECONDS, DEFAULT_MAX_PREFIXES } from '../bird/options.ts';
import { acceptedPrefixes, admits } from '../bird/prefix-bounds.ts';
import { localAddressOf } from '../bird/session-block.ts';
import type {
  ApplyReport,
  DrainRequest,
  Engine,
  EngineEvent,
  EngineState,
  OriginGuard,
  SessionOutcome,
} from '../engine.ts';
import { type ProcessLock, takeProcessLock } from '../process-lock.ts';
import { shutdownText } from '../shutdown-text.ts';
import { type EarlierRun, earlierRun } from './earlier-run.ts';
import { explainPrefix } from './explain.ts';
import type { NativeEngineOptions, NativeOptions } from './options.ts';
import { createOwnRoutes, type OwnRoutes } from './own-routes.ts';
import { createPacer, type Pacer } from './pacer.ts';
import { createPeer, type Peer } from './peer.ts';
import type { Clock, ListenAddress, PeerLink, PeerStatus, Transport } from './peer-link.ts';
import { nextHopText, numbersWithin, prefixText } from './prefix-text.ts';
import { type Recovery, recoveryBound, startRecovery } from './recovery.ts';
import { faultOf, type PlanContext, planContext, planSession, type SessionPlan } from './session-plan.ts';
import { createSessionView, type SessionView } from './session-view.ts';
import { createSteps } from './steps.ts';
import { SYSTEM_CLOCK } from './system-clock.ts';
import { createTable, type Table } from './table.ts';
import { createTransport } from './transport.ts';
import { foreignOf, nearLimit, notListening } from './warnings.ts';

export type { NativeEngineOptions } from './options.ts';

/** Counters of one session, for status pages and metrics. */
export interface SessionDetail {
  readonly name: string;
  readonly status: PeerStatus;
  /** Routes taken, rejected by policy, waiting for their peer's return, told to it. */
  readonly accepted: number;
  readonly rejected: number;
  readonly stale: number;
  readonly told: number;
  readonly dropped: Peer['dropped'];
}

export interface LearnedRoute {
  readonly prefix: string;
  readonly nextHop: string;
  /** False: rejected by policy. */
  readonly accepted: boolean;
}

export interface NativeEngine extends Engine {
  details(): readonly SessionDetail[];
  /** All routes that a session brought, rejected ones too; undefined where it is not there. */
  routesFrom(session: string): readonly LearnedRoute[] | undefined;
  /** Prefixes, routes and distinct sets of attributes, by family. */
  tableSizes(): Readonly<
    Record<Family, { readonly prefixes: number; readonly routes: number; readonly sets: number }>
  >;
}

interface Running {
  plan: SessionPlan;
  /** `contextKey` and password of the plan, to see without planning anew that nothing changed. */
  contextKey: string;
  password: string | undefined;
  readonly peer: Peer;
  readonly link: PeerLink;
  readonly view: SessionView;
}

/** After so long without change, what is kept for quick starts is given back. */
const TIDY_MS = 2000;

/** Starts nothing and touches nothing yet: the first `apply` does. */
export function createNativeEngine(options: NativeEngineOptions): NativeEngine {
  const directory = resolve(options.stateDir);
  const { log } = options;
  const clock: Clock = options.clock ?? SYSTEM_CLOCK;
  const resolved: NativeOptions = {
    acceptPrefixes: options.acceptPrefixes ?? 'any',
    maxPrefixes: options.maxPrefixes ?? DEFAULT_MAX_PREFIXES,
    overLimitSeconds: options.overLimitSeconds ?? null,
    llgrSeconds: options.llgrSeconds ?? DEFAULT_LLGR_SECONDS,
    addPaths: options.addPaths ?? DEFAULT_ADD_PATHS,
  };
  const listeners: ((event: EngineEvent) => void)[] = [];

  /** All that there is while it runs. */
  interface Core {
    readonly transport: Transport;
    readonly tables: Readonly<Record<Family, Table>>;
    readonly own: readonly OwnRoutes[];
    readonly pacer: Pacer;
    readonly earlier: EarlierRun;
    /** Names of peers that hold routes of ours since before; null: their return is awaited already, or nobody's is. */
    awaited: ReadonlySet<string> | null;
    recovery: Recovery | null;
  }
  let core: Core | undefined;
  let lock: ProcessLock | undefined;
  let stage: 'off' | 'avoid' | 'stopped' = 'off';
  let applied:
    | { readonly config: SpeakerConfig; readonly passwords: ReadonlyMap<string, string> }
    | undefined;
  const running = new Map<string, Running>();
  /** The same, sorted; null: not done since it changed. */
  let byName: readonly Running[] | null = null;
  let listening = '';
  let inherited: readonly string[] = [];
  let guard: OriginGuard | null = null;

  let queue: Promise<unknown> = Promise.resolve();
  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  }

  /** Who holds routes of ours: peers that are up, and while we recover those that have not come back yet. */
  function holders({ awaited, recovery }: Core): readonly string[] {
    const up = [...running.values()].filter(({ peer }) => peer.negotiated !== null);
    const away = awaited ?? (recovery?.active === true ? recovery.awaited : []);
    return [...new Set([...up.map(({ link }) => link.name), ...away])];
  }

  async function start(config: SpeakerConfig): Promise<Core> {
    lock ??= await takeProcessLock(join(directory, 'engine.lock'), (pid) => takenBy(pid, directory));
    if (core !== undefined) return core;
    const transport = createTransport({ clock, log });
    const tables = { 4: createTable(4), 6: createTable(6) };
    let cancelTidy = (): void => {};
    const pacer = createPacer(clock, (call) => void setImmediate(call), {
      unread: () => transport.unread,
      begin: () => {
        for (const family of FAMILIES) tables[family].begin();
      },
      work: (goOn) => {
        for (const family of FAMILIES) if (!tables[family].work(goOn)) return false;
        cancelTidy();
        cancelTidy = clock.setTimer(TIDY_MS, () => {
          for (const family of FAMILIES) tables[family].tidy();
        });
        return true;
      },
    });
    const stopPacer = pacer.stop;
    const stoppable: Pacer = {
      wake: pacer.wake,
      serve: pacer.serve,
      stop() {
        cancelTidy();
        stopPacer();
      },
    };
    const earlier = earlierRun(directory, clock, (error) =>
      log.warn(
        { err: error },
        'the list of sessions that are up could not be written; after a restart nobody is waited for',
      ),
    );
    const own = FAMILIES.map((family) => createOwnRoutes(tables[family]));
    const made: Core = {
      transport,
      tables,
      own,
      pacer: stoppable,
      earlier,
      awaited: null,
      recovery: null,
    };
    const before = new Set([...((await earlier.read()) ?? []), ...inherited]);
    inherited = [];
    const awaited = new Set(config.sessions.filter(({ name }) => before.has(name)).map(({ name }) => name));
    if (awaited.size > 0) made.awaited = awaited;
    else await earlier.write([]);
    core = made;
    for (const listener of listeners) listener({ type: 'started', recovered: awaited.size > 0 });
    return made;
  }

  /** As soon as peers can come: until then nobody has been waited for. */
  function beginRecovery(made: Core, config: SpeakerConfig): void {
    const { awaited } = made;
    if (awaited === null) return;
    made.awaited = null;
    const bound = recoveryBound(config.sessions.map((session) => session.gracefulRestartSeconds));
    for (const family of FAMILIES) made.tables[family].hold();
    log.info(
      { peers: awaited.size, boundMs: bound },
      'recovering: peers keep our routes while theirs are learned again',
    );
    made.recovery = startRecovery(awaited, bound, clock, (because) => {
      log.info({ because }, 'recovered: routes are told from now on');
      for (const family of FAMILIES) made.tables[family].release();
      for (const { link, plan } of running.values()) link.updateSettings(plan.settings(false));
      made.pacer.wake();
    });
  }

  /** @param free resolves when the session that had this peer before is gone; null: none had */
  function add(
    made: Core,
    plan: SessionPlan,
    contextKey: string,
    password: string | undefined,
    free: Promise<void> | null,
  ): void {
    const { name } = plan.session;
    const noted = (): void => made.earlier.changed(() => holders(made));
    const peer = createPeer(plan.identity, plan.policy, {
      table: made.tables[plan.session.family],
      clock,
      wake: made.pacer.wake,
      serve: made.pacer.serve,
      onUp: ({ gracefulRestart }) => {
        log.debug({ session: name }, 'session is up');
        made.recovery?.up(name, gracefulRestart?.restarting === true, gracefulRestart !== null);
        noted();
      },
      onDown: (cause) => {
        log.debug({ session: name, cause: cause.kind }, 'session is down');
        made.recovery?.gone(name);
        noted();
      },
      onEndOfRib: () => made.recovery?.endOfRib(name),
    });
    const link = made.transport.add(plan.settings(made.recovery?.active === true), peer.events);
    peer.attach(link);
    const view = createSessionView(link, peer, made.tables[plan.session.family], clock);
    running.set(name, { plan, contextKey, password, peer, link, view });
    byName = null;
    const begin = (): void => {
      // The engine may have been stopped meanwhile, and lets its last words go out.
      if (core === made && stage !== 'stopped' && running.get(name)?.link === link) link.start();
    };
    if (free === null) begin();
    else void free.then(begin);
  }

  /** Ends a session; the peer is told why. Resolves when its sockets are closed. */
  function end(name: string, subcode: number): Promise<void> {
    const found = running.get(name);
    if (found === undefined) return Promise.resolve();
    running.delete(name);
    byName = null;
    found.link.stop(cease(subcode));
    found.peer.remove();
    core?.recovery?.endOfRib(name);
    return found.link.close().catch((error: unknown) => {
      log.error({ session: name, err: error }, 'what was left of it could not be closed');
    });
  }

  async function listen(transport: Transport, config: SpeakerConfig): Promise<boolean> {
    const wanted = new Map<string, ListenAddress>();
    for (const session of config.sessions) {
      const address = localAddressOf(config, session);
      if (address !== null) wanted.set(address, { address, port: config.listenPort });
    }
    const key = [...wanted.keys()].sort().join(' ') + config.listenPort;
    if (key === listening) return false;
    // Until it is known: what was listened on before may be closed already when this fails.
    listening = '';
    const failures = await transport.listen([...wanted.values()]);
    const [first] = failures;
    // Where it is one address of several (IPv6 at boot, say), the others' sessions must not wait for it.
    if (first !== undefined && failures.length === wanted.size) {
      const { address, port } = first.address;
      throw new CalicoRrError('E_ENGINE_START', `cannot listen on ${address} port ${port}: ${first.reason}`, {
        hint: 'Another BGP speaker may hold the port (ss -ltnp), or the address is not on this machine. It is tried again.',
      });
    }
    listening = key;
    return true;
  }

  /** What runs already and would be planned in the same way. */
  function unchanged(
    session: SessionConfig,
    password: string | undefined,
    contextKey: string,
  ): Running | undefined {
    const known = running.get(session.name);
    const same =
      known?.plan.session === session && known.contextKey === contextKey && known.password === password;
    return same ? known : undefined;
  }

  /** Judges the sessions that do not run like this already: of thousands they are few. */
  function judgeOthers(
    config: SpeakerConfig,
    passwords: ReadonlyMap<string, string>,
    contextKey: string,
  ): { readonly fit: readonly SessionConfig[]; readonly refused: Refusal[] } {
    const others = config.sessions.filter((session) => {
      const password = session.password ? passwords.get(session.name) : undefined;
      return unchanged(session, password, contextKey) === undefined;
    });
    const { refused } = judgeSessions({ ...config, sessions: others }, passwords);
    if (refused.length === 0) return { fit: config.sessions, refused: [] };
    const unfit = new Set(refused.map(({ session }) => session));
    return { fit: config.sessions.filter(({ name }) => !unfit.has(name)), refused: [...refused] };
  }

  async function applyNow(
    config: SpeakerConfig,
    passwords: ReadonlyMap<string, string>,
  ): Promise<ApplyReport> {
    if (config.forwards && options.nodesWithoutKernel !== true) {
      throw new CalicoRrError(
        'E_SETTING',
        `--engine native is for reflectors, and ${config.speaker} is a Calico node, which has to program its kernel's routes`,
        { hint: 'Run it with --engine bird.' },
      );
    }
    const made = await start(config);
    const context = planContext(
      config,
      resolved,
      (family) => made.tables[family].rib.sets,
      stage !== 'off',
      guard,
    );
    const { fit, refused } = judgeOthers(config, passwords, context.key);
    const plans = new Map<string, SessionPlan>();
    const wanted = new Set(fit.map(({ name }) => name));
    const taken = new Map<string, string>();
    const steps = createSteps(clock);
    for (const session of fit) {
      if (steps.over) await steps.next();
      const password = session.password ? passwords.get(session.name) : undefined;
      const known = unchanged(session, password, context.key);
      const fault = known === undefined ? faultOf(session) : undefined;
      if (fault !== undefined) {
        refused.push({ session: session.name, problem: fault });
        continue;
      }
      const other = taken.get(session.peerAddress);
      if (other !== undefined) {
        refused.push({ session: session.name, problem: sameAddress(session.name, other, session.because) });
        continue;
      }
      const plan = known?.plan ?? planSession(context, session, password);
      if (known === undefined) {
        const reason = made.transport.refusalOf(plan.settings(false), (name) => !wanted.has(name));
        if (reason !== null) {
          refused.push({ session: session.name, problem: cannotRun(session.name, reason, session.because) });
          continue;
        }
      }
      taken.set(session.peerAddress, session.name);
      plans.set(session.name, plan);
    }
    const announcesAnew = made.own.filter((own) => own.update(config)).length > 0;
    const listensAnew = await listen(made.transport, { ...config, sessions: fit });
    beginRecovery(made, config);
    const sessions = await bringAbout(made, plans, context, passwords);
    applied = { config, passwords };
    const wrote =
      listensAnew || announcesAnew || [...sessions.values()].some((outcome) => outcome !== 'kept');
    return { sessions, refused, wrote };
  }

  async function bringAbout(
    made: Core,
    plans: ReadonlyMap<string, SessionPlan>,
    context: PlanContext,
    passwords: ReadonlyMap<string, string>,
  ): Promise<Map<string, SessionOutcome>> {
    const outcomes = new Map<string, SessionOutcome>();
    /**
     * Ends of sessions by their peers' addresses. A peer that is dead takes seconds to get rid of; only a new session with the
     * same one waits for that.
     */
    const ending = new Map<string, Promise<void>>();
    const steps = createSteps(clock);
    for (const [name, { plan }] of [...running]) {
      if (plans.has(name)) continue;
      if (steps.over) await steps.next();
      outcomes.set(name, 'removed');
      ending.set(plan.session.peerAddress, end(name, CEASE.peerDeconfigured));
    }
    for (const [name, plan] of plans) {
      if (steps.over) await steps.next();
      const known = running.get(name);
      if (known !== undefined && known.plan.key !== plan.key) {
        outcomes.set(name, 'restarted');
        ending.set(known.plan.session.peerAddress, end(name, CEASE.otherConfigurationChange));
      }
    }
    const retargeted = new Set<Running>();
    for (const [name, plan] of plans) {
      if (steps.over) await steps.next();
      const password = plan.session.password ? passwords.get(name) : undefined;
      const known = running.get(name);
      if (known === undefined) {
        if (!outcomes.has(name)) outcomes.set(name, 'added');
        add(made, plan, context.key, password, ending.get(plan.session.peerAddress) ?? null);
        continue;
      }
      if (known.plan === plan) {
        outcomes.set(name, 'kept');
        continue;
      }
      const before = known.peer.terms();
      const taught = known.peer.setPolicy(plan.policy);
      const after = known.peer.terms();
      const told = before !== null && after !== null && JSON.stringify(before) !== JSON.stringify(after);
      if (told) retargeted.add(known);
      outcomes.set(name, taught || told ? 'changed' : 'kept');
      known.plan = plan;
      known.contextKey = context.key;
      known.password = password;
    }
    retarget(made, retargeted);
    return outcomes;
  }

  function retarget(made: Core, changed: Iterable<Running>): void {
    for (const family of FAMILIES) {
      const changes = new Map(
        [...changed].flatMap(({ peer, plan }) => {
          const terms = plan.session.family === family ? peer.terms() : null;
          return terms === null ? [] : [[peer.source, terms] as const];
        }),
      );
      if (changes.size > 0) made.tables[family].retarget(changes);
    }
    made.pacer.wake();
  }

  function observeNow(): EngineState {
    byName ??= [...running.values()].sort((one, other) => (one.link.name < other.link.name ? -1 : 1));
    const stopped = stage === 'stopped';
    const sessions = byName.map(({ view, plan }) => view.look(stopped, plan.session.peerName));
    return {
      engine: 'native',
      running: core !== undefined,
      routerId: core === undefined ? null : (applied?.config.routerId ?? null),
      recovering: core !== undefined && (core.awaited !== null || core.recovery?.active === true),
      sessions,
      warnings: core === undefined ? [] : warningsOf(core),
      turnedAway: core?.transport.counters() ?? null,
    };
  }

  /** What comes in meanwhile is judged as it comes. A number that another prefix has got by then does no harm. */
  async function reviewPeers(
    made: Core,
    numbers: Readonly<Record<Family, readonly number[] | 'all'>>,
  ): Promise<void> {
    const steps = createSteps(clock);
    for (const one of [...running.values()]) {
      if (steps.over) {
        made.pacer.wake();
        await steps.next();
      }
      if (running.get(one.link.name) === one) one.peer.reviewOrigins(numbers[one.plan.session.family]);
    }
    made.pacer.wake();
  }

  function warningsOf({ tables, transport }: Core): readonly Problem[] {
    const held = guard;
    return [
      // Before anything was applied, why that failed says so.
      ...(applied === undefined ? [] : notListening(transport.unopened, applied.config.speaker)),
      ...[...running.values()].flatMap(({ peer, plan }) => {
        const { rib } = tables[plan.session.family];
        const near = nearLimit(plan.session, plan.policy, rib.acceptedCount(peer.source));
        const foreign =
          held === null ? null : foreignOf(plan.session, peer.foreign, rib.prefixes, held.enforce);
        return [near ?? [], foreign ?? []].flat();
      }),
    ];
  }

  async function enterStage(next: typeof stage): Promise<void> {
    if (applied === undefined) {
      throw new CalicoRrError('E_ENGINE_PROTOCOL', 'there is nothing to drain: no state was applied yet');
    }
    stage = next;
    await applyNow(applied.config, applied.passwords);
  }

  async function drain(request: DrainRequest): Promise<void> {
    try {
      await exclusively(() => enterStage('avoid'));
      await request.proceed();
    } catch (error) {
      if (applied !== undefined) await exclusively(() => enterStage('off'));
      throw error;
    }
    await exclusively(async () => {
      stage = 'stopped';
      const text = shutdownText(request.message);
      for (const { link } of running.values()) link.stop(cease(CEASE.administrativeShutdown, text));
      await core?.earlier.forget();
    });
  }

  async function stop(): Promise<void> {
    const ending = core;
    core = undefined;
    if (ending !== undefined) {
      const names = holders(ending);
      ending.recovery?.stop();
      // Written before the sessions end, which would be noted as peers that are down.
      ending.earlier.stop();
      if (stage !== 'stopped') await ending.earlier.write(names);
      for (const { link, peer } of running.values()) {
        link.stop(null);
        peer.remove();
      }
      ending.earlier.stop();
      ending.pacer.stop();
      await ending.transport.close();
    }
    running.clear();
    byName = null;
    listening = '';
    applied = undefined;
    await lock?.release();
    lock = undefined;
  }

  return {
    name: 'native',
    apply: (config, passwords) => exclusively(() => applyNow(config, passwords)),
    observe: async () => observeNow(),
    async lostRoutes(config) {
      const next = acceptedPrefixes(config, resolved);
      if (core === undefined || next === undefined) return [];
      const now = applied === undefined ? undefined : acceptedPrefixes(applied.config, resolved);
      if (now?.every((prefix) => admits(next, prefix)) === true) return [];
      const lost: { session: string; prefix: string }[] = [];
      for (const { peer, plan } of running.values()) {
        if (plan.session.kind === 'reflector') continue;
        const { rib } = core.tables[plan.session.family];
        rib.forEachOf(peer.source, (id, _received, accepted) => {
          const prefix = prefixText(rib.prefixes, id);
          if (accepted && !admits(next, prefix)) lost.push({ session: plan.session.name, prefix });
        });
      }
      return lost.sort((one, other) =>
        `${one.session} ${one.prefix}` < `${other.session} ${other.prefix}` ? -1 : 1,
      );
    },
    async countRoutes(session) {
      const found = running.get(session);
      if (core === undefined || found === undefined || found.peer.negotiated === null) return undefined;
      const table = core.tables[found.plan.session.family];
      return {
        imported: table.rib.acceptedCount(found.peer.source),
        exported: table.toldTo(found.peer.source),
      };
    },
    drain,
    stop: () => exclusively(stop),
    inherit(sessions) {
      inherited = sessions;
    },
    onEvent: (listener) => void listeners.push(listener),
    guardOrigins(next) {
      guard = next;
    },
    reviewOrigins(changed) {
      if (core === undefined || guard === null) return;
      const { tables } = core;
      const numbersIn = (family: Family): readonly number[] | 'all' =>
        changed === 'all'
          ? changed
          : changed.flatMap((text) => numbersWithin(tables[family].rib.prefixes, text));
      const numbers = { 4: numbersIn(4), 6: numbersIn(6) };
      reviewPeers(core, numbers).catch((error: unknown) => {
        log.error({ err: error }, 'where routes come from could not be judged anew');
      });
    },
    async explainRoute(prefix) {
      const table = core?.tables[prefix.includes(':') ? 6 : 4];
      return table === undefined ? null : (explainPrefix(table, prefix) ?? null);
    },
    details: () =>
      [...running.values()].map(({ peer, link, plan }) => {
        const table = core?.tables[plan.session.family];
        const counts = table?.rib.countsOf(peer.source) ?? { accepted: 0, rejected: 0, stale: 0 };
        const told = table?.toldTo(peer.source) ?? 0;
        return { name: link.name, status: link.status(), ...counts, told, dropped: peer.dropped };
      }),
    routesFrom(session) {
      const found = running.get(session);
      if (core === undefined || found === undefined) return undefined;
      const { rib } = core.tables[found.plan.session.family];
      const routes: LearnedRoute[] = [];
      rib.forEachOf(found.peer.source, (id, { nextHop }, accepted) => {
        routes.push({ prefix: prefixText(rib.prefixes, id), nextHop: nextHopText(nextHop), accepted });
      });
      return routes;
    },
    tableSizes() {
      const sizeOf = (family: Family) => {
        const rib = core?.tables[family].rib;
        return { prefixes: rib?.prefixes.count ?? 0, routes: rib?.routes ?? 0, sets: rib?.sets.count ?? 0 };
      };
      return { 4: sizeOf(4), 6: sizeOf(6) };
    },
  };
}

function takenBy(pid: string, directory: string): CalicoRrError {
  return new CalicoRrError('E_STATE_DIR', `process ${pid} already runs an engine on ${directory}`, {
    hint: 'End that one, or give this one a directory of its own with --state-dir.',
  });
}

function cannotRun(session: string, reason: string, subject: string): Problem {
  return {
    code: 'engine-refused',
    severity: 'error',
    subject,
    message: `session ${session}: ${reason}; it is not brought up without`,
    hint: 'The rest was applied without it. The engine BIRD can run it: --engine bird.',
  };
}

function sameAddress(session: string, other: string, subject: string): Problem {
  return {
    code: 'engine-refused',
    severity: 'error',
    subject,
    message: `session ${session} has the peer address of ${other}: there is one session with each address`,
    hint: `Remove one of the two. ${other} runs.`,
  };
}
