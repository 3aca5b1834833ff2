/**
 * A session that only another resource asks for now may be called otherwise (`Node_10_0_0_4` becomes `Global_10_0_0_4`
 * when one BGPPeer for all nodes replaces those of single nodes). BGP knows no such names, but an engine would end one
 * session and begin another. So what runs keeps its name until it restarts for another reason.
 */
import { restartingFields } from '../topology/session-restart.ts';
import type { SessionConfig, SpeakerConfig } from '../topology/speaker-config.ts';
import { differingSessions } from './session-difference.ts';

/** What was made of a session, so that the same one gives the same object: engines know by that what is the same. */
const renamed = new WeakMap<SessionConfig, SessionConfig>();

/** @returns `wanted`, with the names of `running` where nothing else would close a session */
export function withRunningNames(running: SpeakerConfig, wanted: SpeakerConfig): SpeakerConfig {
  const [old, fresh] = differingSessions(running, wanted);
  const stays = new Set(fresh.map((session) => session.name));
  const byPeer = new Map<string, SessionConfig>();
  for (const session of old) if (!stays.has(session.name)) byPeer.set(peerOf(session), session);
  if (byPeer.size === 0) return wanted;
  const known = new Set(old.map((session) => session.name));
  let any = false;
  const sessions = wanted.sessions.map((session) => {
    const before = known.has(session.name) ? undefined : byPeer.get(peerOf(session));
    if (before === undefined) return session;
    const named = withName(session, before.name);
    if (restartingFields(before, named).length > 0) return session;
    any = true;
    return named;
  });
  if (!any) return wanted;
  return { ...wanted, sessions: sessions.sort((one, other) => (one.name < other.name ? -1 : 1)) };
}

function withName(session: SessionConfig, name: string): SessionConfig {
  const known = renamed.get(session);
  if (known?.name === name) return known;
  const made = { ...session, name };
  renamed.set(session, made);
  return made;
}

function peerOf(session: SessionConfig): string {
  return `${session.peerAddress} ${session.peerPort}`;
}
