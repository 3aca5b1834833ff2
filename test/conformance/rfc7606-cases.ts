/**
 * The clauses of RFC 7606 (and of later RFCs that follow its pattern) as rows: what is wrong, and what must become of
 * the routes and the session. `others` stand in for the well-formed attributes of the same code.
 */
import type { Action } from '../../src/bgp/index.ts';
import {
  attribute,
  EMPTY_PATH,
  hex,
  LOCAL_PREF_100,
  NEXT_HOP_ATTRIBUTE,
  NLRI,
  ORIGIN_IGP,
  type UpdateFields,
  updateMessage,
} from '../support/bgp-messages.ts';

export type PeerKind = 'internal' | 'external';
export type Outcome = 'accepted' | Action;

export interface Case {
  readonly name: string;
  readonly clause: string;
  readonly message: Uint8Array;
  /** What each kind of peer gets. */
  readonly internal: Outcome;
  readonly external: Outcome;
  /** The attribute that must not go on where the outcome is attribute-discard. */
  readonly gone?: number;
  /** The peer speaks two-octet AS numbers. */
  readonly oldSpeaker?: true;
}

const USUAL = [ORIGIN_IGP, EMPTY_PATH, NEXT_HOP_ATTRIBUTE, LOCAL_PREF_100] as const;

/** The usual attributes, with these in the place of those of the same code, and the usual prefix. */
function withAttributes(...others: Uint8Array[]): Uint8Array {
  const codes = new Set(others.map((one) => one[1]));
  return updateMessage({ attributes: [...USUAL.filter((one) => !codes.has(one[1])), ...others], nlri: NLRI });
}

function without(code: number): Uint8Array {
  return updateMessage({ attributes: USUAL.filter((one) => one[1] !== code), nlri: NLRI });
}

function raw(fields: UpdateFields): Uint8Array {
  return updateMessage(fields);
}

const both = (outcome: Outcome) => ({ internal: outcome, external: outcome });
const withdraw = both('treat-as-withdraw');
const discard = both('attribute-discard');
const reset = both('session-reset');
const accepted = both('accepted');

/** 2001:db8::7 and 2001:db8:1::/64 */
const REACH6 = '0002 01 10 20010db8000000000000000000000007 00 40 20010db800010000';
const EMPTY_REACH6 = '0002 01 10 20010db8000000000000000000000007 00';

/** Name, flags, code and a value with which nothing is wrong. */
const WRONG_FLAGS: readonly (readonly [name: string, flags: number, code: number, value: string])[] = [
  ['ORIGIN', 0xc0, 1, '00'],
  ['AS_PATH', 0xc0, 2, ''],
  ['NEXT_HOP', 0x00, 3, '0a000107'],
  ['MULTI_EXIT_DISC', 0xc0, 4, '00000001'],
  ['COMMUNITIES', 0x80, 8, 'fc000001'],
  ['EXTENDED COMMUNITIES', 0x40, 16, '0002fc0000000001'],
  ['LARGE_COMMUNITY', 0x80, 32, '0000fc000000000100000002'],
  ['OTC', 0x80, 35, '0000fc00'],
];

