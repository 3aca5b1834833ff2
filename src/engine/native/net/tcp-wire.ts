/** A TCP connection of Node as a `Wire`. */
import { isIPv6, type Server, type Socket } from 'node:net';
import { constants } from 'node:os';
import type { Family } from '../../../bgp/index.ts';
import type { Clock } from '../peer-link.ts';
import type { Libc } from './libc.ts';
import type { Wire, WireEvents } from './network.ts';
import { systemError } from './socket-options.ts';
import { createSocketWriter } from './socket-writer.ts';

/** How long a connection that we ended may take to get rid of its last octets and of the peer's. */
const FINISH_MS = 5_000;

/**
 * Every octet has somebody to wait for it: no waiting for more to send (Nagle).
 * @param libc null: what goes out takes Node's way
 */
export function wireOf(socket: Socket, events: WireEvents, clock: Clock, libc: Libc | null): Wire {
  const writer = createSocketWriter(socket, libc);
  let listening = true;
  let reason: string | null = null;
  socket.setNoDelay(true);
  socket.on('connect', () => {
    if (listening) events.connected();
  });
  socket.on('data', (octets) => {
    if (listening) events.received(octets);
  });
  socket.on('drain', () => {
    if (listening) events.drained();
  });
  // What happened first is the reason: after the end of the peer's stream, writing fails too.
  socket.on('end', () => {
    reason ??= writer.reset ? systemError(constants.errno.ECONNRESET) : 'the peer closed the connection';
  });
  socket.on('error', (error) => {
    reason ??= reasonOf(error);
  });
  socket.on('close', () => {
    if (!listening) return;
    listening = false;
    events.closed(reason ?? 'the connection is closed');
  });
  return {
    write: writer.write,
    get waiting() {
      return socket.writableLength;
    },
    get taken() {
      return writer.taken;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    finish() {
      listening = false;
      if (socket.destroyed || socket.connecting) {
        socket.destroy();
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const callOff = clock.setTimer(FINISH_MS, () => socket.destroy());
        socket.once('close', () => {
          callOff();
          resolve();
        });
        socket.end();
        socket.resume();
      });
    },
    destroy() {
      listening = false;
      socket.destroy();
    },
  };
}

/**
 * The descriptor of a socket or server, or null where it has none (yet). Node gives it out in no official way; the
 * property has been there since its first releases, and tests would notice its end.
 */
export function descriptorOf(owner: Socket | Server): number | null {
  const handle: unknown = Reflect.get(owner, '_handle');
  if (typeof handle !== 'object' || handle === null) return null;
  const descriptor: unknown = Reflect.get(handle, 'fd');
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : null;
}

/** What the system says of a failure, without addresses. */
export function reasonOf(error: Error): string {
  const errno: unknown = Reflect.get(error, 'errno');
  return typeof errno === 'number' ? systemError(Math.abs(errno)) : error.message;
}

export function familyOfAddress(address: string): Family {
  return isIPv6(address) ? 6 : 4;
}
