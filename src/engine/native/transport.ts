/**
 * All of a speaker's TCP: sessions, listeners, and the gate between them. Time, chance and the network come from
 * outside, so that a whole reflector runs in simulated time as it does on sockets.
 */
import type { Logger } from 'pino';
import { createAcceptGate } from './net/accept-gate.ts';
import { loadLibc } from './net/libc.ts';
import { createListeners } from './net/listeners.ts';
import type { Network, Offered } from './net/network.ts';
import { tcpNetwork } from './net/tcp-network.ts';
import type { Clock, PeerSettings, Transport } from './peer-link.ts';
import { createPeerSession, type PeerSession, type SessionHost } from './session/peer-session.ts';
import { createTimerWheel } from './session/timer-wheel.ts';
import { createTurns } from './session/turns.ts';

const LAST_WORD_MS = 1_000;

export interface TransportOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Real TCP unless told otherwise. */
  readonly network?: Network;
  /** Calls after the sockets were looked at once more: `setImmediate` unless time is simulated. */
  readonly soon?: (call: () => void) => void;
  /** At least 0 and less than 1: for jitter. */
  readonly random?: () => number;
}

export function createTransport(options: TransportOptions): Transport {
  const { clock, log } = options;
  const network = options.network ?? tcpNetwork(clock, loadLibc());
  const wheel = createTimerWheel(clock);
  const host: SessionHost = {
    clock,
    network,
    wheel,
    turns: createTurns(clock, options.soon ?? setImmediate),
    random: options.random ?? Math.random,
    report: (session, what, error) => log.error({ session, err: error }, what),
    malformed(session, { action, what, ...details }) {
      if (action === 'treat-as-withdraw') log.warn({ session, ...details }, `taken as a withdrawal: ${what}`);
      else log.info({ session, ...details }, `an attribute is left out: ${what}`);
    },
  };
  const gate = createAcceptGate<PeerSession>(() => clock.now());
  const sessions = new Set<PeerSession>();

  const judge = (connection: Offered): void => {
    const verdict = gate.judge(connection.local, connection.remote);
    if ('peer' in verdict) {
      verdict.peer.offered(connection);
      return;
    }
    log.debug({ from: connection.remote, to: connection.local, why: verdict.turnedAway }, 'turned away');
    connection.turnAway();
  };
  const listeners = createListeners(network, clock, log, judge);

  /** Who is let in, and by which settings. */
  const admitted = new Map<PeerSession, PeerSettings>();
  /** One whom the listeners cannot take in stays outside, and is only dialled. */
  const admit = (settings: PeerSettings, session: PeerSession): void => {
    const { name, sourceAddress, peerAddress } = settings;
    if (!gate.add(sourceAddress, peerAddress, session)) {
      log.error({ session: name }, 'another session has this peer already: it is only dialled');
      return;
    }
    try {
      listeners.addPeer(settings);
      admitted.set(session, settings);
    } catch (error) {
      gate.remove(sourceAddress, peerAddress);
      log.error({ session: name, err: error }, 'its connections are not taken');
    }
  };
  const dismiss = (session: PeerSession): void => {
    const settings = admitted.get(session);
    if (settings === undefined) return;
    admitted.delete(session);
    gate.remove(settings.sourceAddress, settings.peerAddress);
    listeners.removePeer(settings);
  };

  /** What was said last, peers mostly take at once; one that is dead must not keep us for longer. */
  const inTime = async (work: Promise<unknown>): Promise<void> => {
    const late = Promise.withResolvers<void>();
    const callOff = clock.setTimer(LAST_WORD_MS, late.resolve);
    await Promise.race([work, late.promise]);
    callOff();
  };

  return {
    listen: (addresses) => listeners.listen(addresses),
    get unopened() {
      return listeners.unopened;
    },
    refusalOf(settings, ends = () => false) {
      const other = gate.find(settings.sourceAddress, settings.peerAddress)?.settings.name;
      if (other !== undefined && other !== settings.name && !ends(other)) {
        return `session ${other} has the peer ${settings.peerAddress} already`;
      }
      return network.refusalOf(settings);
    },
    add(settings, events) {
      const session = createPeerSession(host, settings, events);
      sessions.add(session);
      admit(settings, session);
      return {
        ...session.link,
        updateSettings(next) {
          const before = session.settings;
          session.updateSettings(next);
          if (isSamePlace(before, next)) return;
          dismiss(session);
          admit(next, session);
        },
        async close() {
          session.link.stop(null);
          dismiss(session);
          await session.finished();
          session.abandon();
          sessions.delete(session);
        },
      };
    },
    counters: () => ({ unknownPeer: gate.unknownPeer, tooManyOpens: gate.tooManyOpens }),
    get unread() {
      return host.turns.waiting;
    },
    async close() {
      const closed = listeners.close();
      await inTime(Promise.all([...sessions].map((session) => session.finished())));
      for (const session of sessions) session.abandon();
      await closed;
      wheel.close();
    },
  };
}

/** Whether listeners and gate see no difference. */
function isSamePlace(one: PeerSettings, other: PeerSettings): boolean {
  return (
    one.peerAddress === other.peerAddress &&
    one.sourceAddress === other.sourceAddress &&
    one.password === other.password &&
    one.ttlSecurityHops === other.ttlSecurityHops
  );
}
