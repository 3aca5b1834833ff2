/**
 * Prefixes of one family as small numbers. Everything else about a route is kept in arrays by that number, so a
 * prefix costs its 4 or 16 octets, its length and a place in a hash table, and no object.
 */
import { type Family, octetsOf, type Prefix } from '../../../bgp/index.ts';
import type { ToldTable } from './told-table.ts';

export interface PrefixTable extends ToldTable {
  /** How many prefixes there are. */
  readonly count: number;
  /**
   * The number of a prefix as it stands in an NLRI: `at` is the offset of its first address octet. Bits beyond
   * `bits` may be anything.
   */
  intern(bytes: Uint8Array, at: number, bits: number): number;
  /** The same, or -1 where it is not known. */
  find(bytes: Uint8Array, at: number, bits: number): number;
  /** The numbers of this prefix and of all that lie in it; freed ones may be among them. */
  within(bytes: Uint8Array, at: number, bits: number): readonly number[];
  /** Forgets a prefix; its number will be given to another one. */
  free(id: number): void;
  bitsOf(id: number): number;
  /** Writes the whole address, 4 or 16 octets, to the beginning of `target`. */
  writeAddress(id: number, target: Uint8Array): void;
  prefixOf(id: number): Prefix;
}

const FIRST_CAPACITY = 1024;

export function createPrefixTable(family: Family): PrefixTable {
  const words = family === 4 ? 1 : 4;
  let capacity = FIRST_CAPACITY;
  let addresses = new Uint32Array(capacity * words);
  let lengths = new Uint8Array(capacity);
  /** Open addressing, linear probing; numbers plus one, 0 where empty. At most half full. */
  let slots = new Int32Array(capacity * 2);
  let mask = slots.length - 1;
  let bound = 0;
  let count = 0;
  const freed: number[] = [];
  /** The prefix that is looked for. */
  const key = new Uint32Array(4);

  function hash(source: Uint32Array, at: number, bits: number): number {
    let value = Math.imul(bits + 1, 0x9e3779b1);
    for (let word = 0; word < words; word++) {
      value = Math.imul(value ^ (source[at + word] ?? 0), 0x85ebca6b);
      value ^= value >>> 15;
    }
    return Math.imul(value, 0xc2b2ae35) >>> 7;
  }

  function readKey(bytes: Uint8Array, at: number, bits: number): void {
    const end = at + octetsOf(bits);
    for (let word = 0; word < words; word++) {
      const from = at + word * 4;
      let value = 0;
      for (let octet = 0; octet < 4; octet++) {
        value = (value << 8) | (from + octet < end ? (bytes[from + octet] ?? 0) : 0);
      }
      const left = bits - word * 32;
      key[word] = left >= 32 ? value : left <= 0 ? 0 : value & (-1 << (32 - left));
    }
  }

  /** The slot where the key is, or where it would go. */
  function slotOf(bits: number): number {
    let slot = hash(key, 0, bits) & mask;
    for (;;) {
      const id = (slots[slot] ?? 0) - 1;
      if (id < 0 || (lengths[id] === bits && isKey(id))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  function isKey(id: number): boolean {
    for (let word = 0; word < words; word++) if (addresses[id * words + word] !== key[word]) return false;
    return true;
  }

  function grow(): void {
    capacity *= 2;
    const wider = new Uint32Array(capacity * words);
    wider.set(addresses);
    addresses = wider;
    const longer = new Uint8Array(capacity);
    longer.set(lengths);
    lengths = longer;
    const old = slots;
    slots = new Int32Array(capacity * 2);
    mask = slots.length - 1;
    for (const entry of old) if (entry !== 0) place(entry - 1);
  }

  function place(id: number): void {
    let slot = hash(addresses, id * words, lengths[id] ?? 0) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = id + 1;
  }

  return {
    family,
    addPath: false,
    get bound() {
      return bound;
    },
    get count() {
      return count;
    },
    intern(bytes, at, bits) {
      readKey(bytes, at, bits);
      const slot = slotOf(bits);
      const known = (slots[slot] ?? 0) - 1;
      if (known >= 0) return known;
      let id = freed.pop();
      if (id === undefined) {
        if (bound === capacity) grow();
        id = bound++;
      }
      count++;
      for (let word = 0; word < words; word++) addresses[id * words + word] = key[word] ?? 0;
      lengths[id] = bits;
      place(id);
      return id;
    },
    find(bytes, at, bits) {
      readKey(bytes, at, bits);
      return (slots[slotOf(bits)] ?? 0) - 1;
    },
    within(bytes, at, bits) {
      readKey(bytes, at, bits);
      const masks = Array.from({ length: words }, (_, word) => {
        const left = bits - word * 32;
        return left >= 32 ? -1 : left <= 0 ? 0 : -1 << (32 - left);
      });
      const found: number[] = [];
      for (let id = 0; id < bound; id++) {
        if ((lengths[id] ?? 0) < bits) continue;
        let differs = 0;
        for (let word = 0; word < words; word++) {
          differs |= ((addresses[id * words + word] ?? 0) ^ (key[word] ?? 0)) & (masks[word] ?? 0);
        }
        if (differs === 0) found.push(id);
      }
      return found;
    },
    free(id) {
      const bits = lengths[id] ?? 0;
      for (let word = 0; word < words; word++) key[word] = addresses[id * words + word] ?? 0;
      let hole = slotOf(bits);
      if (slots[hole] !== id + 1) return;
      // What probed past the hole moves up (no tombstones).
      let slot = hole;
      for (;;) {
        slot = (slot + 1) & mask;
        const next = (slots[slot] ?? 0) - 1;
        if (next < 0) break;
        const home = hash(addresses, next * words, lengths[next] ?? 0) & mask;
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
          slots[hole] = next + 1;
          hole = slot;
        }
      }
      slots[hole] = 0;
      freed.push(id);
      count--;
    },
    bitsOf: (id) => lengths[id] ?? 0,
    writeNlri(id, target, at) {
      const bits = lengths[id] ?? 0;
      target[at] = bits;
      const octets = octetsOf(bits);
      for (let octet = 0; octet < octets; octet++) {
        target[at + 1 + octet] = (addresses[id * words + (octet >> 2)] ?? 0) >>> (24 - (octet & 3) * 8);
      }
      return at + 1 + octets;
    },
    writeAddress(id, target) {
      for (let octet = 0; octet < words * 4; octet++) {
        target[octet] = (addresses[id * words + (octet >> 2)] ?? 0) >>> (24 - (octet & 3) * 8);
      }
    },
    prefixOf(id) {
      const address = new Uint8Array(words * 4);
      this.writeAddress(id, address);
      return { family, length: lengths[id] ?? 0, address };
    },
  };
}
