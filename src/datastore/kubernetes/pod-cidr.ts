/**
 * Blocks of clusters whose IPAM is host-local (USE_POD_CIDR): there are no BlockAffinities, a node's blocks are the
 * pod CIDRs in its core Node's spec, and its tunnel has the first address of the IPv4 one (libcalico-go,
 * backend/k8s/resources/node.go).
 */
import { familyOf, parsePrefix } from '../../model/address.ts';
import { isJsonObject } from '../../model/json.ts';
import { type JsonObject, KINDS, type Resource } from '../../model/resource.ts';
import { decodeNode } from './calico-node.ts';
import { identityOf, type Meaning } from './collection.ts';

/** The Calico Node and the blocks of a whole core Node. */
export function decodeNodeWithBlocks(object: JsonObject): readonly Meaning[] {
  const { name, version } = identityOf(object);
  const cidrs = podCidrs(object);
  const blocks = cidrs.map((cidr): Meaning => {
    const resource: Resource = {
      apiVersion: KINDS.BlockAffinity,
      kind: 'BlockAffinity',
      metadata: { name: `${name}-${cidr.replace(/[./:]/g, '-')}`, resourceVersion: version },
      spec: { node: name, cidr, state: 'confirmed' },
    };
    return { op: 'put', resource };
  });
  const node = decodeNode(object);
  if (node.op !== 'put') return [node, ...blocks];
  const tunnel = tunnelAddress(cidrs);
  const { resource } = node;
  const bgp = isJsonObject(resource.spec.bgp) ? resource.spec.bgp : undefined;
  if (tunnel === undefined || bgp === undefined) return [node, ...blocks];
  const spec = { ...resource.spec, bgp: { ...bgp, ipv4IPIPTunnelAddr: tunnel } };
  return [{ op: 'put', resource: { ...resource, spec } }, ...blocks];
}

function podCidrs(object: JsonObject): readonly string[] {
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const all = Array.isArray(spec.podCIDRs) ? spec.podCIDRs : [spec.podCIDR];
  return all.filter((cidr) => typeof cidr === 'string' && parsePrefix(cidr) !== undefined);
}

function tunnelAddress(cidrs: readonly string[]): string | undefined {
  for (const cidr of cidrs) {
    const prefix = parsePrefix(cidr);
    if (prefix === undefined || familyOf(prefix) !== 4) continue;
    const parts = (prefix.split('/')[0] ?? '').split('.').map(Number);
    const [a = 0, b = 0, c = 0, d = 0] = parts;
    return `${a}.${b}.${c}.${d + 1}`;
  }
  return undefined;
}
