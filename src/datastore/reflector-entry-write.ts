/**
 * A RouteReflector resource back into its one or two flat keys. A write changes in each stored entry only what
 * differs between the stored reflector and the wanted one; every other field stays as somebody wrote it, the
 * order of fields and the two halves' differences included.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Family, familyOf, type IpAddress, parseAddress } from '../model/address.ts';
import { CalicoRrError } from '../model/errors.ts';
import { isJsonObject } from '../model/json.ts';
import { type Json, type JsonObject, keyOf, type Resource } from '../model/resource.ts';
import { isReflectorName, REFLECTOR_PREFIX, type ReflectorHalf } from './reflector-half.ts';
import {
  isList,
  isSet,
  peersOf,
  SPEC_NAME_OF_FIELD,
  SPEC_NAME_OF_PEER_FIELD,
  specOfHalves,
  textsOf,
} from './reflector-spec.ts';

/** One key to write. */
export interface KeyWrite {
  readonly key: string;
  /** Undefined: delete the key. */
  readonly value: string | undefined;
  /** The revision that the key must still have; undefined: it must not exist. */
  readonly revision: number | undefined;
}

const FIELD_OF_SPEC_NAME = inverted(SPEC_NAME_OF_FIELD);
const PEER_FIELD_OF_SPEC_NAME = inverted(SPEC_NAME_OF_PEER_FIELD);
/** Spec fields that are no fields of an entry under any name. */
const ADDRESSES = new Set(['ipv4', 'ipv6', 'peers']);
const RESERVED = new Set(['ip', 'name', 'labels', 'annotations']);

/**
 * @param resource the reflector as it shall be
 * @param stored the halves that it has now; none for a new one
 * @returns the writes that lead there, none where nothing differs. What is added comes before what is removed, so
 *   that a reflector that moves to another address is never absent.
 * @throws E_INVALID_RESOURCE
 */
export function planReflectorWrite(
  resource: Resource,
  stored: readonly ReflectorHalf[] = [],
): readonly KeyWrite[] {
  checkReflector(resource);
  const puts: KeyWrite[] = [];
  const deletes: KeyWrite[] = [];
  const addresses = ([4, 6] as const).map((family) => [family, addressOf(resource, family)] as const);
  const families = addresses.filter(([, address]) => address !== undefined).map(([family]) => family);
  for (const [family, address] of addresses) {
    const half = stored.find((one) => one.family === family);
    if (half !== undefined && half.address !== address)
      deletes.push({ key: half.entry.key, value: undefined, revision: half.entry.revision });
    if (address === undefined) continue;
    const fields = fieldsOf(resource, stored, half, { family, address, families });
    if (half !== undefined && half.address === address) {
      if (!isDeepStrictEqual(fields, half.fields))
        puts.push({
          key: half.entry.key,
          value: JSON.stringify(fields),
          revision: half.entry.revision,
        });
    } else {
      const key = `${REFLECTOR_PREFIX[family]}${address}`;
      puts.push({ key, value: JSON.stringify(fields), revision: undefined });
    }
  }
  return [...puts, ...deletes];
}

function checkReflector(resource: Resource): void {
  const bad = (message: string, hint: string): CalicoRrError =>
    new CalicoRrError('E_INVALID_RESOURCE', `${keyOf(resource)}: ${message}`, { hint });
  const { name } = resource.metadata;
  if (!isReflectorName(name))
    throw bad('that cannot be its name.', 'Use a name without "/", spaces or control characters.');
  const { ipv4, ipv6 } = resource.spec;
  if (!isSet(ipv4) && !isSet(ipv6))
    throw bad(
      'it has no address.',
      'Set spec.ipv4, spec.ipv6 or both: an entry is stored under its address.',
    );
  for (const field of Object.keys(resource.spec))
    if (RESERVED.has(field))
      throw bad(`spec.${field} cannot be stored.`, 'Its entry keeps the address, the name or labels there.');
  for (const [field, value, family] of [
    ['ipv4', ipv4, 4],
    ['ipv6', ipv6, 6],
  ] as const) {
    if (!isSet(value)) continue;
    const address = typeof value === 'string' ? parseAddress(value) : undefined;
    if (address === undefined || familyOf(address) !== family)
      throw bad(
        `spec.${field} is ${JSON.stringify(value)}, no IPv${family} address.`,
        'Write the address alone, without a length.',
      );
  }
  const named = parseAddress(name);
  if (named !== undefined && addressOf(resource, familyOf(named)) !== named)
    throw bad(
      `its name is an address that is not its own.`,
      'Name it by its own address, or by something that is no address.',
    );
}

