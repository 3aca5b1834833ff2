/**
 * UPDATE messages, received: RFC 4271 sections 4.3 and 6.3 as revised by RFC 7606, RFC 4760, End-of-RIB RFC 4724
 * section 2. What comes out are views of the message: blocks of prefixes, and attributes as octets that can be kept,
 * compared and sent on as they are (AS numbers widened to four octets, what must not go on cut out).
 */

import { widen } from './attributes/four-octet.ts';
import { encodeRawAttributes, type RawAttribute, WELL_KNOWN } from './attributes/raw-attributes.ts';
import type { AttributeContext } from './attributes/row.ts';
import {
  type AttributeScan,
  type FoundAttribute,
  type Malformation,
  scanAttributes,
} from './attributes/scan.ts';
import { ATTRIBUTE } from './attributes/table.ts';
import { ERROR, UPDATE_ERROR } from './error-codes.ts';
import type { Family, PerFamily } from './family.ts';
import { HEADER_LENGTH, SHORTEST } from './header.ts';
import { type MpReach, type ReceiveTerms, readMpReach, readMpUnreach } from './multiprotocol.ts';
import type { Negotiated } from './negotiate.ts';
import { countNlri, type NlriBlock } from './nlri.ts';
import { ProtocolError } from './protocol-error.ts';
import { readU16 } from './wire.ts';

/** What was agreed on with the peer, as far as its UPDATEs need it. */
export interface UpdateContext extends AttributeContext {
  readonly families: PerFamily<ReceiveTerms | null>;
}

export interface Announcement {
  readonly nlri: NlriBlock;
  /** 4 octets, 16, or 32 with a link-local address after the global one. */
  readonly nextHop: Uint8Array;
  /**
   * Attributes without MP_REACH_NLRI and MP_UNREACH_NLRI. NEXT_HOP is among them where the next hop has 4 octets,
   * whichever of the two fields the prefixes stood in, and only there: so they can be sent on in either.
   */
  readonly attributes: Uint8Array;
}

/** All octets are views of the message. Withdrawals come first, then announcements. */
export interface Update {
  readonly withdrawn: readonly NlriBlock[];
  readonly announced: readonly Announcement[];
  /** The peer has told all that it had in this family. */
  readonly endOfRib: Family | null;
  /** What the session survived; for logs and counters. */
  readonly malformed: readonly Malformation[];
  /** The announced prefixes were put among the withdrawn ones, because attributes of theirs are malformed. */
  readonly treatedAsWithdraw: boolean;
}

export function updateContext(negotiated: Negotiated, enforceFirstAs = false): UpdateContext {
  const { external, peerAs, fourOctetAs, families } = negotiated;
  return { external, peerAs, fourOctetAs, enforceFirstAs, families };
}

/**
 * Reads a whole UPDATE message, header included (the framer has seen to 23 octets at least).
 * @throws ProtocolError where RFC 7606 leaves nothing but the end of the session
 */
export function decodeUpdate(message: Uint8Array, context: UpdateContext): Update {
  const withdrawnAt = HEADER_LENGTH + 2;
  const withdrawnEnd = withdrawnAt + readU16(message, HEADER_LENGTH);
  const attributesAt = withdrawnEnd + 2;
  const attributesEnd =
    attributesAt > message.length ? attributesAt : attributesAt + readU16(message, withdrawnEnd);
  if (attributesEnd > message.length) {
    const what = 'Withdrawn Routes Length and Total Attribute Length exceed the message';
    throw new ProtocolError(ERROR.update, UPDATE_ERROR.malformedAttributeList, what);
  }
  if (message.length === SHORTEST.update) return endOfRib(4, context);

  const scan = scanAttributes(message, attributesAt, attributesEnd, context);
  const malformed: Malformation[] = [...scan.malformed];
  const withdrawn: NlriBlock[] = [];
  const fields = readFields(message, withdrawnAt, withdrawnEnd, attributesEnd, context, malformed);
  if (fields.withdrawn !== null) withdrawn.push(fields.withdrawn);

  const termsOf = (family: Family): ReceiveTerms | null => context.families[family];
  if (scan.mpUnreach !== null) {
    const block = readMpUnreach(message, scan.mpUnreach, termsOf);
    if ('afi' in block) malformed.push(foreign('MP_UNREACH_NLRI', block.afi, block.safi));
    else if (block.count > 0) withdrawn.push(block);
    else if (isAlone(scan.mpUnreach, message)) return { ...endOfRib(block.family, context), malformed };
  }
  let mpReach: MpReach | null = null;
  if (scan.mpReach !== null) {
    const reach = readMpReach(message, scan.mpReach, termsOf);
    if ('afi' in reach) malformed.push(foreign('MP_REACH_NLRI', reach.afi, reach.safi));
    else mpReach = reach;
  }

  const nlri = fields.announced;
  const reached = mpReach !== null && mpReach.nlri.count > 0 ? mpReach : null;
  if (nlri !== null || reached !== null) missingAttributes(scan, nlri !== null, malformed);
  if (reached !== null && reached.nextHopFault !== null) malformed.push(unfitNextHop(reached.nextHopFault));
  const treatAsWithdraw = malformed.find(({ action }) => action === 'treat-as-withdraw');
  // What is told in a family that was not agreed on has not got lost.
  const reachable =
    attributesEnd < message.length || reached !== null || (scan.mpReach !== null && mpReach === null);
  const onlyWithdraws = scan.mpUnreach !== null && isAllOf(scan.mpUnreach, attributesAt, attributesEnd);
  if (treatAsWithdraw !== undefined && !reachable && !onlyWithdraws) {
    // RFC 7606 section 5.2: there is nothing to withdraw, so routes may have got lost with what is broken.
    const { name, what } = treatAsWithdraw;
    const text = `${name}: ${what}, in a message without reachable routes`;
    throw new ProtocolError(ERROR.update, UPDATE_ERROR.malformedAttributeList, text);
  }

  if (treatAsWithdraw !== undefined) {
    if (nlri !== null) withdrawn.push(nlri);
    if (reached !== null) withdrawn.push(reached.nlri);
    return { withdrawn, announced: [], endOfRib: null, malformed, treatedAsWithdraw: true };
  }
  const announced: Announcement[] = [];
  if (nlri !== null) {
    const nextHop = scan.kept.find(({ code }) => code === ATTRIBUTE.nextHop);
    const octets = message.subarray(nextHop?.start, nextHop?.end);
    announced.push({ nlri, nextHop: octets, attributes: assemble(message, scan, 'as-it-came', context) });
  }
  if (reached !== null) {
    const { nlri: block, nextHop } = reached;
    const put = nextHop.length === 4 ? nextHop : null;
    announced.push({ nlri: block, nextHop, attributes: assemble(message, scan, put, context) });
  }
  return { withdrawn, announced, endOfRib: null, malformed, treatedAsWithdraw: false };
}

