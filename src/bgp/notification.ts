/**
 * NOTIFICATION messages: RFC 4271 section 4.5, the text that goes with a shutdown (RFC 9003), and Hard Reset
 * (RFC 8538 section 3.1), which carries the true error inside a Cease.
 */
import { CEASE, ERROR, errorName } from './error-codes.ts';
import { type Family, numbersOf } from './family.ts';
import { buildMessage, HEADER_LENGTH, LONGEST_MESSAGE } from './header.ts';
import { concatBytes, NO_BYTES, toHex } from './wire.ts';

export interface Notification {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** RFC 9003 section 2: at most 255 octets of UTF-8. */
const LONGEST_TEXT = 255;

/**
 * @param longest octets that the message may have: 4096 unless the peer takes long messages (RFC 8654 section 4).
 * What an error quotes of a message that was longer itself is cut.
 */
export function encodeNotification(
  notification: Notification,
  longest: number = LONGEST_MESSAGE,
): Uint8Array {
  const { code, subcode, data } = notification;
  const quoted = data.subarray(0, longest - HEADER_LENGTH - 2);
  return buildMessage('notification', concatBytes([Uint8Array.of(code, subcode), quoted]));
}

/** Reads a whole NOTIFICATION message, header included; the framer has seen to its length (21 octets or more). */
export function decodeNotification(message: Uint8Array): Notification {
  return {
    code: message[HEADER_LENGTH] ?? 0,
    subcode: message[HEADER_LENGTH + 1] ?? 0,
    data: message.slice(HEADER_LENGTH + 2),
  };
}

/**
 * A Cease (RFC 4486). `text` goes along where the subcode is one that RFC 9003 gives a text (Administrative
 * Shutdown and Administrative Reset); what is longer than 255 octets is cut between two characters.
 */
export function cease(subcode: number, text = ''): Notification {
  return { code: ERROR.cease, subcode, data: carriesText(subcode) ? encodeText(text) : NO_BYTES };
}

/** Cease/Maximum Number of Prefixes Reached with the family and the limit in it (RFC 4486 section 4). */
export function prefixLimitReached(family: Family, limit: number): Notification {
  const data = new Uint8Array(7);
  const view = new DataView(data.buffer);
  const { afi, safi } = numbersOf(family);
  view.setUint16(0, afi);
  view.setUint8(2, safi);
  view.setUint32(3, limit);
  return { code: ERROR.cease, subcode: CEASE.maximumPrefixes, data };
}

/**
 * The same error as a Hard Reset (RFC 8538 section 3.1), so that the peer forgets our routes at once instead of
 * keeping them for a graceful restart. Only for peers that announced the N bit.
 */
export function hardReset(notification: Notification): Notification {
  const { code, subcode, data } = notification;
  return {
    code: ERROR.cease,
    subcode: CEASE.hardReset,
    data: concatBytes([Uint8Array.of(code, subcode), data]),
  };
}

/** Whether it is a Hard Reset, and the error that counts: the one inside, or the notification itself. */
export function unwrapHardReset(notification: Notification): {
  readonly hard: boolean;
  readonly cause: Notification;
} {
  const { code, subcode, data } = notification;
  if (code !== ERROR.cease || subcode !== CEASE.hardReset) return { hard: false, cause: notification };
  // RFC 8538 section 3.1 demands the two octets; a Hard Reset without them is one all the same.
  if (data.length < 2) return { hard: true, cause: notification };
  return { hard: true, cause: { code: data[0] ?? 0, subcode: data[1] ?? 0, data: data.slice(2) } };
}

/**
 * One line for people: the RFC's names, the peer's text in quotes, or the data in hex. What the peer wrote is
 * escaped, so that no line feed or terminal sequence of its reaches a log (RFC 9003 section 6).
 */
export function describeNotification(notification: Notification): string {
  const { hard, cause } = unwrapHardReset(notification);
  const name = `${hard ? 'Hard Reset, ' : ''}${errorName(cause.code, cause.subcode)}`;
  const text = cause.code === ERROR.cease && carriesText(cause.subcode) ? decodeText(cause.data) : null;
  if (text !== null) return text === '' ? name : `${name} "${text}"`;
  return cause.data.length === 0 ? name : `${name}, data ${toHex(cause.data.subarray(0, 64))}`;
}

/** The text of a shutdown as the peer wrote it, escaped for one line; null where there is none or it is broken. */
export function shutdownText(notification: Notification): string | null {
  const { cause } = unwrapHardReset(notification);
  if (cause.code !== ERROR.cease || !carriesText(cause.subcode)) return null;
  const text = decodeText(cause.data);
  return text === '' ? null : text;
}

function carriesText(subcode: number): boolean {
  return subcode === CEASE.administrativeShutdown || subcode === CEASE.administrativeReset;
}

function encodeText(text: string): Uint8Array {
  if (text === '') return NO_BYTES;
  const target = new Uint8Array(1 + LONGEST_TEXT);
  const { written } = new TextEncoder().encodeInto(text, target.subarray(1));
  target[0] = written;
  return target.slice(0, 1 + written);
}

/** Null where the length octet does not fit or the octets are no UTF-8 (RFC 9003 section 4). */
function decodeText(data: Uint8Array): string | null {
  if (data.length === 0) return '';
  const length = data[0] ?? 0;
  if (1 + length > data.length) return null;
  try {
    return escapeLine(new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(1, 1 + length)));
  } catch {
    return null;
  }
}

/** Control, format and line-separating characters as `\u{...}`. */
function escapeLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/gu, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
