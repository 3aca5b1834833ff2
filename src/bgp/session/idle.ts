/**
 * Idle: RFC 4271 section 8.2.2. All but a start is ignored; connections are refused by session.ts.
 */
import { type Fsm, type FsmEvent, type Step, startConnectRetry, stay } from './fsm.ts';
import type { SessionSettings } from './settings.ts';

export function stepIdle(settings: SessionSettings, fsm: Fsm, event: FsmEvent): Step {
  if (event.type !== 'start') return stay(fsm);
  // A passive session has nothing to retry: it never dials.
  if (settings.passive) return stay({ ...fsm, state: 'Active' });
  // As BIRD does with its connect delay: the time until the first dial is spent listening.
  if (settings.connectDelaySeconds > 0) {
    return stay({ ...fsm, state: 'Active' }, [startConnectRetry(settings.connectDelaySeconds)]);
  }
  return dial(settings, fsm);
}

/** To Connect. */
export function dial(settings: SessionSettings, fsm: Fsm): Step {
  return stay({ ...fsm, state: 'Connect', connection: 'outgoing' }, [
    startConnectRetry(settings.connectRetrySeconds),
    { do: 'dial' },
  ]);
}
