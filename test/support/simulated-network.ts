/**
 * TCP in simulated time, as far as sessions can tell it from the real one: connections that take time, bytes in order,
 * buffers that fill up when nobody reads, FIN and reset.
 */
import { canonicalAddress } from '../../src/engine/native/net/accept-gate.ts';
import type { Network, Offered, Wire, WireEvents } from '../../src/engine/native/net/network.ts';
import type { ListenAddress } from '../../src/engine/native/peer-link.ts';
import type { SimulatedTime } from './simulated-time.ts';

export interface SimulatedNetworkOptions {
  /** Milliseconds from one end to the other. */
  readonly latencyMs?: number;
  /** Octets that lie between two ends before the writer has to wait: both sides' socket buffers. */
  readonly bufferOctets?: number;
}

interface End {
  readonly address: string;
  events: WireEvents | null;
  other: End | null;
  open: boolean;
  paused: boolean;
  /** Written and not yet taken by the system. */
  readonly queue: Uint8Array[];
  queued: number;
  /** Taken by the system since the beginning. */
  taken: number;
  /** In the buffers between this end and the other. */
  underway: number;
  /** Arrived and not yet read by this end; null: FIN. */
  readonly arrived: (Uint8Array | null)[];
  finishing: boolean;
  needsDrain: boolean;
}

export function simulatedNetwork(time: SimulatedTime, options: SimulatedNetworkOptions = {}): Network {
  const latency = options.latencyMs ?? 1;
  const buffer = options.bufferOctets ?? 262_144;
  const listeners = new Map<string, (connection: Offered) => void>();
  const after = (ms: number, run: () => void): void => void time.clock.setTimer(ms, run);

  const endOf = (address: string): End => ({
    address,
    events: null,
    other: null,
    open: true,
    paused: false,
    queue: [],
    queued: 0,
    taken: 0,
    underway: 0,
    arrived: [],
    finishing: false,
    needsDrain: false,
  });

  /** Moves what is queued into the buffers, as far as there is room. */
  const flush = (from: End): void => {
    const { other } = from;
    if (other === null) return;
    while (from.queue.length > 0 && from.underway < buffer) {
      const first = from.queue[0];
      if (first === undefined) break;
      const piece = first.subarray(0, buffer - from.underway);
      if (piece.length < first.length) from.queue[0] = first.subarray(piece.length);
      else from.queue.shift();
      from.queued -= piece.length;
      from.taken += piece.length;
      from.underway += piece.length;
      after(latency, () => {
        other.arrived.push(piece);
        read(other);
      });
    }
    if (from.needsDrain && from.queue.length === 0) {
      from.needsDrain = false;
      time.soon(() => from.events?.drained());
    }
    if (from.finishing && from.queue.length === 0 && from.open) {
      from.finishing = false;
      after(latency, () => {
        other.arrived.push(null);
        read(other);
      });
    }
  };

  const read = (end: End): void => {
    while (!end.paused && end.arrived.length > 0) {
      const piece = end.arrived.shift();
      if (piece === undefined) return;
      if (piece === null) {
        lose(end, 'the peer closed the connection');
        return;
      }
      if (end.other !== null) {
        end.other.underway -= piece.length;
        const writer = end.other;
        time.soon(() => flush(writer));
      }
      end.events?.received(piece);
    }
  };

  const lose = (end: End, reason: string): void => {
    if (!end.open) return;
    end.open = false;
    const { events } = end;
    end.events = null;
    events?.closed(reason);
  };

  const wireOf = (end: End, events: WireEvents): Wire => {
    end.events = events;
    return {
      write(chunks) {
        for (const chunk of chunks) {
          end.queue.push(chunk);
          end.queued += chunk.length;
        }
        flush(end);
        if (end.queued === 0) return true;
        end.needsDrain = true;
        return false;
      },
      get waiting() {
        return end.queued;
      },
      get taken() {
        return end.taken;
      },
      pause() {
        end.paused = true;
      },
      resume() {
        end.paused = false;
        time.soon(() => read(end));
      },
      finish() {
        end.events = null;
        end.paused = false;
        end.finishing = true;
        flush(end);
        read(end);
        return Promise.resolve();
      },
      destroy() {
        end.events = null;
        end.open = false;
        const { other } = end;
        if (other !== null) after(latency, () => lose(other, 'connection reset by peer (ECONNRESET)'));
      },
    };
  };

  return {
    refusalOf: () => null,
    listen(address: ListenAddress, offered) {
      const key = `${canonicalAddress(address.address)} ${address.port}`;
      if (listeners.has(key)) return Promise.reject(new Error('address already in use (EADDRINUSE)'));
      listeners.set(key, offered);
      return Promise.resolve({
        setKey: () => undefined,
        setLowestTtl: () => undefined,
        close: () => Promise.resolve(void listeners.delete(key)),
      });
    },
    dial(target, events) {
      const mine = endOf(target.sourceAddress ?? '192.0.2.1');
      const wire = wireOf(mine, events);
      after(latency, () => {
        const offered = listeners.get(`${canonicalAddress(target.peerAddress)} ${target.peerPort}`);
        if (offered === undefined) {
          after(latency, () => lose(mine, 'connection refused (ECONNREFUSED)'));
          return;
        }
        const theirs = endOf(target.peerAddress);
        mine.other = theirs;
        theirs.other = mine;
        after(latency, () => {
          if (mine.open) mine.events?.connected();
        });
        const turnAway = (): void => {
          theirs.open = false;
          after(latency, () => lose(mine, 'connection reset by peer (ECONNRESET)'));
        };
        offered({
          local: theirs.address,
          remote: mine.address,
          objection: () => null,
          take: (_, theirEvents) => wireOf(theirs, theirEvents),
          turnAway,
        });
      });
      return wire;
    },
  };
}
