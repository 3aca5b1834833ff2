/**
 * Which node may announce which addresses, as Calico's IPAM has it: a block is announced by the node that has its
 * affinity, and nothing is announced that lies outside of all IP pools and service ranges. What IPAM does not know
 * (another IPAM, a block without an affinity) is nobody's, and anybody may announce it.
 */
import { addressBits, familyOf, overlap, type Prefix, parsePrefix } from '../model/address.ts';
import type { BlockAffinity } from '../model/block-affinity.ts';
import type { Inventory, InventoryChange } from './inventory.ts';
import { allServiceRanges } from './service-routes.ts';

export interface Origins {
  /**
   * Why this node may not announce this prefix, as the end of a sentence; null: it may, or it is no node that announces
   * only its own (one that reflects passes on what others say).
   */
  faultOf(node: string, prefix: Prefix): string | null;
  /** The same as lists, of now. */
  lists(): OriginLists;
  /** The prefixes of which faults may be others than when this was last asked. */
  takeChanged(): readonly Prefix[] | 'all';
}

/** What `faultOf` goes by, for filters that judge by themselves. A default route has a fault in any case. */
export interface OriginLists {
  isJudged(node: string): boolean;
  /**
   * Blocks that are some node's, with all nodes that have an affinity to them. These may announce them and parts of
   * them, and others no more than single addresses of them.
   */
  readonly owned: ReadonlyMap<Prefix, readonly string[]>;
  /** What lies in these, and in no owned block, anybody may announce. */
  readonly shared: readonly Prefix[];
}

export interface TrackedOrigins extends Origins {
  note(change: InventoryChange): void;
  noteAll(): void;
}

const EVERYTHING = ['0.0.0.0/0', '::/0'].flatMap((text) => parsePrefix(text) ?? []);

/** @param isLoaded whether the inventory holds what the datastore says; until then there is nothing to judge by */
export function createOrigins(inventory: Inventory, isLoaded: () => boolean): TrackedOrigins {
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

  /** Affinities to the block of this CIDR and to blocks that hold it. */
  function affinitiesAround(prefix: Prefix): readonly BlockAffinity[] {
    const index = indexed();
    let found: readonly BlockAffinity[] = index.get(prefix) ?? [];
    const length = lengthOf(prefix);
    for (const outer of lengths[familyOf(prefix)].keys()) {
      const more = outer < length ? index.get(networkOf(prefix, outer)) : undefined;
      if (more !== undefined) found = [...found, ...more];
    }
    return found;
  }

  function isJudged(name: string): boolean {
    const node = inventory.nodes.get(name);
    return node !== undefined && node.clusterId === null;
  }

  /** Where there is no pool at all nothing lies outside. */
  function ranges(): readonly Prefix[] {
    const pools = [...inventory.pools.values()].map(({ cidr }) => cidr);
    return pools.length === 0 ? EVERYTHING : [...pools, ...allServiceRanges(inventory.serviceRanges)];
  }

  function isWithin(range: Prefix, prefix: Prefix): boolean {
    return (
      familyOf(range) === familyOf(prefix) && lengthOf(range) <= lengthOf(prefix) && overlap(range, prefix)
    );
  }

  return {
    faultOf(node, prefix) {
      if (!isJudged(node)) return null;
      const length = lengthOf(prefix);
      if (length === 0) return 'a node has no default route to give';
      const around = affinitiesAround(prefix);
      if (around.some((one) => one.node === node)) return null;
      // One that is not confirmed yet is good for its own node, and against nobody.
      const owner = around.find(({ confirmed }) => confirmed);
      if (owner !== undefined) {
        // A single address of another's block may be borrowed, or be a floating one.
        if (length === addressBits(familyOf(prefix))) return null;
        return owner.cidr === prefix
          ? `the block is ${owner.node}’s`
          : `it lies in ${owner.cidr}, a block of ${owner.node}’s`;
      }
      if (around.length > 0 || ranges().some((range) => isWithin(range, prefix))) return null;
      return 'it lies in no IP pool and no service range';
    },
    lists() {
      // Whoever is judged stays so: a filter must not change twice because the datastore is away at a start.
      if (!isLoaded()) return { isJudged: () => true, owned: new Map(), shared: EVERYTHING };
      const owned = new Map<Prefix, readonly string[]>();
      const shared = [...ranges()];
      for (const [cidr, affinities] of indexed()) {
        if (affinitiesAround(cidr).some(({ confirmed }) => confirmed)) {
          owned.set(
            cidr,
            affinities.map(({ node }) => node),
          );
        } else shared.push(cidr);
      }
      return { isJudged, owned, shared };
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
