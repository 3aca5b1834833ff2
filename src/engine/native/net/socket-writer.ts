/**
 * What goes out on one TCP connection: straight to the system for as long as it takes everything, and through Node's
 * stream from the first octet on that it does not take at once. A change costs a reflector one small write for each of
 * thousands of peers, and Node's stream costs half as much again as the system call.
 *
 * A peer that ends a session says why and closes, and what we write after that fails. Its last words (RFC 4271 section
 * 4.5) wait in the system until they are read, but Node throws a socket away whose write failed, unread octets and all.
 * So where the peer has closed, what we write is dropped, and the reading side comes to the end by itself.
 */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Libc } from './libc.ts';

export interface SocketWriter {
  /**
   * Writes all chunks, in one go as far as TCP can see.
   * @returns false: taken, but more should wait for the socket's `drain`
   */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Octets that the system has taken. */
  readonly taken: number;
  /** A write has found that the peer reset the connection; the system says so once. */
  readonly reset: boolean;
}

const { ECONNRESET, EPIPE } = constants.errno;

/** What is used of the handle that Node keeps for a socket. */
interface Handle {
  /** Negative as soon as the socket is closed: by then the number may be another's. */
  readonly fd: number;
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

/** @param libc null: everything goes through Node's stream */
export function createSocketWriter(socket: Socket, libc: Libc | null): SocketWriter {
  let handle: Handle | null = null;
  /** Octets wait in Node's stream: what comes later has to stand behind them. */
  let queued = false;
  let sent = 0;
  let closed = false;
  let reset = false;

  function queue(chunks: readonly Uint8Array[]): boolean {
    queued = true;
    if (chunks.length > 1) socket.cork();
    for (const [index, chunk] of chunks.entries()) {
      if (index < chunks.length - 1) socket.write(chunk);
      else socket.write(chunk, unqueue);
    }
    if (chunks.length > 1) socket.uncork();
    // `writableNeedDrain` alone also says so where the system has taken everything at once.
    return socket.writableLength === 0 || !socket.writableNeedDrain;
  }

  function unqueue(): void {
    if (socket.writableLength === 0) queued = false;
  }

  return {
    write(chunks) {
      if (closed) return true;
      if (libc === null || queued) return queue(chunks);
      handle ??= handleOf(socket);
      const descriptor = handle?.fd ?? -1;
      if (descriptor < 0) return queue(chunks);
      const last = chunks.length - 1;
      for (let index = 0; index <= last; index++) {
        const chunk = chunks[index];
        if (chunk === undefined) break;
        const result = libc.send(descriptor, chunk, index < last);
        if ((result === -ECONNRESET || result === -EPIPE) && !socket.connecting) {
          closed = true;
          reset = result === -ECONNRESET;
          return true;
        }
        // Any other failure is found again by Node, which has words for it.
        const taken = Math.max(0, result);
        sent += taken;
        if (taken < chunk.length) return queue([chunk.subarray(taken), ...chunks.slice(index + 1)]);
      }
      return true;
    },
    get reset() {
      return reset;
    },
    get taken() {
      handle ??= handleOf(socket);
      // Node tells of whole writes only, its handle of parts too.
      return handle === null ? 0 : sent + handle.bytesWritten - handle.writeQueueSize;
    },
  };
}

/** Null where there is none (yet). Node gives it out in no official way; tests would notice its end. */
function handleOf(socket: Socket): Handle | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  return isHandle(handle) ? handle : null;
}

function isHandle(value: unknown): value is Handle {
  if (typeof value !== 'object' || value === null) return false;
  return ['fd', 'bytesWritten', 'writeQueueSize'].every(
    (name) => typeof Reflect.get(value, name) === 'number',
  );
}
