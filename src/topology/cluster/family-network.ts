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
  const ranks = ranking(speakers, family);
  const passes = policyOf(inventory, family);
  /** Who is meant by each address; of two that claim one, the other is nobody's peer. */
  const at = new Map<IpAddress, number>();
  for (const [index, speaker] of speakers.entries()) {
    const own = ownAddress(speaker.frame, family);
    if (own !== null && all.speakerAt(own) === speaker) at.set(own, index);
  }
  const reflectors: number[] = [];
  const unmeshed = new Map<number, Set<number>>();
  const found = speakers.map((speaker, index): NetworkSpeaker => {
    const own = ownAddress(speaker.frame, family);
    const isMeant = own !== null && at.get(own) === index;
    const ends: End[] = [];
    const outside: OutsideEnd[] = [];
    let reflectorCount = 0;
    for (const [address, session] of speaker.sessions) {
      if (session.family !== family || own === null) continue;
      const peer = at.get(address);
      const other = peer === undefined ? undefined : speakers[peer];
      if (other === undefined || peer === undefined) {
        outside.push(outsideEnd(speaker, session, passes));
        continue;
      }
      if (mesh.members.size > 0 && mesh.members.has(speaker.name) && mesh.members.has(other.name)) {
        addTo(unmeshed, index, peer);
        addTo(unmeshed, peer, index);
      }
      const counterpart = other.sessions.get(own);
      if (counterpart === undefined || !isMeant) continue;
      if (disagreementOf({ speaker, session }, { speaker: other, session: counterpart }) !== null) continue;
      if (other.frame.settings.role === 'reflector') reflectorCount++;
      ends.push({
        peer,
        localAs: session.localAs,
        peerAs: session.peerAs,
        client: session.client,
        clusterId: clusterIdOf(speaker, session),
        allowLocalAs: session.allowLocalAs,
        imports: passes(session.importPolicy, session.importFilters),
        exports: passes(session.exportPolicy, session.exportFilters),
        rank: ranks[peer] ?? 0,
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
    members.push({ speaker: index, asNumber: member.asNumber, rank: ranks[index] ?? 0 });
  }
  return { family, network: addMesh(found, members, unmeshed), speakers, reflectors, mesh };
}

type Passes = (policy: SessionConfig['importPolicy' | 'exportPolicy'], listed: readonly Prefix[]) => boolean;

function outsideEnd(speaker: ClusterSpeaker, session: SessionConfig, passes: Passes): OutsideEnd {
  return {
    localAs: session.localAs,
    peerAs: session.peerAs,
    client: session.client,
    clusterId: clusterIdOf(speaker, session),
    imports: passes(session.importPolicy, session.importFilters),
    exports: passes(session.exportPolicy, session.exportFilters),
    address: session.peerAddress,
  };
}

/** Where no cluster ID is set it is the router ID. */
function clusterIdOf({ frame }: ClusterSpeaker, { client, clusterId }: SessionConfig): number | null {
  return client ? numberOf(clusterId ?? frame.settings.routerId) : null;
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
  let sum = 0;
  let part = 0;
  for (let at = 0; at < dotted.length; at++) {
    const code = dotted.charCodeAt(at);
    if (code === DOT) {
      sum = (sum + part) * 256;
      part = 0;
    } else part = part * 10 + code - ZERO;
  }
  return sum + part;
}

const DOT = 46;
const ZERO = 48;

/** The place of each speaker's address in the order of addresses as numbers. */
function ranking(speakers: readonly ClusterSpeaker[], family: Family): readonly number[] {
  const addresses = speakers.map(({ frame }) => ownAddress(frame, family) ?? '');
  if (family === 4) return addresses.map(numberOf);
  const keys = addresses.map(longForm);
  const places = new Map([...keys].sort().map((key, place) => [key, place]));
  return keys.map((key) => places.get(key) ?? 0);
}

/** Every group with four digits, so that texts sort as the addresses do. */
function longForm(address: string): string {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(':');
}
