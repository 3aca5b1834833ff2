/**
 * A copy of the part of etcd's key tree that we read, directories included: an empty directory means something
 * (a node exists because its directory does). Every operation costs what it touches.
 */
import type { V2Event, V2Node } from './reply.ts';

export interface Leaf {
  readonly value: string;
  readonly modifiedIndex: number;
}

export interface Directory {
  readonly children: Map<string, Directory | Leaf>;
}

/**
 * Told of everything that came, went or changed: each leaf, and each directory that came or went.
 * @param path the parts of the key
 */
type Touched = (path: readonly string[]) => void;

export function emptyTree(): Directory {
  return { children: new Map() };
}

export function isDirectory(item: Directory | Leaf | undefined): item is Directory {
  return item !== undefined && 'children' in item;
}

/** The parts of a key: `/a/b` is `['a', 'b']`. */
export function partsOf(key: string): string[] {
  return key.split('/').filter((part) => part !== '');
}

export function find(tree: Directory, path: readonly string[]): Directory | Leaf | undefined {
  let at: Directory | Leaf = tree;
  for (const part of path) {
    const next: Directory | Leaf | undefined = isDirectory(at) ? at.children.get(part) : undefined;
    if (next === undefined) return undefined;
    at = next;
  }
  return at;
}

/** The names below a directory, sorted; none where there is no such directory. */
export function namesBelow(tree: Directory, path: readonly string[]): string[] {
  const directory = find(tree, path);
  return isDirectory(directory) ? [...directory.children.keys()].sort() : [];
}

export function leafAt(tree: Directory, path: readonly string[]): Leaf | undefined {
  const item = find(tree, path);
  return item === undefined || isDirectory(item) ? undefined : item;
}

/**
 * Makes what is at `path` what a listing says is there.
 * @param node as listed recursively; undefined: nothing is there
 */
export function replaceAt(
  tree: Directory,
  path: readonly string[],
  node: V2Node | undefined,
  touched: Touched,
): void {
  const before = find(tree, path);
  if (node === undefined) {
    if (before !== undefined) remove(tree, path, touched);
    return;
  }
  const after = itemOf(node);
  place(tree, path, after, touched);
  difference(before, after, [...path], touched);
}

/** Makes the change that etcd tells of. */
export function applyEvent(tree: Directory, { action, node }: V2Event, touched: Touched): void {
  const path = partsOf(node.key);
  if (action === 'gone') {
    remove(tree, path, touched);
    return;
  }
  const before = find(tree, path);
  // Of a directory an event tells only that it is there (made, or given a time to live): what is in it stays.
  if (node.value === undefined && isDirectory(before)) return;
  const after = node.value === undefined ? emptyTree() : leafOf(node);
  place(tree, path, after, touched);
  difference(before, after, path, touched);
}

/** Removes what is at `path`, with everything below. */
export function remove(tree: Directory, path: readonly string[], touched: Touched): void {
  const parent = find(tree, path.slice(0, -1));
  const name = path.at(-1);
  const item = find(tree, path);
  if (item === undefined) return;
  if (name === undefined) tree.children.clear();
  else if (isDirectory(parent)) parent.children.delete(name);
  difference(item, undefined, [...path], touched);
}

function place(tree: Directory, path: readonly string[], item: Directory | Leaf, touched: Touched): void {
  let at = tree;
  for (const [depth, part] of path.slice(0, -1).entries()) {
    const next = at.children.get(part);
    if (isDirectory(next)) {
      at = next;
      continue;
    }
    const made = emptyTree();
    at.children.set(part, made);
    touched(path.slice(0, depth + 1));
    at = made;
  }
  const name = path.at(-1);
  if (name !== undefined) at.children.set(name, item);
}

/** Tells of every leaf that differs and of every directory that only one side has. */
function difference(
  before: Directory | Leaf | undefined,
  after: Directory | Leaf | undefined,
  path: string[],
  touched: Touched,
): void {
  const [old, now] = [isDirectory(before) ? before : undefined, isDirectory(after) ? after : undefined];
  if (old === undefined && now === undefined) {
    if (!sameLeaf(before, after)) touched(path);
    return;
  }
  if (old === undefined || now === undefined) touched(path);
  for (const [name, item] of old?.children ?? [])
    difference(item, now?.children.get(name), [...path, name], touched);
  for (const [name, item] of now?.children ?? [])
    if (old?.children.has(name) !== true) difference(undefined, item, [...path, name], touched);
}

function sameLeaf(one: Directory | Leaf | undefined, other: Directory | Leaf | undefined): boolean {
  if (one === undefined || other === undefined || isDirectory(one) || isDirectory(other))
    return one === other;
  return one.modifiedIndex === other.modifiedIndex && one.value === other.value;
}

function itemOf(node: V2Node): Directory | Leaf {
  if (node.value !== undefined) return leafOf(node);
  const directory = emptyTree();
  for (const child of node.nodes) {
    const name = child.key.slice(child.key.lastIndexOf('/') + 1);
    directory.children.set(name, itemOf(child));
  }
  return directory;
}

function leafOf(node: V2Node): Leaf {
  return { value: node.value ?? '', modifiedIndex: node.modifiedIndex };
}
