/**
 * Numbers and octets as BGP puts them on the wire: unsigned, most significant octet first (RFC 4271 section 4).
 * Readers do not check bounds; whoever calls has compared lengths before, and says which RFC's length it was.
 */

export const NO_BYTES = new Uint8Array(0);

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function readU24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

/** Writes two octets and returns the offset after them; the same for the writers below. */
export function writeU16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
  return at + 2;
}

export function writeU24(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 16;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value;
  return at + 3;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}

export function writeBytes(bytes: Uint8Array, at: number, value: Uint8Array): number {
  bytes.set(value, at);
  return at + value.length;
}

export function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  writeU16(bytes, 0, value);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
}

/** The 32-bit numbers that `bytes` from `start` to `end` hold, one after the other. */
export function readU32List(bytes: Uint8Array, start: number, end: number): number[] {
  const list: number[] = [];
  for (let at = start; at < end; at += 4) list.push(readU32(bytes, at));
  return list;
}

export function u32List(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  let at = 0;
  for (const value of values) at = writeU32(bytes, at, value);
  return bytes;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) at = writeBytes(whole, at, part);
  return whole;
}

export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const octet of bytes) text += octet.toString(16).padStart(2, '0');
  return text;
}
