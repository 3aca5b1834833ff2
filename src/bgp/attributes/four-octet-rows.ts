/**
 * AS4_PATH and AS4_AGGREGATOR: RFC 6793 sections 4.1 and 6. They only ever come from speakers with two-octet AS
 * numbers and are merged away when they are received (four-octet.ts), so there is nothing to read or to write here.
 */
import { aggregatorFault } from './aggregator.ts';
import { asPathFault } from './as-path.ts';
import { OPTIONAL_TRANSITIVE } from './raw-attributes.ts';
import type { AttributeRow } from './row.ts';

export const AS4_PATH: AttributeRow = {
  code: 17,
  name: 'AS4_PATH',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'attribute-discard',
  clause: 'RFC 6793 section 6',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  // Confederation segments are cut out, the rest counts (RFC 6793 section 6).
  fault: (bytes, start, end) => asPathFault(bytes, start, end, 4, true),
  read() {},
  write: () => null,
};

export const AS4_AGGREGATOR: AttributeRow = {
  code: 18,
  name: 'AS4_AGGREGATOR',
  flags: OPTIONAL_TRANSITIVE,
  mayBeEmpty: false,
  malformed: 'attribute-discard',
  clause: 'RFC 6793 section 6',
  wrongFlags: 'treat-as-withdraw',
  discardFromExternal: false,
  fault: (bytes, start, end) => aggregatorFault(bytes, start, end, 4),
  read() {},
  write: () => null,
};
