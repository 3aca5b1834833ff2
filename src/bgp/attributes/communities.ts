/**
 * COMMUNITIES (RFC 1997), EXTENDED COMMUNITIES (RFC 4360) and LARGE_COMMUNITY (RFC 8092), with their malformations:
 * RFC 7606 sections 7.8 and 7.14, RFC 8092 section 5.
 */
import { readU32, readU32List, u32List, writeU32 } from '../wire.ts';
import { lengthFault } from './basic.ts';
import type { LargeCommunity } from './path-attributes.ts';
import { OPTIONAL_TRANSITIVE } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const COMMUNITIES: AttributeRow = {
  code: 8,
  name: 'COMMUNITIES',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.8',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (_bytes, start, end) => multipleFault(end - start, 4),
  read(bytes, start, end, into) {
    into.communities = readU32List(bytes, start, end);
  },
  write: ({ communities }) => (communities.length === 0 ? null : u32List(communities)),
};

export const EXTENDED_COMMUNITIES: AttributeRow = {
  code: 16,
  name: 'EXTENDED COMMUNITIES',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.14',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  // An unknown type or sub-type is no error (RFC 7606 section 7.14).
  fault: (_bytes, start, end) => multipleFault(end - start, 8),
  read(bytes, start, end, into) {
    const list: bigint[] = [];
    for (let at = start; at < end; at += 8) {
      list.push((BigInt(readU32(bytes, at)) << 32n) | BigInt(readU32(bytes, at + 4)));
    }
    into.extendedCommunities = list;
  },
  write({ extendedCommunities }) {
    if (extendedCommunities.length === 0) return null;
    return u32List(
      extendedCommunities.flatMap((value) => [Number(value >> 32n), Number(value & 0xffff_ffffn)]),
    );
  },
};

export const LARGE_COMMUNITY: AttributeRow = {
  code: 32,
  name: 'LARGE_COMMUNITY',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 8092 section 5',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (_bytes, start, end) => multipleFault(end - start, 12),
  /** RFC 8092 section 2: a receiver silently removes values that it has seen before in the same attribute. */
  amend(bytes, start, end) {
    if (end - start === 12) return null;
    const list = readLarge(bytes, start, end);
    const distinct = [...new Map(list.map((one) => [formatLargeCommunity(one), one])).values()];
    return distinct.length === list.length ? null : writeLarge(distinct);
  },
  read(bytes, start, end, into) {
    into.largeCommunities = readLarge(bytes, start, end);
  },
  write: ({ largeCommunities }) => (largeCommunities.length === 0 ? null : writeLarge(largeCommunities)),
};

/** RFC 8092 section 4. */
export function formatLargeCommunity({ global, one, two }: LargeCommunity): string {
  return `${global}:${one}:${two}`;
}

/** RFC 1997's two halves, as everybody writes them. */
export function formatCommunity(community: number): string {
  return `${community >>> 16}:${community & 0xffff}`;
}

function readLarge(bytes: Uint8Array, start: number, end: number): LargeCommunity[] {
  const list: LargeCommunity[] = [];
  for (let at = start; at < end; at += 12) {
    list.push({ global: readU32(bytes, at), one: readU32(bytes, at + 4), two: readU32(bytes, at + 8) });
  }
  return list;
}

function writeLarge(list: readonly LargeCommunity[]): Uint8Array {
  const bytes = new Uint8Array(list.length * 12);
  let at = 0;
  for (const { global, one, two } of list) {
    at = writeU32(bytes, writeU32(bytes, writeU32(bytes, at, global), one), two);
  }
  return bytes;
}

function multipleFault(length: number, size: number): string | null {
  return length > 0 && length % size === 0 ? null : lengthFault(length, `a multiple of ${size}, not 0`);
}
