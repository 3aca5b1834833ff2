/**
 * Things found by a key that several may share (an address, a node's name), each key's in the order of their
 * names, so that "the first by name" is the same whatever the order of arrival.
 */
import { positionOf } from './name-order.ts';

export interface NameIndex<Key, Value> {
  /** Sorted by name; empty where the key has none. */
  at(key: Key): readonly Value[];
  keys(): IterableIterator<Key>;
  add(key: Key, value: Value): void;
  /** Takes out what has the name of `value`. */
  remove(key: Key, value: Value): void;
  clear(): void;
}

export function createNameIndex<Key, Value extends { readonly name: string }>(): NameIndex<Key, Value> {
  const lists = new Map<Key, Value[]>();
  return {
    at: (key) => lists.get(key) ?? [],
    keys: () => lists.keys(),
    add(key, value) {
      const list = lists.get(key);
      if (list === undefined) lists.set(key, [value]);
      else list.splice(positionOf(list, value.name), 0, value);
    },
    remove(key, value) {
      const list = lists.get(key);
      if (list === undefined) return;
      const position = positionOf(list, value.name);
      if (list[position]?.name !== value.name) return;
      if (list.length === 1) lists.delete(key);
      else list.splice(position, 1);
    },
    clear: () => lists.clear(),
  };
}
