/**
 * Network Layer Reachability Information: prefixes as UPDATEs carry them, RFC 4271 section 4.3, RFC 4760 section 5,
 * with path identifiers RFC 7911 section 3. Routes stay octets from one socket to the other; a block is checked once
 * (RFC 7606 section 5.3) and then walked without allocating anything.
 */
import { clearHostBits, type Prefix } from './address.ts';
import { addressBits, type Family } from './family.ts';
import { readU32, writeU32 } from './wire.ts';

/** Prefixes of one family, one after the other, known to be well-formed. */
export interface NlriBlock {
  readonly family: Family;
  /** Whether four octets of path identifier precede each prefix. */
  readonly addPath: boolean;
  readonly bytes: Uint8Array;
  /** Number of prefixes. */
  readonly count: number;
}

/** Octets that an address of this many bits takes on the wire. */
export function octetsOf(bits: number): number {
  return (bits + 7) >> 3;
}

/**
 * Counts the prefixes in `bytes` from `start` to `end`.
 * @returns -1 where they are syntactically incorrect (RFC 7606 section 5.3): a length over 32 or 128, or the last
 * prefix longer than what is left
 */
export function countNlri(
  bytes: Uint8Array,
  start: number,
  end: number,
  family: Family,
  addPath: boolean,
): number {
  const longest = addressBits(family);
  const head = addPath ? 5 : 1;
  let count = 0;
  let at = start;
  while (at < end) {
    // Where the path identifier is cut off this reads some other octet, but then `at` ends beyond `end` too.
    const bits = bytes[at + head - 1] ?? 0;
    if (bits > longest) return -1;
    at += head + octetsOf(bits);
    count++;
  }
  return at === end ? count : -1;
}

/**
 * Calls `visit` for each prefix: `at` is the offset of its first address octet in `block.bytes` (its length octet
 * stands before that), `bits` its length, `pathId` 0 where the block has no path identifiers. Bits of the last octet
 * beyond `bits` may be anything (RFC 4271 section 4.3): compare with `canonicalNlri` or mask them.
 */
export function forEachNlri(
  block: NlriBlock,
  visit: (at: number, bits: number, pathId: number) => void,
): void {
  const { bytes, addPath } = block;
  let at = 0;
  while (at < bytes.length) {
    const pathId = addPath ? readU32(bytes, at) : 0;
    if (addPath) at += 4;
    const bits = bytes[at] ?? 0;
    visit(at + 1, bits, pathId);
    at += 1 + octetsOf(bits);
  }
}

/** The wire form of the prefix at `at`: length octet and address octets, bits beyond the length cleared. */
export function canonicalNlri(bytes: Uint8Array, at: number, bits: number): Uint8Array {
  const nlri = bytes.slice(at - 1, at + octetsOf(bits));
  clearHostBits(nlri.subarray(1), bits);
  return nlri;
}

/** A block as values, for logs and tests. */
export function readNlri(block: NlriBlock): { readonly prefix: Prefix; readonly pathId: number }[] {
  const list: { readonly prefix: Prefix; readonly pathId: number }[] = [];
  forEachNlri(block, (at, bits, pathId) => {
    const address = new Uint8Array(addressBits(block.family) / 8);
    address.set(block.bytes.subarray(at, at + octetsOf(bits)));
    clearHostBits(address, bits);
    list.push({ prefix: { family: block.family, length: bits, address }, pathId });
  });
  return list;
}

/** The wire form of a prefix, without path identifier. */
export function encodePrefix(prefix: Prefix): Uint8Array {
  const octets = octetsOf(prefix.length);
  const nlri = new Uint8Array(1 + octets);
  nlri[0] = prefix.length;
  nlri.set(prefix.address.subarray(0, octets), 1);
  return nlri;
}

/** A block of one family's routes; path identifiers are written where `addPath` says so. */
export function encodeNlri(
  family: Family,
  addPath: boolean,
  routes: readonly { readonly prefix: Prefix; readonly pathId: number }[],
): NlriBlock {
  const head = addPath ? 4 : 0;
  const size = routes.reduce((sum, { prefix }) => sum + head + 1 + octetsOf(prefix.length), 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { prefix, pathId } of routes) {
    if (addPath) at = writeU32(bytes, at, pathId);
    const nlri = encodePrefix(prefix);
    bytes.set(nlri, at);
    at += nlri.length;
  }
  return { family, addPath, bytes, count: routes.length };
}
