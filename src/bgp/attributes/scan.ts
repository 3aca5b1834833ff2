/**
 * The first look at the attributes of an UPDATE: which are there, which go on, what is malformed and what follows from
 * it: RFC 7606 sections 3, 4 and 7, RFC 4271 sections 5 and 6.3.
 */
import { ERROR, UPDATE_ERROR } from '../error-codes.ts';
import { ProtocolError } from '../protocol-error.ts';
import { readU16 } from '../wire.ts';
import { FLAG, OPTIONAL_TRANSITIVE } from './raw-attributes.ts';
import type { Action, AttributeContext, AttributeRow } from './row.ts';
import { ATTRIBUTE, attributeRow } from './table.ts';

/** Something wrong with an UPDATE that the session survives. */
export interface Malformation {
  /** Name of the attribute, or of the field. */
  readonly name: string;
  readonly action: Action;
  /** The clause that asks for this action. */
  readonly clause: string;
  /** What is wrong, in a few words. */
  readonly what: string;
}

/** An attribute that goes on, as offsets into the message. */
export interface FoundAttribute {
  readonly code: number;
  /** As they should be sent: an unknown attribute has got its Partial bit, and none has a bit that it may not have. */
  readonly flags: number;
  readonly at: number;
  readonly start: number;
  readonly end: number;
  /** The value that stands in for the one at `start` to `end`; null: that one. */
  readonly amended: Uint8Array | null;
}

export interface AttributeScan {
  /** Without MP_REACH_NLRI and MP_UNREACH_NLRI, in the order of the message. */
  readonly kept: readonly FoundAttribute[];
  readonly mpReach: FoundAttribute | null;
  readonly mpUnreach: FoundAttribute | null;
  /** Nothing was cut out or changed between the first attribute that is kept and the last, and all are in order. */
  readonly untouched: boolean;
  readonly malformed: readonly Malformation[];
}

/**
 * Walks over the attributes at `start` to `end` of an UPDATE.
 * @throws ProtocolError where only the end of the session helps: an unknown well-known attribute, a second or a
 * malformed MP_REACH_NLRI or MP_UNREACH_NLRI
 */
export function scanAttributes(
  message: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
): AttributeScan {
  const kept: FoundAttribute[] = [];
  const malformed: Malformation[] = [];
  const seen = new Set<number>();
  let mpReach: FoundAttribute | null = null;
  let mpUnreach: FoundAttribute | null = null;
  let untouched = true;
  let at = start;
  while (at < end) {
    const flags = message[at] ?? 0;
    const code = message[at + 1] ?? 0;
    const extended = (flags & FLAG.extendedLength) !== 0;
    const valueAt = at + (extended ? 4 : 3);
    const next = valueAt + (extended ? readU16(message, at + 2) : (message[at + 2] ?? 0));
    if (valueAt > end || next > end) {
      malformed.push({
        name: 'Total Attribute Length',
        action: 'treat-as-withdraw',
        clause: 'RFC 7606 section 4',
        what: `${end - at} octets are left, which the last attribute does not fit`,
      });
      break;
    }
    const row = attributeRow(code);
    const verdict = judge(message, { row, code, flags, valueAt, next }, seen.has(code), context);
    seen.add(code);
    if (verdict !== null && verdict.fault !== null) malformed.push(verdict.fault);
    if (verdict === null || verdict.keep) {
      const amended = row?.amend?.(message, valueAt, next) ?? null;
      const sent = flagsToSend(row, flags);
      const found = { code, flags: sent, at, start: valueAt, end: next, amended };
      if (code === ATTRIBUTE.mpReachNlri) mpReach = found;
      else if (code === ATTRIBUTE.mpUnreachNlri) mpUnreach = found;
      else {
        const before = kept.at(-1);
        if (before !== undefined && (before.end !== at || before.code > code)) untouched = false;
        if (sent !== flags || amended !== null) untouched = false;
        kept.push(found);
      }
    }
    at = next;
  }
  return { kept, mpReach, mpUnreach, untouched, malformed };
}

/**
 * RFC 4271 section 4.3: the Partial bit is for optional transitive attributes alone, which keep it for ever and get it
 * from whoever does not know them (section 5); the four lowest bits are sent as zero.
 */
