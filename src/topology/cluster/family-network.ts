/**
 * The sessions of one family that come up, as the network that reachability is worked out from. A session is in it
 * where both ends have it and agree; what stands outside of all resources is kept apart.
 */
import { type Family, type IpAddress, overlap, type Prefix } from '../../model/address.ts';
import type { Inventory } from '../inventory.ts';
import { addMesh, type MeshMember } from '../reachability/mesh.ts';
import type { End, Network, NetworkSpeaker, OutsideEnd } from '../reachability/network.ts';
import type { SessionConfig } from '../speaker-config.ts';
import { ownAddress } from '../speaker-frame.ts';
import { disagreementOf } from './agreement.ts';
import type { MeshMembers } from './mesh-members.ts';
import type { ClusterSpeaker, SessionsOfAll } from './sessions-of-all.ts';

export interface FamilyNetwork {
  readonly family: Family;
  readonly network: Network;
  /** By index of the network's speakers. */
  readonly speakers: readonly ClusterSpeaker[];
  /** How many reflectors each speaker has a session with, mesh sessions not counted; by the same index. */
  readonly reflectors: readonly number[];
  readonly mesh: MeshMembers;
}

export function familyNetwork(
  inventory: Inventory,
  all: SessionsOfAll,
  family: Family,
  mesh: MeshMembers,
): FamilyNetwork {
  const speakers: ClusterSpeaker[] = [];
  const indices = new Map<ClusterSpeaker, number>();
  for (const speaker of all.speakers().values()) {
    if (ownAddress(speaker.frame, family) === null) continue;
    indices.set(speaker, speakers.length);
    speakers.push(speaker);
  }
  const rank = ranking(speakers, family);
  const passes = policyOf(inventory, family);
  const reflectors: number[] = [];
  const unmeshed = new Map<number, Set<number>>();
  const found = speakers.map((speaker, index): NetworkSpeaker => {
    const own = ownAddress(speaker.frame, family);
    const ends: End[] = [];
    const outside: OutsideEnd[] = [];
    let reflectorCount = 0;
    for (const [address, session] of speaker.sessions) {
      if (session.family !== family || own === null) continue;
      const other = all.speakerAt(address);
      const peer = other === undefined ? undefined : indices.get(other);
      if (other === undefined || peer === undefined) {
        outside.push({ ...endSettings(speaker, session, passes), address });
        continue;
      }
      if (mesh.members.has(speaker.name) && mesh.members.has(other.name)) {
        addTo(unmeshed, index, peer);
        addTo(unmeshed, peer, index);
      }
      const counterpart = other.sessions.get(own);
      if (counterpart === undefined || all.speakerAt(own) !== speaker) continue;
      if (disagreementOf({ speaker, session }, { speaker: other, session: counterpart }) !== null) continue;
      if (other.frame.settings.role === 'reflector') reflectorCount++;
      ends.push({
        ...endSettings(speaker, session, passes),
        peer,
        allowLocalAs: session.allowLocalAs,
        rank: rank(address),
      });
    }
    reflectors.push(reflectorCount);
    return {
      name: speaker.name,
      isNode: speaker.frame.settings.forwards,
      routerId: numberOf(speaker.frame.settings.routerId),
      ends,
      outside,
      mesh: null,
      unmeshed: [],
    };
  });
  const members: MeshMember[] = [];
  for (const [index, { name }] of found.entries()) {
    const member = mesh.members.get(name);
    if (member === undefined) continue;
    members.push({ speaker: index, asNumber: member.asNumber, rank: rank(member.address) });
  }
  return { family, network: addMesh(found, members, unmeshed), speakers, reflectors, mesh };
}

type Passes = (policy: SessionConfig['importPolicy' | 'exportPolicy'], listed: readonly Prefix[]) => boolean;

function endSettings({ frame }: ClusterSpeaker, session: SessionConfig, passes: Passes) {
  return {
    localAs: session.localAs,
    peerAs: session.peerAs,
    client: session.client,
    clusterId: session.client ? numberOf(session.clusterId ?? frame.settings.routerId) : null,
    imports: passes(session.importPolicy, session.importFilters),
    exports: passes(session.exportPolicy, session.exportFilters),
  };
}

/**
 * Whether a session lets nodes' routes through: where it lists prefixes, those that have something in common with
 * an IP pool of the family. What a BGPFilter does to single routes is not asked.
 */
function policyOf(inventory: Inventory, family: Family): Passes {
  const isOfFamily = (prefix: Prefix) => (prefix.includes(':') ? 6 : 4) === family;
  const pools = [...inventory.pools.values()]
    .filter((pool) => !pool.disabled && isOfFamily(pool.cidr))
    .map((pool) => pool.cidr);
  return (policy, listed) => {
    if (policy !== 'listed') return true;
    const own = listed.filter(isOfFamily);
    return pools.length === 0 ? own.length > 0 : own.some((one) => pools.some((pool) => overlap(one, pool)));
  };
}

function addTo(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

/** `1.0.0.1` as a number. */
function numberOf(dotted: string): number {
  return dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The order of addresses as numbers. */
function ranking(speakers: readonly ClusterSpeaker[], family: Family): (address: IpAddress) => number {
  if (family === 4) return numberOf;
  const addresses = speakers.flatMap(({ frame }) => ownAddress(frame, 6) ?? []);
  const places = new Map(
    addresses
      .map((address) => ({ address, key: longForm(address) }))
      .sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
      .map(({ address }, place) => [address, place]),
  );
  return (address) => places.get(address) ?? -1;
}

/** Every group with four digits, so that texts sort as the addresses do. */
function longForm(address: IpAddress): string {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(':');
}
