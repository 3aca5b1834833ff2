/**
 * IP addresses and prefixes in canonical text, so that two spellings of one address are equal strings
 * (RFC 5952 for IPv6). The original image compared the text as it was typed: `fd00::1` and `FD00:0::1`
 * were two addresses to it.
 */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Canonical text of an IPv4 or IPv6 address without zone. */
export type IpAddress = string & { readonly __ipAddress: true };
/** Canonical `ADDRESS/LENGTH` with no host bits set. */
export type Prefix = string & { readonly __prefix: true };
export type Family = 4 | 6;

/** The canonical form of `text`, or undefined where it is no address (zones, ports and masks included). */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return text as IpAddress;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // The host of a URL is written as RFC 5952 says, dotted tails in hexadecimal; six times as fast as ipaddr.js,
  // which matters where 100,000 nodes are read (bench/compile.ts), and right about `::1.2.3.4`.
  return new URL(`http://[${text}]`).hostname.slice(1, -1) as IpAddress;
}

/**
 * True where a BGP speaker can stand at this address: one that belongs to one machine and says all that is needed to
 * reach it. BIRD takes `neighbor 0.0.0.0` (it would call its own machine), multicast and IPv4-mapped addresses
 * without a word; link-local ones need an interface, which no Calico resource names.
 */
export function isSpeakerAddress(address: IpAddress): boolean {
  if (isIPv4(address)) {
    return address !== '0.0.0.0' && address !== '255.255.255.255' && !/^(22[4-9]|23\d)\./.test(address);
  }
  return address !== '::' && !/^(ff..|fe[89ab].):|^::ffff:[^:]+:[^:]+$/.test(address);
}

export function familyOf(address: IpAddress | Prefix): Family {
  return address.includes(':') ? 6 : 4;
}

/** Bits of an address, and so the length of the longest prefix. */
export function addressBits(family: Family): number {
  return family === 4 ? 32 : 128;
}

/**
 * An address as Calico writes it for a node: with or without a prefix length (`10.0.0.4/24`).
 * @returns the address alone, or undefined where the text is none
 */
export function parseHostAddress(text: string): IpAddress | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return parseAddress(text);
  const address = parseAddress(text.slice(0, slash));
  if (address === undefined || !isLength(text.slice(slash + 1), familyOf(address))) return undefined;
  return address;
}

/** The canonical form of a CIDR, host bits cleared; undefined where it is none. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  if (address === undefined || !isLength(text.slice(slash + 1), familyOf(address))) return undefined;
  const length = Number(text.slice(slash + 1));
  const bytes = ipaddr.parse(address).toByteArray();
  const network = bytes.map((byte, index) => byte & (0xff00 >> Math.max(0, Math.min(8, length - index * 8))));
  const base = ipaddr.fromByteArray(network);
  const baseText = base instanceof ipaddr.IPv6 ? base.toRFC5952String() : base.toString();
  return `${baseText}/${length}` as Prefix;
}

/** True where the two have an address in common: then one of them lies within the other. */
export function overlap(one: Prefix, other: Prefix): boolean {
  if (familyOf(one) !== familyOf(other)) return false;
  const length = Math.min(lengthOf(one), lengthOf(other));
  return parsePrefix(`${baseOf(one)}/${length}`) === parsePrefix(`${baseOf(other)}/${length}`);
}

function baseOf(prefix: Prefix): string {
  return prefix.slice(0, prefix.indexOf('/'));
}

function lengthOf(prefix: Prefix): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

function isLength(text: string, family: Family): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= addressBits(family);
}
