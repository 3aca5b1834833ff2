/**
 * The attributes of RFC 4271 section 5.1 that are one number or none: ORIGIN, NEXT_HOP, MULTI_EXIT_DISC, LOCAL_PREF
 * and ATOMIC_AGGREGATE; malformations RFC 7606 sections 7.1 and 7.3 to 7.6.
 */
import { NO_BYTES, readU32, u32 } from '../wire.ts';
import { nextHopFault } from './next-hop.ts';
import { ORIGIN } from './path-attributes.ts';
import { OPTIONAL_NON_TRANSITIVE, WELL_KNOWN } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const ORIGIN_ROW: AttributeRow = {
  code: 1,
  name: 'ORIGIN',
  flags: WELL_KNOWN,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.1',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault(bytes, start, end) {
    if (end - start !== 1) return lengthFault(end - start, '1');
    const value = bytes[start] ?? 0;
    return value > ORIGIN.incomplete ? `value ${value} is undefined` : null;
  },
  read(bytes, start, _end, into) {
    const value = bytes[start];
    into.origin = value === ORIGIN.igp || value === ORIGIN.egp ? value : ORIGIN.incomplete;
  },
  write: ({ origin }) => (origin === null ? null : Uint8Array.of(origin)),
};

export const NEXT_HOP: AttributeRow = {
  code: 3,
  name: 'NEXT_HOP',
  flags: WELL_KNOWN,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.3',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault(bytes, start, end) {
    return end - start === 4 ? nextHopFault(bytes, start, end) : lengthFault(end - start, '4');
  },
  read(bytes, start, end, into) {
    into.nextHop = bytes.slice(start, end);
  },
  write: ({ nextHop }) => nextHop,
};

export const MULTI_EXIT_DISC: AttributeRow = {
  code: 4,
  name: 'MULTI_EXIT_DISC',
  flags: OPTIONAL_NON_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.4',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (_bytes, start, end) => (end - start === 4 ? null : lengthFault(end - start, '4')),
  read(bytes, start, _end, into) {
    into.med = readU32(bytes, start);
  },
  write: ({ med }) => (med === null ? null : u32(med)),
};

export const LOCAL_PREF: AttributeRow = {
  code: 5,
  name: 'LOCAL_PREF',
  flags: WELL_KNOWN,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.5',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: true,
  fault: (_bytes, start, end) => (end - start === 4 ? null : lengthFault(end - start, '4')),
  read(bytes, start, _end, into) {
    into.localPref = readU32(bytes, start);
  },
  write: ({ localPref }) => (localPref === null ? null : u32(localPref)),
};

export const ATOMIC_AGGREGATE: AttributeRow = {
  code: 6,
  name: 'ATOMIC_AGGREGATE',
  flags: WELL_KNOWN,
  mayBeEmpty: true,
  malformed: 'attribute-discard',
  clause: 'RFC 7606 section 7.6',
  wrongFlags: 'attribute-discard',
  discardFromExternal: false,
  fault: (_bytes, start, end) => (end === start ? null : lengthFault(end - start, '0')),
  read(_bytes, _start, _end, into) {
    into.atomicAggregate = true;
  },
  write: ({ atomicAggregate }) => (atomicAggregate ? NO_BYTES : null),
};

/** `wanted`: the length as its RFC puts it. */
export function lengthFault(length: number, wanted: string): string {
  return `length ${length}, it must be ${wanted}`;
}
