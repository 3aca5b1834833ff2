/**
 * AS_PATH: RFC 4271 sections 4.3 and 5.1.2, four-octet numbers RFC 6793, malformations RFC 7606 section 7.2, AS 0
 * RFC 7607. Confederation segments (RFC 5065 section 5) are malformed for us: we are a member of none.
 */
import { AS_TRANS } from '../as-trans.ts';
import { readU16, readU32, writeU16, writeU32 } from '../wire.ts';
import type { AsPath, AsSegment } from './path-attributes.ts';
import { WELL_KNOWN } from './raw-attributes.ts';
import type { AttributeContext, AttributeRow } from './row.ts';

const SET = 1;
const SEQUENCE = 2;
const CONFED_SEQUENCE = 3;
const CONFED_SET = 4;
/** A segment's length is one octet. */
const LONGEST_SEGMENT = 255;

export const AS_PATH: AttributeRow = {
  code: 2,
  name: 'AS_PATH',
  flags: WELL_KNOWN,
  mayBeEmpty: true,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.2',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault(bytes, start, end, context) {
    return (
      asPathFault(bytes, start, end, context.fourOctetAs ? 4 : 2) ?? firstAsFault(bytes, start, end, context)
    );
  },
  read(bytes, start, end, into) {
    into.asPath = readAsPath(bytes, start, end, 4);
  },
  write: ({ asPath }) => (asPath === null ? null : writeAsPath(asPath, 4)),
};

/**
 * What is wrong with an AS path, each case of RFC 7606 section 7.2 and RFC 7607 section 2; null where nothing.
 * @param confederation whether confederation segments may stand in it
 */
export function asPathFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: 2 | 4,
  confederation = false,
): string | null {
  let at = start;
  while (at < end) {
    const type = bytes[at] ?? 0;
    if (end - at < 2) return 'one octet is left where a segment should begin';
    const known = type === SET || type === SEQUENCE;
    if (!known && !(confederation && isConfederation(type))) return `segment type ${type}`;
    const count = bytes[at + 1] ?? 0;
    if (count === 0) return 'a segment without AS numbers';
    const next = at + 2 + count * width;
    if (next > end) return `a segment of ${count} AS numbers runs over the end`;
    for (at += 2; at < next; at += width) {
      if ((width === 4 ? readU32(bytes, at) : readU16(bytes, at)) === 0) return 'AS 0 in the path';
    }
  }
  return null;
}

function isConfederation(type: number): boolean {
  return type === CONFED_SEQUENCE || type === CONFED_SET;
}

function firstAsFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  { external, enforceFirstAs, fourOctetAs, peerAs }: AttributeContext,
): string | null {
  if (!external || !enforceFirstAs) return null;
  // An old speaker's AS_TRANS may stand for the peer's number; AS4_PATH is merged later.
  const first =
    end === start || bytes[start] !== SEQUENCE
      ? null
      : fourOctetAs
        ? readU32(bytes, start + 2)
        : readU16(bytes, start + 2);
  if (first === peerAs || (!fourOctetAs && peerAs > 0xffff && first === AS_TRANS)) return null;
  return `the first AS is ${first ?? 'missing'}, not the peer's ${peerAs}`;
}

/** Reads a path that `asPathFault` found well-formed; confederation segments are left out. */
export function readAsPath(bytes: Uint8Array, start: number, end: number, width: 2 | 4): AsPath {
  const path: AsSegment[] = [];
  let at = start;
  while (at < end) {
    const type = bytes[at] ?? 0;
    const next = at + 2 + (bytes[at + 1] ?? 0) * width;
    const asNumbers: number[] = [];
    for (at += 2; at < next; at += width) {
      asNumbers.push(width === 4 ? readU32(bytes, at) : readU16(bytes, at));
    }
    if (!isConfederation(type)) path.push({ type: type === SET ? 'set' : 'sequence', asNumbers });
  }
  return path;
}

/** Writes a path; sequences longer than 255 are written as several, which means the same. Numbers must fit. */
export function writeAsPath(path: AsPath, width: 2 | 4): Uint8Array {
  const segments = path.flatMap(({ type, asNumbers }) => {
    const parts: AsSegment[] = [];
    for (let at = 0; at < asNumbers.length; at += LONGEST_SEGMENT) {
      parts.push({ type, asNumbers: asNumbers.slice(at, at + LONGEST_SEGMENT) });
    }
    return parts;
  });
  const size = segments.reduce((sum, { asNumbers }) => sum + 2 + asNumbers.length * width, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { type, asNumbers } of segments) {
    bytes[at] = type === 'set' ? SET : SEQUENCE;
    bytes[at + 1] = asNumbers.length;
    at += 2;
    for (const as of asNumbers) at = width === 4 ? writeU32(bytes, at, as) : writeU16(bytes, at, as);
  }
  return bytes;
}

/** Length for route selection: a set counts as one (RFC 4271 section 9.1.2.2 a). */
export function asPathLength(path: AsPath): number {
  return path.reduce((sum, { type, asNumbers }) => sum + (type === 'set' ? 1 : asNumbers.length), 0);
}

/** How often an AS stands in the path: more than allowed is a loop (RFC 4271 section 9.1.2). */
export function asPathOccurrences(path: AsPath, as: number): number {
  return path.reduce((sum, { asNumbers }) => sum + asNumbers.filter((one) => one === as).length, 0);
}

/** The AS that the route came from, for MED comparison: the first of a leading sequence, else null. */
export function neighborAs(path: AsPath): number | null {
  const first = path[0];
  return first?.type === 'sequence' ? (first.asNumbers[0] ?? null) : null;
}

/** The path with `as` in front, as it is told to another AS (RFC 4271 section 5.1.2 b). */
export function prependAs(path: AsPath, as: number): AsPath {
  const [first, ...rest] = path;
  if (first?.type === 'sequence' && first.asNumbers.length < LONGEST_SEGMENT) {
    return [{ type: 'sequence', asNumbers: [as, ...first.asNumbers] }, ...rest];
  }
  return [{ type: 'sequence', asNumbers: [as] }, ...path];
}

/** `64512 64513 {64514,64515}`; empty for a route of our own AS. */
export function formatAsPath(path: AsPath): string {
  return path
    .map(({ type, asNumbers }) => (type === 'set' ? `{${asNumbers.join(',')}}` : asNumbers.join(' ')))
    .join(' ');
}
