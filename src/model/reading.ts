/**
 * Reading a resource's raw fields into a typed value, with every fault found on the way said in words. The
 * readers beside this file (node.ts, bgp-peer.ts, ...) are hand-written on it and not schemas of a library: a
 * cluster has 300,000 resources, all read within the second that bench/compile.ts allows for everything, and a
 * fault in one field must neither hide the next nor take away the fields that are good.
 */
import {
  type Family,
  familyOf,
  type IpAddress,
  isSpeakerAddress,
  parseAddress,
  parseHostAddress,
} from './address.ts';
import { type AsNumber, parseAsNumber } from './as-number.ts';
import { parseDuration } from './duration.ts';
import type { Problem, ProblemCode } from './problem.ts';
import type { Json, JsonObject, Kind } from './resource.ts';
import { describeFault, isSelector, parseSelector, showFault } from './selector/selector.ts';

/** What a reader made of a resource. */
export interface Reading<Value> {
  /** What can be used of it; undefined where nothing can. Complete only when the reading is whole. */
  readonly value: Value | undefined;
  readonly problems: readonly Problem[];
}

/** True: everything in the resource was understood (warnings may stand). */
export function isWhole(reading: Reading<unknown>): boolean {
  return reading.value !== undefined && !reading.problems.some((problem) => problem.severity === 'error');
}

/** Faults of one resource, gathered while its fields are read. */
export interface Findings {
  readonly kind: Kind;
  readonly name: string;
  readonly problems: Problem[];
}

export function startReading(kind: Kind, name: string): Findings {
  return { kind, name, problems: [] };
}

/**
 * A fault that sets the field (or the resource) aside.
 * @param field where, such as `spec.peers[0].ip`; empty: the resource as a whole
 * @param says the rest of a sentence that begins with the field; a whole one where there is no field
 */
export function reject(
  findings: Findings,
  code: ProblemCode,
  field: string,
  says: string,
  hint?: string,
): void {
  add(findings, 'error', code, field, says, hint);
}

/** Something that works, but not as one might think. Parameters as for `reject`. */
export function warn(
  findings: Findings,
  code: ProblemCode,
  field: string,
  says: string,
  hint?: string,
): void {
  add(findings, 'warning', code, field, says, hint);
}

