/**
 * All reflector entries of an etcd as RouteReflector resources: which halves belong together, and what happens
 * when two claim one name or one address. What an entry looks like is told in reflector-half.ts.
 *
 * Reflectors are few beside nodes, so all entries are always read together: names decide which belong together.
 */
import type { IpAddress } from '../model/address.ts';
import type { Broken, Listing } from '../model/change.ts';
import type { Problem } from '../model/problem.ts';
import { REFLECTOR_API_VERSION, type Resource } from '../model/resource.ts';
import {
  type Fault,
  nameOfKey,
  problem,
  type ReflectorEntry,
  type ReflectorHalf,
  readReflectorEntry,
} from './reflector-half.ts';
import { isSet, specOfHalves, textsOf } from './reflector-spec.ts';
import { versionOfKeys } from './resource-version.ts';

export type { ReflectorEntry, ReflectorHalf } from './reflector-half.ts';

export interface ReflectorListing extends Listing {
  /** The entries behind each name, of resources and of broken ones. */
  readonly entries: ReadonlyMap<string, readonly ReflectorEntry[]>;
  /** The halves behind each resource. */
  readonly halves: ReadonlyMap<string, readonly ReflectorHalf[]>;
}

/**
 * All reflectors of all entries, sorted by name.
 * @param entries every key below the two prefixes
 * @param knownNames the name that each key had while it was whole. A reflector of which one key turned unreadable
 *   is then broken as a whole and under its own name, so that whoever acts on it can keep its last good meaning;
 *   without it a broken entry is named by its key's address and takes nothing but itself away.
 */
export function joinReflectorEntries(
  entries: readonly ReflectorEntry[],
  knownNames: ReadonlyMap<string, string> = new Map(),
): ReflectorListing {
  const broken: Broken[] = [];
  const warnings: Problem[] = [];
  const entriesOf = new Map<string, ReflectorEntry[]>();
  const note = (name: string, entry: ReflectorEntry): void => {
    entriesOf.set(name, [...(entriesOf.get(name) ?? []), entry]);
  };
  const setAside = (entry: ReflectorEntry, fault: Fault): void => {
    const name = knownNames.get(entry.key) ?? nameOfKey(entry.key);
    note(name, entry);
    if (broken.some((other) => other.name === name)) return;
    broken.push({ kind: 'RouteReflector', name, problem: problem('error', entry.key, fault) });
  };

  const halves: ReflectorHalf[] = [];
  for (const entry of entries) {
    const half = readReflectorEntry(entry, (warning) => warnings.push(warning));
    if ('code' in half) setAside(entry, half);
    else halves.push(half);
  }
  halves.sort(byPrecedence);

  const addresses = new Map<IpAddress, ReflectorHalf>();
  const groups = new Map<string, { 4?: ReflectorHalf; 6?: ReflectorHalf }>();
  for (const half of halves) {
    const first = addresses.get(half.address);
    if (first !== undefined) {
      setAside(half.entry, {
        code: 'duplicate',
        message: `${half.address} is already the address of the reflector at ${first.entry.key}, which counts.`,
        hint: 'Delete one of the two keys.',
      });
      continue;
    }
    addresses.set(half.address, half);
    let name = half.declaredName ?? half.address;
    const namesake = groups.get(name)?.[half.family];
    if (namesake !== undefined) {
      warnings.push(
        problem('warning', half.entry.key, {
          code: 'duplicate',
          message: `The name ${name} belongs to ${namesake.entry.key}; this reflector goes by its address ${half.address}.`,
          hint: 'Give each reflector a name of its own; only the IPv4 and the IPv6 entry of one reflector share one.',
        }),
      );
      name = half.address;
    }
    const group = groups.get(name) ?? {};
    group[half.family] = half;
    groups.set(name, group);
  }

  const resources: Resource[] = [];
  const halvesOf = new Map<string, readonly ReflectorHalf[]>();
  for (const [name, group] of groups) {
    const members = [group[4], group[6]].filter((half) => half !== undefined);
    for (const half of members) note(name, half.entry);
    if (broken.some((other) => other.name === name)) continue;
    halvesOf.set(name, members);
    resources.push(resourceOf(name, members));
    warnings.push(...differences(name, members));
  }
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  resources.sort((a, b) => byName(a.metadata.name, b.metadata.name));
  broken.sort((a, b) => byName(a.name, b.name));
  return { resources, broken, warnings, entries: entriesOf, halves: halvesOf };
}

/** Which of two that claim one address or one name keeps it: the one under its own key, then by key. */
function byPrecedence(a: ReflectorHalf, b: ReflectorHalf): number {
  const rank = (half: ReflectorHalf): string =>
    [
      half.family,
      half.declaredName === undefined ? 0 : 1,
      nameOfKey(half.entry.key) === half.address ? 0 : 1,
      half.entry.key,
    ].join(' ');
  const [first, second] = [rank(a), rank(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function resourceOf(name: string, halves: readonly ReflectorHalf[]): Resource {
  const labels = textsOf(halves, 'labels');
  const annotations = textsOf(halves, 'annotations');
  return {
    apiVersion: REFLECTOR_API_VERSION,
    kind: 'RouteReflector',
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      resourceVersion: versionOfKeys(halves.map((half) => half.entry.revision)),
    },
    spec: specOfHalves(halves),
  };
}

/** Both halves speak of one process, which has one cluster ID, one AS and one group. */
function differences(name: string, halves: readonly ReflectorHalf[]): Problem[] {
  const [four, six] = halves;
  if (four === undefined || six === undefined) return [];
  const found: Problem[] = [];
  for (const field of ['cluster_id', 'as_num', 'group']) {
    const values = halves
      .map((half) => half.fields[field])
      .map((value) => (isSet(value) ? value : undefined));
    if (values[0] === values[1] || String(values[0]) === String(values[1])) continue;
    const used = values[0] === undefined ? six : four;
    const says = values.map((value) => (value === undefined ? 'none' : JSON.stringify(value)));
    found.push(
      problem('warning', `RouteReflector/${name}`, {
        code: 'conflict',
        message: `${field} is ${says[0]} at ${four.entry.key} and ${says[1]} at ${six.entry.key}; that of ${used.entry.key} is used for both.`,
        hint: `Write the same ${field} in both entries.`,
      }),
    );
  }
  return found;
}
