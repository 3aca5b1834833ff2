/**
 * The sessions of every speaker of the resources, each from its own view, kept current: a change costs what it
 * concerns, also with 100,000 nodes. The node-to-node mesh is left out, since it is the one thing that grows with
 * the square of the nodes; mesh-members.ts says who is in it.
 *
 * A change can be tried: it is worked out, looked at, and taken back.
 */
import type { IpAddress } from '../../model/address.ts';
import type { BgpPeer } from '../../model/bgp-peer.ts';
import type { Problem } from '../../model/problem.ts';
import { addressesOf, type DualStack, type Inventory, type InventoryChange } from '../inventory.ts';
import { createMeshRules, type MeshEra, type MeshRules } from '../mesh-rules.ts';
import { byText } from '../name-order.ts';
import { createNodeRules } from '../node-rules.ts';
import { addressesOfLocals, addressesOfRemotes } from '../peer-addresses.ts';
import { localKeysOf } from '../peer-session.ts';
import { createReflectorRules } from '../reflector-rules.ts';
import type { SessionConfig } from '../speaker-config.ts';
import { deriveFrame, type SpeakerFrame } from '../speaker-frame.ts';

export interface ClusterSpeaker {
  readonly name: string;
  readonly frame: SpeakerFrame;
  /** By the peer's address; none of the mesh. */
  readonly sessions: ReadonlyMap<IpAddress, SessionConfig>;
  readonly problems: ReadonlyMap<IpAddress, readonly Problem[]>;
}

export interface SessionsOfAll {
  /** Every speaker by name and in the order of names, brought up to date; the map is the same object for ever. */
  speakers(): ReadonlyMap<string, ClusterSpeaker>;
  /** Who stands at this address: of two that claim it, the one that the others mean. */
  speakerAt(address: IpAddress): ClusterSpeaker | undefined;
  /** Names of the speakers that have a session with this address, whoever stands there. */
  speakersWithSessionTo(address: IpAddress): Iterable<string>;
  readonly meshRules: MeshRules;
  /** Marks what this change may alter. */
  note(change: InventoryChange): void;
  noteAll(): void;
  /**
   * From here on every speaker that is worked out anew is kept as it was, too.
   * @returns what was replaced since then: by name, as it was; undefined where there was none
   */
  startTrial(): ReadonlyMap<string, ClusterSpeaker | undefined>;
  /** Takes everything back that the trial changed. The inventory must be as it was by then. */
  endTrial(): void;
}

const NO_PROBLEMS: ReadonlyMap<IpAddress, readonly Problem[]> = new Map();
const NO_MESH = { addresses: () => [], candidates: () => [] };

