/** The addresses that the two sides of a BGPPeer stand for: what a change of an entry may concern. */
import type { IpAddress } from '../model/address.ts';
import type { LocalSide, RemoteSide } from '../model/bgp-peer.ts';
import { addressesOf, type Inventory } from './inventory.ts';

/** Addresses of all who are meant by these remote sides. */
export function addressesOfRemotes(
  inventory: Inventory,
  remotes: Iterable<RemoteSide>,
  into: Set<IpAddress>,
): void {
  for (const remote of remotes) {
    switch (remote.type) {
      case 'address':
        into.add(remote.address);
        break;
      case 'selected':
        addNodes(inventory, inventory.selections.foundBy(remote.selector), into);
        break;
      case 'workloads':
        break;
      default:
        remote satisfies never;
    }
  }
}

/** Addresses of all who are meant by these local sides, RouteReflectors among them. */
export function addressesOfLocals(
  inventory: Inventory,
  locals: Iterable<LocalSide>,
  into: Set<IpAddress>,
): void {
  for (const local of locals) {
    switch (local.scope) {
      case 'every':
        addNodes(inventory, inventory.nodes.keys(), into);
        break;
      case 'node':
        addNodes(inventory, [local.node], into);
        break;
      case 'selected':
        addNodes(inventory, inventory.selections.foundBy(local.selector), into);
        for (const name of inventory.reflectorSelections.foundBy(local.selector)) {
          for (const address of addressesOf(inventory.reflectors.get(name))) into.add(address);
        }
        break;
      default:
        local satisfies never;
    }
  }
}

function addNodes(inventory: Inventory, names: Iterable<string>, into: Set<IpAddress>): void {
  for (const name of names) {
    for (const address of addressesOf(inventory.nodes.get(name))) into.add(address);
  }
}
