/**
 * Faults that no resource has by itself but that two have together: a peer entry for a node that does not exist,
 * two nodes at one address. Only what changed is checked again, and only when somebody asks.
 */
import { familyOf, type IpAddress } from '../model/address.ts';
import type { BgpPeer } from '../model/bgp-peer.ts';
import type { Problem } from '../model/problem.ts';
import { isSelector, parseSelector } from '../model/selector/selector.ts';
import { addressesOf, addressOf, type Inventory, type InventoryChange } from './inventory.ts';

export interface ResourceChecks {
  note(change: InventoryChange): void;
  /** Forgets everything; all is checked when next asked. */
  noteAll(): void;
  /** Unsorted. */
  problems(): Iterable<Problem>;
}

export function createResourceChecks(inventory: Inventory): ResourceChecks {
  const ofNode = new Map<string, readonly Problem[]>();
  const ofAddress = new Map<IpAddress, readonly Problem[]>();
  const nodes = new Set<string>();
  const addresses = new Set<IpAddress>();
  let all = true;

  function note(change: InventoryChange): void {
    if (all) return;
    const sides = [change.before, change.after];
    for (const side of sides) {
      if (side === undefined) continue;
      if (change.kind === 'Node') nodes.add(side.name);
      if ('peers' in side || change.kind === 'Node') {
        if ('ipv4' in side) for (const address of addressesOf(side)) addresses.add(address);
      }
      if ('local' in side && side.local.scope === 'node') nodes.add(side.local.node);
    }
  }

  function refresh(): void {
    if (all) {
      ofNode.clear();
      ofAddress.clear();
      for (const name of inventory.peers.namedNodes()) nodes.add(name);
      for (const speakers of [inventory.nodes, inventory.reflectors]) {
        for (const one of speakers.values()) for (const address of addressesOf(one)) addresses.add(address);
      }
      all = false;
    }
    for (const name of nodes) setOrDelete(ofNode, name, checkNode(inventory, name));
    for (const address of addresses) setOrDelete(ofAddress, address, checkAddress(inventory, address));
    nodes.clear();
    addresses.clear();
  }

  return {
    note,
    noteAll() {
      all = true;
      nodes.clear();
      addresses.clear();
    },
    *problems() {
      refresh();
      for (const problems of ofNode.values()) yield* problems;
      for (const problems of ofAddress.values()) yield* problems;
      for (const peer of inventory.peers.selecting()) yield* emptySelectors(inventory, peer);
      for (const peer of inventory.peers.filtering()) yield* missingFilters(inventory, peer);
    },
  };
}

function setOrDelete<Key>(map: Map<Key, readonly Problem[]>, key: Key, problems: readonly Problem[]): void {
  if (problems.length > 0) map.set(key, problems);
  else map.delete(key);
}

function checkNode(inventory: Inventory, name: string): readonly Problem[] {
  return inventory.peers.naming(name).flatMap((peer) => checkPeer(inventory, name, peer));
}

function checkPeer(inventory: Inventory, name: string, peer: BgpPeer): readonly Problem[] {
  const subject = `BGPPeer/${peer.name}`;
  const node = inventory.nodes.get(name);
  if (node === undefined) {
    const message = `It is for node ${name}, which does not exist.`;
    const hint = 'Check the name: a node may have registered its short name and the peer its long one.';
    return [{ code: 'no-such-node', severity: 'warning', subject, message, hint }];
  }
  if (peer.remote.type !== 'address') return [];
  const family = familyOf(peer.remote.address);
  const own = addressOf(node, family);
  if (own === null) {
    const message = `It needs an IPv${family} address of node ${name}, which has none, so it makes no session.`;
    const hint = `Set spec.bgp.ipv${family}Address of Node/${name}, or delete the peer.`;
    return [{ code: 'no-address', severity: 'warning', subject, message, hint }];
  }
  if (own === peer.remote.address) {
    const message = `It names ${own}, which is node ${name} itself, so it makes no session.`;
    return [{ code: 'self-peer', severity: 'error', subject, message, hint: 'Name another address.' }];
  }
  return [];
}

function checkAddress(inventory: Inventory, address: IpAddress): readonly Problem[] {
  const kinds = [
    ['Node', inventory.nodesAt(address)],
    ['RouteReflector', inventory.reflectorsAt(address)],
  ] as const;
  return kinds.flatMap(([kind, [first, ...others]]) =>
    others.map((other) => ({
      code: 'duplicate' as const,
      severity: 'warning' as const,
      subject: `${kind}/${other.name}`,
      message: `It has the address ${address} as ${kind}/${first?.name} does, which counts.`,
      hint: 'Correct the wrong one, or delete it if its machine is gone.',
    })),
  );
}

/** A selector that finds nobody makes no session and no error: said loudly, since it may have been a label that was renamed. */
function emptySelectors(inventory: Inventory, peer: BgpPeer): readonly Problem[] {
  const { local, remote } = peer;
  const problems: Problem[] = [];
  if (local.scope === 'selected' && isEmpty(inventory, local.selector)) {
    problems.push(emptySelector(peer, 'nodeSelector', local.selector, 'See the labels of your nodes.'));
  }
  if (remote.type === 'selected' && inventory.selections.foundBy(remote.selector).size === 0) {
    const meant = onlyReflectors(inventory, remote.selector);
    problems.push(
      emptySelector(
        peer,
        'peerSelector',
        remote.selector,
        meant === undefined
          ? 'See the labels of your nodes: the one that reflectors carry may have been renamed or its value unquoted.'
          : `RouteReflector/${meant} has such labels, but Calico's nodes do not know it: name its address by spec.peerIP instead.`,
      ),
    );
  }
  return problems;
}

function isEmpty(inventory: Inventory, selector: string): boolean {
  return (
    inventory.selections.foundBy(selector).size === 0 &&
    inventory.reflectorSelections.foundBy(selector).size === 0
  );
}

/** The first RouteReflector that a peerSelector would find if it could find any. */
function onlyReflectors(inventory: Inventory, text: string): string | undefined {
  const selector = parseSelector(text);
  if (!isSelector(selector)) return undefined;
  const names = [...inventory.reflectors.values()].filter(({ labels }) => selector.means(labels));
  return names.map(({ name }) => name).sort()[0];
}

function emptySelector(peer: BgpPeer, field: string, selector: string, hint: string): Problem {
  return {
    code: 'empty-selector',
    severity: 'warning',
    subject: `BGPPeer/${peer.name}`,
    message: `Its ${field} ${JSON.stringify(selector)} finds nothing, so it makes no session.`,
    hint,
  };
}

function missingFilters(inventory: Inventory, peer: BgpPeer): readonly Problem[] {
  return peer.filters
    .filter((name) => !inventory.filters.has(name))
    .map((name) => ({
      code: 'no-such-filter' as const,
      severity: 'warning' as const,
      subject: `BGPPeer/${peer.name}`,
      message: `It names BGPFilter/${name}, which does not exist or cannot be read, and is skipped.`,
      hint: 'Create it, or take its name out of spec.filters.',
    }));
}
