/**
 * The guard: judges a new desired state against the last approved one before any of it reaches BGP, and holds
 * the part that would cut nodes off until somebody approves it by name. Pure: the same input, the same verdict.
 *
 * What is held keeps its old configuration; everything else in the same change goes through. A hold ends when
 * it is approved, when the change is taken back, or when its reason is gone (the node has enough other
 * reflectors by now). A hold for too many sessions within the window does not end because time passed.
 * docs/guard.md says it for operators.
 */
import { parsePrefix } from '../model/address.ts';
import type { ResourceKey } from '../model/resource.ts';
import type { PoolConfig, SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import { type RuleInput, type RuleVerdict, rulesBroken } from './guard-rules.ts';
import { type HeldChange, type HeldSession, holdId, holdIdOfSessions } from './hold.ts';
import { differingSessions, type TakenSession, takenSessions } from './session-difference.ts';

export interface ApprovedBasis {
  readonly config: SpeakerConfig;
  /** How many reflectors besides this one each client had when this was approved, by `nodeFamily`. */
  readonly otherReflectors: ReadonlyMap<string, number>;
  readonly acceptPrefixes: 'any' | 'pools';
}

export interface GuardInput extends Omit<RuleInput, 'approved' | 'taken' | 'passing'> {
  readonly approved: ApprovedBasis;
  /** Sessions whose password is another than the one in use, with a text that stands for the new one. */
  readonly newPasswords: ReadonlyMap<string, string>;
  readonly acceptPrefixes: 'any' | 'pools';
  /** Routes now held that the proposed prefix bounds would drop. */
  readonly lostRoutes: readonly { readonly session: string; readonly prefix: string }[];
  /** What was held until now. */
  readonly held: readonly HeldChange[];
  /** IDs that may pass. */
  readonly approvals: ReadonlySet<string>;
  /** Names of the sessions that the approved loss of the own entry takes; these pass, too. */
  readonly ownLoss: ReadonlySet<string>;
  /** Resources that changed since the last judgement, to be named where a hold results. */
  readonly changed: readonly ResourceKey[];
  /** ISO 8601. */
  readonly now: string;
}

export interface Judgement {
  /** What may be applied: the proposal, with the old configuration where something is held. */
  readonly config: SpeakerConfig;
  readonly acceptPrefixes: 'any' | 'pools';
  readonly held: readonly HeldChange[];
  /** Established sessions that are taken with no approval; they count for the window. */
  readonly taken: readonly string[];
  /** True where sessions are taken at all, approved or not, established or not. */
  readonly takesSessions: boolean;
  /** Sessions that keep their old password. */
  readonly oldPasswords: ReadonlySet<string>;
}

const RESOURCES_NAMED = 20;

export function judge(input: GuardInput): Judgement {
  const { approved, proposed } = input;
  const { taken, speakerFields } = takenSessions(approved.config, proposed, input.newPasswords);
  const open = new Map(taken.map((session) => [session.name, session]));
  for (const name of input.ownLoss) open.delete(name);
  const groups = heldGroups(input, open);
  groups.push({ old: null, members: [...open.values()] });

  const held: HeldChange[] = [];
  const heldSessions = new Map<string, TakenSession>();
  const passing: TakenSession[] = [];
  for (const group of groups) {
    if (group.members.length === 0) continue;
    const verdict = verdictOf(group, input, passing, speakerFields.length > 0);
    const hold = verdict.sessions.size === 0 ? null : holdOf(group, verdict, input);
    // Approved in an earlier life of the agent that ended before it could act on it.
    const approvedBefore = hold !== null && input.approvals.has(hold.id);
    for (const session of group.members) {
      if (!verdict.sessions.has(session.name)) passing.push(session);
      else if (!approvedBefore) heldSessions.set(session.name, session);
    }
    if (hold !== null && !approvedBefore) held.push(hold);
  }

  const bounds = judgeBounds(input);
  if (bounds !== null) held.push(bounds);
  const sessions = composeSessions(input, heldSessions, bounds);
  let config = sessions === proposed.sessions ? proposed : { ...proposed, sessions };
  if (speakerFields.length > 0 && heldSessions.size > 0) {
    const { routerId, listenPort, ipv4, ipv6 } = approved.config;
    config = { ...config, routerId, listenPort, ipv4, ipv6 };
  }
  if (bounds !== null) config = { ...config, ...keptBounds(approved, proposed) };
  return {
    config,
    acceptPrefixes: bounds === null ? input.acceptPrefixes : approved.acceptPrefixes,
    held,
    takesSessions: taken.length > heldSessions.size,
    taken: passing.filter((session) => input.established(session.name)).map((session) => session.name),
    oldPasswords: new Set(
      [...heldSessions.values()].filter((session) => session.fields.includes('password')).map((s) => s.name),
    ),
  };
}

interface Group {
  /** The hold that these sessions were in until now. */
  readonly old: HeldChange | null;
  readonly members: readonly TakenSession[];
}

/** Takes out of `open` what was held before and would still happen; what is approved is taken out and passes. */
function heldGroups(input: GuardInput, open: Map<string, TakenSession>): Group[] {
  const groups: Group[] = [];
  for (const hold of input.held) {
    // Its sessions say what would follow from the loss; none of them waits while the entry is kept.
    if (hold.rules.includes('own-entry')) continue;
    const members: TakenSession[] = [];
    for (const session of hold.sessions) {
      const still = open.get(session.name);
      if (still === undefined || still.proposal !== session.proposal) continue;
      open.delete(session.name);
      members.push(still);
    }
    if (!input.approvals.has(hold.id)) groups.push({ old: hold, members });
  }
  return groups;
}

function verdictOf(
  group: Group,
  input: GuardInput,
  passing: readonly TakenSession[],
  wholeSpeaker: boolean,
): RuleVerdict {
  const { old, members } = group;
  if (old?.rules.includes('session-loss') && members.length === old.sessions.length) {
    return { rules: old.rules, reasons: old.reasons, sessions: new Set(members.map((s) => s.name)) };
  }
  const verdict = rulesBroken({ ...input, taken: members, passing });
  // A setting of the whole speaker (its router ID, say) cannot be given to some sessions and not to others.
  if (!wholeSpeaker || verdict.sessions.size === 0) return verdict;
  return { ...verdict, sessions: new Set(members.map((session) => session.name)) };
}

function holdOf(group: Group, verdict: RuleVerdict, input: GuardInput): HeldChange {
  const members = group.members.filter((session) => verdict.sessions.has(session.name));
  const sessions = heldSessionsOf(members);
  const id = holdIdOfSessions(sessions);
  const same = group.old?.id === id ? group.old : null;
  return {
    id,
    since: same?.since ?? input.now,
    rules: verdict.rules,
    reasons: verdict.reasons,
    sessions,
    routes: [],
    resources: same?.resources ?? resourcesBehind(members, group.old?.resources ?? input.changed),
  };
}

export function heldSessionsOf(taken: readonly TakenSession[]): readonly HeldSession[] {
  return taken.map(({ name, before, effect, proposal }) => ({
    name,
    peerAddress: before.peerAddress,
    peerName: before.peerName,
    family: before.family,
    effect,
    proposal,
  }));
}

/** What changed and asks for these sessions goes first, then what else changed: only so many are named. */
function resourcesBehind(
  members: readonly TakenSession[],
  changed: readonly ResourceKey[],
): readonly ResourceKey[] {
  const asking = new Set<ResourceKey>();
  for (const { before, after } of members) {
    asking.add(before.because);
    if (after !== null) asking.add(after.because);
  }
  const causes = changed.filter((key) => asking.has(key));
  return [...new Set([...causes, ...changed, ...asking])].slice(0, RESOURCES_NAMED);
}

function composeSessions(
  input: GuardInput,
  heldSessions: ReadonlyMap<string, TakenSession>,
  bounds: HeldChange | null,
): readonly SessionConfig[] {
  const { proposed, approved } = input;
  const losing = new Set(bounds?.routes.map((route) => route.session) ?? []);
  if (heldSessions.size === 0 && losing.size === 0) return proposed.sessions;
  const before = new Map(approved.config.sessions.map((session) => [session.name, session]));
  const displaced = new Set([...heldSessions.values()].map((session) => session.after?.name));
  const sessions: SessionConfig[] = [...heldSessions.values()].map((session) => session.before);
  for (const session of proposed.sessions) {
    if (heldSessions.has(session.name) || displaced.has(session.name)) continue;
    const old = before.get(session.name);
    if (old === undefined || !losing.has(session.name)) sessions.push(session);
    else sessions.push({ ...session, importFilters: old.importFilters, importPolicy: old.importPolicy });
  }
  return sessions.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The hold for bounds that would drop routes, or null where they drop none or are approved. */
function judgeBounds(input: GuardInput): HeldChange | null {
  if (input.lostRoutes.length === 0) return null;
  const { proposed } = input;
  const id = holdId([
    'bounds',
    input.acceptPrefixes,
    ...proposed.pools.map((pool) => pool.cidr),
    ...proposed.serviceRanges,
    ...[...new Set(input.lostRoutes.map((route) => route.session))],
  ]);
  if (input.approvals.has(id)) return null;
  const old = input.held.find((hold) => hold.id === id);
  const prefixes = [...new Set(input.lostRoutes.map((route) => route.prefix))];
  const shown = prefixes.slice(0, 5).join(', ');
  const more = prefixes.length > 5 ? ` and ${prefixes.length - 5} more` : '';
  return {
    id,
    since: old?.since ?? input.now,
    rules: ['narrower-bounds'],
    reasons: [`the new prefix bounds would drop routes that are held now: ${shown}${more}`],
    sessions: [],
    routes: input.lostRoutes,
    resources: old?.resources ?? input.changed.slice(0, RESOURCES_NAMED),
  };
}

/** Old and new bounds together; everything where there was no bound. */
function keptBounds(
  approved: ApprovedBasis,
  proposed: SpeakerConfig,
): Pick<SpeakerConfig, 'pools' | 'serviceRanges'> {
  const pools = new Map<string, PoolConfig>();
  for (const pool of [...approved.config.pools, ...proposed.pools]) pools.set(pool.cidr, pool);
  const ranges = new Set([...approved.config.serviceRanges, ...proposed.serviceRanges]);
  if (approved.acceptPrefixes === 'any') {
    for (const text of ['0.0.0.0/0', '::/0']) {
      const everything = parsePrefix(text);
      if (everything !== undefined) ranges.add(everything);
    }
  }
  const byCidr = (one: PoolConfig, other: PoolConfig) => (one.cidr < other.cidr ? -1 : 1);
  return { pools: [...pools.values()].sort(byCidr), serviceRanges: [...ranges].sort() };
}

/** True where the bounds of `after` may refuse what those of `before` took: only then are routes looked at. */
export function boundsNarrower(
  before: ApprovedBasis,
  after: SpeakerConfig,
  accept: 'any' | 'pools',
): boolean {
  if (accept === 'pools') {
    if (before.acceptPrefixes === 'any') return true;
    const pools = new Set<string>(after.pools.map((pool) => pool.cidr));
    const ranges = new Set<string>(after.serviceRanges);
    if (before.config.pools.some((pool) => !pools.has(pool.cidr))) return true;
    if (before.config.serviceRanges.some((range) => !ranges.has(range))) return true;
  }
  const [old, fresh] = differingSessions(before.config, after);
  const named = new Map(fresh.map((session) => [session.name, session]));
  return old.some((session) => {
    const next = named.get(session.name);
    if (next === undefined || next === session || next.importPolicy === 'accept') return false;
    const allowed = new Set<string>(next.importFilters);
    return session.importPolicy === 'accept' || session.importFilters.some((prefix) => !allowed.has(prefix));
  });
}
