/**
 * Capabilities that two speakers announce in their OPENs: RFC 5492 section 4 and, for each one, the RFC that its row
 * below names. What we do not know is kept as it came. AFI and SAFI stay numbers here, because a peer may announce
 * families that are not ours.
 */
import { ERROR, OPEN_ERROR } from './error-codes.ts';
import { ProtocolError } from './protocol-error.ts';
import { concatBytes, NO_BYTES, readU16, readU24, readU32, u32, writeU16, writeU24 } from './wire.ts';

export interface AfiSafi {
  readonly afi: number;
  readonly safi: number;
}

/** RFC 7911 section 4: 1 able to receive several paths for a prefix, 2 to send them, 3 both. */
export type AddPathMode = 1 | 2 | 3;

export type Capability =
  | ({ readonly kind: 'multiprotocol' } & AfiSafi)
  | { readonly kind: 'route-refresh' }
  | {
      readonly kind: 'extended-next-hop';
      readonly entries: readonly (AfiSafi & { readonly nextHopAfi: number })[];
    }
  | { readonly kind: 'extended-message' }
  | {
      readonly kind: 'graceful-restart';
      /** R: the speaker has restarted and asks for its routes back. */
      readonly restarting: boolean;
      /** N (RFC 8538): NOTIFICATIONs and hold timer expiry count as restarts too. */
      readonly notification: boolean;
      /** Restart time, 0 to 4095 seconds; more is told as that. */
      readonly seconds: number;
      /** F for each family: forwarding state was preserved. */
      readonly families: readonly (AfiSafi & { readonly forwarding: boolean })[];
    }
  | { readonly kind: 'four-octet-as'; readonly as: number }
  | { readonly kind: 'add-path'; readonly entries: readonly (AfiSafi & { readonly mode: AddPathMode })[] }
  | { readonly kind: 'enhanced-route-refresh' }
  | {
      readonly kind: 'long-lived-graceful-restart';
      readonly families: readonly (AfiSafi & { readonly forwarding: boolean; readonly seconds: number })[];
    }
  | { readonly kind: 'unknown'; readonly code: number; readonly value: Uint8Array };

export const CAPABILITY_CODES = {
  /** RFC 4760 section 8. */
  multiprotocol: 1,
  /** RFC 2918 section 2. */
  'route-refresh': 2,
  /** RFC 8950 section 4. */
  'extended-next-hop': 5,
  /** RFC 8654 section 3. */
  'extended-message': 6,
  /** RFC 4724 section 3, RFC 8538 section 2. */
  'graceful-restart': 64,
  /** RFC 6793 section 3. */
  'four-octet-as': 65,
  /** RFC 7911 section 4. */
  'add-path': 69,
  /** RFC 7313 section 3.1. */
  'enhanced-route-refresh': 70,
  /** RFC 9494 section 3. */
  'long-lived-graceful-restart': 71,
} as const satisfies Readonly<Record<Exclude<Capability['kind'], 'unknown'>, number>>;

/**
 * The capabilities of one optional parameter, in order.
 * @throws ProtocolError where a length does not fit (OPEN Message Error, unspecific)
 */
export function decodeCapabilities(bytes: Uint8Array): Capability[] {
  const capabilities: Capability[] = [];
  let at = 0;
  while (at < bytes.length) {
    const code = bytes[at] ?? 0;
    const start = at + 2;
    const end = start + (bytes[at + 1] ?? 0);
    if (start > bytes.length || end > bytes.length) throw malformed(`capability ${code} is cut off`);
    capabilities.push(decodeCapability(code, bytes.slice(start, end)));
    at = end;
  }
  return capabilities;
}

