/** Whether the datastore answers, since when, and why not; told when it turns, never twice. */
import type { Logger } from 'pino';

export interface ConnectionState {
  readonly connected: boolean;
  /** Since when it is so, ISO 8601. */
  readonly since: string;
  readonly reason: string | null;
}

export interface Connection {
  /** True where it turned. */
  turn(connected: boolean, reason: string | null): boolean;
  state(): ConnectionState;
}

export function createConnection(log: Logger, location: () => string | undefined): Connection {
  let state: ConnectionState = { connected: false, since: new Date().toISOString(), reason: 'connecting' };
  let told = false;
  return {
    turn(connected, reason) {
      if (told && state.connected === connected) {
        state = { ...state, reason };
        return false;
      }
      told = true;
      state = { connected, since: new Date().toISOString(), reason };
      if (connected) log.info({ datastore: location() }, 'datastore connected');
      else {
        log.warn({ datastore: location(), reason }, 'datastore not reachable; every session stays as it is');
      }
      return true;
    },
    state: () => state,
  };
}
