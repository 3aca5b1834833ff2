/**
 * Sessions that will never come up, seen from both ends: one end does not know of it, or the two do not agree. Each
 * resource that asked for some is told once, however many nodes it concerns.
 */
import type { Family, IpAddress } from '../../model/address.ts';
import type { Problem } from '../../model/problem.ts';
import { type Disagreement, disagreementOf } from '../cluster/agreement.ts';
import { FAMILIES } from '../cluster/cluster-view.ts';
import { nodesText } from '../cluster/pairs.ts';
import type { ClusterSpeaker, SessionsOfAll } from '../cluster/sessions-of-all.ts';
import { byName, byText } from '../name-order.ts';
import type { SessionConfig } from '../speaker-config.ts';
import { asOf, ownAddress } from '../speaker-frame.ts';
import type { CheckInput } from './check-cluster.ts';

interface DownSession {
  readonly speaker: ClusterSpeaker;
  readonly session: SessionConfig;
  readonly other: ClusterSpeaker;
  readonly why: Disagreement | 'one-sided';
}

export function checkSessions({ inventory, sessions }: CheckInput): readonly Problem[] {
  const told = new Map<string, DownSession[]>();
  for (const speaker of sessions.speakers().values()) {
    for (const down of downSessions(sessions, speaker)) {
      const { session, other } = down;
      // A node answers no one who gives it another AS: that is what is wrong, and not the one side.
      const wrongAs = down.why === 'one-sided' && session.peerAs !== asOf(ownOf(other), inventory);
      const why = wrongAs ? 'as' : down.why;
      const key = `${session.because} ${why}`;
      const list = told.get(key);
      if (list === undefined) told.set(key, [{ ...down, why }]);
      else list.push({ ...down, why });
    }
  }
  return [...told.values()].flatMap((list) =>
    problemOf(
      list.sort((one, other) => byName(one.speaker, other.speaker) || byName(one.session, other.session)),
    ),
  );
}

function ownOf({ frame }: ClusterSpeaker) {
  return frame.node ?? frame.entries[4] ?? frame.entries[6];
}

function* downSessions(all: SessionsOfAll, speaker: ClusterSpeaker): Iterable<DownSession> {
  const [own4, own6] = FAMILIES.map((family) => meantAt(all, speaker, family));
  for (const [address, session] of speaker.sessions) {
    const own = session.family === 4 ? own4 : own6;
    const other = own === undefined ? undefined : all.speakerAt(address);
    if (other === undefined || own === undefined) continue;
    const counterpart = other.sessions.get(own);
    if (counterpart === undefined) {
      yield { speaker, session, other, why: 'one-sided' };
      continue;
    }
    // Once for both ends.
    if (speaker.name > other.name && counterpart.because === session.because) continue;
    const why = disagreementOf({ speaker, session }, { speaker: other, session: counterpart });
    if (why !== null) yield { speaker, session, other, why };
  }
}

/** Its own address, where it is this speaker that others find there. */
function meantAt(all: SessionsOfAll, speaker: ClusterSpeaker, family: Family): IpAddress | undefined {
  const own = ownAddress(speaker.frame, family);
  return own !== null && all.speakerAt(own) === speaker ? own : undefined;
}

function problemOf(list: readonly DownSession[]): readonly Problem[] {
  const [first] = list;
  if (first === undefined) return [];
  const { session, speaker, other, why } = first;
  const more = list.length === 1 ? '' : `, and ${list.length - 1} more like it,`;
  const which = `${session.name} of ${speaker.name} with ${other.name}${more}`;
  const { code, says, hint } = WORDS[why](first);
  const subject = session.because;
  return [
    { code, severity: 'error', subject, message: `The session ${which} cannot come up: ${says}.`, hint },
  ];
}

interface Words {
  readonly code: Problem['code'];
  readonly says: string;
  readonly hint: string;
}

