/**
 * One step of the loop: take what the datastore asks for, let the guard judge it, give the engine what may be
 * applied, and note what was approved. Holds the approved state, the held changes and the approvals.
 */
import type { Logger } from 'pino';
import type { ApplyReport, Engine, EngineState } from '../engine/engine.ts';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { Resource, ResourceKey } from '../model/resource.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import type { Standing } from '../topology/topology.ts';
import { type ApprovedRecord, createApprovedRecordWriter } from './approved-record.ts';
import type { DesiredState } from './desired-state.ts';
import { judgeFirstState } from './first-state.ts';
import { boundsNarrower, heldSessionsOf, type Judgement, judge } from './guard.ts';
import { GUARD_WINDOW_MS, type GuardSettings, nodeFamily } from './guard-rules.ts';
import { type HeldChange, holdId } from './hold.ts';
import { sameHolds, tellHeld } from './hold-log.ts';
import type { Observer } from './observer.ts';
import { withRunningNames } from './running-names.ts';
import type { ApprovedState, SavedState, StateWriter } from './saved-state.ts';
import type { SecretSource } from './secret-source.ts';
import { sameConfig, type TakenSession, takenSessions } from './session-difference.ts';
import {
  changedPasswords,
  findPasswords,
  passwordNames,
  type SessionPasswords,
} from './session-passwords.ts';
import type { UpRecord } from './up-record.ts';

/** After a cold start, sessions that were up count as established for so long: they are on their way up. */
const SETTLING_MS = 120_000;

export interface ReconcilerOptions {
  readonly engine: Engine;
  readonly desired: DesiredState;
  readonly observer: Observer;
  readonly secrets: SecretSource;
  readonly guard: GuardSettings;
  readonly acceptPrefixes: 'any' | 'pools';
  readonly saved: SavedState;
  readonly writer: StateWriter;
  readonly up: UpRecord;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The state on disk could not be written. */
  readonly writeFailed: (reason: string) => void;
}

export interface Reconciler {
  /** Brings the engine to what the datastore asks for, as far as the guard lets it. Throws what the engine throws. */
  reconcile(changed: readonly ResourceKey[], force: boolean): Promise<void>;
  /** Brings the engine to the last approved state, without a datastore. */
  runFromSaved(): Promise<void>;
  /** @throws E_APPROVE_UNKNOWN where nothing of this ID is held */
  approve(id: string): HeldChange;
  approved(): Pick<ApprovedState, 'approvedAt' | 'standing' | 'config'> | null;
  held(): readonly HeldChange[];
  /** Notes for the next start which sessions are up. */
  noteUp(): void;
  /** What the engine was last given, or null. */
  applied(): SpeakerConfig | null;
  /** Of passwords, and of sessions that the engine refused. */
  problems(): readonly Problem[];
  flush(): Promise<void>;
}

interface Approving extends ApprovedRecord {
  /** Nodes of which the other reflectors are to be counted again with the next state. */
  readonly recount: Set<string>;
}

interface Proposal extends SessionPasswords {
  readonly raw: SpeakerConfig;
  readonly standing: Standing;
  readonly ownResources: readonly Resource[];
  /** Of the nodes that changed: how many reflectors each has besides this one. */
  readonly counted: ReadonlyMap<string, number>;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { engine, desired, observer, secrets, saved, writer, log } = options;
  let approved: Approving['state'] | null = saved.approved;
  /** By `nodeFamily`: what each client was approved with. */
  let otherReflectors: ReadonlyMap<string, number> = new Map(
    Object.entries(saved.approved?.otherReflectors ?? {}),
  );
  /** Sessions that the approved loss of the own entry takes; they need no approval of their own until it is applied. */
  let ownLoss: ReadonlySet<string> = new Set();
  /** Nodes of which that is to be counted anew with the next state that is approved. */
  let recount: Set<string> | 'all' = 'all';
  let held: readonly HeldChange[] = saved.held?.held ?? [];
  const approvals = new Set(saved.held?.approvals ?? []);
  let applied: SpeakerConfig | null = null;
  /** What was last noted of sessions that are up. */
  let noted: { readonly state: EngineState | null; readonly applied: SpeakerConfig | null } = {
    state: null,
    applied: null,
  };
  let appliedPasswords: ReadonlyMap<string, string> = new Map();
  let refused: readonly Problem[] = [];
  let passwordProblems: readonly Problem[] = [];
  const record = createApprovedRecordWriter(writer, options.writeFailed);
  const settling = {
    sessions: new Set(
      approved?.config.sessions
        .map((session) => session.name)
        .filter((name) => options.up.before?.has(name) ?? true),
    ),
    until: options.now() + SETTLING_MS,
  };
  if (approved !== null) desired.setApproved(approved.standing, approved.ownResources);

