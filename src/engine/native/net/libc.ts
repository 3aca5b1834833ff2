/**
 * The functions of the C library that Node has no words for, called through koffi, an optional dependency: a
 * machine without it runs every session but those that ask for TCP-MD5 or TTL security, and writes through Node.
 */
import { createRequire } from 'node:module';
import { messageOf } from '../../../model/errors.ts';

export interface Libc {
  /** @returns 0, or the negated error number of the system */
  setsockopt(descriptor: number, level: number, option: number, value: Uint8Array): number;
  /** @returns the value, of `longest` octets at most, or the negated error number */
  getsockopt(descriptor: number, level: number, option: number, longest: number): Uint8Array | number;
  /** @returns a descriptor, or the negated error number */
  socket(domain: number, type: number): number;
  closeDescriptor(descriptor: number): void;
  /**
   * Gives octets to a socket's system buffer, without waiting.
   * @param more others follow at once: no segment need end here
   * @returns how many it has taken, or the negated error number
   */
  send(descriptor: number, octets: Uint8Array, more: boolean): number;
}

/** Why there is no such way to the system's sockets here. */
export interface NoLibc {
  readonly missing: string;
}

/** MSG_DONTWAIT and MSG_NOSIGNAL. */
const NOT_WAITING = 0x4040;
const MSG_MORE = 0x8000;

let loaded: Libc | NoLibc | undefined;

/** Loads it once; the same answer for ever. */
export function loadLibc(): Libc | NoLibc {
  loaded ??= load();
  return loaded;
}

function load(): Libc | NoLibc {
  // The numbers of socket options and the layout of their values are Linux's.
  if (process.platform !== 'linux')
    return { missing: `they are built for Linux, and this is ${process.platform}` };
  try {
    // Not an import: a package that may be missing must not keep the program from starting.
    const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi');
    const library = koffi.load(null);
    const setsockopt: (...words: readonly (number | Uint8Array)[]) => number = library.func(
      'int setsockopt(int, int, int, const uint8_t *, uint32_t)',
    );
    const getsockopt: (...words: readonly (number | Uint8Array | Uint32Array)[]) => number = library.func(
      'int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)',
    );
    const socket: (...words: readonly number[]) => number = library.func('int socket(int, int, int)');
    const send: (descriptor: number, octets: Uint8Array, length: number, flags: number) => number =
      library.func('int64_t send(int, const uint8_t *, size_t, int)');
    const close: (descriptor: number) => number = library.func('int close(int)');
    return {
      setsockopt: (descriptor, level, option, value) =>
        setsockopt(descriptor, level, option, value, value.length) === 0 ? 0 : -koffi.errno(),
      getsockopt(descriptor, level, option, longest) {
        const value = new Uint8Array(longest);
        const length = Uint32Array.of(longest);
        if (getsockopt(descriptor, level, option, value, length) !== 0) return -koffi.errno();
        return value.subarray(0, length[0]);
      },
      socket: (domain, type) => {
        const descriptor = socket(domain, type, 0);
        return descriptor < 0 ? -koffi.errno() : descriptor;
      },
      closeDescriptor: (descriptor) => void close(descriptor),
      send(descriptor, octets, more) {
        const taken = send(descriptor, octets, octets.length, more ? NOT_WAITING | MSG_MORE : NOT_WAITING);
        return taken < 0 ? -koffi.errno() : taken;
      },
    };
  } catch (error) {
    return { missing: `the npm package koffi does not load (${firstLine(messageOf(error))})` };
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