function add(
  findings: Findings,
  severity: Problem['severity'],
  code: ProblemCode,
  field: string,
  says: string,
  hint: string | undefined,
): void {
  const subject = `${findings.kind}/${findings.name}`;
  findings.problems.push({
    code,
    severity,
    subject,
    message: field === '' ? says : `${field} ${says}`,
    ...(field === '' ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A value as it stands in the resource, cut to what fits a line. Never call it with what may be a secret. */
export function quote(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The value as an object, or undefined where it is none. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !isList(value) ? value : undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Calico writes "not set" as an absent field, null or empty text alike. */
export function isUnset(value: Json | undefined): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}

/** A nested object; null where it is not set or, with a problem, where it is none. */
export function readObject(findings: Findings, value: Json | undefined, field: string): JsonObject | null {
  if (isUnset(value)) return null;
  const object = asObject(value);
  if (object === undefined) reject(findings, 'bad-field', field, `is ${quote(value)}, not an object.`);
  return object ?? null;
}

export function readList(findings: Findings, value: Json | undefined, field: string): readonly Json[] {
  if (isUnset(value)) return [];
  if (isList(value)) return value;
  reject(findings, 'bad-field', field, `is ${quote(value)}, not a list.`);
  return [];
}

export function readText(findings: Findings, value: Json | undefined, field: string): string | null {
  if (isUnset(value)) return null;
  if (typeof value === 'string') return value;
  reject(findings, 'bad-field', field, `is ${quote(value)}, not text.`);
  return null;
}

/** @returns undefined where it is not set */
export function readFlag(findings: Findings, value: Json | undefined, field: string): boolean | undefined {
  if (isUnset(value)) return undefined;
  if (typeof value === 'boolean') return value;
  reject(findings, 'bad-field', field, `is ${quote(value)}, not true or false.`);
  return undefined;
}

/** A whole number, as a JSON number or as decimal text, from `low` to `high`. */
export function readInteger(
  findings: Findings,
  value: Json | undefined,
  field: string,
  [low, high]: readonly [number, number],
): number | null {
  if (isUnset(value)) return null;
  const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= low && number <= high)
    return number;
  reject(findings, 'bad-field', field, `is ${quote(value)}, not a whole number from ${low} to ${high}.`);
  return null;
}

export function readPort(findings: Findings, value: Json | undefined, field: string): number | null {
  return readInteger(findings, value, field, [1, 65535]);
}

/** The longest restart time that a peer can be told: it has 12 bits (RFC 4724 section 3). */
export const LONGEST_RESTART_SECONDS = 4095;
/** A hold time of three times this is the longest that a peer can be asked for: it has 16 bits (RFC 4271 section 4.2). */
export const LONGEST_KEEPALIVE_SECONDS = 21_845;

/**
 * A duration as Go writes it, in whole seconds, rounded as Calico rounds it.
 * @param most what BGP has room for; more is said to be too much and taken for that
 */
export function readSeconds(
  findings: Findings,
  value: Json | undefined,
  field: string,
  most = Number.POSITIVE_INFINITY,
): number | null {
  const text = readText(findings, value, field);
  if (text === null) return null;
  const seconds = parseDuration(text);
  if (seconds === undefined) {
    reject(findings, 'bad-field', field, `is ${quote(text)}, not a duration.`, 'Write it as 90s or 2m30s.');
    return null;
  }
  if (seconds > most) {
    warn(findings, 'bad-field', field, `is ${quote(text)}, and BGP has room for ${most} s: those are used.`);
  }
  return Math.min(Math.round(seconds), most);
}

/** An AS number; `zeroIsUnset` where Calico stores 0 for "not set" (BGPPeer). */
export function readAsNumber(
  findings: Findings,
  value: Json | undefined,
  field: string,
  zeroIsUnset = false,
): AsNumber | null {
  if (isUnset(value)) return null;
  if (zeroIsUnset && (value === 0 || value === '0')) return null;
  const asNumber = parseAsNumber(value);
  if (asNumber === undefined) {
    reject(
      findings,
      'bad-as-number',
      field,
      `is ${quote(value)}, not an AS number.`,
      'Use 1 to 4294967295, or quoted text "HIGH.LOW"; AS 0 is reserved (RFC 7607).',
    );
  }
  return asNumber ?? null;
}

/** An address, with or without a prefix length, of this family. */
export function readHostAddress(
  findings: Findings,
  value: Json | undefined,
  field: string,
  family: Family,
): IpAddress | null {
  if (isUnset(value)) return null;
  const address = typeof value === 'string' ? parseHostAddress(value) : undefined;
  if (address === undefined || familyOf(address) !== family) {
    reject(findings, 'bad-address', field, `is ${quote(value)}, not an IPv${family} address.`);
    return null;
  }
  return isSpeakerAddress(address) ? address : rejectPlace(findings, address, field);
}

function rejectPlace(findings: Findings, address: IpAddress, field: string): null {
  reject(
    findings,
    'bad-address',
    field,
    `is ${address}, at which no BGP speaker can be.`,
    'Name an address of that machine alone: none that is unspecified, multicast, broadcast, link-local or IPv4-mapped.',
  );
  return null;
}

/** An address with an optional port: `IP`, `IPv4:port` or `[IPv6]:port` (Calico's BGPPeer.spec.peerIP). */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number | null;
}

/** @returns undefined where `text` is no endpoint; names, zones and port 0 included */
export function parseEndpoint(text: string): Endpoint | undefined {
  const plain = parseAddress(text);
  if (plain !== undefined) return { address: plain, port: null };
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const address = parseAddress(parts[1] ?? parts[2] ?? '');
  const port = Number(parts[3]);
  if (address === undefined || port < 1 || port > 65535) return undefined;
  if ((parts[1] !== undefined) !== (familyOf(address) === 6)) return undefined;
  return { address, port };
}

/** An endpoint that must be there; undefined, with a problem, where it is not. */
export function readEndpoint(
  findings: Findings,
  value: Json | undefined,
  field: string,
): Endpoint | undefined {
  const endpoint = typeof value === 'string' ? parseEndpoint(value) : undefined;
  if (endpoint === undefined) {
    reject(
      findings,
      'bad-address',
      field,
      `is ${isUnset(value) ? 'missing' : `${quote(value)}, not an IP address`}.`,
      'Write IP, IPv4:port or [IPv6]:port, without a zone or a host name.',
    );
    return undefined;
  }
  return isSpeakerAddress(endpoint.address)
    ? endpoint
    : (rejectPlace(findings, endpoint.address, field) ?? undefined);
}

/** A label selector's text; null where it is not set or, with a problem that shows the place, where it is none. */
export function readSelector(findings: Findings, value: Json | undefined, field: string): string | null {
  const text = readText(findings, value, field);
  if (text === null) return null;
  const parsed = parseSelector(text);
  if (isSelector(parsed)) return text;
  reject(
    findings,
    'bad-selector',
    field,
    `does not parse: ${describeFault(text, parsed)}.`,
    `Mend it here:\n${showFault(text, parsed)}`,
  );
  return null;
}
