/**
 * OPEN messages: RFC 4271 sections 4.2 and 6.2, optional parameters in both lengths (RFC 9072), four-octet AS numbers
 * (RFC 6793 section 4.1). What an OPEN says by itself is checked here; what it means beside ours, in negotiate.ts.
 */
import { AS_TRANS } from './as-trans.ts';
import { type Capability, decodeCapabilities, encodeCapabilities } from './capability.ts';
import { ERROR, OPEN_ERROR } from './error-codes.ts';
import { buildMessage, HEADER_LENGTH, LONGEST_MESSAGE } from './header.ts';
import { ProtocolError } from './protocol-error.ts';
import { concatBytes, readU16, readU32, u16, writeU16, writeU32 } from './wire.ts';

const VERSION = 4;
const CAPABILITIES = 2;
/** RFC 9072: parameter type 255 in the first place means that lengths have two octets. */
const EXTENDED = 255;
/** Offset of the optional parameters' length. */
const PARAMETERS_AT = HEADER_LENGTH + 9;

export interface Open {
  /** The four-octet number where the peer announced one, else the two-octet one. */
  readonly as: number;
  /** Seconds: 0 or 3 and more. */
  readonly holdSeconds: number;
  /** BGP Identifier, a 32-bit number that is not 0. */
  readonly routerId: number;
  readonly capabilities: readonly Capability[];
}

/**
 * Reads a whole OPEN message, header included.
 * @throws ProtocolError for each case of RFC 4271 section 6.2 that needs no knowledge of our own settings
 */
export function decodeOpen(message: Uint8Array): Open {
  const version = message[HEADER_LENGTH] ?? 0;
  if (version !== VERSION) {
    throw refuse('unsupportedVersion', `version ${version}, we speak 4`, u16(VERSION));
  }
  const capabilities = decodeParameters(message);
  const fourOctet = capabilities.find((capability) => capability.kind === 'four-octet-as');
  const as = fourOctet?.as ?? readU16(message, HEADER_LENGTH + 1);
  if (as === 0) throw refuse('badPeerAs', 'AS 0 (RFC 7607)');
  const holdSeconds = readU16(message, HEADER_LENGTH + 3);
  if (holdSeconds === 1 || holdSeconds === 2) {
    throw refuse('unacceptableHoldTime', `hold time ${holdSeconds} s, it must be 0 or 3 and more`);
  }
  const routerId = readU32(message, HEADER_LENGTH + 5);
  if (routerId === 0) throw refuse('badIdentifier', 'BGP Identifier 0.0.0.0 (RFC 6286)');
  return { as, holdSeconds, routerId, capabilities };
}

function decodeParameters(message: Uint8Array): Capability[] {
  const shortLength = message[PARAMETERS_AT] ?? 0;
  const extended = shortLength !== 0 && message[PARAMETERS_AT + 1] === EXTENDED;
  const start = PARAMETERS_AT + (extended ? 4 : 1);
  const length = extended ? readU16(message, PARAMETERS_AT + 2) : shortLength;
  if (start + length !== message.length) {
    throw refuse('unspecific', `optional parameters of ${length} octets do not end with the message`);
  }
  const head = extended ? 3 : 2;
  const capabilities: Capability[] = [];
  let at = start;
  while (at < message.length) {
    const type = message[at] ?? 0;
    const valueAt = at + head;
    const end = valueAt + (extended ? readU16(message, at + 1) : (message[at + 1] ?? 0));
    if (valueAt > message.length || end > message.length) {
      throw refuse('unspecific', `optional parameter ${type} is cut off`);
    }
    if (type !== CAPABILITIES) throw refuse('unsupportedParameter', `optional parameter ${type}`);
    for (const capability of decodeCapabilities(message.subarray(valueAt, end)))
      capabilities.push(capability);
    at = end;
  }
  return capabilities;
}

/**
 * Writes an OPEN. All capabilities go into one optional parameter, as RFC 5492 section 4 asks; the extended form of
 * RFC 9072 is used only where the short one has no room, so that old speakers are not bothered.
 * @throws RangeError where the capabilities do not fit the 4096 octets of an OPEN: a mistake of our own settings
 */
export function encodeOpen(open: Open): Uint8Array {
  const capabilities = encodeCapabilities(open.capabilities);
  const fixed = new Uint8Array(9);
  fixed[0] = VERSION;
  writeU16(fixed, 1, open.as > 0xffff ? AS_TRANS : open.as);
  writeU16(fixed, 3, Math.min(open.holdSeconds, 0xffff));
  writeU32(fixed, 5, open.routerId);
  const message = buildMessage('open', concatBytes([fixed, parameters(capabilities)]));
  if (message.length > LONGEST_MESSAGE) {
    throw new RangeError(`an OPEN with ${capabilities.length} octets of capabilities is too long`);
  }
  return message;
}

function parameters(capabilities: Uint8Array): Uint8Array {
  if (capabilities.length === 0) return Uint8Array.of(0);
  if (capabilities.length + 2 <= 0xff) {
    const head = Uint8Array.of(capabilities.length + 2, CAPABILITIES, capabilities.length);
    return concatBytes([head, capabilities]);
  }
  const head = new Uint8Array(7);
  head[0] = EXTENDED;
  head[1] = EXTENDED;
  writeU16(head, 2, capabilities.length + 3);
  head[4] = CAPABILITIES;
  writeU16(head, 5, capabilities.length);
  return concatBytes([head, capabilities]);
}

function refuse(subcode: keyof typeof OPEN_ERROR, what: string, data?: Uint8Array): ProtocolError {
  return new ProtocolError(ERROR.open, OPEN_ERROR[subcode], what, data);
}
