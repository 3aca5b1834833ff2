/**
 * UPDATE messages, sent: RFC 4271 section 4.3, RFC 4760, End-of-RIB RFC 4724 section 2. Attributes and prefixes come as
 * octets and are copied once. A message announces or withdraws, never both, and MP_REACH_NLRI or MP_UNREACH_NLRI is
 * the first attribute (RFC 7606 section 5.1).
 */
import { FLAG } from './attributes/raw-attributes.ts';
import { ATTRIBUTE } from './attributes/table.ts';
import { addressBits, afiOf, type Family, SAFI_UNICAST } from './family.ts';
import { HEADER_LENGTH, writeHeader } from './header.ts';
import { type NlriBlock, octetsOf } from './nlri.ts';
import { writeU16 } from './wire.ts';

/** Routes with the same attributes and next hop. */
export interface Announcements {
  readonly nlri: NlriBlock;
  /** 4 octets, 16, or 32. An IPv4 next hop of IPv4 routes stands among the attributes too, as NEXT_HOP. */
  readonly nextHop: Uint8Array;
  /** As `decodeUpdate` gives them and `reflectAttributes` or `narrow` made them. */
  readonly attributes: Uint8Array;
}

/** Octets of a message besides attributes and prefixes: header and the two length fields. */
const FRAME = HEADER_LENGTH + 4;
/** Header of an attribute whose length has two octets. */
const LONG_HEADER = 4;

/**
 * The messages that announce these routes, one after the other in one buffer.
 * @param longest octets that a message may have, `Negotiated.longestSent`
 * @returns null where the attributes leave no room for a single prefix: the routes cannot be told to this peer, and
 * what it was told of them before must be withdrawn (RFC 8654 section 4)
 */
export function encodeAnnouncements(routes: Announcements, longest: number): Uint8Array | null {
  const size = sizeOfAnnouncements(routes, longest);
  if (size < 0) return null;
  const bytes = new Uint8Array(size);
  writeAnnouncements(bytes, 0, routes, longest);
  return bytes;
}

/** Octets that `writeAnnouncements` will write, or -1 where the attributes are too long. */
export function sizeOfAnnouncements(routes: Announcements, longest: number): number {
  const overhead = announcementOverhead(routes);
  const messages = countPieces(routes.nlri, longest - overhead);
  return messages < 0 ? -1 : messages * overhead + routes.nlri.bytes.length;
}

/** Writes the messages into `target`, which has room for `sizeOfAnnouncements`; returns the offset after them. */
export function writeAnnouncements(
  target: Uint8Array,
  at: number,
  routes: Announcements,
  longest: number,
): number {
  const { nlri, nextHop, attributes } = routes;
  const overhead = announcementOverhead(routes);
  const classic = isClassic(routes);
  const reachLength = 5 + nextHop.length;
  let to = at;
  forEachPiece(nlri, longest - overhead, (start, end) => {
    const length = overhead + end - start;
    to = writeHeader(target, to, 'update', length);
    to = writeU16(target, to, 0);
    to = writeU16(target, to, classic ? attributes.length : length - FRAME);
    if (classic) {
      target.set(attributes, to);
      to += attributes.length;
    } else {
      to = writeLongHeader(target, to, ATTRIBUTE.mpReachNlri, reachLength + end - start);
      to = writeFamily(target, to, nlri.family);
      target[to++] = nextHop.length;
      target.set(nextHop, to);
      to += nextHop.length;
      target[to++] = 0;
    }
    target.set(nlri.bytes.subarray(start, end), to);
    to += end - start;
    if (!classic) {
      target.set(attributes, to);
      to += attributes.length;
    }
  });
  return to;
}

/** The messages that withdraw these routes, one after the other in one buffer. */
export function encodeWithdrawals(nlri: NlriBlock, longest: number): Uint8Array {
  const classic = nlri.family === 4;
  const overhead = classic ? FRAME : FRAME + LONG_HEADER + 3;
  const messages = countPieces(nlri, longest - overhead);
  const bytes = new Uint8Array(messages * overhead + nlri.bytes.length);
  let to = 0;
  forEachPiece(nlri, longest - overhead, (start, end) => {
    const length = overhead + end - start;
    to = writeHeader(bytes, to, 'update', length);
    to = writeU16(bytes, to, classic ? end - start : 0);
    if (!classic) {
      to = writeU16(bytes, to, length - FRAME);
      to = writeLongHeader(bytes, to, ATTRIBUTE.mpUnreachNlri, 3 + end - start);
      to = writeFamily(bytes, to, nlri.family);
    }
    bytes.set(nlri.bytes.subarray(start, end), to);
    to += end - start;
    if (classic) to = writeU16(bytes, to, 0);
  });
  return bytes;
}

/** The message that says: this was all that we have in this family. */
export function encodeEndOfRib(family: Family): Uint8Array {
  const length = family === 4 ? FRAME : FRAME + LONG_HEADER + 3;
  const bytes = new Uint8Array(length);
  let to = writeHeader(bytes, 0, 'update', length);
  to = writeU16(bytes, to, 0);
  to = writeU16(bytes, to, length - FRAME);
  if (family === 4) return bytes;
  to = writeLongHeader(bytes, to, ATTRIBUTE.mpUnreachNlri, 3);
  writeFamily(bytes, to, family);
  return bytes;
}

/** IPv4 routes with an IPv4 next hop go into the message's own field, all others into MP_REACH_NLRI. */
function isClassic({ nlri, nextHop }: Announcements): boolean {
  return nlri.family === 4 && nextHop.length === 4;
}

function announcementOverhead(routes: Announcements): number {
  const reach = isClassic(routes) ? 0 : LONG_HEADER + 5 + routes.nextHop.length;
  return FRAME + reach + routes.attributes.length;
}

function writeLongHeader(target: Uint8Array, at: number, code: number, length: number): number {
  target[at] = FLAG.optional | FLAG.extendedLength;
  target[at + 1] = code;
  return writeU16(target, at + 2, length);
}

function writeFamily(target: Uint8Array, at: number, family: Family): number {
  const next = writeU16(target, at, afiOf(family));
  target[next] = SAFI_UNICAST;
  return next + 1;
}

/** How many messages the prefixes take with `room` octets in each; -1 where one prefix has no room. */
function countPieces(nlri: NlriBlock, room: number): number {
  if (nlri.bytes.length <= room) return nlri.count === 0 ? 0 : 1;
  const largest = (nlri.addPath ? 5 : 1) + octetsOf(addressBits(nlri.family));
  if (room < largest) return -1;
  let pieces = 0;
  forEachPiece(nlri, room, () => {
    pieces++;
  });
  return pieces;
}

/** Cuts a block between prefixes into pieces of `room` octets at most. */
function forEachPiece(nlri: NlriBlock, room: number, visit: (start: number, end: number) => void): void {
  const { bytes, addPath } = nlri;
  if (bytes.length <= room) {
    if (bytes.length > 0) visit(0, bytes.length);
    return;
  }
  const head = addPath ? 5 : 1;
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const next = at + head + octetsOf(bytes[at + head - 1] ?? 0);
    if (next - start > room) {
      visit(start, at);
      start = at;
    }
    at = next;
  }
  visit(start, at);
}
