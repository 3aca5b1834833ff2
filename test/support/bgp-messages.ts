/**
 * UPDATE messages built octet by octet for tests, so that they can be wrong in ways that our encoder never is.
 */
import { buildMessage } from '../../src/bgp/header.ts';
import type { UpdateContext } from '../../src/bgp/update.ts';
import { concatBytes, u16 } from '../../src/bgp/wire.ts';

/** `0a 00 01` as octets. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from((text.match(/[0-9a-f]{2}/gi) ?? []).map((octet) => Number.parseInt(octet, 16)));
}

/** An attribute with exactly these flags and these octets; `length` may lie. */
export function attribute(flags: number, code: number, value: string, length?: number): Uint8Array {
  const octets = hex(value);
  const head = Uint8Array.of(
    flags,
    code,
    ...((flags & 0x10) !== 0 ? u16(length ?? octets.length) : [length ?? octets.length]),
  );
  return concatBytes([head, octets]);
}

export const ORIGIN_IGP = attribute(0x40, 1, '00');
export const EMPTY_PATH = attribute(0x40, 2, '');
export const NEXT_HOP_ATTRIBUTE = attribute(0x40, 3, '0a000107');
export const LOCAL_PREF_100 = attribute(0x40, 5, '00000064');
/** 10.65.1.0/26 */
export const NLRI = hex('1a 0a410100');

export interface UpdateFields {
  readonly withdrawn?: Uint8Array;
  readonly attributes?: readonly Uint8Array[];
  readonly nlri?: Uint8Array;
  /** Total Attribute Length, where it is to be another than the true one. */
  readonly attributesLength?: number;
  readonly withdrawnLength?: number;
}

export function updateMessage(fields: UpdateFields): Uint8Array {
  const withdrawn = fields.withdrawn ?? new Uint8Array(0);
  const attributes = concatBytes(fields.attributes ?? []);
  return buildMessage(
    'update',
    concatBytes([
      u16(fields.withdrawnLength ?? withdrawn.length),
      withdrawn,
      u16(fields.attributesLength ?? attributes.length),
      attributes,
      fields.nlri ?? new Uint8Array(0),
    ]),
  );
}

/** A peer of our own AS with both families and four-octet AS numbers. */
export const INTERNAL: UpdateContext = {
  external: false,
  peerAs: 64_512,
  fourOctetAs: true,
  enforceFirstAs: false,
  families: {
    4: { addPathReceive: false, ipv6NextHop: false },
    6: { addPathReceive: false, ipv6NextHop: false },
  },
};

export const EXTERNAL: UpdateContext = { ...INTERNAL, external: true, peerAs: 64_513 };