function decodeCapability(code: number, value: Uint8Array): Capability {
  const wanted = (fits: boolean): void => {
    if (!fits) throw malformed(`capability ${code} cannot have ${value.length} octets`);
  };
  switch (code) {
    case CAPABILITY_CODES.multiprotocol:
      wanted(value.length === 4);
      return { kind: 'multiprotocol', afi: readU16(value, 0), safi: value[3] ?? 0 };
    case CAPABILITY_CODES['route-refresh']:
      wanted(value.length === 0);
      return { kind: 'route-refresh' };
    case CAPABILITY_CODES['extended-next-hop']:
      wanted(value.length % 6 === 0);
      return {
        kind: 'extended-next-hop',
        entries: chunks(value, 6).map((entry) => ({
          afi: readU16(entry, 0),
          safi: readU16(entry, 2),
          nextHopAfi: readU16(entry, 4),
        })),
      };
    case CAPABILITY_CODES['extended-message']:
      wanted(value.length === 0);
      return { kind: 'extended-message' };
    case CAPABILITY_CODES['graceful-restart']:
      wanted(value.length >= 2 && value.length % 4 === 2);
      return {
        kind: 'graceful-restart',
        restarting: ((value[0] ?? 0) & 0x80) !== 0,
        notification: ((value[0] ?? 0) & 0x40) !== 0,
        seconds: readU16(value, 0) & 0x0fff,
        families: chunks(value.subarray(2), 4).map((entry) => ({
          afi: readU16(entry, 0),
          safi: entry[2] ?? 0,
          forwarding: ((entry[3] ?? 0) & 0x80) !== 0,
        })),
      };
    case CAPABILITY_CODES['four-octet-as']:
      wanted(value.length === 4);
      return { kind: 'four-octet-as', as: readU32(value, 0) };
    case CAPABILITY_CODES['add-path']:
      wanted(value.length % 4 === 0);
      return { kind: 'add-path', entries: chunks(value, 4).flatMap(decodeAddPath) };
    case CAPABILITY_CODES['enhanced-route-refresh']:
      wanted(value.length === 0);
      return { kind: 'enhanced-route-refresh' };
    case CAPABILITY_CODES['long-lived-graceful-restart']:
      wanted(value.length % 7 === 0);
      return {
        kind: 'long-lived-graceful-restart',
        families: chunks(value, 7).map((entry) => ({
          afi: readU16(entry, 0),
          safi: entry[2] ?? 0,
          forwarding: ((entry[3] ?? 0) & 0x80) !== 0,
          seconds: readU24(entry, 4),
        })),
      };
    default:
      return { kind: 'unknown', code, value };
  }
}

/** RFC 7911 section 4: an entry with another mode is ignored. */
function decodeAddPath(entry: Uint8Array): (AfiSafi & { readonly mode: AddPathMode })[] {
  const mode = entry[3];
  if (mode !== 1 && mode !== 2 && mode !== 3) return [];
  return [{ afi: readU16(entry, 0), safi: entry[2] ?? 0, mode }];
}

function chunks(bytes: Uint8Array, size: number): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) list.push(bytes.subarray(at, at + size));
  return list;
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(ERROR.open, OPEN_ERROR.unspecific, what);
}

/**
 * Capabilities as the value of one optional parameter.
 * @throws RangeError where one has more than 255 octets: a mistake of our own
 */
export function encodeCapabilities(capabilities: readonly Capability[]): Uint8Array {
  return concatBytes(
    capabilities.flatMap((capability) => {
      const value = encodeValue(capability);
      if (value.length > 0xff) {
        throw new RangeError(`capability ${capabilityCode(capability)} cannot have ${value.length} octets`);
      }
      return [Uint8Array.of(capabilityCode(capability), value.length), value];
    }),
  );
}

export function capabilityCode(capability: Capability): number {
  return capability.kind === 'unknown' ? capability.code : CAPABILITY_CODES[capability.kind];
}

function encodeValue(capability: Capability): Uint8Array {
  switch (capability.kind) {
    case 'multiprotocol':
      return afiSafi(capability, 4, (entry) => {
        entry[3] = entry[2] ?? 0;
        entry[2] = 0;
      });
    case 'route-refresh':
    case 'extended-message':
    case 'enhanced-route-refresh':
      return NO_BYTES;
    case 'extended-next-hop':
      return concatBytes(
        capability.entries.map((family) =>
          afiSafi(family, 6, (entry) => {
            writeU16(entry, 2, family.safi);
            writeU16(entry, 4, family.nextHopAfi);
          }),
        ),
      );
    case 'graceful-restart': {
      const head = new Uint8Array(2);
      const flags = (capability.restarting ? 0x8000 : 0) | (capability.notification ? 0x4000 : 0);
      writeU16(head, 0, flags | Math.min(capability.seconds, 0x0fff));
      return concatBytes([head, ...capability.families.map(withForwarding)]);
    }
    case 'four-octet-as':
      return u32(capability.as);
    case 'add-path':
      return concatBytes(
        capability.entries.map((family) =>
          afiSafi(family, 4, (entry) => {
            entry[3] = family.mode;
          }),
        ),
      );
    case 'long-lived-graceful-restart':
      return concatBytes(
        capability.families.map((family) => {
          const entry = new Uint8Array(7);
          entry.set(withForwarding(family));
          writeU24(entry, 4, Math.min(family.seconds, 0xff_ffff));
          return entry;
        }),
      );
    case 'unknown':
      return capability.value;
    default:
      return capability satisfies never;
  }
}

/** An entry of `size` octets that begins with AFI and SAFI; `finish` writes what follows. */
function afiSafi(family: AfiSafi, size: number, finish: (entry: Uint8Array) => void): Uint8Array {
  const entry = new Uint8Array(size);
  writeU16(entry, 0, family.afi);
  entry[2] = family.safi;
  finish(entry);
  return entry;
}

function withForwarding(family: AfiSafi & { readonly forwarding: boolean }): Uint8Array {
  return afiSafi(family, 4, (entry) => {
    entry[3] = family.forwarding ? 0x80 : 0;
  });
}
