/**
 * Which node may announce which addresses, as Calico's IPAM has it: a block is announced by the node that has its
 * affinity, and nothing is announced that lies outside of all IP pools and service ranges. What IPAM does not know
 * (another IPAM, a block without an affinity) is nobody's, and anybody may announce it.
 */
import { familyOf, overlap, type Prefix, parsePrefix } from '../model/address.ts';
import type { BlockAffinity } from '../model/block-affinity.ts';
import type { Inventory, InventoryChange } from './inventory.ts';
import { allServiceRanges } from './service-routes.ts';

export interface Origins {
  /**
   * Why this node may not announce this prefix, as the end of a sentence; null: it may, or it is no node that announces
   * only its own (one that reflects passes on what others say).
   */
  faultOf(node: string, prefix: Prefix): string | null;
  /** The prefixes of which faults may be others than when this was last asked. */
  takeChanged(): readonly Prefix[] | 'all';
}

export interface TrackedOrigins extends Origins {
  note(change: InventoryChange): void;
  noteAll(): void;
}

export function createOrigins(inventory: Inventory): TrackedOrigins {
  /** By CIDR; made when it is first needed. */
  let blocks: Map<Prefix, BlockAffinity[]> | undefined;
  /** How many blocks there are of each prefix length, by family. */
  const lengths = { 4: new Map<number, number>(), 6: new Map<number, number>() };
  let changed: Set<Prefix> | 'all' = 'all';

  function countLength(cidr: Prefix, by: 1 | -1): void {
    const counts = lengths[familyOf(cidr)];
    const length = lengthOf(cidr);
    counts.set(length, (counts.get(length) ?? 0) + by);
    if (counts.get(length) === 0) counts.delete(length);
  }

  function add(index: Map<Prefix, BlockAffinity[]>, block: BlockAffinity): void {
    const known = index.get(block.cidr);
    if (known === undefined) {
      index.set(block.cidr, [block]);
      countLength(block.cidr, 1);
    } else known.push(block);
  }

  function remove(index: Map<Prefix, BlockAffinity[]>, block: BlockAffinity): void {
    const rest = (index.get(block.cidr) ?? []).filter(({ name }) => name !== block.name);
    if (rest.length > 0) index.set(block.cidr, rest);
    else if (index.delete(block.cidr)) countLength(block.cidr, -1);
  }

  function indexed(): Map<Prefix, BlockAffinity[]> {
    if (blocks !== undefined) return blocks;
    blocks = new Map();
    lengths[4].clear();
    lengths[6].clear();
    for (const block of inventory.blocks.values()) add(blocks, block);
    return blocks;
  }

  /** What its affinities say; one that is not confirmed yet is good for its own node, and against nobody. */
  function blockFault(node: string, prefix: Prefix, affinities: readonly BlockAffinity[]): string | null {
    if (affinities.some((one) => one.node === node)) return null;
    const owner = affinities.find(({ confirmed }) => confirmed);
    if (owner === undefined) return null;
    return owner.cidr === prefix
      ? `the block is ${owner.node}’s`
      : `it lies in ${owner.cidr}, a block of ${owner.node}’s`;
  }

  function isWithinRanges(prefix: Prefix): boolean {
    const length = lengthOf(prefix);
    const within = (range: Prefix): boolean =>
      familyOf(range) === familyOf(prefix) && lengthOf(range) <= length && overlap(range, prefix);
    for (const { cidr } of inventory.pools.values()) if (within(cidr)) return true;
    return allServiceRanges(inventory.serviceRanges).some(within);
  }

  return {
    faultOf(node, prefix) {
      const found = inventory.nodes.get(node);
      if (found === undefined || found.clusterId !== null) return null;
      const length = lengthOf(prefix);
      if (length === 0) return 'a node has no default route to give';
      const index = indexed();
      const exact = index.get(prefix);
      if (exact !== undefined) return blockFault(node, prefix, exact);
      const longest = familyOf(prefix) === 4 ? 32 : 128;
      for (const outer of lengths[familyOf(prefix)].keys()) {
        if (outer >= length) continue;
        const affinities = index.get(networkOf(prefix, outer));
        // A single address of another's block may be borrowed, or be a floating one.
        if (affinities !== undefined) return length === longest ? null : blockFault(node, prefix, affinities);
      }
      if (inventory.pools.size === 0 || isWithinRanges(prefix)) return null;
      return 'it lies in no IP pool and no service range';
    },
    takeChanged() {
      const taken = changed;
      changed = new Set();
      return taken === 'all' ? taken : [...taken];
    },
    note(change) {
      switch (change.kind) {
        case 'BlockAffinity':
          if (blocks !== undefined) {
            if (change.before !== undefined) remove(blocks, change.before);
            if (change.after !== undefined) add(blocks, change.after);
          }
          if (changed === 'all') return;
          for (const block of [change.before, change.after]) if (block !== undefined) changed.add(block.cidr);
          return;
        case 'IPPool':
          changed = 'all';
          return;
        case 'BGPConfiguration':
          if ((change.after ?? change.before)?.name === 'default') changed = 'all';
          return;
        case 'Node':
          // A node that came, went, or began to reflect.
          if (change.before?.clusterId !== change.after?.clusterId) changed = 'all';
          return;
        default:
          return;
      }
    },
    noteAll() {
      blocks = undefined;
      changed = 'all';
    },
  };
}

function lengthOf(prefix: Prefix): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

function networkOf(prefix: Prefix, length: number): Prefix {
  return parsePrefix(`${prefix.slice(0, prefix.indexOf('/'))}/${length}`) ?? prefix;
}
