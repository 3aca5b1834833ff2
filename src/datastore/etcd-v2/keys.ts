/**
 * Where each kind lives in etcd v2 (Calico v0 to v2.6), and what each key belongs to.
 *
 *     /calico/bgp/v1/host/<node>/ip_addr_v4|v6, network_v4|v6, as_num   Node <node>
 *     /calico/bgp/v1/host/<node>/loglevel, listen_port                  BGPConfiguration node.<node>
 *     /calico/bgp/v1/host/<node>/peer_v4|v6/<ip>                        BGPPeer node.<node>.<ip>
 *     /calico/bgp/v1/global/peer_v4|v6/<ip>                             BGPPeer global.<ip>
 *     /calico/bgp/v1/global/as_num, node_mesh, loglevel, listen_port    BGPConfiguration default
 *     /calico/bgp/v1/global/custom_filters/v4|v6/<n>                    CustomFilter v4|v6.<n>
 *     /calico/bgp/v1/rr_v4|rr_v6/<ip>                                   RouteReflector
 *     /calico/bgp/v1/rr_status/<name>                                   RouteReflectorStatus <name>
 *     /calico/v1/ipam/v4|v6/pool/<cidr>                                 IPPool <cidr>, with "-" for "/"
 *     /calico/ipam/v2/host/<node>/ipv4|ipv6/block/<cidr>                BlockAffinity <node>-<cidr>
 *
 * Peers, pools and filters have no names in etcd v2: theirs are made of the key, so that the same key always has
 * the same name. Keys that are not in this table are ignored, as Calico's own readers ignore them.
 */
import type { Kind } from '../../model/resource.ts';

export const BGP = ['calico', 'bgp', 'v1'] as const;
export const GLOBAL = [...BGP, 'global'] as const;
export const HOST = [...BGP, 'host'] as const;
export const STATUS = [...BGP, 'rr_status'] as const;
const POOL_ROOT = ['calico', 'v1', 'ipam'] as const;
export const AFFINITY_ROOT = ['calico', 'ipam', 'v2', 'host'] as const;

export const NODE_LEAVES = ['as_num', 'network_v4', 'network_v6', 'ip_addr_v6', 'ip_addr_v4'] as const;
export const NODE_CONFIGURATION_LEAVES = ['loglevel', 'listen_port'] as const;
export const GLOBAL_LEAVES = ['as_num', 'node_mesh', 'loglevel', 'listen_port'] as const;

/** One resource. Of reflectors all are one owner: their names decide which keys belong together. */
export interface Owner {
  readonly kind: Kind;
  readonly name: string;
}
const ALL_REFLECTORS: Owner = { kind: 'RouteReflector', name: '' };

/** `/a/b` of its parts. */
export function keyOfPath(path: readonly string[]): string {
  return `/${path.join('/')}`;
}

/** The directories under which the kinds are found, each once, none inside another. */
export function rootsOf(kinds: Iterable<Kind>): readonly (readonly string[])[] {
  const roots = new Map<string, readonly string[]>();
  for (const kind of kinds) {
    const root = kind === 'IPPool' ? POOL_ROOT : kind === 'BlockAffinity' ? AFFINITY_ROOT : BGP;
    roots.set(keyOfPath(root), root);
  }
  return [...roots.values()];
}

/** The directories and keys that hold one kind, for a list of it alone. */
export function pathsOfKind(kind: Kind): readonly (readonly string[])[] {
  switch (kind) {
    case 'Node':
      return [HOST];
    case 'BGPPeer':
    case 'BGPConfiguration':
      return [GLOBAL, HOST];
    case 'CustomFilter':
      return [[...GLOBAL, 'custom_filters']];
    case 'RouteReflector':
      return [
        [...BGP, 'rr_v4'],
        [...BGP, 'rr_v6'],
      ];
    case 'RouteReflectorStatus':
      return [STATUS];
    case 'IPPool':
      return [POOL_ROOT];
    case 'BlockAffinity':
      return [AFFINITY_ROOT];
    case 'BGPFilter':
    case 'CalicoNodeStatus':
      // Younger than etcd v2.
      return [];
    default:
      return kind satisfies never;
  }
}

/**
 * The directories and keys that are enough to read one resource by its name.
 * @returns undefined where no such name can exist
 */
