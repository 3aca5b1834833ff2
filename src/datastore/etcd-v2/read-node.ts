/** Node and BGPConfiguration, which are several leaves each in etcd v2. */
import { parseAddress, parsePrefix } from '../../model/address.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import {
  GLOBAL,
  GLOBAL_LEAVES,
  HOST,
  NODE_CONFIGURATION_LEAVES,
  NODE_LEAVES,
  nodeOfConfiguration,
} from './keys.ts';
import { asNumberOf, type Read, whole } from './read-result.ts';
import { type Directory, find, isDirectory, type Leaf, leafAt } from './tree.ts';

/** The leaves that make a Node or a BGPConfiguration, by their last part; those that are there. */
function leavesOf(
  tree: Directory,
  directory: readonly string[],
  names: readonly string[],
): ReadonlyMap<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  for (const name of names) {
    const leaf = leafAt(tree, [...directory, name]);
    if (leaf !== undefined) leaves.set(name, leaf);
  }
  return leaves;
}

/** A node is there when its directory is: one that only has peers of its own is a node without an address. */
export function readNode(tree: Directory, name: string): Read | undefined {
  const path = [...HOST, name];
  if (!isDirectory(find(tree, path))) return undefined;
  const leaves = leavesOf(tree, path, NODE_LEAVES);
  const bgp = new Map<string, Json>();
  for (const [field, address, network] of [
    ['ipv4Address', 'ip_addr_v4', 'network_v4'],
    ['ipv6Address', 'ip_addr_v6', 'network_v6'],
  ] as const) {
    const text = leaves.get(address)?.value.trim() ?? '';
    if (text !== '') bgp.set(field, withLength(text, leaves.get(network)?.value.trim() ?? ''));
  }
  const asNumber = leaves.get('as_num')?.value.trim() ?? '';
  if (asNumber !== '') bgp.set('asNumber', asNumberOf(asNumber));
  const spec: JsonObject = bgp.size === 0 ? {} : { bgp: Object.fromEntries(bgp) };
  return whole('Node', name, spec, leaves.values());
}

/** `ADDRESS/LENGTH`, as Calico v3 writes it, where the node's network is known. */
function withLength(address: string, network: string): string {
  const prefix = parsePrefix(network);
  if (prefix === undefined || parseAddress(address) === undefined) return address;
  const length = prefix.slice(prefix.indexOf('/'));
  return parsePrefix(`${address}${length}`) === prefix ? `${address}${length}` : address;
}

export function readConfiguration(tree: Directory, name: string): Read | undefined {
  const node = nodeOfConfiguration(name);
  if (node === undefined && name !== 'default') return undefined;
  const path = node === undefined ? GLOBAL : [...HOST, node];
  const leaves = leavesOf(tree, path, node === undefined ? GLOBAL_LEAVES : NODE_CONFIGURATION_LEAVES);
  if (leaves.size === 0) return undefined;
  const spec = new Map<string, Json>();
  const text = (leaf: string): string => leaves.get(leaf)?.value.trim() ?? '';
  if (text('as_num') !== '') spec.set('asNumber', asNumberOf(text('as_num')));
  if (text('node_mesh') !== '') spec.set('nodeToNodeMeshEnabled', meshFlag(text('node_mesh')));
  if (text('loglevel') !== '') spec.set('logSeverityScreen', severityOf(text('loglevel')));
  const port = text('listen_port');
  if (port !== '') spec.set('listenPort', /^\d{1,5}$/.test(port) ? Number(port) : port);
  return whole('BGPConfiguration', name, Object.fromEntries(spec), leaves.values());
}

/** The flag of `{"enabled": true}`; of anything else the text, which is no flag and will be said to be none. */
function meshFlag(text: string): Json {
  const value = parseJson(text);
  return isJsonObject(value) && typeof value.enabled === 'boolean' ? value.enabled : text;
}

/** Calico's severity for BIRD's word. BIRD is silent at every severity above Info; v3 has no word for silence. */
function severityOf(level: string): string {
  const words: ReadonlyMap<string, string> = new Map([
    ['debug', 'Debug'],
    ['info', 'Info'],
    ['none', 'Fatal'],
  ]);
  return words.get(level) ?? level;
}
