/**
 * The message header (RFC 4271 section 4.1): marker, length, type. How long a message may be: 4096 octets, or
 * 65,535 where both sides speak extended messages (RFC 8654), but never for OPEN and KEEPALIVE.
 */
import { writeU16 } from './wire.ts';

export const MARKER_LENGTH = 16;
export const HEADER_LENGTH = 19;
export const LONGEST_MESSAGE = 4096;
export const LONGEST_EXTENDED_MESSAGE = 65_535;

export const MESSAGE_TYPES = {
  open: 1,
  update: 2,
  notification: 3,
  keepalive: 4,
  'route-refresh': 5,
} as const;

export type MessageType = keyof typeof MESSAGE_TYPES;

/**
 * Shortest message of each type, header included; a KEEPALIVE has this length exactly (RFC 4271 section 6.1). A
 * ROUTE-REFRESH of another length than 23 is judged by its subtype (RFC 7313 section 5), where it reaches that far.
 */
export const SHORTEST: Readonly<Record<MessageType, number>> = {
  open: 29,
  update: 23,
  notification: 21,
  keepalive: 19,
  'route-refresh': 22,
};

const NAMES: readonly (MessageType | null)[] = [
  null,
  'open',
  'update',
  'notification',
  'keepalive',
  'route-refresh',
];

export function messageTypeOf(octet: number): MessageType | null {
  return NAMES[octet] ?? null;
}

/** Writes a header for a message of `length` octets in all; returns the offset after it. */
export function writeHeader(target: Uint8Array, at: number, type: MessageType, length: number): number {
  target.fill(0xff, at, at + MARKER_LENGTH);
  writeU16(target, at + MARKER_LENGTH, length);
  target[at + MARKER_LENGTH + 2] = MESSAGE_TYPES[type];
  return at + HEADER_LENGTH;
}

/** A whole message with this body. */
export function buildMessage(type: MessageType, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_LENGTH + body.length);
  message.set(body, writeHeader(message, 0, type, message.length));
  return message;
}

/** A KEEPALIVE (RFC 4271 section 4.4): a header and nothing else. */
export function encodeKeepalive(): Uint8Array {
  return buildMessage('keepalive', new Uint8Array(0));
}
