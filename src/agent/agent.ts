/**
 * The agent: one loop that watches the datastore, works out what this speaker has to do, lets the guard judge
 * it, and keeps a BGP engine in that state for as long as it runs. docs/agent.md describes it for operators.
 */
import type { Logger } from 'pino';
import type { ServiceWatch } from '../datastore/kubernetes/service-watch.ts';
import type { Engine } from '../engine/engine.ts';
import type { RouteExplanation } from '../engine/route-explanation.ts';
import type { Prefix } from '../model/address.ts';
import { type Change, keyOfChange, type Listing } from '../model/change.ts';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { ResourceKey } from '../model/resource.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import type { SpeakerIdentity } from '../topology/topology.ts';
import { createClusterCheck } from './cluster-check.ts';
import { createConnection } from './connection.ts';
import { createDatastoreSource, type OpenDatastore } from './datastore-source.ts';
import { createDesiredState } from './desired-state.ts';
import { type DrainOptions, untilSafe } from './drain.ts';
import { createGatherer, systemClock } from './gather.ts';
import type { GuardSettings } from './guard-rules.ts';
import { count, type HeldChange } from './hold.ts';
import { tellHold } from './hold-log.ts';
import { createObserver } from './observer.ts';
import { createProblemLog, type ProblemLogOptions } from './problem-log.ts';
import { createReconciler } from './reconciler.ts';
import { createStateWriter, readSavedState, type SavedState } from './saved-state.ts';
import type { SecretSource } from './secret-source.ts';
import type { StateDir } from './state-dir.ts';
import { type AgentStatus, type Phase, statusOf } from './status.ts';
import { createStatusWriter, limitDown, type ReflectorReport, type ReportedState } from './status-object.ts';
import { openUpRecord } from './up-record.ts';

export type { DrainOptions } from './drain.ts';

/** How long a datastore may take to say something before the saved state is used. */
const PATIENCE_MS = 5000;
/** Ending takes no longer than this; what the engine has not done by then, it does without us. */
const STOP_MS = 10_000;
const RETRY_MS = [1000, 2000, 5000, 10_000, 30_000] as const;
const CHANGES_NAMED = 50;

export interface AgentOptions {
  /** Name of this instance, as its folder and its engine have it. */
  readonly instance: string;
  readonly identity: SpeakerIdentity;
  readonly engine: Engine;
  readonly openDatastore: OpenDatastore;
  readonly stateDir: StateDir;
  readonly secrets: SecretSource;
  /** Opens the watch of the cluster's services; `changed` is to be called whenever they turned. Absent: there are none. */
  readonly watchServices?: (changed: () => void) => ServiceWatch;
  readonly guard: GuardSettings;
  /** What becomes of routes that a node announces and that are not its own. */
  readonly originGuard: 'off' | 'log' | 'enforce';
  readonly acceptPrefixes: 'any' | 'pools';
  /** Version of Calico on the nodes (`v3.12.1`); absent: the latest. Decides who is in the node-to-node mesh. */
  readonly calicoVersion?: string;
  /** What nodes announce instead of `serviceClusterIPs`. */
  readonly serviceClusterIps?: readonly Prefix[];
  readonly version: string;
  /** Where others can ask this agent, given the addresses of its speaker; null: nowhere. */
  readonly controlUrl?: (addresses: readonly string[]) => string | null;
  readonly log: Logger;
}

export interface Approval {
  readonly approved: HeldChange;
  /** Null, or why it could not be applied yet; it stays approved and is tried again. */
  readonly notAppliedYet: string | null;
}

export interface Agent {
  /** Runs until `stop`. Rejects for what no waiting mends: a wrong setting, a BIRD that is not ours, no BIRD. */
  run(): Promise<void>;
  status(): Promise<AgentStatus>;
  readiness(): { readonly ready: boolean; readonly reason: string };
  /** @throws E_APPROVE_UNKNOWN */
  approve(id: string): Promise<Approval>;
  /** @throws E_NOT_FOUND where nobody told it */
  explainRoute(prefix: string): Promise<RouteExplanation>;
  /** @throws E_DRAIN_UNSAFE, E_CONFLICT (it is on its way out already) */
  drain(options: DrainOptions, progress: (text: string) => void): Promise<void>;
  /** Lists everything anew and verifies the engine. */
  reload(): void;
  /** Ends so that peers keep our routes (RFC 4724), within ten seconds. */
  stop(): Promise<void>;
}