export function pathsOfResource(kind: Kind, name: string): readonly (readonly string[])[] | undefined {
  if (name === '') return undefined;
  switch (kind) {
    case 'Node':
      return isPart(name) ? [[...HOST, name]] : undefined;
    case 'BGPConfiguration': {
      const node = nodeOfConfiguration(name);
      if (name === 'default') return [GLOBAL];
      return node === undefined ? undefined : [[...HOST, node]];
    }
    case 'BGPPeer': {
      const path = pathOfPeer(name);
      return path === undefined ? undefined : [path];
    }
    case 'CustomFilter': {
      const [, family, filter] = /^(v[46])\.(.+)$/.exec(name) ?? [];
      if (family === undefined || filter === undefined || !isPart(filter)) return undefined;
      return [[...GLOBAL, 'custom_filters', family, filter]];
    }
    case 'RouteReflectorStatus':
      return isPart(name) ? [[...STATUS, name]] : undefined;
    case 'IPPool':
      return isPart(name) ? [pathOfPool(name)] : undefined;
    case 'RouteReflector':
    case 'BlockAffinity':
      return pathsOfKind(kind);
    case 'BGPFilter':
    case 'CalicoNodeStatus':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/**
 * Whether `name` can be one part of a key. etcd v2 cleans paths as a file system does ("..") and hides what begins
 * with "_".
 */
export function isPart(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.startsWith('_') && !name.includes('/');
}

/** The node of a node's own BGPConfiguration; undefined where the name is that of none. */
export function nodeOfConfiguration(name: string): string | undefined {
  const node = name.startsWith('node.') ? name.slice('node.'.length) : '';
  return isPart(node) ? node : undefined;
}

/** The key of a peer by its name. An IPv6 address is what has a colon; a node's name never has one. */
function pathOfPeer(name: string): readonly string[] | undefined {
  const [, base = '', misplaced] = /^(.*?)(?:\.(v[46]))?$/.exec(name) ?? [];
  const [, node, address] =
    /^global()\.([^/]+)$/.exec(base) ??
    /^node\.([^/]+)\.([^/.]*:[^/]*)$/.exec(base) ??
    /^node\.([^/]+)\.(\d+\.\d+\.\d+\.\d+)$/.exec(base) ??
    /^node\.([^/]+)\.([^/.]+)$/.exec(base) ??
    [];
  if (node === undefined || address === undefined || !isPart(address)) return undefined;
  const family = `peer_${misplaced ?? familyOfText(address)}`;
  if (node === '') return [...GLOBAL, family, address];
  return isPart(node) ? [...HOST, node, family, address] : undefined;
}

/** An address in the directory of the other family is told apart by a `.v4` or `.v6` at the end. */
export function nameOfPeer(node: string | undefined, directory: string, address: string): string {
  const place = node === undefined ? 'global' : `node.${node}`;
  const misplaced =
    directory === `peer_${familyOfText(address)}` ? '' : `.${directory.slice('peer_'.length)}`;
  return `${place}.${address}${misplaced}`;
}

function familyOfText(address: string): 'v4' | 'v6' {
  return address.includes(':') ? 'v6' : 'v4';
}

/** Pools are named by the last part of their key, `10.5.0.0-16`. */
export function pathOfPool(name: string): readonly string[] {
  return [...POOL_ROOT, name.includes(':') ? 'v6' : 'v4', 'pool', name];
}

export function nameOfAffinity(node: string, block: string): string {
  return `${node}-${block.replaceAll(/[.:]/g, '-')}`;
}

/** What a key or directory belongs to, and so what to read anew when it changed; undefined for others' keys. */
export function ownerOf(path: readonly string[]): Owner | undefined {
  const [calico, area, version, ...rest] = path;
  if (calico !== 'calico') return undefined;
  if (area === 'bgp' && version === 'v1') return ownerInBgp(rest);
  if (area === 'v1' && version === 'ipam') {
    const [, pool, name, deeper] = rest;
    return pool === 'pool' && name !== undefined && deeper === undefined
      ? { kind: 'IPPool', name }
      : undefined;
  }
  if (area === 'ipam' && version === 'v2') {
    const [host, node, , block, cidr, deeper] = rest;
    if (host !== 'host' || node === undefined || block !== 'block' || cidr === undefined) return undefined;
    return deeper === undefined ? { kind: 'BlockAffinity', name: nameOfAffinity(node, cidr) } : undefined;
  }
  return undefined;
}

function ownerInBgp(path: readonly string[]): Owner | undefined {
  const [area, first, second, third, deeper] = path;
  if (area === undefined || first === undefined || deeper !== undefined) return undefined;
  switch (area) {
    case 'host': {
      if (second === undefined) return { kind: 'Node', name: first };
      if (isPeers(second))
        return third === undefined ? undefined : { kind: 'BGPPeer', name: nameOfPeer(first, second, third) };
      if (third !== undefined) return undefined;
      if (includes(NODE_LEAVES, second)) return { kind: 'Node', name: first };
      return includes(NODE_CONFIGURATION_LEAVES, second)
        ? { kind: 'BGPConfiguration', name: `node.${first}` }
        : undefined;
    }
    case 'global': {
      if (first === 'custom_filters')
        return third === undefined ? undefined : { kind: 'CustomFilter', name: `${second}.${third}` };
      if (third !== undefined) return undefined;
      if (isPeers(first))
        return second === undefined
          ? undefined
          : { kind: 'BGPPeer', name: nameOfPeer(undefined, first, second) };
      return second === undefined && includes(GLOBAL_LEAVES, first)
        ? { kind: 'BGPConfiguration', name: 'default' }
        : undefined;
    }
    case 'rr_v4':
    case 'rr_v6':
      return second === undefined ? ALL_REFLECTORS : undefined;
    case 'rr_status':
      return second === undefined ? { kind: 'RouteReflectorStatus', name: first } : undefined;
    default:
      return undefined;
  }
}

function isPeers(part: string): boolean {
  return part === 'peer_v4' || part === 'peer_v6';
}

function includes(parts: readonly string[], part: string): boolean {
  return parts.includes(part);
}
