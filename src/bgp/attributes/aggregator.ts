/**
 * AGGREGATOR: RFC 4271 section 5.1.7, eight octets where both sides speak four-octet AS numbers (RFC 6793 section 4),
 * malformations RFC 7606 section 7.7, AS 0 RFC 7607 section 2.
 */
import { readU16, readU32, writeU16, writeU32 } from '../wire.ts';
import { lengthFault } from './basic.ts';
import type { Aggregator } from './path-attributes.ts';
import { OPTIONAL_TRANSITIVE } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const AGGREGATOR: AttributeRow = {
  code: 7,
  name: 'AGGREGATOR',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'attribute-discard',
  clause: 'RFC 7606 section 7.7',
  wrongFlags: 'attribute-discard',
  discardFromExternal: false,
  fault: (bytes, start, end, { fourOctetAs }) => aggregatorFault(bytes, start, end, fourOctetAs ? 4 : 2),
  read(bytes, start, _end, into) {
    into.aggregator = readAggregator(bytes, start, 4);
  },
  write: ({ aggregator }) => (aggregator === null ? null : writeAggregator(aggregator, 4)),
};

/** `width`: octets of the AS number. */
export function aggregatorFault(bytes: Uint8Array, start: number, end: number, width: 2 | 4): string | null {
  if (end - start !== width + 4) return lengthFault(end - start, `${width + 4}`);
  const as = width === 4 ? readU32(bytes, start) : readU16(bytes, start);
  return as === 0 ? 'AS 0' : null;
}

export function readAggregator(bytes: Uint8Array, start: number, width: 2 | 4): Aggregator {
  const as = width === 4 ? readU32(bytes, start) : readU16(bytes, start);
  return { as, routerId: readU32(bytes, start + width) };
}

/** The number must fit `width` octets. */
export function writeAggregator({ as, routerId }: Aggregator, width: 2 | 4): Uint8Array {
  const bytes = new Uint8Array(width + 4);
  const at = width === 4 ? writeU32(bytes, 0, as) : writeU16(bytes, 0, as);
  writeU32(bytes, at, routerId);
  return bytes;
}