export function createAgent(options: AgentOptions): Agent {
  const { engine, identity, log, secrets } = options;
  const started = new Date().toISOString();
  const saved = ofThisSpeaker(readSavedState(options.stateDir.path), identity);
  const ended = Promise.withResolvers<void>();
  const desired = createDesiredState(identity, options);
  let lost = options.stateDir.lost;
  let haveSnapshot = false;
  let leaving: 'draining' | 'drained' | 'stopping' | null = null;
  let applyError: string | null = null;
  let failures = 0;
  let notReady = 'the datastore has said nothing yet';
  let verify = false;
  /** By us, whether or not a state could be applied to it then. */
  let daemonStarted = false;
  let changed = new Set<ResourceKey>();
  let retryTimer: NodeJS.Timeout | null = null;

  const observer = createObserver({
    engine,
    log,
    describe: describeSession,
    leaving: () => leaving !== null,
    looked: lookedAtEngine,
  });
  const reconciler = createReconciler({
    engine,
    desired,
    observer,
    secrets,
    guard: options.guard,
    acceptPrefixes: options.acceptPrefixes,
    saved,
    writer: createStateWriter(options.stateDir.path),
    up: openUpRecord(options.stateDir.path, writeFailed),
    log,
    now: Date.now,
    writeFailed,
  });
  const problemsTold: ProblemLogOptions = {
    now: () => performance.now(),
    appeared: ({ code, severity, subject, message, hint }) => {
      log[severity === 'error' ? 'error' : 'warn']({ code, because: subject, hint }, message);
    },
    cleared: ({ code, subject, message }) => log.info({ code, because: subject }, `solved: ${message}`),
  };
  const problemLog = createProblemLog(problemsTold);
  const clusterLog = createProblemLog(problemsTold);
  const clusterCheck = createClusterCheck({
    topology: desired.topology,
    told: desired.problems,
    minReflectors: options.guard.minReflectors,
    clock: systemClock,
    date: () => new Date(),
  });
  const origins = options.originGuard === 'off' ? null : desired.topology.origins();
  if (origins !== null) {
    const { faultOf, lists } = origins;
    engine.guardOrigins({ enforce: options.originGuard === 'enforce', faultOf, lists });
  }
  const source = createDatastoreSource(options.openDatastore, {
    snapshot,
    changes,
    connection: connectionTurned,
  });
  const connection = createConnection(log, () => source.datastore()?.location);
  const statusWriter = createStatusWriter({ log, datastore: source.datastore, report, now: Date.now });
  const gatherer = createGatherer({ clock: systemClock, run: step });
  const services = options.watchServices?.(() => gatherer.request());

  function snapshot(listing: Listing): void {
    desired.load(listing);
    reviewOrigins();
    haveSnapshot = true;
    changed.clear();
    clusterCheck.changed();
    gatherer.request();
  }

  function changes(list: readonly Change[], warnings: readonly Problem[], settled: readonly string[]): void {
    desired.apply(list, warnings, settled);
    reviewOrigins();
    for (const change of list) {
      if (changed.size >= CHANGES_NAMED) break;
      changed.add(keyOfChange(change));
    }
    clusterCheck.changed();
    gatherer.request();
  }

  function reviewOrigins(): void {
    const concerned = origins?.takeChanged() ?? [];
    if (concerned === 'all' || concerned.length > 0) engine.reviewOrigins(concerned);
  }

  function connectionTurned(connected: boolean, reason: string | null): void {
    if (connection.turn(connected, reason) && !connected && !haveSnapshot) gatherer.request();
  }

  function writeFailed(reason: string): void {
    const text = `${options.stateDir.path} cannot be written (${reason}): a restart would not know of the latest approved and held changes`;
    if (lost !== text) log.error(text);
    lost = text;
  }

  /** One run of the loop. Never rejects: what fails is noted, told, and tried again. */
  async function step(): Promise<void> {
    if (leaving !== null) return;
    const named = changed;
    const force = verify;
    changed = new Set();
    verify = false;
    try {
      if (!haveSnapshot) await startFromSaved(force);
      else if (mayApply()) {
        await takeServices();
        await reconciler.reconcile([...named], force);
      }
      if (applyError !== null) log.info('applying works again');
      applyError = null;
      failures = 0;
      if (observer.state()?.running === true) observer.lookSoon();
      else if (reconciler.applied() !== null) await observer.refresh();
    } catch (error) {
      if (reconciler.applied() === null && (await isFatal(error))) {
        ended.reject(error);
        return;
      }
      changed = new Set([...named, ...changed]);
      verify ||= force;
      tellFailure(error);
      retryLater();
    }
    lookedAtEngine();
  }

  /** Services are followed only while this speaker is a node that announces them. */
  async function takeServices(): Promise<void> {
    const node = desired.serviceNode();
    services?.want(node);
    await services?.heard();
    if (services !== undefined && node !== null) desired.setServices(node, services.services());
  }

  /** No retry mends these, and nothing runs yet that would suffer from our end. */
  async function isFatal(error: unknown): Promise<boolean> {
    if (!(error instanceof CalicoRrError)) return false;
    if (error.exitCode === 2 || error.code === 'E_ENGINE_FOREIGN') return true;
    return error.code === 'E_ENGINE_START' && (await observer.refresh())?.running !== true;
  }

  function tellFailure(error: unknown): void {
    const text = messageOf(error);
    if (applyError !== text) {
      const details =
        error instanceof CalicoRrError ? { code: error.code, hint: error.hint } : { err: error };
      log.error(details, `not applied: ${text}`);
    }
    applyError = text;
  }

  function retryLater(): void {
    const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 30_000;
    if (retryTimer !== null) clearTimeout(retryTimer);
    retryTimer = setTimeout(() => void gatherer.runNow(), wait);
  }

  async function startFromSaved(force: boolean): Promise<void> {
    const approved = reconciler.approved();
    if (approved === null) return;
    if (reconciler.applied() === null) {
      log.warn(
        { approvedAt: approved.approvedAt, sessions: approved.config.sessions.length },
        'starting from the last approved state on disk, because the datastore says nothing',
      );
    } else if (!force) return;
    await reconciler.runFromSaved();
  }

  /** With no saved state there is nothing to compare with: then only a snapshot that makes sense is applied. */
  function mayApply(): boolean {
    if (reconciler.approved() !== null) return true;
    if (desired.isEmpty()) {
      notReady = `the datastore at ${source.datastore()?.location ?? '?'} holds nothing of Calico's; that is not taken for "no sessions"`;
      return false;
    }
    const unusable = desired.unusableOwn();
    if (unusable !== null) {
      notReady = `${unusable}, which says what this speaker is, cannot be used as it stands; correct it`;
      return false;
    }
    if (desired.standing() === 'standalone' && identity.ipv4 === null && identity.ipv6 === null) {
      notReady = `neither a RouteReflector nor a Node is named ${identity.name}; set IP to run as a standalone reflector`;
      return false;
    }
    return true;
  }

  function lookedAtEngine(): void {
    problemLog.update([
      ...desired.problems(),
      ...reconciler.problems(),
      ...secrets.problems(),
      ...(services?.problems() ?? []),
      ...(observer.state()?.warnings ?? []),
    ]);
    clusterLog.update(clusterCheck.findings().problems);
    // What ends by our own doing is to be counted by the next start.
    if (leaving === null) reconciler.noteUp();
    statusWriter.consider();
  }

  let sessions: { of: SpeakerConfig | null; byName: ReadonlyMap<string, SessionConfig> } = {
    of: null,
    byName: new Map(),
  };

  function describeSession(name: string): Readonly<Record<string, unknown>> {
    const config = reconciler.applied();
    if (sessions.of !== config) {
      sessions = { of: config, byName: new Map(config?.sessions.map((session) => [session.name, session])) };
    }
    const session = sessions.byName.get(name);
    if (session === undefined) return {};
    return { peer: session.peerAddress, node: session.peerName, because: session.because };
  }

  function phase(): Phase {
    if (leaving !== null) return leaving;
    if (reconciler.applied() === null) return 'waiting';
    return haveSnapshot && connection.state().connected ? 'running' : 'frozen';
  }

  function readiness(): { ready: boolean; reason: string } {
    const now = phase();
    if ((now === 'running' || now === 'frozen') && observer.state()?.running === false) {
      return { ready: false, reason: 'the BGP daemon does not run; it is being started again' };
    }
    switch (now) {
      case 'waiting':
        return { ready: false, reason: applyError ?? reconciler.held()[0]?.reasons[0] ?? whatIsMissing() };
      case 'running':
        return { ready: true, reason: likeAsked() };
      case 'frozen':
        return {
          ready: true,
          reason: `the datastore is not reachable since ${connection.state().since}; the last good state runs on`,
        };
      case 'draining':
      case 'stopping':
        return { ready: false, reason: now };
      case 'drained':
        return { ready: false, reason: 'drained; a restart brings it back into service' };
      default:
        return now satisfies never;
    }
  }

  function whatIsMissing(): string {
    const { connected, reason } = connection.state();
    if (haveSnapshot || connected || reason === null) return notReady;
    return `no saved state to start from, and ${reason.replace(/\.$/, '')}`;
  }

  /** How near what runs is to what the datastore asks for. */
  function likeAsked(): string {
    if (applyError !== null) return 'the last good state runs; the latest change could not be applied';
    const held = reconciler.held().length;
    return held === 0
      ? 'running as the datastore says'
      : `running as the datastore says, except what is held (${count(held, 'change')})`;
  }

  function reportedState(): ReportedState {
    if (leaving === null) return 'running';
    return leaving === 'stopping' ? 'stopped' : leaving;
  }

  function report(): { name: string; report: ReflectorReport } | null {
    const config = reconciler.applied();
    if (config === null || config.role !== 'reflector' || observer.state() === null) return null;
    const down = config.sessions.filter((session) => !observer.established(session.name));
    const addresses = [config.ipv4, config.ipv6].filter((address) => address !== null);
    return {
      name: config.speaker,
      report: {
        addresses,
        state: reportedState(),
        version: options.version,
        configured: config.sessions.length,
        established: config.sessions.length - down.length,
        ...limitDown(down.map((session) => session.peerAddress)),
        held: reconciler.held().length,
        control: options.controlUrl?.(addresses) ?? null,
      },
    };
  }

  async function status(): Promise<AgentStatus> {
    const seen = await observer.refresh();
    const datastore = source.datastore();
    return statusOf({
      instance: options.instance,
      version: options.version,
      started,
      phase: phase(),
      readiness: readiness(),
      config: reconciler.applied(),
      approved: reconciler.approved(),
      engine: seen,
      session: observer.session,
      held: reconciler.held(),
      problems: problemLog.current(),
      cluster: clusterCheck.findings(),
      datastore: {
        type: datastore?.type ?? null,
        location: datastore?.location ?? null,
        ...connection.state(),
      },
      directory: options.stateDir.path,
      lost,
      applyError,
      now: Date.now(),
    });
  }

  async function drain(request: DrainOptions, progress: (text: string) => void): Promise<void> {
    if (leaving !== null) throw new CalicoRrError('E_CONFLICT', `this reflector is ${leaving} already`);
    if (reconciler.applied() === null) {
      throw new CalicoRrError('E_DRAIN_UNSAFE', 'nothing runs yet that could be drained', {
        hint: 'Look at calico-rr status for the reason.',
      });
    }
    leaving = 'draining';
    log.info(
      { message: request.message, force: request.force },
      'draining: peers are told to take other paths',
    );
    const watched = {
      config: reconciler.applied,
      desired,
      observer,
      datastore: () => (connection.state().connected ? source.datastore() : null),
      log,
    };
    try {
      // A run that is under way must end before the engine is told something else; from here on none begins.
      await gatherer.runNow();
      await statusWriter.flush();
      await engine.drain({
        message: request.message,
        proceed: () => untilSafe(watched, request, progress),
      });
    } catch (error) {
      leaving = null;
      verify = true;
      log.warn({ reason: messageOf(error) }, 'drain called off; back in service');
      gatherer.request();
      throw error;
    }
    leaving = 'drained';
    log.info('drained: every session is closed; a restart brings this reflector back into service');
    statusWriter.consider();
  }

  engine.onEvent((event) => {
    switch (event.type) {
      case 'started':
        daemonStarted = true;
        log.info({ recovered: event.recovered }, 'BGP runs');
        break;
      case 'exited': {
        const { reason, restartInMs } = event;
        log.error({ reason, restartInMs }, 'the BGP daemon ended by itself; it is started again');
        break;
      }
      case 'altered':
        // Told while it is looked at, and by the engine when it puts it right.
        verify = true;
        gatherer.request();
        return;
      default:
        event satisfies never;
    }
    void observer.refresh();
  });

  async function stop(): Promise<void> {
    if (leaving === 'stopping') return;
    const drained = leaving === 'drained';
    leaving = 'stopping';
    log.info(drained ? 'stopping' : 'stopping: peers keep our routes (graceful restart)');
    const orderly = async () => {
      await gatherer.stop();
      // The last word to the other reflectors: no client has one in us from now on.
      const lastWord = within(statusWriter.flush(), 1000);
      // A daemon that we found and never told anything is not ours to end.
      await engine.stop(reconciler.applied() !== null || daemonStarted ? 'graceful' : 'detach');
      await Promise.all([reconciler.flush(), lastWord]);
    };
    try {
      if (!(await within(orderly(), STOP_MS))) {
        log.error('the engine did not stop in time; it is left running for the next start to find');
      }
      ended.resolve();
    } catch (error) {
      ended.reject(error);
    }
  }

  async function run(): Promise<void> {
    for (const complaint of saved.complaints) log.error(complaint);
    if (lost !== null) log.error(lost);
    for (const hold of reconciler.held()) tellHold(log, 'change still held', hold);
    const patience = setTimeout(() => {
      if (!haveSnapshot) gatherer.request();
    }, PATIENCE_MS);
    const unwatch = secrets.watch((what) => {
      log.info(`${what} changed`);
      gatherer.request();
    });
    observer.start();
    source.run().catch((error: unknown) => ended.reject(error));
    try {
      await ended.promise;
    } finally {
      clearTimeout(patience);
      if (retryTimer !== null) clearTimeout(retryTimer);
      unwatch();
      clusterCheck.stop();
      statusWriter.stop();
      await within(Promise.all([gatherer.stop(), observer.stop(), source.stop(), services?.close()]), 2000);
    }
  }

  return {
    run,
    status,
    readiness,
    async approve(id) {
      const approved = reconciler.approve(id);
      await gatherer.runNow();
      const waiting = haveSnapshot ? null : 'the datastore is not reachable; it is applied when that answers';
      return { approved, notAppliedYet: applyError ?? waiting };
    },
    async explainRoute(prefix) {
      const explained = await engine.explainRoute(prefix);
      if (explained !== null) return explained;
      throw new CalicoRrError('E_NOT_FOUND', `nobody told this speaker a route to ${prefix}`, {
        hint: 'Look whether the session with its announcer is up: calico-rr status.',
      });
    },
    drain,
    reload() {
      log.info('listing everything anew and verifying the engine');
      verify = true;
      secrets.reload();
      source.relist();
      gatherer.request();
    },
    stop,
  };
}

/** A state folder that another address has used before says nothing about this one's sessions. */
function ofThisSpeaker(saved: SavedState, identity: SpeakerIdentity): SavedState {
  const { ipv4, ipv6 } = identity;
  const before = saved.approved?.config;
  if (before === undefined || (ipv4 === null && ipv6 === null)) return saved;
  if (before.ipv4 === ipv4 && before.ipv6 === ipv6) return saved;
  const [was, is] = [before, identity].map(
    (speaker) =>
      [speaker.ipv4, speaker.ipv6].filter((address) => address !== null).join(' and ') || 'no address',
  );
  const complaint = `the saved state is of ${was}, and this speaker is ${is}: it is not used, and the first state from the datastore counts as approved`;
  return { approved: null, held: null, complaints: [...saved.complaints, complaint] };
}

/** True where it ended in time. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