export function createSessionsOfAll(inventory: Inventory, era: MeshEra): SessionsOfAll {
  const meshRules = createMeshRules(inventory, era);
  const ofNode = createNodeRules(inventory, NO_MESH);
  const ofReflector = createReflectorRules(inventory);
  const speakers = new Map<string, ClusterSpeaker>();
  const withSessionTo = new Map<IpAddress, Set<string>>();
  let unordered = false;
  let all = true;
  /** Speakers to work out as a whole. */
  const whole = new Set<string>();
  /** Single sessions to work out: the speaker at the first address, with each of the others. */
  const single = new Map<IpAddress, Set<IpAddress>>();
  /** Addresses with which everybody's session is to be worked out. */
  const targets = new Set<IpAddress>();
  let trial: Map<string, ClusterSpeaker | undefined> | null = null;

  function rulesOf(frame: SpeakerFrame) {
    return frame.standing === 'node' ? ofNode : ofReflector;
  }

  function work(name: string): ClusterSpeaker | undefined {
    const found: ({ name: string } & DualStack) | undefined =
      inventory.reflectors.get(name) ?? inventory.nodes.get(name);
    if (found === undefined) return undefined;
    const identity = { name, ipv4: found.ipv4, ipv6: found.ipv6, listenPort: null };
    const frame = deriveFrame(identity, inventory);
    // A Node at a RouteReflector's address: the one process there is the reflector.
    if (frame.standing === 'entry' && !inventory.reflectors.has(name)) return undefined;
    const rules = rulesOf(frame);
    const sessions = new Map<IpAddress, SessionConfig>();
    let problems: Map<IpAddress, readonly Problem[]> | undefined;
    for (const address of rules.addresses(frame)) {
      const slot = rules.slot(frame, address);
      if (slot.session !== undefined) sessions.set(address, slot.session);
      if (slot.problems.length === 0) continue;
      problems ??= new Map();
      problems.set(address, slot.problems);
    }
    return { name, frame, sessions, problems: problems ?? NO_PROBLEMS };
  }

  function replace(name: string, after: ClusterSpeaker | undefined): void {
    const before = speakers.get(name);
    if (trial !== null && !trial.has(name)) trial.set(name, before);
    for (const address of before?.sessions.keys() ?? []) {
      if (after?.sessions.has(address)) continue;
      const names = withSessionTo.get(address);
      names?.delete(name);
      if (names?.size === 0) withSessionTo.delete(address);
    }
    for (const address of after?.sessions.keys() ?? []) {
      if (before?.sessions.has(address)) continue;
      const names = withSessionTo.get(address);
      if (names === undefined) withSessionTo.set(address, new Set([name]));
      else names.add(name);
    }
    if (after === undefined) speakers.delete(name);
    else speakers.set(name, after);
    if (before === undefined && after !== undefined) unordered = true;
  }

  /** What is told of speakers must not depend on who of them came first. */
  function bringIntoOrder(): void {
    if (!unordered) return;
    const sorted = [...speakers].sort(([one], [other]) => byText(one, other));
    speakers.clear();
    for (const [name, speaker] of sorted) speakers.set(name, speaker);
    unordered = false;
  }

  /** One speaker's sessions with a few addresses, the others left as they are. */
  function rework(speaker: ClusterSpeaker, addresses: Iterable<IpAddress>): void {
    const rules = rulesOf(speaker.frame);
    const sessions = new Map(speaker.sessions);
    const problems = new Map(speaker.problems);
    for (const address of addresses) {
      const slot = rules.slot(speaker.frame, address);
      if (slot.session === undefined) sessions.delete(address);
      else sessions.set(address, slot.session);
      if (slot.problems.length === 0) problems.delete(address);
      else problems.set(address, slot.problems);
    }
    replace(speaker.name, { ...speaker, sessions, problems: problems.size === 0 ? NO_PROBLEMS : problems });
  }

  function nameAt(address: IpAddress): string | undefined {
    return (inventory.reflectorsAt(address)[0] ?? inventory.nodesAt(address)[0])?.name;
  }

  /** A speaker itself changed: it as a whole, and everybody's session with it. */
  function noteSpeaker(name: string, sides: readonly (DualStack | undefined)[]): void {
    whole.add(name);
    for (const address of sides.flatMap(addressesOf)) {
      targets.add(address);
      for (const one of inventory.nodesAt(address)) whole.add(one.name);
      for (const one of inventory.reflectorsAt(address)) whole.add(one.name);
    }
  }

  function notePeer({ local, remote }: BgpPeer): void {
    const locals = new Set<IpAddress>();
    const remotes = new Set<IpAddress>();
    addressesOfLocals(inventory, [local], locals);
    addressesOfRemotes(inventory, [remote], remotes);
    for (const address of locals) addAll(single, address, remotes);
    for (const address of remotes) addAll(single, address, locals);
  }

  /**
   * Whoever may have a session with this one now; who had one is marked already. A Node in whose place a
   * RouteReflector speaks is no speaker, but others may have been told to peer with it.
   */
  function notePeersOf(name: string, speaker: ClusterSpeaker | undefined): void {
    const peers = new Set<IpAddress>();
    const node = inventory.nodes.get(name);
    if (speaker !== undefined) {
      for (const address of rulesOf(speaker.frame).addresses(speaker.frame)) peers.add(address);
    } else if (node !== undefined) {
      const local = localKeysOf(inventory, name);
      addressesOfRemotes(inventory, inventory.peers.remotesOf(local), peers);
      const here = { addresses: addressesOf(node), selectors: local.selectors };
      addressesOfLocals(inventory, inventory.peers.localsOf(here), peers);
    }
    const own = new Set([...addressesOf(node), ...addressesOf(inventory.reflectors.get(name))]);
    for (const address of peers) addAll(single, address, own);
    for (const address of own) {
      for (const reflector of inventory.reflectorsNaming(address)) {
        for (const its of addressesOf(reflector)) addAll(single, its, [address]);
      }
    }
  }

  function refresh(): void {
    if (all) {
      for (const name of speakers.keys()) whole.add(name);
      for (const name of inventory.reflectors.keys()) whole.add(name);
      for (const name of inventory.nodes.keys()) whole.add(name);
    }
    if (whole.size + single.size + targets.size === 0) return;
    for (const address of targets) {
      for (const name of withSessionTo.get(address) ?? []) {
        for (const own of addressesOf(speakers.get(name)?.frame.settings)) addAll(single, own, [address]);
      }
    }
    for (const name of whole) {
      const after = work(name);
      replace(name, after);
      if (!all) notePeersOf(name, after);
    }
    if (!all) {
      for (const [address, peers] of single) {
        // Of two that claim one address each has its sessions, though the others mean the first.
        for (const { name } of [...inventory.reflectorsAt(address), ...inventory.nodesAt(address)]) {
          const speaker = whole.has(name) ? undefined : speakers.get(name);
          if (speaker !== undefined) rework(speaker, peers);
        }
      }
    }
    all = false;
    whole.clear();
    single.clear();
    targets.clear();
  }

  function note(change: InventoryChange): void {
    if (all) return;
    switch (change.kind) {
      case 'Node':
      case 'RouteReflector':
        for (const side of [change.before, change.after]) {
          if (side !== undefined) noteSpeaker(side.name, [change.before, change.after]);
        }
        return;
      case 'BGPPeer':
        for (const peer of [change.before, change.after]) if (peer !== undefined) notePeer(peer);
        return;
      case 'BGPConfiguration': {
        const name = (change.after ?? change.before)?.name ?? '';
        if (name === 'default') noteAll();
        if (!name.startsWith('node.')) return;
        const speaker = name.slice('node.'.length);
        noteSpeaker(speaker, [inventory.nodes.get(speaker), inventory.reflectors.get(speaker)]);
        return;
      }
      case 'BGPFilter':
      case 'IPPool':
      case 'BlockAffinity':
      case 'CustomFilter':
        return;
      default:
        change satisfies never;
    }
  }

  function noteAll(): void {
    all = true;
  }

  return {
    speakers() {
      refresh();
      bringIntoOrder();
      return speakers;
    },
    speakerAt(address) {
      const name = nameAt(address);
      const speaker = name === undefined ? undefined : speakers.get(name);
      if (speaker === undefined) return undefined;
      const { ipv4, ipv6 } = speaker.frame.settings;
      return ipv4 === address || ipv6 === address ? speaker : undefined;
    },
    speakersWithSessionTo: (address) => withSessionTo.get(address) ?? [],
    meshRules,
    note,
    noteAll,
    startTrial() {
      refresh();
      trial = new Map();
      return trial;
    },
    endTrial() {
      const replaced = trial ?? new Map<string, ClusterSpeaker | undefined>();
      trial = null;
      for (const [name, before] of replaced) replace(name, before);
      all = false;
      whole.clear();
      single.clear();
      targets.clear();
    },
  };
}

function addAll(sets: Map<IpAddress, Set<IpAddress>>, key: IpAddress, values: Iterable<IpAddress>): void {
  const set = sets.get(key) ?? new Set<IpAddress>();
  sets.set(key, set);
  for (const value of values) set.add(value);
}
