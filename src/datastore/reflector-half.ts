/**
 * A reflector entry: the flat keys `/calico/bgp/v1/rr_v4/<ip>` and `rr_v6/<ip>` of both etcds, read as
 * RouteReflector resources. The keys and the fields `ip` and `cluster_id` are those of Calico's route reflector
 * image for etcd v2; `as_num`, `name`, `labels`, `annotations`, `group` and `peers` are ours.
 *
 *     {"ip":"10.0.0.1","cluster_id":"1.0.0.1","as_num":64512,"name":"rr1","labels":{"rack":"1"},"group":"a",
 *      "peers":[{"ip":"192.0.2.1","as_num":65001,"port":179,"password_ref":"tor","max_prefixes":100,
 *                "import":["10.0.0.0/8"],"export":["10.0.0.0/8"]}]}
 *
 * An entry is one address of a reflector, a *half*. Halves of the two families with the same name are one
 * reflector. What a field means (is that a cluster ID?) the topology judges; here a field is only carried, one
 * that we do not know included.
 */
import { type Family, familyOf, type IpAddress, parseAddress } from '../model/address.ts';
import { isJsonObject, parseJson } from '../model/json.ts';
import type { Problem, ProblemCode } from '../model/problem.ts';
import type { JsonObject } from '../model/resource.ts';

export const REFLECTOR_PREFIX = { 4: '/calico/bgp/v1/rr_v4/', 6: '/calico/bgp/v1/rr_v6/' } as const;

/** A key as it is stored. */
export interface ReflectorEntry {
  /** The whole key, decoded. */
  readonly key: string;
  readonly value: string;
  /** `modifiedIndex` or `mod_revision`. */
  readonly revision: number;
}

/** An entry of which an address could be read. */
export interface ReflectorHalf {
  readonly entry: ReflectorEntry;
  readonly family: Family;
  readonly address: IpAddress;
  /** The `name` it gives itself; undefined where it gives none that can be one. */
  readonly declaredName: string | undefined;
  /** The whole JSON. */
  readonly fields: JsonObject;
}

export interface Fault {
  readonly code: ProblemCode;
  readonly message: string;
  readonly hint: string;
}

export function problem(severity: Problem['severity'], subject: string, fault: Fault): Problem {
  return { ...fault, severity, subject };
}

/** The last part of the key, canonical where it is an address. */
export function nameOfKey(key: string): string {
  const text = key.slice(key.lastIndexOf('/') + 1);
  return parseAddress(text) ?? text;
}

/** @returns what is wrong with it, where it is no half of a reflector */
export function readReflectorEntry(
  entry: ReflectorEntry,
  warn: (problem: Problem) => void,
): ReflectorHalf | Fault {
  const family: Family = entry.key.startsWith(REFLECTOR_PREFIX[6]) ? 6 : 4;
  const fields = parseJson(entry.value);
  if (!isJsonObject(fields))
    return {
      code: 'bad-json',
      message: `The value of ${entry.key} is no JSON object.`,
      hint: 'Write {"ip":"ADDRESS","cluster_id":"A.B.C.D"}, or delete the key.',
    };
  const keyText = entry.key.slice(REFLECTOR_PREFIX[family].length);
  const keyAddress = parseAddress(keyText);
  const written = fields.ip ?? keyText;
  const address = typeof written === 'string' ? parseAddress(written) : undefined;
  if (address === undefined || familyOf(address) !== family)
    return {
      code: 'bad-address',
      message: `${JSON.stringify(written)} at ${entry.key} is no IPv${family} address.`,
      hint: `Set "ip" to the reflector's IPv${family} address, or delete the key.`,
    };
  if (address !== keyAddress)
    warn(
      problem('warning', entry.key, {
        code: 'key-mismatch',
        message: `The key says ${keyText}, the value says ${address}; the value counts.`,
        hint: `Write the entry at ${REFLECTOR_PREFIX[family]}${address} and delete this key.`,
      }),
    );
  return { entry, family, address, declaredName: declaredNameOf(entry, fields, address, warn), fields };
}

function declaredNameOf(
  entry: ReflectorEntry,
  fields: JsonObject,
  address: IpAddress,
  warn: (problem: Problem) => void,
): string | undefined {
  const { name } = fields;
  if (name === undefined || name === null || name === '') return undefined;
  const bad = (message: string): undefined => {
    const hint = 'Write a name without "/", spaces or control characters, or leave it out.';
    warn(problem('warning', entry.key, { code: 'bad-name', message, hint }));
    return undefined;
  };
  if (typeof name !== 'string' || !isReflectorName(name))
    return bad(`${JSON.stringify(name)} can be no name; the reflector goes by its address ${address}.`);
  const named = parseAddress(name);
  // An IPv6 entry may name the IPv4 address that its other half goes by; another's address of its own family
  // would make two reflectors answer to one address.
  if (named !== undefined && named !== address && familyOf(named) === familyOf(address))
    return bad(`The name ${name} is another address than its own; the reflector goes by ${address}.`);
  return named ?? name;
}

/** Names become one part of a key, of a file name and of a BIRD protocol's description. */
export function isReflectorName(name: string): boolean {
  return name.length <= 253 && !/[\s/\p{Cc}]/u.test(name) && name !== '.' && name !== '..' && name !== '';
}
