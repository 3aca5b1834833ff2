/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI as rows: RFC 4760 sections 3 and 4. They carry routes, so what is wrong with them
 * ends the session (RFC 7606 sections 3 g, 5.3 and 7.11). What is in them is read by ../multiprotocol.ts.
 */
import { OPTIONAL_NON_TRANSITIVE } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const MP_REACH_NLRI: AttributeRow = {
  code: 14,
  name: 'MP_REACH_NLRI',
  flags: OPTIONAL_NON_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'session-reset',
  clause: 'RFC 7606 section 5.3',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (_bytes, start, end) => (end - start < 5 ? `length ${end - start}, it must be 5 at least` : null),
  read() {},
  write: () => null,
};

export const MP_UNREACH_NLRI: AttributeRow = {
  code: 15,
  name: 'MP_UNREACH_NLRI',
  flags: OPTIONAL_NON_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'session-reset',
  clause: 'RFC 7606 section 5.3',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (_bytes, start, end) => (end - start < 3 ? `length ${end - start}, it must be 3 at least` : null),
  read() {},
  write: () => null,
};
