/**
 * Path attributes as octets: header and value (RFC 4271 section 4.3), one after the other. This is how a reflector
 * keeps them, because it says them again as they came.
 */

export const FLAG = { optional: 0x80, transitive: 0x40, partial: 0x20, extendedLength: 0x10 } as const;

/** Flags as each category of RFC 4271 section 5 has them. */
export const WELL_KNOWN = FLAG.transitive;
export const OPTIONAL_TRANSITIVE = FLAG.optional | FLAG.transitive;
export const OPTIONAL_NON_TRANSITIVE = FLAG.optional;

/** An attribute as its octets. */
export interface RawAttribute {
  readonly code: number;
  /** The Extended Length bit does not matter: the writer sets it where the length asks for it. */
  readonly flags: number;
  readonly value: Uint8Array;
}

/** Octets of an attribute with its header. */
export function sizeOfAttribute(valueLength: number): number {
  return (valueLength > 255 ? 4 : 3) + valueLength;
}

/** Writes the header of an attribute; returns the offset where its value begins. */
export function writeAttributeHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  code: number,
  valueLength: number,
): number {
  const bits = flags & ~FLAG.extendedLength & 0xff;
  target[at + 1] = code;
  if (valueLength > 255) {
    target[at] = bits | FLAG.extendedLength;
    target[at + 2] = valueLength >>> 8;
    target[at + 3] = valueLength;
    return at + 4;
  }
  target[at] = bits;
  target[at + 2] = valueLength;
  return at + 3;
}

/** Attributes one after the other, in the order given. */
export function encodeRawAttributes(list: readonly RawAttribute[]): Uint8Array {
  const bytes = new Uint8Array(list.reduce((sum, { value }) => sum + sizeOfAttribute(value.length), 0));
  let at = 0;
  for (const { code, flags, value } of list) {
    at = writeAttributeHeader(bytes, at, flags, code, value.length);
    bytes.set(value, at);
    at += value.length;
  }
  return bytes;
}

/**
 * Calls `visit` for each attribute of octets that are known to be well-formed: `at` is where its header begins,
 * `start` and `end` bound its value. `visit` returns false to stop.
 */
export function forEachAttribute(
  bytes: Uint8Array,
  visit: (code: number, at: number, start: number, end: number) => boolean,
): void {
  let at = 0;
  while (at + 3 <= bytes.length) {
    const extended = ((bytes[at] ?? 0) & FLAG.extendedLength) !== 0;
    const start = at + (extended ? 4 : 3);
    const length = extended ? ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0) : (bytes[at + 2] ?? 0);
    if (!visit(bytes[at + 1] ?? 0, at, start, start + length)) return;
    at = start + length;
  }
}

/** Attributes of well-formed octets as values; each value is a view. */
export function rawAttributes(bytes: Uint8Array): RawAttribute[] {
  const list: RawAttribute[] = [];
  forEachAttribute(bytes, (code, at, start, end) => {
    list.push({ code, flags: bytes[at] ?? 0, value: bytes.subarray(start, end) });
    return true;
  });
  return list;
}

/** The value of one attribute as a view of well-formed octets, or null where it is not there. */
export function findAttribute(bytes: Uint8Array, wanted: number): Uint8Array | null {
  let found: Uint8Array | null = null;
  forEachAttribute(bytes, (code, _at, start, end) => {
    if (code !== wanted) return true;
    found = bytes.subarray(start, end);
    return false;
  });
  return found;
}
