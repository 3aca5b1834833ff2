/** The cluster at one moment: both families' networks, and who does not learn whose routes. */
import type { Family } from '../../model/address.ts';
import type { Inventory } from '../inventory.ts';
import { type FamilyNetwork, familyNetwork } from './family-network.ts';
import { meshMembers } from './mesh-members.ts';
import { type FamilyPairs, unlearnedPairs } from './pairs.ts';
import type { SessionsOfAll } from './sessions-of-all.ts';

export const FAMILIES: readonly Family[] = [4, 6];

/** One family of it. */
export interface FamilyView extends FamilyNetwork {
  readonly pairs: FamilyPairs;
  /** Place in `network.speakers` of each node, by name. */
  readonly nodes: ReadonlyMap<string, number>;
}

export interface ClusterView {
  readonly families: readonly FamilyView[];
}

export function viewCluster(inventory: Inventory, all: SessionsOfAll): ClusterView {
  const families = FAMILIES.map((family): FamilyView => {
    const found = familyNetwork(inventory, all, family, meshMembers(inventory, all, family));
    const nodes = new Map<string, number>();
    for (const [index, speaker] of found.network.speakers.entries()) {
      if (speaker.isNode) nodes.set(speaker.name, index);
    }
    return { ...found, nodes, pairs: unlearnedPairs(found) };
  });
  return { families };
}
