/**
 * What a session shows of itself. Thousands are looked at every few seconds and after every change, so one of which
 * nothing has changed is the same object as before, and its counters are copied only where somebody reads them
 * (`npm run bench -- join`).
 */
import type { ObservedSession, SessionCounters } from '../engine.ts';
import type { Peer } from './peer.ts';
import type { Clock, PeerLink } from './peer-link.ts';
import { DAY_MS, showTime } from './show-time.ts';
import type { Table } from './table.ts';

export interface SessionView {
  /** @param stopped by a drain; @param peerName of the node, null where there is none */
  look(stopped: boolean, peerName: string | null): ObservedSession;
}

export function createSessionView(
  link: Pick<PeerLink, 'name' | 'status'>,
  peer: Pick<Peer, 'source' | 'dropped' | 'stale'>,
  table: Table,
  clock: Pick<Clock, 'wallClock'>,
): SessionView {
  let shown: ObservedSession | null = null;
  /** What was shown was made of. */
  let state: ObservedSession['state'] = 'Down';
  let since = 0;
  let lastError: string | null = null;
  let stale = 0;
  let name: string | null = null;
  /** When the time is shown in another way. */
  let until = 0;

  function counters(): SessionCounters {
    const status = link.status();
    const { updatesIn: _, ...counted } = status.counters;
    return {
      ...table.rib.countsOf(peer.source),
      told: table.toldTo(peer.source),
      ...peer.dropped,
      ...counted,
      lastError: status.lastError,
    };
  }

  function info(): string {
    const first = lastError === null || state === 'Established' ? state : `${state} ${lastError}`;
    return stale === 0 ? first : `${first}, ${stale} stale routes of ${name ?? 'it'} are kept`;
  }

  return {
    look(stopped, peerName) {
      const status = link.status();
      const now = clock.wallClock();
      const stateNow = stopped ? 'Down' : status.state;
      const staleNow = peer.stale === null ? 0 : table.rib.staleCount(peer.source);
      if (
        shown !== null &&
        now < until &&
        now >= since &&
        stateNow === state &&
        status.since === since &&
        status.lastError === lastError &&
        staleNow === stale &&
        peerName === name
      ) {
        return shown;
      }
      state = stateNow;
      since = status.since;
      lastError = status.lastError;
      stale = staleNow;
      name = peerName;
      until = now - since < DAY_MS ? since + DAY_MS : Number.POSITIVE_INFINITY;
      shown = {
        name: link.name,
        state,
        protocolState: state === 'Established' ? 'up' : state === 'Down' ? 'down' : 'start',
        since: showTime(since, now),
        info: info(),
        get counters() {
          return counters();
        },
      };
      return shown;
    },
  };
}
