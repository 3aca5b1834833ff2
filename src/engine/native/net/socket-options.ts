/**
 * Options of TCP sockets for BGP: TCP-MD5 signatures (RFC 2385), the TTL security mechanism (GTSM, RFC 5082), and the
 * precedence of routing traffic (RFC 4271 appendix E leaves it open; BIRD and FRR set internetwork control). Numbers
 * and layouts are those of Linux (tcp.h, in.h, in6.h), the same on every architecture that Node runs on.
 */
import { getSystemErrorMap } from 'node:util';
import { type Family, parseAddress } from '../../../bgp/index.ts';
import type { Libc } from './libc.ts';

const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IP_TOS = 1;
const IP_TTL = 2;
const IP_MINTTL = 21;
const IPV6_UNICAST_HOPS = 16;
const IPV6_TCLASS = 67;
const IPV6_MINHOPCOUNT = 73;
const TCP_MD5SIG = 14;
const TCP_SAVE_SYN = 27;
const TCP_SAVED_SYN = 28;

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;

/** Internetwork control. */
const PRECEDENCE = 0xc0;
/** Linux's TCP_MD5SIG_MAXKEYLEN. */
export const LONGEST_MD5_KEY = 80;
/** The highest TTL there is: what a near speaker sends, so that nobody farther off can arrive with as much. */
export const HIGHEST_TTL = 255;

/** What the system said to an option that it did not take. */
export class SocketOptionError extends Error {}

/** A TCP socket that is neither bound nor connected, not blocking. */
export function openSocket(libc: Libc, family: Family): number {
  const descriptor = libc.socket(
    family === 4 ? AF_INET : AF_INET6,
    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
  );
  if (descriptor < 0) throw new SocketOptionError(`no socket: ${systemError(-descriptor)}`);
  return descriptor;
}

/**
 * The key that segments from and to `peer` are signed with; null takes it away. On a listener it holds for the
 * connections that it will accept from there; those that are up keep the key that they came up with.
 */
export function setMd5Key(libc: Libc, descriptor: number, peer: string, key: string | null): void {
  const failed = libc.setsockopt(descriptor, IPPROTO_TCP, TCP_MD5SIG, md5Signature(peer, key ?? ''));
  // Nothing there to be taken away is what was wanted.
  if (failed === -ENOENT && key === null) return;
  const hint = failed === -ENOMEM ? '; net.core.optmem_max bounds the keys of one listener' : '';
  if (failed < 0) throw new SocketOptionError(`TCP-MD5: ${systemError(-failed)}${hint}`);
}

const ENOENT = 2;
const ENOMEM = 12;

/** TTL of what we send. */
export function setTtl(libc: Libc, descriptor: number, family: Family, ttl: number): void {
  setNumber(libc, descriptor, 'TTL', family === 4 ? IP_TTL : IPV6_UNICAST_HOPS, family, ttl);
}

/** Segments that arrive with a lower TTL are dropped by the system, unseen; 0: none are. */
export function setLowestTtl(libc: Libc, descriptor: number, family: Family, ttl: number): void {
  setNumber(libc, descriptor, 'lowest TTL', family === 4 ? IP_MINTTL : IPV6_MINHOPCOUNT, family, ttl);
}

/** A listener that keeps the SYN of each connection for `savedSyn`, where the system knows how to (sandboxes may not). */
export function keepSyns(libc: Libc, descriptor: number): void {
  libc.setsockopt(descriptor, IPPROTO_TCP, TCP_SAVE_SYN, numberOf(1));
}

/**
 * Headers of IP and TCP of the SYN of an accepted connection; null: the system has not kept it (SYN cookies, sandboxes).
 * It can be asked for once.
 */
export function savedSyn(libc: Libc, descriptor: number): Uint8Array | null {
  const headers = libc.getsockopt(descriptor, IPPROTO_TCP, TCP_SAVED_SYN, LONGEST_HEADERS);
  return typeof headers === 'number' || headers.length === 0 ? null : headers;
}

/** TTL with which it arrived. */
export function ttlOfSyn(syn: Uint8Array, family: Family): number {
  return syn[family === 4 ? 8 : 7] ?? 0;
}

/** Whether it has an option for a TCP-MD5 signature. What the signature is worth, the system has judged. */
export function isSignedSyn(syn: Uint8Array, family: Family): boolean {
  // Where there is another header between those of IPv6 and TCP, it cannot be told.
  if (family === 6 && syn[6] !== IPPROTO_TCP) return true;
  const tcp = family === 4 ? ((syn[0] ?? 0) & 0x0f) * 4 : 40;
  const end = tcp + ((syn[tcp + 12] ?? 0) >> 4) * 4;
  for (let at = tcp + 20; at < end; ) {
    const kind = syn[at];
    if (kind === OPTION_MD5) return true;
    if (kind === OPTION_END) return false;
    at += kind === OPTION_NOTHING ? 1 : Math.max(2, syn[at + 1] ?? 0);
  }
  return false;
}

/** Options of a TCP header, of which the first two are one octet long. */
const OPTION_END = 0;
const OPTION_NOTHING = 1;
const OPTION_MD5 = 19;

/** Of IP with options, and of TCP. */
const LONGEST_HEADERS = 512;

/** Marks what we send as routing traffic. */
export function setPrecedence(libc: Libc, descriptor: number, family: Family): void {
  setNumber(libc, descriptor, 'precedence', family === 4 ? IP_TOS : IPV6_TCLASS, family, PRECEDENCE);
}

/** The lowest TTL that a segment can have which comes from `hops` hops away at most (RFC 5082 section 3). */
export function lowestTtl(hops: number): number {
  return HIGHEST_TTL + 1 - hops;
}

function setNumber(
  libc: Libc,
  descriptor: number,
  name: string,
  option: number,
  family: Family,
  value: number,
): void {
  const level = family === 4 ? IPPROTO_IP : IPPROTO_IPV6;
  const failed = libc.setsockopt(descriptor, level, option, numberOf(value));
  if (failed < 0) throw new SocketOptionError(`${name}: ${systemError(-failed)}`);
}

/** A C int. */
function numberOf(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** struct tcp_md5sig: sockaddr_storage of 128 octets, flags, prefix length, key length, interface, key. */
function md5Signature(peer: string, key: string): Uint8Array {
  const address = parseAddress(peer);
  if (address === null) throw new SocketOptionError(`TCP-MD5: ${peer} is no address`);
  const octets = new Uint8Array(216);
  // These two numbers are in the machine's own order, the address in the network's.
  octets.set(new Uint8Array(Uint16Array.of(address.length === 4 ? AF_INET : AF_INET6).buffer), 0);
  octets.set(address, address.length === 4 ? 4 : 8);
  const secret = new TextEncoder().encode(key);
  octets.set(new Uint8Array(Uint16Array.of(secret.length).buffer), 130);
  octets.set(secret.subarray(0, LONGEST_MD5_KEY), 136);
  return octets;
}

/** As `connection refused (ECONNREFUSED)`. */
export function systemError(errno: number): string {
  const known = getSystemErrorMap().get(-errno);
  return known === undefined ? `error ${errno}` : `${known[1]} (${known[0]})`;
}