function addressOf(resource: Resource, family: Family): IpAddress | undefined {
  const value = family === 4 ? resource.spec.ipv4 : resource.spec.ipv6;
  return typeof value === 'string' ? parseAddress(value) : undefined;
}

interface Place {
  readonly family: Family;
  readonly address: IpAddress;
  /** The families that the reflector will have. */
  readonly families: readonly Family[];
}

function fieldsOf(
  resource: Resource,
  stored: readonly ReflectorHalf[],
  half: ReflectorHalf | undefined,
  place: Place,
): JsonObject {
  const before = half === undefined ? {} : specOfHalves(stored);
  const fields = new Map<string, Json>(Object.entries(half?.fields ?? {}));
  const set = (field: string, value: Json | undefined): void => {
    if (value === undefined) fields.delete(field);
    else fields.set(field, value);
  };
  if (half === undefined || half.address !== place.address) fields.set('ip', place.address);

  for (const name of new Set([...Object.keys(resource.spec), ...Object.keys(before)])) {
    const wanted = resource.spec[name] ?? undefined;
    if (ADDRESSES.has(name) || isDeepStrictEqual(wanted, before[name])) continue;
    const field = FIELD_OF_SPEC_NAME.get(name) ?? name;
    set(field, wanted);
    // The same field under the spec's name, copied there from YAML, would come back to life.
    if (field !== name) fields.delete(name);
  }

  const { name, labels, annotations } = resource.metadata;
  const nameNow = half === undefined ? place.address : (half.declaredName ?? half.address);
  if (name !== nameNow) set('name', name === place.address ? undefined : name);
  for (const [field, wanted] of [
    ['labels', labels],
    ['annotations', annotations],
  ] as const) {
    const is = half === undefined ? undefined : textsOf(stored, field);
    if (!isDeepStrictEqual(wanted ?? {}, is ?? {}))
      set(field, wanted === undefined || Object.keys(wanted).length === 0 ? undefined : wanted);
  }

  const { peers } = resource.spec;
  if (!isDeepStrictEqual(peers ?? [], before.peers ?? [])) set('peers', peersFor(peers, stored, place));
  return Object.fromEntries(fields);
}

/**
 * The peers that belong into one half's entry: those that stood there, and new ones of its family. A peer of a
 * family that the reflector has no entry for stands in the one that there is.
 */
function peersFor(
  peers: Json | undefined,
  stored: readonly ReflectorHalf[],
  place: Place,
): readonly Json[] | undefined {
  if (!isSet(peers)) return undefined;
  const list: readonly Json[] = isList(peers) ? peers : [peers];
  const homes = new Map<string, Family[]>();
  for (const half of stored)
    for (const peer of peersOf(half)) {
      const id = peerId(peer);
      homes.set(id, [...(homes.get(id) ?? []), half.family]);
    }
  const mine = list.filter((peer) => {
    const old = (homes.get(peerId(peer)) ?? []).filter((family) => place.families.includes(family));
    if (old.length > 0) return old.includes(place.family);
    const address = isJsonObject(peer) && typeof peer.ip === 'string' ? parseAddress(peer.ip) : undefined;
    const wanted = address === undefined ? undefined : familyOf(address);
    const home = wanted !== undefined && place.families.includes(wanted) ? wanted : place.families[0];
    return home === place.family;
  });
  if (mine.length === 0) return undefined;
  return mine.map((peer) =>
    isJsonObject(peer)
      ? Object.fromEntries(
          Object.entries(peer).map(([name, value]) => [PEER_FIELD_OF_SPEC_NAME.get(name) ?? name, value]),
        )
      : peer,
  );
}

/** What makes two peers the same one: the address, however it is spelled. */
function peerId(peer: Json): string {
  const ip = isJsonObject(peer) ? peer.ip : undefined;
  return typeof ip === 'string' ? (parseAddress(ip) ?? ip) : JSON.stringify(peer);
}

function inverted(names: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...names].map(([one, other]) => [other, one]));
}
