/** Which reflectors a node is configured to peer with: what redundancy is counted by. */
import { type Family, familyOf, type IpAddress } from '../model/address.ts';
import type { Node } from '../model/node.ts';
import { addressesOf, addressOf, type Inventory } from './inventory.ts';
import { localKeysOf, peersBack } from './peer-session.ts';
import type { TrackedView } from './speaker-view.ts';

const FAMILIES: readonly Family[] = [4, 6];

/** @returns names, sorted; none where the node does not exist */
export function reflectorsOf(
  inventory: Inventory,
  views: Iterable<TrackedView>,
  nodeName: string,
  family: Family | undefined,
): readonly string[] {
  const node = inventory.nodes.get(nodeName);
  if (node === undefined) return [];
  const own = addressesOf(node);
  const asked = new Map<IpAddress, string>();
  for (const view of views) {
    const { standing, settings, entries } = view.frame();
    if (standing === 'node') continue;
    // The process knows that two halves without a name are one reflector: itself.
    const name = entries[4]?.name ?? settings.speaker;
    for (const address of addressesOf(settings)) asked.set(address, name);
  }
  const local = localKeysOf(inventory, nodeName);
  const families = family === undefined ? FAMILIES : [family];
  const reflectors = new Set<string>();
  for (const remote of inventory.peers.remotesOf(local)) {
    if (remote.type !== 'address') continue;
    const { address } = remote;
    const of = familyOf(address);
    if (!families.includes(of) || addressOf(node, of) === null || own.includes(address)) continue;
    const name = asked.get(address) ?? inventory.reflectorsAt(address)[0]?.name;
    if (name !== undefined) reflectors.add(name);
  }
  for (const name of reflectingNodesNear(inventory, node)) {
    const other = inventory.nodes.get(name);
    if (other !== undefined && other !== node && arePeers(inventory, node, other, families))
      reflectors.add(name);
  }
  return [...reflectors].sort();
}

/** Nodes that reflect and that some entry may join with this one; a few where entries select by rack or zone. */
function reflectingNodesNear(inventory: Inventory, node: Node): ReadonlySet<string> {
  const { peers, selections, reflectorNodes } = inventory;
  const near = new Set<string>();
  if (reflectorNodes.size === 0) return near;
  const addFound = (selector: string): void => {
    const found = selections.foundBy(selector);
    for (const name of reflectorNodes) if (found.has(name)) near.add(name);
  };
  for (const remote of peers.remotesOf(localKeysOf(inventory, node.name))) {
    if (remote.type === 'selected') addFound(remote.selector);
    if (remote.type === 'address') for (const { name } of inventory.nodesAt(remote.address)) near.add(name);
  }
  for (const local of peers.localsOf(remoteKeysOf(inventory, node, FAMILIES))) {
    if (local.scope === 'every') return reflectorNodes;
    if (local.scope === 'node') near.add(local.node);
    else addFound(local.selector);
  }
  return new Set([...near].filter((name) => reflectorNodes.has(name)));
}

/** True where an entry makes a session between these two nodes, whichever of them it is for. */
function arePeers(inventory: Inventory, node: Node, other: Node, families: readonly Family[]): boolean {
  const shared = families.filter(
    (family) => addressOf(node, family) !== null && addressOf(other, family) !== null,
  );
  if (shared.length === 0) return false;
  return (
    inventory.peers.between(localKeysOf(inventory, node.name), remoteKeysOf(inventory, other, shared))
      .length > 0 ||
    inventory.peers
      .between(localKeysOf(inventory, other.name), remoteKeysOf(inventory, node, shared))
      .some((peer) => peersBack(inventory, peer, node))
  );
}

function remoteKeysOf(inventory: Inventory, node: Node, families: readonly Family[]) {
  return {
    addresses: families.map((family) => addressOf(node, family)).filter((address) => address !== null),
    selectors: inventory.selections.selectorsOf(node.name),
  };
}