  const established = (name: string): boolean =>
    observer.established(name) || (settling.sessions.has(name) && options.now() < settling.until);

  /** What the datastore asks for, with the names that its sessions run under. */
  const named = (config: SpeakerConfig): SpeakerConfig =>
    approved === null ? config : withRunningNames(approved.config, config);

  function propose(): Proposal {
    const raw = desired.config();
    const found = findPasswords(named(raw), secrets);
    const changed = desired.takeChangedNodes();
    recount = recount === 'all' || changed === 'all' ? 'all' : new Set([...recount, ...changed]);
    const counted = new Map<string, number>();
    const nodes =
      recount === 'all'
        ? new Set(
            raw.sessions.flatMap(({ client, peerName }) => (client && peerName !== null ? [peerName] : [])),
          )
        : recount;
    for (const node of nodes) {
      for (const family of [4, 6] as const) {
        counted.set(nodeFamily(node, family), desired.otherReflectors(node, family));
      }
    }
    return {
      ...found,
      raw,
      standing: desired.standing(),
      ownResources: desired.ownResources(),
      counted,
    };
  }

  /** A proposal together with what must be asked of the engine to judge it; none of it older than the other. */
  async function prepare(): Promise<Proposal & { lostRoutes: Awaited<ReturnType<Engine['lostRoutes']>> }> {
    for (;;) {
      const asked = desired.config();
      await secrets.expect(passwordNames(asked));
      if (desired.config() !== asked) continue;
      const proposal = propose();
      let lostRoutes: Awaited<ReturnType<Engine['lostRoutes']>> = [];
      if (approved !== null) {
        const newPasswords = changedPasswords(appliedPasswords, proposal.passwords);
        const { taken } = takenSessions(approved.config, proposal.config, newPasswords);
        if (taken.length > 0 && applied !== null) await observer.refresh();
        if (boundsNarrower({ ...approved, otherReflectors }, proposal.config, options.acceptPrefixes)) {
          lostRoutes = await routesLostBy(proposal.config);
        }
      }
      if (desired.config() === proposal.raw) return { ...proposal, lostRoutes };
    }
  }

  async function routesLostBy(config: SpeakerConfig): ReturnType<Engine['lostRoutes']> {
    try {
      return await engine.lostRoutes(config);
    } catch (error) {
      // A daemon that does not run holds no route that could be lost.
      const state = await observer.refresh();
      if (state?.running === true) throw error;
      return [];
    }
  }

  /** A BIRD that runs since before we did shows which sessions are up: nothing needs to be assumed. */
  async function lookBeforeFirst(): Promise<void> {
    if (applied !== null || settling.sessions.size === 0) return;
    const found = await observer.refresh();
    if (found?.running === true && !found.recovering) settling.sessions.clear();
  }

  async function reconcile(changed: readonly ResourceKey[], force: boolean): Promise<void> {
    await lookBeforeFirst();
    const granted = new Set(approvals);
    const ownHold = judgeOwnEntry(granted);
    const proposal = await prepare();
    passwordProblems = proposal.problems;
    const firstHold = approved === null ? await firstStateHeld(proposal.config, granted) : null;
    if (firstHold !== null) {
      setHeld([firstHold], granted);
      return;
    }
    const judgement = judgeProposal(proposal, granted, changed);
    const { config, passwords } = withPasswords(judgement, proposal);
    const turned = setHeld(ownHold === null ? judgement.held : [ownHold, ...judgement.held], granted);

    const unchanged =
      applied !== null && sameConfig(applied, config) && samePasswords(appliedPasswords, passwords);
    const next = approving(judgement, proposal);
    // Written ahead: an agent that dies in between must not find an older state approved and take sessions back.
    const ahead = approved === null || judgement.takesSessions || turned;
    if (ahead) await record.save(next);
    if (!unchanged || force) await apply(config, passwords);
    const news = !unchanged || next.counts !== otherReflectors;
    approved = next.state;
    otherReflectors = next.counts;
    recount = next.recount;
    desired.setApproved(approved.standing, approved.ownResources);
    if (news && !ahead) record.saveSoon(next);
    ownLoss = new Set();
    for (const id of granted) approvals.delete(id);
    if (granted.size > 0) saveHeld();
  }

