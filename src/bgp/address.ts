/**
 * Addresses and prefixes as octets and as text: dotted quads for IPv4, router IDs and cluster IDs; RFC 4291 section
 * 2.2 in and RFC 5952 out for IPv6. Only for configuration, logs and tests: routes travel as octets (nlri.ts).
 */
import { addressBits, type Family } from './family.ts';
import { readU16, readU32 } from './wire.ts';

export interface Prefix {
  readonly family: Family;
  /** Bits that count. */
  readonly length: number;
  /** 4 or 16 octets; bits after `length` are 0. */
  readonly address: Uint8Array;
}

/** The octets of an address, or null where the text is none. */
export function parseAddress(text: string): Uint8Array | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** The text of 4 or 16 octets. */
export function formatAddress(address: Uint8Array): string {
  return address.length === 4 ? address.join('.') : formatIpv6(address);
}

/** A router ID, cluster ID or IPv4 address as its 32-bit number, or null where the text is no dotted quad. */
export function parseRouterId(text: string): number | null {
  const octets = parseIpv4(text);
  return octets === null ? null : readU32(octets, 0);
}

export function formatRouterId(id: number): string {
  return `${id >>> 24}.${(id >>> 16) & 0xff}.${(id >>> 8) & 0xff}.${id & 0xff}`;
}

/** A prefix with host bits cleared, or null where the text is none. */
export function parsePrefix(text: string): Prefix | null {
  const [addressText, lengthText, ...rest] = text.split('/');
  const address = parseAddress(addressText ?? '');
  if (address === null || rest.length > 0 || !/^\d{1,3}$/.test(lengthText ?? '')) return null;
  const family = address.length === 4 ? 4 : 6;
  const length = Number(lengthText);
  return length > addressBits(family) ? null : { family, length, address: clearHostBits(address, length) };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** Sets every bit after the first `length` to 0, in place; returns the same octets. */
export function clearHostBits(address: Uint8Array, length: number): Uint8Array {
  const whole = length >> 3;
  if (whole < address.length) {
    address[whole] = (address[whole] ?? 0) & (0xff00 >> (length & 7));
    address.fill(0, whole + 1);
  }
  return address;
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return null;
  }
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':').flatMap(groupOctets)));
  const [head = [], tail = []] = groups;
  const missing = 16 - head.length - tail.length;
  // `::` stands for one group at least.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  const octets = [...head, ...new Array<number>(missing).fill(0), ...tail];
  if (octets.some(Number.isNaN)) return null;
  // A dotted quad is legal only as the last 32 bits.
  const dots = text.indexOf('.');
  return dots >= 0 && text.indexOf(':', dots) >= 0 ? null : Uint8Array.from(octets);
}

/** The two octets of a group, the four of a dotted quad, or NaN. */
function groupOctets(group: string): number[] {
  if (group.includes('.')) return [...(parseIpv4(group) ?? [Number.NaN])];
  if (!/^[0-9a-f]{1,4}$/i.test(group)) return [Number.NaN, Number.NaN];
  const value = Number.parseInt(group, 16);
  return [value >>> 8, value & 0xff];
}

function formatIpv6(address: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => readU16(address, index * 2));
  // RFC 5952 section 4.2: shorten the longest run of two zero groups or more, the first of equals.
  let best = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const hex = (list: readonly number[]): string => list.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return hex(groups);
  return `${hex(groups.slice(0, best.at))}::${hex(groups.slice(best.at + best.length))}`;
}
