/**
 * Every path attribute that we know, by its code (IANA's "BGP Path Attributes").
 */
import { AGGREGATOR } from './aggregator.ts';
import { AS_PATH } from './as-path.ts';
import { ATOMIC_AGGREGATE, LOCAL_PREF, MULTI_EXIT_DISC, NEXT_HOP, ORIGIN_ROW } from './basic.ts';
import { COMMUNITIES, EXTENDED_COMMUNITIES, LARGE_COMMUNITY } from './communities.ts';
import { AS4_AGGREGATOR, AS4_PATH } from './four-octet-rows.ts';
import { MP_REACH_NLRI, MP_UNREACH_NLRI } from './multiprotocol-rows.ts';
import { ONLY_TO_CUSTOMER } from './only-to-customer.ts';
import { CLUSTER_LIST, ORIGINATOR_ID } from './reflection.ts';
import type { AttributeRow } from './row.ts';

export const ATTRIBUTE_ROWS: readonly AttributeRow[] = [
  ORIGIN_ROW,
  AS_PATH,
  NEXT_HOP,
  MULTI_EXIT_DISC,
  LOCAL_PREF,
  ATOMIC_AGGREGATE,
  AGGREGATOR,
  COMMUNITIES,
  ORIGINATOR_ID,
  CLUSTER_LIST,
  MP_REACH_NLRI,
  MP_UNREACH_NLRI,
  EXTENDED_COMMUNITIES,
  AS4_PATH,
  AS4_AGGREGATOR,
  LARGE_COMMUNITY,
  ONLY_TO_CUSTOMER,
];

const byCode: readonly (AttributeRow | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  ATTRIBUTE_ROWS.find((row) => row.code === code),
);

export function attributeRow(code: number): AttributeRow | undefined {
  return byCode[code];
}

/** Codes of the attributes that code elsewhere asks for by name. */
export const ATTRIBUTE = {
  origin: ORIGIN_ROW.code,
  asPath: AS_PATH.code,
  nextHop: NEXT_HOP.code,
  med: MULTI_EXIT_DISC.code,
  localPref: LOCAL_PREF.code,
  aggregator: AGGREGATOR.code,
  communities: COMMUNITIES.code,
  originatorId: ORIGINATOR_ID.code,
  clusterList: CLUSTER_LIST.code,
  mpReachNlri: MP_REACH_NLRI.code,
  mpUnreachNlri: MP_UNREACH_NLRI.code,
  as4Path: AS4_PATH.code,
  as4Aggregator: AS4_AGGREGATOR.code,
} as const;
