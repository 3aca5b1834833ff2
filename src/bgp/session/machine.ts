/**
 * One step of the finite state machine of one connection: RFC 4271 section 8.2.2, a pure function.
 */
import { stepConnecting } from './connecting.ts';
import { stepEstablished } from './established.ts';
import type { Fsm, FsmEvent, Step } from './fsm.ts';
import { stepIdle } from './idle.ts';
import { stepOpening } from './opening.ts';
import type { SessionSettings } from './settings.ts';

export function stepFsm(settings: SessionSettings, fsm: Fsm, event: FsmEvent): Step {
  switch (fsm.state) {
    case 'Idle':
      return stepIdle(settings, fsm, event);
    case 'Connect':
    case 'Active':
      return stepConnecting(settings, fsm, event);
    case 'OpenSent':
    case 'OpenConfirm':
      return stepOpening(settings, fsm, event);
    case 'Established':
      return stepEstablished(settings, fsm, event);
    default:
      return fsm.state satisfies never;
  }
}
