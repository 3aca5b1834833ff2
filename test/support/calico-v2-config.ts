/**
 * The BIRD 1.6 configuration of an ordinary Calico v2 node, computed from the keys of etcd v2 by Calico's own rules:
 * it stands for Calico's side of every session. Written apart from src/ on purpose and shares no code with it.
 * One text for each family, because BIRD 1.6 has one daemon for each.
 */

/** All leaves under /calico: full key to value. */
export type EtcdTree = ReadonlyMap<string, string>;

export interface CalicoNodeIdentity {
  readonly name: string;
  /** The node's environment IP and IP6. */
  readonly ip: string;
  readonly ip6: string;
}

const BGP = '/calico/bgp/v1';

function children(tree: EtcdTree, folder: string): readonly string[] {
  const names = [...tree.keys()]
    .filter((key) => key.startsWith(`${folder}/`))
    .map((key) => key.slice(folder.length + 1).split('/')[0] ?? '');
  return [...new Set(names)].sort();
}

interface Peer {
  readonly ip: string;
  readonly as: string;
}

/** Peer entries of a folder; one that is no JSON of the right shape is left out here, its owner sees to it. */
function peers(tree: EtcdTree, folder: string): readonly Peer[] {
  return children(tree, folder).flatMap((key) => {
    try {
      const value: unknown = JSON.parse(tree.get(`${folder}/${key}`) ?? '');
      if (typeof value !== 'object' || value === null) return [];
      const fields = new Map<string, unknown>(Object.entries(value));
      const ip = fields.get('ip');
      const as = fields.get('as_num');
      return typeof ip === 'string' && ip !== '' && /^\d+$/.test(String(as)) ? [{ ip, as: String(as) }] : [];
    } catch {
      return [];
    }
  });
}

/** A block or pool key is the prefix with its slash written as a dash. */
function prefixOfKey(key: string): string {
  const dash = key.lastIndexOf('-');
  return `${key.slice(0, dash)}/${key.slice(dash + 1)}`;
}

function session(kind: 'Mesh' | 'Global' | 'Node', { ip, as }: Peer): string {
  return `protocol bgp ${kind}_${ip.replaceAll(/[.:]/g, '_')} from bgp_template {\n  neighbor ${ip} as ${as};\n}\n`;
}

/** @returns the text of bird.cfg (family 4) or bird6.cfg (family 6) */
export function calicoV2Config(tree: EtcdTree, node: CalicoNodeIdentity, family: 4 | 6): string {
  const own = family === 4 ? node.ip : node.ip6;
  const globalAs = tree.get(`${BGP}/global/as_num`) ?? '64512';
  const ownAs = tree.get(`${BGP}/host/${node.name}/as_num`) ?? globalAs;
  const blocks = children(tree, `/calico/ipam/v2/host/${node.name}/ipv${family}/block`).map(prefixOfKey);
  const pools = children(tree, `/calico/v1/ipam/v${family}/pool`).map(prefixOfKey);
  const meshIsOn = /"enabled"\s*:\s*true/.test(tree.get(`${BGP}/global/node_mesh`) ?? '{"enabled": true}');

  const mesh = children(tree, `${BGP}/host`).flatMap((host) => {
    const ip = tree.get(`${BGP}/host/${host}/ip_addr_v${family}`) ?? '';
    if (!meshIsOn || ip === '' || ip === own) return [];
    return [session('Mesh', { ip, as: tree.get(`${BGP}/host/${host}/as_num`) ?? globalAs })];
  });
  const others = (kind: 'Global' | 'Node', folder: string): readonly string[] =>
    peers(tree, folder)
      .filter(({ ip }) => ip !== own)
      .map((peer) => session(kind, peer));

  return `
router id ${node.ip};
protocol kernel {
  learn; persist; scan time 2;
  import all; export all;
  graceful restart;
  merge paths on;
}
protocol device { scan time 2; }
protocol direct { interface -"cali*", "*"; }
protocol static {
${blocks.map((block) => `  route ${block} blackhole;\n`).join('')}}
function calico_aggr() {
${blocks.map((block) => `  if net = ${block} then accept;\n  if net ~ ${block} then reject;\n`).join('')}}
filter calico_pools {
  calico_aggr();
${pools.map((pool) => `  if net ~ ${pool} then accept;\n`).join('')}  reject;
}
template bgp bgp_template {
  local as ${ownAs};
  multihop;
  gateway recursive;
  import all;
  export filter calico_pools;
  next hop self;
  source address ${own};
  add paths on;
  graceful restart;
}
${mesh.join('')}${others('Global', `${BGP}/global/peer_v${family}`).join('')}${others('Node', `${BGP}/host/${node.name}/peer_v${family}`).join('')}`;
}
