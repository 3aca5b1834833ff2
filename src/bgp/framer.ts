/**
 * A stream of bytes in any pieces becomes whole messages (RFC 4271 sections 4.1 and 6.1). A message that lies within
 * one piece is handed on as a view of it; only what is torn between pieces is copied. A bad header is reported as
 * soon as its 19 octets are there, before the body that it announces is awaited.
 */
import { ERROR, HEADER_ERROR } from './error-codes.ts';
import {
  HEADER_LENGTH,
  LONGEST_EXTENDED_MESSAGE,
  LONGEST_MESSAGE,
  MARKER_LENGTH,
  type MessageType,
  messageTypeOf,
  SHORTEST,
} from './header.ts';
import { ProtocolError } from './protocol-error.ts';
import { readU16 } from './wire.ts';

export interface Frame {
  readonly type: MessageType;
  /** The whole message, header included. May be a view of the piece that came in: copy what must outlive it. */
  readonly message: Uint8Array;
}

export interface Framer {
  /**
   * Takes the next piece of the stream and delivers each message that it completes, in order.
   * @param deliver returns false to stop: the rest of the stream is dropped (the connection is being closed)
   * @throws ProtocolError where a header is broken, after the messages before it were delivered; also from
   * `deliver`. No further piece may be pushed after that.
   */
  push(piece: Uint8Array, deliver: (frame: Frame) => boolean): void;
  /** From now on messages up to 65,535 octets are legal: both OPENs announced RFC 8654. */
  acceptExtendedMessages(): void;
  /** Octets of a message that has begun and is not yet whole. */
  readonly waiting: number;
}

export function createFramer(): Framer {
  let longest = LONGEST_MESSAGE;
  /** Start of a message that is not whole yet; `filled` octets of it are there. */
  let torn = new Uint8Array(HEADER_LENGTH);
  let filled = 0;
  let stopped = false;

  /** Adds octets of `piece` to the torn message until it has `wanted`; returns the offset after what it took. */
  const fill = (piece: Uint8Array, at: number, wanted: number): number => {
    const end = Math.min(piece.length, at + wanted - filled);
    torn.set(piece.subarray(at, end), filled);
    filled += end - at;
    return end;
  };

  /** Completes the message that earlier pieces began; returns the offset after it, or the end of the piece. */
  const mend = (piece: Uint8Array, deliver: (frame: Frame) => boolean): number => {
    let at = 0;
    if (filled < HEADER_LENGTH) {
      at = fill(piece, at, HEADER_LENGTH);
      if (filled < HEADER_LENGTH) return at;
      checkHeader(torn, 0, longest);
      const whole = new Uint8Array(readU16(torn, MARKER_LENGTH));
      whole.set(torn);
      torn = whole;
    }
    at = fill(piece, at, torn.length);
    if (filled < torn.length) return at;
    const message = torn;
    torn = new Uint8Array(HEADER_LENGTH);
    filled = 0;
    stopped = !deliver({ type: checkHeader(message, 0, longest), message });
    return at;
  };

  return {
    push(octets, deliver) {
      // Sockets give Buffers, whose views cost more to make than views of plain octets.
      const piece = new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
      let at = filled > 0 ? mend(piece, deliver) : 0;
      while (!stopped && at < piece.length) {
        if (piece.length - at < HEADER_LENGTH) {
          fill(piece, at, HEADER_LENGTH);
          return;
        }
        const type = checkHeader(piece, at, longest);
        const end = at + readU16(piece, at + MARKER_LENGTH);
        if (end > piece.length) {
          torn = new Uint8Array(end - at);
          fill(piece, at, torn.length);
          return;
        }
        const message = piece.subarray(at, end);
        at = end;
        stopped = !deliver({ type, message });
      }
    },
    acceptExtendedMessages() {
      longest = LONGEST_EXTENDED_MESSAGE;
    },
    get waiting() {
      return filled;
    },
  };
}

/** RFC 4271 section 6.1, in its order: marker, length, type; then the length that the type asks for. */
function checkHeader(bytes: Uint8Array, at: number, longest: number): MessageType {
  for (let index = at; index < at + MARKER_LENGTH; index++) {
    if (bytes[index] !== 0xff) {
      throw new ProtocolError(ERROR.header, HEADER_ERROR.notSynchronized, 'the marker is not all ones');
    }
  }
  const length = readU16(bytes, at + MARKER_LENGTH);
  const octet = bytes[at + MARKER_LENGTH + 2] ?? 0;
  const type = messageTypeOf(octet);
  const bound = type === 'open' || type === 'keepalive' ? LONGEST_MESSAGE : longest;
  const shortest = type === null ? HEADER_LENGTH : SHORTEST[type];
  if (length < HEADER_LENGTH || length > longest) throw badLength(bytes, at, type, length);
  if (type === null) {
    throw new ProtocolError(
      ERROR.header,
      HEADER_ERROR.badType,
      `message type ${octet} is unknown`,
      Uint8Array.of(octet),
    );
  }
  if (length < shortest || length > bound || (type === 'keepalive' && length !== shortest)) {
    throw badLength(bytes, at, type, length);
  }
  return type;
}

function badLength(bytes: Uint8Array, at: number, type: MessageType | null, length: number): ProtocolError {
  const what = `a message${type === null ? '' : ` of type ${type}`} cannot have ${length} octets`;
  const field = bytes.slice(at + MARKER_LENGTH, at + MARKER_LENGTH + 2);
  return new ProtocolError(ERROR.header, HEADER_ERROR.badLength, what, field);
}
