/**
 * With no saved state, what a living BIRD of ours runs is all that a first state can be compared with. One that
 * would take more of its established sessions than a change may take is held as a whole.
 */
import type { EngineState } from '../engine/engine.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import type { GuardSettings } from './guard-rules.ts';
import { count, type HeldChange, holdId } from './hold.ts';

/** @param now ISO 8601 */
export function judgeFirstState(
  first: SpeakerConfig,
  running: EngineState | null,
  settings: GuardSettings,
  held: readonly HeldChange[],
  now: string,
): HeldChange | null {
  const living = running?.sessions.filter((session) => session.state === 'Established') ?? [];
  const wanted = new Set(first.sessions.map((session) => session.name));
  const gone = living.filter((session) => !wanted.has(session.name)).map((session) => session.name);
  if (gone.length * 100 <= living.length * settings.maxSessionLossPercent) return null;
  const id = holdId(['first-state', ...gone]);
  const lost = `${gone.length} of ${count(living.length, 'established session')}`;
  return {
    id,
    since: held.find((hold) => hold.id === id)?.since ?? now,
    rules: ['first-state'],
    reasons: [
      `no approved state is on disk, and the first state from the datastore would take ${lost} of the running BIRD: ${gone.slice(0, 5).join(', ')}`,
    ],
    sessions: [],
    routes: [],
    resources: [],
  };
}
