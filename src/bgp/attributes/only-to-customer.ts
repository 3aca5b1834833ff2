/**
 * OTC, Only to Customer: RFC 9234 section 5. We have no role towards anybody, so it neither comes nor goes by us; what is
 * there passes as it came, and a malformed one does not.
 */
import { readU32, u32 } from '../wire.ts';
import { lengthFault } from './basic.ts';
import { OPTIONAL_TRANSITIVE } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const ONLY_TO_CUSTOMER: AttributeRow = {
  code: 35,
  name: 'OTC',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'treat-as-withdraw',
  clause: 'RFC 9234 section 5',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (_bytes, start, end) => (end - start === 4 ? null : lengthFault(end - start, '4')),
  read(bytes, start, _end, into) {
    into.onlyToCustomer = readU32(bytes, start);
  },
  write: ({ onlyToCustomer }) => (onlyToCustomer === null ? null : u32(onlyToCustomer)),
};
