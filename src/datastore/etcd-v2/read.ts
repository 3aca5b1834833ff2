/**
 * Keys of etcd v2 -> resources of Calico's v3 shape, for every kind but reflectors (../reflector-entry.ts).
 * Values are carried, not judged: an address or AS number that is none stands in the resource as it was written,
 * for the topology to refuse. Only JSON that is none makes a resource broken.
 */
import { parseAddress, parsePrefix } from '../../model/address.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import type { JsonObject } from '../../model/resource.ts';
import { readResource } from '../resource-json.ts';
import { versionOfKeys } from '../resource-version.ts';
import { AFFINITY_ROOT, GLOBAL, HOST, keyOfPath, type Owner, pathsOfResource } from './keys.ts';
import { readConfiguration, readNode } from './read-node.ts';
import { asNumberOf, broken, type Read, whole } from './read-result.ts';
import { type Directory, find, isDirectory, type Leaf, leafAt, namesBelow } from './tree.ts';

/** What the tree holds of one resource; undefined where it holds none. */
export function readOwner(tree: Directory, { kind, name }: Owner): Read | undefined {
  switch (kind) {
    case 'Node':
      return readNode(tree, name);
    case 'BGPConfiguration':
      return readConfiguration(tree, name);
    case 'BlockAffinity':
      return readAffinity(tree, name);
    case 'BGPPeer':
    case 'CustomFilter':
    case 'IPPool':
    case 'RouteReflectorStatus': {
      const path = pathsOfResource(kind, name)?.[0];
      const leaf = path === undefined ? undefined : leafAt(tree, path);
      return path === undefined || leaf === undefined ? undefined : readLeaf(kind, name, path, leaf);
    }
    case 'RouteReflector':
    case 'BGPFilter':
    case 'CalicoNodeStatus':
      return undefined;
    default:
      return kind satisfies never;
  }
}

type LeafKind = 'BGPPeer' | 'CustomFilter' | 'IPPool' | 'RouteReflectorStatus';

function readLeaf(kind: LeafKind, name: string, path: readonly string[], leaf: Leaf): Read {
  if (kind === 'CustomFilter')
    return whole(kind, name, { family: name.startsWith('v6.') ? 6 : 4, text: leaf.value }, [leaf]);
  const key = keyOfPath(path);
  const json = parseJson(leaf.value);
  if (!isJsonObject(json))
    return broken(kind, name, key, {
      code: 'bad-json',
      message: 'The value is no JSON object.',
      hint: 'Write it anew, or delete the key.',
    });
  switch (kind) {
    case 'BGPPeer':
      return readPeer(name, path, json, leaf);
    case 'IPPool':
      return whole(kind, name, poolSpec(name, json), [leaf]);
    case 'RouteReflectorStatus': {
      const read = readResource(kind, name, json, versionOfKeys([leaf.modifiedIndex]));
      return read.ok
        ? { is: 'resource', resource: read.resource, warnings: [] }
        : broken(kind, name, key, read.fault);
    }
    default:
      return kind satisfies never;
  }
}

/**
 * The value's address counts, as in the image's templates; an absent one is the key's. Other fields stay in the
 * store and out of the resource: no reader of this era obeys them, and some have a meaning in v3.
 */
function readPeer(name: string, path: readonly string[], json: JsonObject, leaf: Leaf): Read {
  const { ip, as_num } = json;
  const keyAddress = path.at(-1) ?? '';
  const node = path.length > GLOBAL.length + 2 ? path[HOST.length] : undefined;
  const address = ip ?? keyAddress;
  const spec: JsonObject = {
    ...(node === undefined ? {} : { node }),
    peerIP: typeof address === 'string' ? (parseAddress(address) ?? address) : address,
    ...(as_num === undefined || as_num === null ? {} : { asNumber: asNumberOf(as_num) }),
  };
  const same =
    typeof address !== 'string' ||
    (parseAddress(address) ?? address) === (parseAddress(keyAddress) ?? keyAddress);
  const key = keyOfPath(path);
  const warnings: Problem[] = same
    ? []
    : [
        {
          code: 'key-mismatch',
          severity: 'warning',
          subject: key,
          message: `The key says ${keyAddress}, the value says ${address}; the value counts.`,
          hint: 'Write the peer at the key of its address and delete this key.',
        },
      ];
  return whole('BGPPeer', name, spec, [leaf], warnings);
}

/** Python wrote `ipip` alone; Go adds `ipip_mode`. `ipip` is the tunnel interface, empty or false for none. */
function poolSpec(name: string, json: JsonObject): JsonObject {
  const { cidr, ipip, ipip_mode, masquerade, disabled } = json;
  const tunnel = ipip !== undefined && ipip !== null && ipip !== '' && ipip !== false;
  return {
    cidr: cidr ?? cidrOf(name),
    ipipMode: !tunnel ? 'Never' : ipip_mode === 'cross-subnet' ? 'CrossSubnet' : 'Always',
    natOutgoing: masquerade ?? false,
    disabled: disabled ?? false,
  };
}

/** Keys hold a CIDR with `-` for `/`. */
function cidrOf(text: string): string {
  return text.replace(/-(\d+)$/, '/$1');
}

/** Only the key matters: Python wrote an empty value, Go `{}`. */
function readAffinity(tree: Directory, name: string): Read | undefined {
  for (const node of nodesThatMayOwn(tree, name))
    for (const family of ['ipv4', 'ipv6']) {
      const directory = [...AFFINITY_ROOT, node, family, 'block'];
      for (const block of namesBelow(tree, directory)) {
        const leaf = leafAt(tree, [...directory, block]);
        if (leaf === undefined || `${node}-${block.replaceAll(/[.:]/g, '-')}` !== name) continue;
        const cidr = parsePrefix(cidrOf(block));
        if (cidr === undefined)
          return broken('BlockAffinity', name, keyOfPath([...directory, block]), {
            code: 'bad-prefix',
            message: 'The key does not end in ADDRESS-LENGTH.',
            hint: 'Delete the key.',
          });
        return whole('BlockAffinity', name, { node, cidr, state: 'confirmed' }, [leaf]);
      }
    }
  return undefined;
}

/** The names that `NODE-CIDR` can begin with and that are there, found without looking at every node. */
function nodesThatMayOwn(tree: Directory, name: string): string[] {
  const nodes = find(tree, AFFINITY_ROOT);
  if (!isDirectory(nodes)) return [];
  const found: string[] = [];
  for (let dash = name.indexOf('-'); dash >= 0; dash = name.indexOf('-', dash + 1)) {
    const node = name.slice(0, dash);
    if (nodes.children.has(node)) found.push(node);
  }
  return found;
}
