/** What `calico-rr status -o json` and `/status` say: everything about one instance, and no secret. */
import type {
  EngineState,
  ObservedSession,
  SessionCounters,
  SessionState,
  TurnedAway,
} from '../engine/engine.ts';
import type { Problem } from '../model/problem.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import type { ClusterFindings } from './cluster-check.ts';
import type { HeldChange, HeldSession } from './hold.ts';

/**
 * `waiting`: nothing to run from yet. `running`: as the datastore says. `frozen`: from the state on disk or as
 * last told, the datastore being away. `draining`, `drained`: on the way out, or out; a restart ends that.
 */
export type Phase = 'waiting' | 'running' | 'frozen' | 'draining' | 'drained' | 'stopping';

export interface SessionStatus
  extends Pick<
    SessionConfig,
    'name' | 'kind' | 'family' | 'peerAddress' | 'peerPort' | 'peerName' | 'peerAs' | 'client' | 'because'
  > {
  readonly state: SessionState;
  readonly protocolState: string;
  readonly since: string;
  readonly info: string;
  /** Routes, drops, messages; null with BIRD, and where there is no such session (yet). */
  readonly counters: SessionCounters | null;
  /** ID of the held change that keeps this session as it was. */
  readonly held: string | null;
}

export interface AgentStatus {
  readonly instance: string;
  readonly version: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly started: string;
  readonly phase: Phase;
  readonly ready: boolean;
  /** Why it is not ready, or what it is doing; a sentence. */
  readonly reason: string;
  readonly speaker:
    | (Pick<
        SpeakerConfig,
        'role' | 'asNumber' | 'routerId' | 'ipv4' | 'ipv6' | 'clusterId' | 'group' | 'listenPort'
      > & { readonly name: string; readonly standing: string })
    | null;
  readonly engine: {
    readonly name: string;
    readonly running: boolean;
    readonly recovering: boolean;
    /** Connections that got no answer; null with BIRD. */
    readonly counters: TurnedAway | null;
  } | null;
  readonly sessions: readonly SessionStatus[];
  readonly held: readonly (Omit<HeldChange, 'sessions'> & {
    readonly sessions: readonly Omit<HeldSession, 'proposal'>[];
  })[];
  readonly problems: readonly Problem[];
  /** What is found when all speakers are looked at together, beyond `problems`. */
  readonly cluster: ClusterFindings;
  readonly datastore: {
    readonly type: string | null;
    readonly location: string | null;
    readonly connected: boolean;
    /** Since when it is so, ISO 8601. */
    readonly since: string;
    readonly reason: string | null;
  };
  readonly state: {
    readonly directory: string;
    /** What is lost with the folder that is used, or null. */
    readonly lost: string | null;
    /** When the state that runs was approved, ISO 8601. */
    readonly approvedAt: string | null;
    readonly ageSeconds: number | null;
  };
  /** The last thing that failed in applying, or null. */
  readonly applyError: string | null;
}

export interface StatusInput {
  readonly instance: string;
  readonly version: string;
  readonly started: string;
  readonly phase: Phase;
  readonly readiness: { readonly ready: boolean; readonly reason: string };
  readonly config: SpeakerConfig | null;
  readonly approved: { readonly standing: string; readonly approvedAt: string } | null;
  readonly engine: EngineState | null;
  readonly session: (name: string) => ObservedSession | undefined;
  readonly held: readonly HeldChange[];
  readonly problems: readonly Problem[];
  readonly cluster: ClusterFindings;
  readonly datastore: AgentStatus['datastore'];
  readonly directory: string;
  readonly lost: string | null;
  readonly applyError: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function statusOf(input: StatusInput): AgentStatus {
  const { config, approved, engine, held } = input;
  const holdOf = new Map(held.flatMap((hold) => hold.sessions.map((session) => [session.name, hold.id])));
  return {
    instance: input.instance,
    version: input.version,
    pid: process.pid,
    started: input.started,
    phase: input.phase,
    ...input.readiness,
    speaker: config === null ? null : speakerOf(config, approved?.standing ?? 'standalone'),
    engine:
      engine === null
        ? null
        : {
            name: engine.engine,
            running: engine.running,
            recovering: engine.recovering,
            counters: engine.turnedAway,
          },
    sessions: (config?.sessions ?? []).map((session) =>
      sessionStatusOf(session, input.session(session.name), holdOf.get(session.name) ?? null),
    ),
    held: held.map((hold) => ({
      ...hold,
      sessions: hold.sessions.map(({ proposal: _, ...session }) => session),
    })),
    problems: input.problems,
    cluster: input.cluster,
    datastore: input.datastore,
    state: {
      directory: input.directory,
      lost: input.lost,
      approvedAt: approved?.approvedAt ?? null,
      ageSeconds:
        approved === null
          ? null
          : Math.max(0, Math.round((input.now - Date.parse(approved.approvedAt)) / 1000)),
    },
    applyError: input.applyError,
  };
}

function speakerOf(config: SpeakerConfig, standing: string): AgentStatus['speaker'] {
  const { speaker, role, asNumber, routerId, ipv4, ipv6, clusterId, group, listenPort } = config;
  return { name: speaker, standing, role, asNumber, routerId, ipv4, ipv6, clusterId, group, listenPort };
}

function sessionStatusOf(
  session: SessionConfig,
  seen: ObservedSession | undefined,
  held: string | null,
): SessionStatus {
  const { name, kind, family, peerAddress, peerPort, peerName, peerAs, client, because } = session;
  return {
    name,
    kind,
    family,
    peerAddress,
    peerPort,
    peerName,
    peerAs,
    client,
    because,
    state: seen?.state ?? 'Down',
    protocolState: seen?.protocolState ?? 'down',
    since: seen?.since ?? '',
    info: seen?.info ?? '',
    counters: seen?.counters ?? null,
    held,
  };
}
