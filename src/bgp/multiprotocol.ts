/**
 * What MP_REACH_NLRI and MP_UNREACH_NLRI carry: RFC 4760 sections 3 to 5, next hops of IPv4 routes that are IPv6
 * addresses RFC 8950 section 3. What cannot be located cannot be withdrawn either, so it ends the session (RFC 7606
 * sections 5.3 and 7.11). A family that was not agreed on is left alone (RFC 4760 section 7).
 */

import { nextHopFault } from './attributes/next-hop.ts';
import type { FoundAttribute } from './attributes/scan.ts';
import { ERROR, UPDATE_ERROR } from './error-codes.ts';
import { type Family, familyOf } from './family.ts';
import { countNlri, type NlriBlock } from './nlri.ts';
import { ProtocolError } from './protocol-error.ts';
import { readU16 } from './wire.ts';

/** What must be known of a family to read its routes. */
export interface ReceiveTerms {
  readonly addPathReceive: boolean;
  readonly ipv6NextHop: boolean;
}

export type TermsOf = (family: Family) => ReceiveTerms | null;

export interface MpReach {
  readonly nlri: NlriBlock;
  /** Octets of the next hop: 4, 16, or 32 with a link-local address after the global one. A view. */
  readonly nextHop: Uint8Array;
  /** Why the next hop is unfit; null: it is not. */
  readonly nextHopFault: string | null;
}

/** A family that the two sides did not agree on. */
export interface ForeignFamily {
  readonly afi: number;
  readonly safi: number;
}

/** @throws ProtocolError where next hop or prefixes cannot be told apart */
export function readMpReach(
  message: Uint8Array,
  { start, end }: FoundAttribute,
  termsOf: TermsOf,
): MpReach | ForeignFamily {
  const afi = readU16(message, start);
  const safi = message[start + 2] ?? 0;
  const family = familyOf(afi, safi);
  const terms = family === null ? null : termsOf(family);
  if (family === null || terms === null) return { afi, safi };

  const nextHopAt = start + 4;
  const length = message[start + 3] ?? 0;
  const legal = family === 4 ? (terms.ipv6NextHop ? [4, 16, 32] : [4]) : [16, 32];
  if (!legal.includes(length)) {
    throw broken('MP_REACH_NLRI', `a next hop of ${length} octets, it must have ${legal.join(' or ')}`);
  }
  // One reserved octet follows; what it holds is ignored (RFC 4760 section 3).
  const nlriAt = nextHopAt + length + 1;
  if (nlriAt > end) throw broken('MP_REACH_NLRI', `a next hop of ${length} octets runs over the end`);
  const nextHop = message.subarray(nextHopAt, nextHopAt + length);
  return {
    nlri: readBlock('MP_REACH_NLRI', message, nlriAt, end, family, terms.addPathReceive),
    nextHop,
    nextHopFault: nextHopFault(nextHop, 0, Math.min(length, 16)),
  };
}

/** @throws ProtocolError where the prefixes are broken */
export function readMpUnreach(
  message: Uint8Array,
  { start, end }: FoundAttribute,
  termsOf: TermsOf,
): NlriBlock | ForeignFamily {
  const afi = readU16(message, start);
  const safi = message[start + 2] ?? 0;
  const family = familyOf(afi, safi);
  const terms = family === null ? null : termsOf(family);
  if (family === null || terms === null) return { afi, safi };
  return readBlock('MP_UNREACH_NLRI', message, start + 3, end, family, terms.addPathReceive);
}

function readBlock(
  name: string,
  message: Uint8Array,
  start: number,
  end: number,
  family: Family,
  addPath: boolean,
): NlriBlock {
  const count = countNlri(message, start, end, family, addPath);
  if (count < 0) throw broken(name, 'a prefix is too long or cut off');
  return { family, addPath, bytes: message.subarray(start, end), count };
}

function broken(name: string, what: string): ProtocolError {
  return new ProtocolError(ERROR.update, UPDATE_ERROR.optionalAttribute, `${name}: ${what}`);
}