  async function firstStateHeld(
    config: SpeakerConfig,
    granted: ReadonlySet<string>,
  ): Promise<HeldChange | null> {
    const state = await observer.refresh();
    const now = new Date(options.now()).toISOString();
    const hold = judgeFirstState(config, state, options.guard, held, now);
    return hold === null || granted.has(hold.id) ? null : hold;
  }

  /** True where others are held than before. */
  function setHeld(next: readonly HeldChange[], granted: ReadonlySet<string>): boolean {
    tellHeld(log, held, next, granted);
    const turned = granted.size > 0 || !sameHolds(held, next);
    held = next;
    if (turned) saveHeld();
    return turned;
  }

  function judgeOwnEntry(granted: ReadonlySet<string>): HeldChange | null {
    const vanished = desired.vanished();
    if (vanished.length === 0) return null;
    const id = holdId(['own-entry', ...vanished]);
    const following = followingOwnLoss();
    if (granted.has(id)) {
      desired.letVanish();
      ownLoss = new Set(following.map((session) => session.name));
      return null;
    }
    return {
      id,
      since: held.find((hold) => hold.id === id)?.since ?? new Date(options.now()).toISOString(),
      rules: ['own-entry'],
      reasons: [`${vanished.join(' and ')}, which makes this speaker what it is, is gone from the datastore`],
      sessions: heldSessionsOf(following),
      routes: [],
      resources: vanished,
    };
  }

  /** What the loss alone would take: a session that something else takes is judged, and approved, by itself. */
  function followingOwnLoss(): readonly TakenSession[] {
    const kept = named(desired.config());
    const before = approved === null ? [] : takenSessions(approved.config, kept, new Map()).taken;
    const otherwise = new Set(before.map((session) => session.name));
    const { taken } = takenSessions(kept, named(desired.configWithoutVanished()), new Map());
    return taken.filter((session) => !otherwise.has(session.name));
  }

  function judgeProposal(
    proposal: Awaited<ReturnType<typeof prepare>>,
    granted: ReadonlySet<string>,
    changed: readonly ResourceKey[],
  ): Judgement {
    if (approved === null) {
      return {
        config: proposal.config,
        acceptPrefixes: options.acceptPrefixes,
        held: [],
        taken: [],
        takesSessions: false,
        oldPasswords: new Set(),
      };
    }
    return judge({
      approved: { ...approved, otherReflectors },
      proposed: proposal.config,
      settings: options.guard,
      otherReflectors: desired.otherReflectors,
      nodeExists: (node) => desired.nodeExists(node),
      established,
      recentlyTaken: new Set(recent(approved).map((loss) => loss.session)),
      newPasswords: changedPasswords(appliedPasswords, proposal.passwords),
      acceptPrefixes: options.acceptPrefixes,
      lostRoutes: proposal.lostRoutes,
      held,
      approvals: granted,
      ownLoss,
      changed,
      now: new Date(options.now()).toISOString(),
    });
  }

  /** Passwords for what may be applied; a held session that lost its password goes on with the one in use. */
  function withPasswords(judgement: Judgement, proposal: Proposal): SessionPasswords {
    const passwords = new Map<string, string>();
    const sessions: SessionConfig[] = [];
    for (const session of judgement.config.sessions) {
      if (!session.password) {
        sessions.push(session);
        continue;
      }
      const inUse = appliedPasswords.get(session.name);
      const wanted = proposal.passwords.get(session.name);
      const password = judgement.oldPasswords.has(session.name) ? inUse : (wanted ?? inUse);
      if (password === undefined) continue;
      passwords.set(session.name, password);
      sessions.push(session);
    }
    const whole = sessions.length === judgement.config.sessions.length;
    return {
      config: whole ? judgement.config : { ...judgement.config, sessions },
      passwords,
      problems: proposal.problems,
    };
  }