/** RFC 4724 section 2. For a family that was not agreed on it says nothing. */
function endOfRib(family: Family, context: UpdateContext): Update {
  const endOf = context.families[family] === null ? null : family;
  return { withdrawn: [], announced: [], endOfRib: endOf, malformed: [], treatedAsWithdraw: false };
}

/** Whether nothing stands in the message but this one attribute. */
function isAlone(attribute: FoundAttribute, message: Uint8Array): boolean {
  return isAllOf(attribute, SHORTEST.update, message.length);
}

/** Whether it is all that there is from `start` to `end`. */
function isAllOf(attribute: FoundAttribute, start: number, end: number): boolean {
  return attribute.at === start && attribute.end === end;
}

/** The message's own two fields of IPv4 prefixes; null where a field is empty or IPv4 was not agreed on. */
function readFields(
  message: Uint8Array,
  withdrawnAt: number,
  withdrawnEnd: number,
  nlriAt: number,
  context: UpdateContext,
  malformed: Malformation[],
): { readonly withdrawn: NlriBlock | null; readonly announced: NlriBlock | null } {
  const terms = context.families[4];
  const read = (name: string, start: number, end: number): NlriBlock | null => {
    if (start === end) return null;
    if (terms === null) {
      malformed.push(foreign(name, 1, 1));
      return null;
    }
    const addPath = terms.addPathReceive;
    const count = countNlri(message, start, end, 4, addPath);
    if (count < 0) {
      const what = `${name}: a prefix is too long or cut off`;
      throw new ProtocolError(ERROR.update, UPDATE_ERROR.invalidNetworkField, what);
    }
    return { family: 4, addPath, bytes: message.subarray(start, end), count };
  };
  return {
    withdrawn: read('Withdrawn Routes', withdrawnAt, withdrawnEnd),
    announced: read('NLRI', nlriAt, message.length),
  };
}

const MANDATORY = [
  { code: ATTRIBUTE.origin, name: 'ORIGIN', always: true },
  { code: ATTRIBUTE.asPath, name: 'AS_PATH', always: true },
  { code: ATTRIBUTE.nextHop, name: 'NEXT_HOP', always: false },
] as const;

/** RFC 7606 section 3 d; NEXT_HOP is wanted only for prefixes outside MP_REACH_NLRI (RFC 4760 section 3). */
function missingAttributes(scan: AttributeScan, withNextHop: boolean, malformed: Malformation[]): void {
  for (const { code, name, always } of MANDATORY) {
    if (!always && !withNextHop) continue;
    if (scan.kept.some((found) => found.code === code)) continue;
    if (malformed.some((one) => one.name === name)) continue;
    const clause = 'RFC 7606 section 3 d';
    malformed.push({ name, action: 'treat-as-withdraw', clause, what: 'it is mandatory and missing' });
  }
}

function unfitNextHop(what: string): Malformation {
  return { name: 'MP_REACH_NLRI', action: 'treat-as-withdraw', clause: 'RFC 4271 section 6.3', what };
}

function foreign(name: string, afi: number, safi: number): Malformation {
  const what = `AFI ${afi} SAFI ${safi} was not agreed on`;
  return { name, action: 'attribute-discard', clause: 'RFC 4760 section 7', what };
}

/**
 * The attributes that go on, in the order of their codes (RFC 4271 section 5); a view where nothing had to be cut out,
 * changed or moved.
 * @param nextHop what NEXT_HOP is to be; null: it is to be none
 */
function assemble(
  message: Uint8Array,
  scan: AttributeScan,
  nextHop: Uint8Array | 'as-it-came' | null,
  context: UpdateContext,
): Uint8Array {
  const asItCame =
    nextHop === 'as-it-came' ||
    (nextHop === null && !scan.kept.some(({ code }) => code === ATTRIBUTE.nextHop));
  if (scan.untouched && context.fourOctetAs && asItCame) {
    return message.subarray(scan.kept[0]?.at ?? 0, scan.kept.at(-1)?.end ?? 0);
  }
  const list: RawAttribute[] = scan.kept
    .filter(({ code }) => nextHop === 'as-it-came' || code !== ATTRIBUTE.nextHop)
    .map(({ code, flags, start, end, amended }) => ({
      code,
      flags,
      value: amended ?? message.subarray(start, end),
    }));
  if (nextHop !== null && nextHop !== 'as-it-came') {
    list.push({ code: ATTRIBUTE.nextHop, flags: WELL_KNOWN, value: nextHop });
  }
  list.sort((one, other) => one.code - other.code);
  return encodeRawAttributes(context.fourOctetAs ? list : widen(list));
}