export const CASES: readonly Case[] = [
  { name: 'a well-formed UPDATE is accepted', clause: '2', message: withAttributes(), ...accepted },

  // Section 3: the list of revisions.
  {
    name: 'a Withdrawn Routes Length beyond the message resets the session',
    clause: '3 b',
    message: raw({ attributes: [...USUAL], nlri: NLRI, withdrawnLength: 200 }),
    ...reset,
  },
  {
    name: 'a Total Attribute Length beyond the message resets the session',
    clause: '3 b',
    message: raw({ attributes: [...USUAL], nlri: NLRI, attributesLength: 200 }),
    ...reset,
  },
  {
    name: 'wrong flags of AGGREGATOR only cost the attribute',
    clause: '3 f',
    message: withAttributes(attribute(0x40, 7, '0000fc000a000001')),
    ...discard,
    gone: 7,
  },
  {
    name: 'wrong flags of ATOMIC_AGGREGATE only cost the attribute',
    clause: '3 f',
    message: withAttributes(attribute(0xc0, 6, '')),
    ...discard,
    gone: 6,
  },
  ...WRONG_FLAGS.map(([name, flags, code, value]) => ({
    name: `wrong flags of ${name} withdraw the routes`,
    clause: '3 c',
    message: withAttributes(attribute(flags, code, value)),
    ...withdraw,
  })),
  {
    name: 'wrong flags of ORIGINATOR_ID withdraw the routes of an internal peer',
    clause: '3 c',
    message: withAttributes(attribute(0xc0, 9, '0a000109')),
    internal: 'treat-as-withdraw',
    external: 'attribute-discard',
    gone: 9,
  },
  {
    name: 'wrong flags of CLUSTER_LIST withdraw the routes of an internal peer',
    clause: '3 c',
    message: withAttributes(attribute(0xc0, 10, '01000001')),
    internal: 'treat-as-withdraw',
    external: 'attribute-discard',
    gone: 10,
  },
  {
    name: 'wrong flags of AS4_PATH from an old speaker withdraw the routes',
    clause: '3 c',
    message: withAttributes(attribute(0x40, 17, '02 01 0001fc00')),
    ...withdraw,
    oldSpeaker: true,
  },
  {
    name: 'wrong flags of MP_REACH_NLRI withdraw its routes',
    clause: '3 c',
    message: raw({ attributes: [attribute(0xc0, 14, REACH6), ORIGIN_IGP, EMPTY_PATH, LOCAL_PREF_100] }),
    ...withdraw,
  },
  {
    name: 'wrong flags of MP_UNREACH_NLRI change nothing in what it withdraws',
    clause: '3 c',
    message: raw({ attributes: [attribute(0xc0, 15, '000201 40 20010db800010000')] }),
    ...withdraw,
  },
  { name: 'a missing ORIGIN withdraws the routes', clause: '3 d', message: without(1), ...withdraw },
  { name: 'a missing AS_PATH withdraws the routes', clause: '3 d', message: without(2), ...withdraw },
  { name: 'a missing NEXT_HOP withdraws the routes', clause: '3 d', message: without(3), ...withdraw },
  {
    name: 'a missing NEXT_HOP beside MP_REACH_NLRI is no error',
    clause: '3 d',
    message: raw({ attributes: [attribute(0x80, 14, REACH6), ORIGIN_IGP, EMPTY_PATH, LOCAL_PREF_100] }),
    ...accepted,
  },
  {
    name: 'a second MP_REACH_NLRI resets the session',
    clause: '3 g',
    message: raw({
      attributes: [attribute(0x80, 14, REACH6), attribute(0x80, 14, REACH6), ORIGIN_IGP, EMPTY_PATH],
    }),
    ...reset,
  },
  {
    name: 'a second MP_UNREACH_NLRI resets the session',
    clause: '3 g',
    message: raw({ attributes: [attribute(0x80, 15, '000201'), attribute(0x80, 15, '000201')] }),
    ...reset,
  },
  {
    name: 'a second ORIGIN is dropped and the first counts',
    clause: '3 g',
    message: raw({ attributes: [...USUAL, attribute(0x40, 1, '02')], nlri: NLRI }),
    ...discard,
  },
  {
    name: 'a second unknown attribute is dropped and the first counts',
    clause: '3 g',
    message: withAttributes(attribute(0xc0, 99, '01'), attribute(0xc0, 99, '02')),
    ...discard,
  },
  {
    name: 'of two errors the stronger action counts',
    clause: '3 h',
    message: withAttributes(attribute(0x40, 6, '00'), attribute(0x40, 1, '07')),
    ...withdraw,
  },
  {
    name: 'broken Withdrawn Routes reset the session',
    clause: '3 i',
    message: raw({ withdrawn: hex('21 0a410100 00') }),
    ...reset,
  },
  {
    name: 'broken NLRI reset the session even where an attribute asks for a withdrawal',
    clause: '3 j',
    message: raw({
      attributes: [attribute(0x40, 1, '09'), EMPTY_PATH, NEXT_HOP_ATTRIBUTE],
      nlri: hex('20 0a'),
    }),
    ...reset,
  },

  // Section 4: attribute lengths.
  {
    name: 'an attribute that runs over the Total Attribute Length withdraws the routes',
    clause: '4',
    message: withAttributes(attribute(0xc0, 8, 'fc000001', 40)),
    ...withdraw,
  },
  {
    name: 'two octets where an attribute should begin withdraw the routes',
    clause: '4',
    message: raw({ attributes: [...USUAL, hex('c008')], nlri: NLRI }),
    ...withdraw,
  },
  {
    name: 'three octets of an attribute with extended length withdraw the routes',
    clause: '4',
    message: raw({ attributes: [...USUAL, hex('d00800')], nlri: NLRI }),
    ...withdraw,
  },
  {
    name: 'an empty ORIGIN withdraws the routes',
    clause: '4',
    message: withAttributes(attribute(0x40, 1, '')),
    ...withdraw,
  },
  {
    name: 'an empty AS_PATH is legal',
    clause: '4',
    message: withAttributes(attribute(0x40, 2, '')),
    ...accepted,
  },
  {
    name: 'an empty ATOMIC_AGGREGATE is legal',
    clause: '4',
    message: withAttributes(attribute(0x40, 6, '')),
    ...accepted,
  },
  {
    name: 'an empty unknown attribute passes',
    clause: '4',
    message: withAttributes(attribute(0xc0, 99, '')),
    ...accepted,
  },

  // Section 5: reachability.
  {
    name: 'MP_REACH_NLRI behind all other attributes is read',
    clause: '5.1',
    message: raw({ attributes: [ORIGIN_IGP, EMPTY_PATH, LOCAL_PREF_100, attribute(0x80, 14, REACH6)] }),
    ...accepted,
  },
  {
    name: 'prefixes in NLRI and MP_REACH_NLRI of one message are both read',
    clause: '5.1',
    message: raw({ attributes: [attribute(0x80, 14, REACH6), ...USUAL], nlri: NLRI }),
    ...accepted,
  },
  {
    name: 'a broken attribute without reachable routes resets the session',
    clause: '5.2',
    message: raw({ attributes: [attribute(0x40, 1, '09')] }),
    ...reset,
  },
  {
    name: 'a broken attribute beside an MP_REACH_NLRI without prefixes resets the session',
    clause: '5.2',
    message: raw({
      attributes: [attribute(0x80, 14, EMPTY_REACH6), attribute(0x40, 1, '09'), EMPTY_PATH],
    }),
    ...reset,
  },
  {
    name: 'a broken attribute among withdrawals resets the session',
    clause: '5.2',
    message: raw({ withdrawn: NLRI, attributes: [attribute(0x40, 1, '09')] }),
    ...reset,
  },
  {
    name: 'a discarded attribute without reachable routes does not',
    clause: '5.2',
    message: raw({ withdrawn: NLRI, attributes: [attribute(0x40, 6, '00')] }),
    ...discard,
  },
  {
    name: 'an IPv4 prefix longer than 32 bits resets the session',
    clause: '5.3',
    message: raw({ attributes: [...USUAL], nlri: hex('21 0a41010000') }),
    ...reset,
  },
  {
    name: 'an IPv6 prefix longer than 128 bits resets the session',
    clause: '5.3',
    message: raw({ attributes: [attribute(0x80, 15, '000201 81 20010db8000100000000000000000000 00')] }),
    ...reset,
  },
  {
    name: 'a prefix that is cut off resets the session',
    clause: '5.3',
    message: raw({ attributes: [...USUAL], nlri: hex('18 0a41') }),
    ...reset,
  },
  {
    name: 'MP_REACH_NLRI of four octets resets the session',
    clause: '5.3',
    message: withAttributes(attribute(0x80, 14, '00020110')),
    ...reset,
  },
  {
    name: 'MP_UNREACH_NLRI of two octets resets the session',
    clause: '5.3',
    message: withAttributes(attribute(0x80, 15, '0002')),
    ...reset,
  },

  // Section 7: one attribute after the other.
  {
    name: 'ORIGIN of two octets withdraws the routes',
    clause: '7.1',
    message: withAttributes(attribute(0x40, 1, '0000')),
    ...withdraw,
  },
  {
    name: 'an undefined ORIGIN withdraws the routes',
    clause: '7.1',
    message: withAttributes(attribute(0x40, 1, '03')),
    ...withdraw,
  },
  {
    name: 'an unknown segment type in AS_PATH withdraws the routes',
    clause: '7.2',
    message: withAttributes(attribute(0x40, 2, '05 01 0000fc00')),
    ...withdraw,
  },
  {
    name: 'an AS_PATH segment that overruns withdraws the routes',
    clause: '7.2',
    message: withAttributes(attribute(0x40, 2, '02 02 0000fc00')),
    ...withdraw,
  },
  {
    name: 'a single octet left in AS_PATH withdraws the routes',
    clause: '7.2',
    message: withAttributes(attribute(0x40, 2, '02 01 0000fc00 02')),
    ...withdraw,
  },
  {
    name: 'an empty AS_PATH segment withdraws the routes',
    clause: '7.2',
    message: withAttributes(attribute(0x40, 2, '02 00')),
    ...withdraw,
  },
  {
    name: 'a confederation segment withdraws the routes',
    clause: 'RFC 5065 section 5',
    message: withAttributes(attribute(0x40, 2, '03 01 0000fc00')),
    ...withdraw,
  },
  {
    name: 'AS 0 in AS_PATH withdraws the routes',
    clause: 'RFC 7607 section 2',
    message: withAttributes(attribute(0x40, 2, '02 01 00000000')),
    ...withdraw,
  },
  {
    name: 'NEXT_HOP of five octets withdraws the routes',
    clause: '7.3',
    message: withAttributes(attribute(0x40, 3, '0a00010700')),
    ...withdraw,
  },
  {
    name: 'NEXT_HOP 0.0.0.0 withdraws the routes',
    clause: '7.3',
    message: withAttributes(attribute(0x40, 3, '00000000')),
    ...withdraw,
  },
  {
    name: 'MULTI_EXIT_DISC of three octets withdraws the routes',
    clause: '7.4',
    message: withAttributes(attribute(0x80, 4, '000001')),
    ...withdraw,
  },
  {
    name: 'LOCAL_PREF from another AS is discarded',
    clause: '7.5',
    message: withAttributes(attribute(0x40, 5, '000000c8')),
    internal: 'accepted',
    external: 'attribute-discard',
    gone: 5,
  },
  {
    name: 'LOCAL_PREF of three octets withdraws the routes of an internal peer',
    clause: '7.5',
    message: withAttributes(attribute(0x40, 5, '0000c8')),
    internal: 'treat-as-withdraw',
    external: 'attribute-discard',
    gone: 5,
  },
  {
    name: 'ATOMIC_AGGREGATE of one octet only costs the attribute',
    clause: '7.6',
    message: withAttributes(attribute(0x40, 6, '00')),
    ...discard,
    gone: 6,
  },
  {
    name: 'AGGREGATOR of six octets only costs the attribute where eight are agreed on',
    clause: '7.7',
    message: withAttributes(attribute(0xc0, 7, 'fc000a000001')),
    ...discard,
    gone: 7,
  },
  {
    name: 'AGGREGATOR of eight octets only costs the attribute where six are agreed on',
    clause: '7.7',
    message: withAttributes(attribute(0xc0, 7, '0000fc000a000001')),
    ...discard,
    gone: 7,
    oldSpeaker: true,
  },
  {
    name: 'AS 0 in AGGREGATOR only costs the attribute',
    clause: 'RFC 7607 section 2',
    message: withAttributes(attribute(0xc0, 7, '000000000a000001')),
    ...discard,
    gone: 7,
  },
  {
    name: 'COMMUNITIES of five octets withdraw the routes',
    clause: '7.8',
    message: withAttributes(attribute(0xc0, 8, 'fc00000100')),
    ...withdraw,
  },
  {
    name: 'empty COMMUNITIES withdraw the routes',
    clause: '7.8',
    message: withAttributes(attribute(0xc0, 8, '')),
    ...withdraw,
  },
  {
    name: 'ORIGINATOR_ID from another AS is discarded',
    clause: '7.9',
    message: withAttributes(attribute(0x80, 9, '0a000109')),
    internal: 'accepted',
    external: 'attribute-discard',
    gone: 9,
  },
  {
    name: 'ORIGINATOR_ID of three octets withdraws the routes of an internal peer',
    clause: '7.9',
    message: withAttributes(attribute(0x80, 9, '0a0001')),
    internal: 'treat-as-withdraw',
    external: 'attribute-discard',
    gone: 9,
  },
  {
    name: 'CLUSTER_LIST from another AS is discarded',
    clause: '7.10',
    message: withAttributes(attribute(0x80, 10, '0100000101000002')),
    internal: 'accepted',
    external: 'attribute-discard',
    gone: 10,
  },
  {
    name: 'CLUSTER_LIST of six octets withdraws the routes of an internal peer',
    clause: '7.10',
    message: withAttributes(attribute(0x80, 10, '010000010100')),
    internal: 'treat-as-withdraw',
    external: 'attribute-discard',
    gone: 10,
  },
  {
    name: 'an empty CLUSTER_LIST withdraws the routes of an internal peer',
    clause: '7.10',
    message: withAttributes(attribute(0x80, 10, '')),
    internal: 'treat-as-withdraw',
    external: 'attribute-discard',
    gone: 10,
  },
  {
    name: 'a next hop of a length that its family cannot have resets the session',
    clause: '7.11',
    message: withAttributes(attribute(0x80, 14, '0002 01 04 0a000107 00 40 20010db800010000')),
    ...reset,
  },
  {
    name: 'a next hop that runs over the end of MP_REACH_NLRI resets the session',
    clause: '7.11',
    message: withAttributes(attribute(0x80, 14, '0002 01 20 20010db8000000000000000000000007 00')),
    ...reset,
  },
  {
    name: 'an unfit next hop in MP_REACH_NLRI withdraws the routes',
    clause: 'RFC 4271 section 6.3',
    message: withAttributes(
      attribute(0x80, 14, '0002 01 10 00000000000000000000000000000000 00 40 20010db800010000'),
    ),
    ...withdraw,
  },
  {
    name: 'EXTENDED COMMUNITIES of nine octets withdraw the routes',
    clause: '7.14',
    message: withAttributes(attribute(0xc0, 16, '0002fc000000000100')),
    ...withdraw,
  },
  {
    name: 'an unknown type of extended community is no error',
    clause: '7.14',
    message: withAttributes(attribute(0xc0, 16, '3fff000000000001')),
    ...accepted,
  },
  {
    name: 'LARGE_COMMUNITY of eleven octets withdraws the routes',
    clause: 'RFC 8092 section 5',
    message: withAttributes(attribute(0xc0, 32, '0000fc0000000001000000')),
    ...withdraw,
  },
  {
    name: 'OTC of three octets withdraws the routes',
    clause: 'RFC 9234 section 5',
    message: withAttributes(attribute(0xc0, 35, '00fc00')),
    ...withdraw,
  },
  {
    name: 'OTC passes',
    clause: 'RFC 9234 section 5',
    message: withAttributes(attribute(0xc0, 35, '0000fc00')),
    ...accepted,
  },
  {
    name: 'AS4_PATH from a speaker of four-octet numbers is discarded',
    clause: 'RFC 6793 section 4.1',
    message: withAttributes(attribute(0xc0, 17, '02 01 0001fc00')),
    ...discard,
    gone: 17,
  },
  {
    name: 'a malformed AS4_PATH from an old speaker only costs the attribute',
    clause: 'RFC 6793 section 6',
    message: withAttributes(attribute(0xc0, 17, '02 02 0001fc00')),
    ...discard,
    gone: 17,
    oldSpeaker: true,
  },
  {
    name: 'an unknown attribute that claims to be well-known resets the session',
    clause: 'RFC 4271 section 6.3',
    message: withAttributes(attribute(0x40, 99, '01')),
    ...reset,
  },
];