  async function apply(config: SpeakerConfig, passwords: ReadonlyMap<string, string>): Promise<void> {
    const before = applied ?? approved?.config ?? null;
    const report = await engine.apply(config, passwords);
    applied = config;
    appliedPasswords = passwords;
    refused = [...report.refused.map(({ problem }) => problem), ...(report.warnings ?? [])];
    tellOutcomes(report, before, config);
  }

  function tellOutcomes(report: ApplyReport, before: SpeakerConfig | null, after: SpeakerConfig): void {
    for (const [name, outcome] of report.sessions) {
      if (outcome === 'kept') continue;
      const called = (session: SessionConfig): boolean => session.name === name;
      const session = after.sessions.find(called) ?? before?.sessions.find(called);
      log.info(
        { session: name, peer: session?.peerAddress, node: session?.peerName, because: session?.because },
        `session ${outcome}`,
      );
    }
  }

  function approving(judgement: Judgement, proposal: Proposal): Approving {
    const at = new Date(options.now()).toISOString();
    // A node that is held about keeps the number that it is held for, or a greater one: another reflector that it
    // got meanwhile must not be lost from the count. It is counted anew when it is no longer held about.
    const heldNodes = new Set<string>();
    const again = new Set<string>();
    for (const { peerName, family } of judgement.held.flatMap((hold) => hold.sessions)) {
      if (peerName === null) continue;
      heldNodes.add(nodeFamily(peerName, family));
      again.add(peerName);
    }
    const news = [...proposal.counted].filter(([node, others]) =>
      heldNodes.has(node) ? others > (otherReflectors.get(node) ?? 0) : otherReflectors.get(node) !== others,
    );
    return {
      state: {
        approvedAt: at,
        standing: proposal.standing,
        acceptPrefixes: judgement.acceptPrefixes,
        config: judgement.config,
        ownResources: proposal.ownResources,
        taken: [...recent(approved), ...judgement.taken.map((session) => ({ session, at }))],
      },
      counts: news.length === 0 ? otherReflectors : new Map([...otherReflectors, ...news]),
      recount: again,
    };
  }

  function recent(state: Pick<ApprovedState, 'taken'> | null): ApprovedState['taken'] {
    const since = options.now() - GUARD_WINDOW_MS;
    return state?.taken.filter((loss) => Date.parse(loss.at) >= since) ?? [];
  }

  function saveHeld(): void {
    writer
      .writeHeld({ held, approvals: [...approvals] })
      .catch((error: unknown) => options.writeFailed(messageOf(error)));
  }

  return {
    reconcile,
    async runFromSaved() {
      if (approved === null) return;
      await secrets.expect(passwordNames(approved.config));
      const found = findPasswords(approved.config, secrets);
      passwordProblems = found.problems;
      await apply(found.config, found.passwords);
    },
    approve(id) {
      const hold = held.find((candidate) => candidate.id === id);
      if (hold === undefined) {
        const known = held.map((candidate) => candidate.id).join(', ');
        throw new CalicoRrError('E_APPROVE_UNKNOWN', `no change with the ID ${id} is held`, {
          hint:
            known === ''
              ? 'Nothing is held now: it was taken back, or approved already.'
              : `Held now: ${known}. A change that grew has a new ID; look at calico-rr status before you approve it.`,
        });
      }
      approvals.add(id);
      saveHeld();
      return hold;
    },
    approved: () => approved,
    held: () => held,
    noteUp() {
      const state = observer.state();
      // A daemon that recovers says nothing yet of who will be back.
      if (applied === null || state?.running !== true || state.recovering) return;
      if (noted.state === state && noted.applied === applied) return;
      noted = { state, applied };
      options.up.note(applied.sessions.map((session) => session.name).filter(established));
    },
    applied: () => applied,
    problems: () => [...passwordProblems, ...refused],
    async flush() {
      await record.flush();
      await Promise.all([writer.flush(), options.up.flush()]);
    },
  };
}

function samePasswords(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([session, value]) => other.get(session) === value);
}