const WORDS: Readonly<Record<DownSession['why'], (down: DownSession) => Words>> = {
  'one-sided': ({ speaker, other }) => ({
    code: 'one-sided',
    says: `${other.name} has no session with ${speaker.name}`,
    hint: 'Let one BGPPeer make both ends (spec.reversePeering must not be Manual then), or add one for the other end.',
  }),
  as: ({ session, other }) => ({
    code: 'as-mismatch',
    says: `it expects AS ${session.peerAs} at ${other.name}, which speaks another towards it`,
    hint: 'Make spec.asNumber of the BGPPeer that of the other end, whose Node or BGPConfiguration/default says it.',
  }),
  password: ({ session, speaker, other }) => ({
    code: 'session-mismatch',
    says: `only ${session.password ? speaker.name : other.name} has a password for it`,
    hint: 'Name the password in the BGPPeer of each end, or let one BGPPeer make both ends.',
  }),
  passive: () => ({
    code: 'session-mismatch',
    says: 'both ends wait for the other to open it',
    hint: 'Ask for it with a BGPPeer that has a node or nodeSelector: such sessions are opened from both ends.',
  }),
  port: ({ session, other }) => ({
    code: 'session-mismatch',
    says: `it goes to port ${session.peerPort}, but ${other.name} listens on ${other.frame.settings.listenPort}, and the way back does not fit either`,
    hint: 'Make the port in spec.peerIP that of listenPort in BGPConfiguration node.NAME or default.',
  }),
  'ttl-security': ({ session, speaker, other }) => ({
    code: 'session-mismatch',
    says: `only ${session.ttlSecurityHops === null ? other.name : speaker.name} has TTL security for it`,
    hint: 'Set spec.ttlSecurity in the BGPPeers of both ends, or let one BGPPeer make both.',
  }),
  'router-id': ({ speaker }) => ({
    code: 'session-mismatch',
    says: `both have the router ID ${speaker.frame.settings.routerId}`,
    hint: 'Give the two different IPv4 addresses, or names where they have none.',
  }),
};

/** How many problems of one kind of one resource are told one by one. */
const TOLD_EACH = 2;

interface OwnProblem {
  readonly problem: Problem;
  readonly speaker: string;
  readonly isNode: boolean;
}

/** Both ends of a session tell of an AS that does not fit: the one fault is told once. */
function toldEach([first]: readonly OwnProblem[]): number {
  return first?.problem.code === 'as-mismatch' ? 1 : TOLD_EACH;
}

/** Nodes first: their words name both ends, where a reflector says "this reflector". */
function byTeller(one: OwnProblem, other: OwnProblem): number {
  return (
    Number(other.isNode) - Number(one.isNode) ||
    byText(one.speaker, other.speaker) ||
    byText(one.problem.message, other.problem.message)
  );
}

/**
 * What each speaker finds wrong with its own sessions. A fault in one BGPPeer may show at every node: of many like
 * it the first ones are told, and how many there are.
 */
export function checkOwnSessions({ sessions }: CheckInput): readonly Problem[] {
  const byResource = new Map<string, OwnProblem[]>();
  for (const { name, frame, problems } of sessions.speakers().values()) {
    for (const problem of [...frame.problems, ...[...problems.values()].flat()]) {
      const key = `${problem.code} ${problem.severity} ${problem.subject}`;
      const list = byResource.get(key);
      const own = { problem, speaker: name, isNode: frame.node !== undefined };
      if (list === undefined) byResource.set(key, [own]);
      else list.push(own);
    }
  }
  return [...byResource.values()].flatMap((found) => {
    const list = found.sort(byTeller);
    const each = list.slice(0, toldEach(list)).map(({ problem }) => problem);
    // Who is at the other end of what is told once is no news.
    const others = list
      .slice(each.length)
      .filter(({ isNode }) => each.length > 1 || isNode === list[0]?.isNode);
    const rest = [...new Set(others.map(({ speaker }) => speaker))];
    const [last] = each.slice(-1);
    if (last === undefined || rest.length === 0) return each;
    return [...each.slice(0, -1), { ...last, message: `${last.message} The same at ${nodesText(rest)}.` }];
  });
}

/** Mesh sessions that one end never answers, as Calico before 3.13 makes them towards nodes that reflect. */
export function checkMesh({ view }: CheckInput): readonly Problem[] {
  return view.families.flatMap(({ family, mesh }) => {
    const [first] = mesh.unanswering;
    if (first === undefined || mesh.members.size === 0) return [];
    return [
      {
        code: 'one-sided' as const,
        severity: 'warning' as const,
        subject: 'BGPConfiguration/default',
        message: `The nodes of this version of Calico build IPv${family} mesh sessions with ${nodesText(mesh.unanswering)}, which never answer, because they reflect.`,
        hint: 'Turn the mesh off once every node peers with the reflectors, or upgrade Calico to 3.13 or later.',
      },
    ];
  });
}