function flagsToSend(row: AttributeRow | undefined, flags: number): number {
  if (row === undefined) return (flags | FLAG.partial) & 0xf0;
  return row.flags === OPTIONAL_TRANSITIVE ? flags & 0xf0 : flags & 0xf0 & ~FLAG.partial;
}

interface Candidate {
  readonly row: AttributeRow | undefined;
  readonly code: number;
  readonly flags: number;
  readonly valueAt: number;
  readonly next: number;
}

interface Verdict {
  readonly keep: boolean;
  readonly fault: Malformation | null;
}

const CUT: Verdict = { keep: false, fault: null };

/** Null: nothing to say against it. */
function judge(
  message: Uint8Array,
  { row, code, flags, valueAt, next }: Candidate,
  repeated: boolean,
  context: AttributeContext,
): Verdict | null {
  if (repeated) return repetition(row, code);
  if (row === undefined) return unknownAttribute(message, code, flags, valueAt, next);
  if (row.discardFromExternal && context.external) {
    return cut(row, 'attribute-discard', row.clause, 'it has no meaning from another AS');
  }
  // RFC 6793 section 4.1: a speaker of four-octet numbers has nothing to say with these.
  if ((code === ATTRIBUTE.as4Path || code === ATTRIBUTE.as4Aggregator) && context.fourOctetAs) {
    return cut(row, 'attribute-discard', 'RFC 6793 section 4.1', 'the peer speaks four-octet AS numbers');
  }
  const conflict =
    ((flags ^ row.flags) & (FLAG.optional | FLAG.transitive)) !== 0 ? conflictOf(row, flags) : null;
  // What carries routes is read all the same: they are what has to be withdrawn.
  if (conflict !== null && row.malformed !== 'session-reset') return { keep: false, fault: conflict };
  if (next === valueAt && !row.mayBeEmpty) return cut(row, row.malformed, row.clause, 'it is empty');
  const fault = row.fault(message, valueAt, next, context);
  if (fault !== null) return cut(row, row.malformed, row.clause, fault);
  return conflict === null ? null : { keep: true, fault: conflict };
}

function conflictOf({ name, wrongFlags }: AttributeRow, flags: number): Malformation {
  const what = `flags 0x${flags.toString(16).padStart(2, '0')} conflict with its type`;
  const letter = wrongFlags === 'attribute-discard' ? 'f' : 'c';
  return { name, action: wrongFlags, clause: `RFC 7606 section 3 ${letter}`, what };
}

/** The attribute does not go on, for this reason; or neither does the session. */
function cut(row: AttributeRow, action: Action, clause: string, what: string): Verdict {
  if (action === 'session-reset') {
    throw new ProtocolError(ERROR.update, UPDATE_ERROR.optionalAttribute, `${row.name}: ${what}`);
  }
  return { keep: false, fault: { name: row.name, action, clause, what } };
}

/** RFC 7606 section 3 g. */
function repetition(row: AttributeRow | undefined, code: number): Verdict {
  const name = row?.name ?? `attribute ${code}`;
  if (row?.malformed === 'session-reset') {
    throw new ProtocolError(ERROR.update, UPDATE_ERROR.malformedAttributeList, `${name} stands there twice`);
  }
  const what = 'it stands there more than once, the first counts';
  return { keep: false, fault: { name, action: 'attribute-discard', clause: 'RFC 7606 section 3 g', what } };
}

/** RFC 4271 sections 5 and 6.3: pass a transitive one on, ignore another, but a well-known one must be known. */
function unknownAttribute(
  message: Uint8Array,
  code: number,
  flags: number,
  valueAt: number,
  next: number,
): Verdict | null {
  if ((flags & FLAG.optional) === 0) {
    const data = message.slice(valueAt - ((flags & FLAG.extendedLength) !== 0 ? 4 : 3), next);
    throw new ProtocolError(
      ERROR.update,
      UPDATE_ERROR.unrecognizedWellKnown,
      `attribute ${code} claims to be well-known`,
      data,
    );
  }
  return (flags & FLAG.transitive) === 0 ? CUT : null;
}
