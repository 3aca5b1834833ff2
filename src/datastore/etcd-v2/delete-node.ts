/** Deleting a node, which is a directory with other resources in it. */
import type { CalicoRrError } from '../../model/errors.ts';
import { conflict, notFound } from '../write-errors.ts';
import type { EtcdV2Client } from './api.ts';
import { HOST, keyOfPath } from './keys.ts';
import { halfDone, refusal } from './refusal.ts';
import { V2_ERROR } from './reply.ts';
import { type Directory, find, isDirectory, type Leaf } from './tree.ts';

/**
 * A node goes with its directory, and so with the peers and the configuration of its own, as in Calico v3. Of a
 * given version it goes key by key and its directory last, which fails where somebody added something.
 */
export async function deleteNode(
  client: EtcdV2Client,
  tree: Directory,
  name: string,
  conditional: boolean,
): Promise<void> {
  const path = [...HOST, name];
  const gone = (code: number): CalicoRrError =>
    code === V2_ERROR.keyNotFound ? notFound('Node', name) : conflict('Node', name);
  if (!conditional) {
    const outcome = await client.delete(keyOfPath(path), { recursive: true });
    if (!outcome.done) throw refusal(outcome.errorCode, keyOfPath(path), gone);
    return;
  }
  const { leaves, directories } = contentsOf(tree, path);
  const deleted: string[] = [];
  for (const { key, revision } of leaves) {
    const outcome = await client.delete(key, { prevIndex: revision });
    if (!outcome.done) throw refusal(outcome.errorCode, key, () => halfDone('Node', name, deleted));
    deleted.push(key);
  }
  for (const directory of directories.toReversed()) {
    const outcome = await client.delete(directory, { directory: true });
    if (!outcome.done && outcome.errorCode !== V2_ERROR.keyNotFound)
      throw refusal(outcome.errorCode, directory, () => halfDone('Node', name, deleted));
  }
}

interface KeyAt {
  readonly key: string;
  readonly revision: number;
}

/**
 * Everything at and below a directory: directories outermost first, addresses before other
 * leaves, so that the node is out of BGP before it loses its AS.
 */
function contentsOf(
  tree: Directory,
  path: readonly string[],
): { readonly leaves: readonly KeyAt[]; readonly directories: readonly string[] } {
  const leaves: KeyAt[] = [];
  const directories: string[] = [];
  const visit = (item: Directory | Leaf, at: readonly string[]): void => {
    if (!isDirectory(item)) {
      leaves.push({ key: keyOfPath(at), revision: item.modifiedIndex });
      return;
    }
    directories.push(keyOfPath(at));
    for (const [part, child] of item.children) visit(child, [...at, part]);
  };
  const item = find(tree, path);
  if (item !== undefined) visit(item, path);
  const rank = ({ key }: KeyAt): number => (/\/ip_addr_v[46]$/.test(key) ? 0 : 1);
  leaves.sort((a, b) => rank(a) - rank(b));
  return { leaves, directories };
}
