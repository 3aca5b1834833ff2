/**
 * The rules that the guard holds changes by, each a function of what a change takes. They are asked about one
 * group of taken sessions at a time and answer which of them must stay, and why, in sentences.
 */
import type { Family } from '../model/address.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import { count, type GuardRule } from './hold.ts';
import type { TakenSession } from './session-difference.ts';

export interface GuardSettings {
  /** `--min-reflectors`: what every node should keep. */
  readonly minReflectors: number;
  /** `--max-session-loss`: per cent of the established sessions within the window. */
  readonly maxSessionLossPercent: number;
}

export const GUARD_WINDOW_MS = 10 * 60_000;

export interface RuleInput {
  readonly settings: GuardSettings;
  readonly approved: {
    readonly config: SpeakerConfig;
    readonly otherReflectors: ReadonlyMap<string, number>;
  };
  /** The group that is judged. */
  readonly taken: readonly TakenSession[];
  readonly proposed: SpeakerConfig;
  /** Already let through in the same change. */
  readonly passing: readonly TakenSession[];
  /** How many reflectors besides this one a node has in the proposed state, in this family. */
  readonly otherReflectors: (node: string, family: Family) => number;
  /** False: the Node itself was deleted. */
  readonly nodeExists: (node: string) => boolean;
  readonly established: (session: string) => boolean;
  /** Names of the sessions that changes took within the window, without approval. */
  readonly recentlyTaken: ReadonlySet<string>;
}

export interface RuleVerdict {
  readonly rules: readonly GuardRule[];
  readonly reasons: readonly string[];
  /** Names of the sessions that must stay. */
  readonly sessions: ReadonlySet<string>;
}

export function rulesBroken(input: RuleInput): RuleVerdict {
  const rules: GuardRule[] = [];
  const reasons: string[] = [];
  const held = new Set<string>();
  const note = (rule: GuardRule, finding: Finding | null): void => {
    if (finding === null) return;
    rules.push(rule);
    reasons.push(finding.reason);
    for (const session of finding.sessions) held.add(session.name);
  };
  if (input.approved.config.role === 'node') {
    note('last-session', lastSession(input));
    for (const family of [4, 6] as const) note('min-reflectors', tooFewOfOwn(input, family));
    return { rules: [...new Set(rules)], reasons, sessions: held };
  }
  note('min-reflectors', tooFewReflectors(input));
  note('all-clients', allClients(input));
  for (const family of [4, 6] as const) note('all-reflectors', allReflectors(input, family));
  note('session-loss', tooManySessions(input, held));
  return { rules: [...new Set(rules)], reasons, sessions: held };
}

/**
 * A node turns from the full mesh to reflectors by dropping nearly all of its sessions, so the rules for
 * reflectors are not for it; but a node that is to have no session at all is cut off.
 */
function lastSession(input: RuleInput): Finding | null {
  if (input.proposed.sessions.length > 0 || input.taken.length === 0) return null;
  return { reason: 'this node would have no session left', sessions: input.taken };
}

/**
 * What would leave this node with too few reflectors of its own. Not while it is in the mesh; and a session that is
 * down goes, because a reflector that was taken out of service gives nothing any more.
 */
function tooFewOfOwn(input: RuleInput, family: Family): Finding | null {
  const ofFamily = ({ sessions }: SpeakerConfig) => sessions.filter((session) => session.family === family);
  const after = ofFamily(input.proposed);
  if (after.some(({ kind }) => kind === 'mesh')) return null;
  const counts = [ofFamily(input.approved.config), after].map((sessions) => sessions.filter(leadsUp).length);
  const [had = 0, has = 0] = counts;
  if (has >= Math.min(input.settings.minReflectors, had)) return null;
  const sessions = input.taken.filter(
    ({ name, before, after: next }) =>
      before.family === family &&
      leadsUp(before) &&
      (next === null || !leadsUp(next)) &&
      input.established(name),
  );
  if (sessions.length === 0) return null;
  const numbers = `IPv${family}: ${had} now, ${has} after`;
  return {
    reason: `this node would have too few reflectors (${numbers}; --min-reflectors is ${input.settings.minReflectors})`,
    sessions,
  };
}

