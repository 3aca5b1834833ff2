/**
 * ORIGINATOR_ID and CLUSTER_LIST: RFC 4456 section 8, malformations RFC 7606 sections 7.9 and 7.10.
 */
import { readU32, readU32List, u32, u32List } from '../wire.ts';
import { lengthFault } from './basic.ts';
import { OPTIONAL_NON_TRANSITIVE } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const ORIGINATOR_ID: AttributeRow = {
  code: 9,
  name: 'ORIGINATOR_ID',
  flags: OPTIONAL_NON_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.9',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: true,
  fault: (_bytes, start, end) => (end - start === 4 ? null : lengthFault(end - start, '4')),
  read(bytes, start, _end, into) {
    into.originatorId = readU32(bytes, start);
  },
  write: ({ originatorId }) => (originatorId === null ? null : u32(originatorId)),
};

export const CLUSTER_LIST: AttributeRow = {
  code: 10,
  name: 'CLUSTER_LIST',
  flags: OPTIONAL_NON_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 7606 section 7.10',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: true,
  fault(_bytes, start, end) {
    const length = end - start;
    return length > 0 && length % 4 === 0 ? null : lengthFault(length, 'a multiple of 4, not 0');
  },
  read(bytes, start, end, into) {
    into.clusterList = readU32List(bytes, start, end);
  },
  write: ({ clusterList }) => (clusterList.length === 0 ? null : u32List(clusterList)),
};