/** A plain node's session with a reflector: within its AS, and not of the mesh. */
function leadsUp({ kind, peerAs, localAs }: SessionConfig): boolean {
  return kind !== 'mesh' && peerAs === localAs;
}

interface Finding {
  readonly reason: string;
  readonly sessions: readonly TakenSession[];
}

/** A session to a client that ends here as one: removed, or no client any more. */
function endsAsClient(session: TakenSession): boolean {
  return session.before.client && (session.after === null || !session.after.client);
}

function tooFewReflectors(input: RuleInput): Finding | null {
  const sessions: TakenSession[] = [];
  const described = new Map<string, string>();
  for (const session of input.taken) {
    const { peerName: node, family } = session.before;
    if (node === null || !endsAsClient(session) || !input.nodeExists(node)) continue;
    const after = input.otherReflectors(node, family);
    // Of a node of which nothing was noted, this reflector and those that it has after.
    const had = 1 + (input.approved.otherReflectors.get(nodeFamily(node, family)) ?? after);
    if (after >= Math.min(input.settings.minReflectors, had)) continue;
    sessions.push(session);
    described.set(nodeFamily(node, family), `${node} (IPv${family}: ${had} now, ${after} after)`);
  }
  if (sessions.length === 0) return null;
  const nodes = listed([...described.values()].sort());
  return {
    reason: `${nodes} would have too few reflectors (--min-reflectors is ${input.settings.minReflectors})`,
    sessions,
  };
}

/** Key of a node's reflectors in one family: a node may well have fewer in one than in the other. */
export function nodeFamily(node: string, family: Family): string {
  return `${node} ${family}`;
}

function allClients(input: RuleInput): Finding | null {
  const clients = input.approved.config.sessions.filter((session) => session.client);
  const going = new Set([...input.passing, ...input.taken].map((session) => session.name));
  if (clients.length === 0 || !clients.every((session) => going.has(session.name))) return null;
  const sessions = input.taken.filter((session) => session.before.client);
  if (sessions.length === 0) return null;
  return { reason: `every client session of this reflector (${clients.length}) would be taken`, sessions };
}

function allReflectors(input: RuleInput, family: Family): Finding | null {
  const others = input.approved.config.sessions.filter(
    (session) => isFellow(session) && session.family === family,
  );
  const going = new Set([...input.passing, ...input.taken].map((session) => session.name));
  if (others.length === 0 || !others.every((session) => going.has(session.name))) return null;
  const sessions = input.taken.filter(
    (session) => isFellow(session.before) && session.before.family === family,
  );
  if (sessions.length === 0) return null;
  const { group } = input.approved.config;
  const fellows = group === null ? 'other reflectors' : `other reflectors of group ${group}`;
  return {
    reason: `every session to the ${fellows} (${others.length}, IPv${family}) would be taken`,
    sessions,
  };
}

/** With another reflector: one of the group, or a node that an entry names and that is no client, so that it reflects too. */
function isFellow({ kind, client, peerName, peerAs, localAs }: SessionConfig): boolean {
  if (kind === 'reflector') return true;
  return (kind === 'node' || kind === 'global') && !client && peerName !== null && peerAs === localAs;
}

function tooManySessions(input: RuleInput, held: ReadonlySet<string>): Finding | null {
  const sessions = input.taken.filter(
    (session) => !held.has(session.name) && input.established(session.name),
  );
  if (sessions.length === 0) return null;
  const base = new Set(input.recentlyTaken);
  for (const session of input.approved.config.sessions) {
    if (input.established(session.name)) base.add(session.name);
  }
  const losses = new Set(input.recentlyTaken);
  for (const session of [...input.passing, ...sessions]) {
    if (input.established(session.name)) losses.add(session.name);
  }
  const per = (losses.size * 100) / base.size;
  const { maxSessionLossPercent } = input.settings;
  if (per <= maxSessionLossPercent) return null;
  return {
    reason: `${losses.size} of ${count(base.size, 'established session')} would be taken within 10 minutes (--max-session-loss is ${maxSessionLossPercent} %)`,
    sessions,
  };
}

function listed(items: readonly string[]): string {
  const shown = items.slice(0, 5);
  if (items.length > shown.length) return `${shown.join(', ')} and ${items.length - shown.length} more nodes`;
  return shown.join(', ');
}
