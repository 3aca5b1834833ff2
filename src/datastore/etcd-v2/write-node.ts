/** Node and BGPConfiguration as the several leaves that each of them is in etcd v2. */
import { isDeepStrictEqual } from 'node:util';
import { parsePrefix } from '../../model/address.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { Json, Resource } from '../../model/resource.ts';
import type { KeyWrite } from '../reflector-entry-write.ts';
import { GLOBAL, HOST, nodeOfConfiguration } from './keys.ts';
import { type Directory, leafAt } from './tree.ts';
import { onlyFields, onlyNamed, planValue, refused, textOf } from './write-keys.ts';

export function planNode(
  tree: Directory,
  resource: Resource,
  stored: Resource | undefined,
): readonly KeyWrite[] {
  const path = [...HOST, resource.metadata.name];
  const wanted = onlyFields(resource, ['bgp']).bgp ?? {};
  if (!isJsonObject(wanted)) throw refused(resource, 'spec.bgp is no object.');
  const before = isJsonObject(stored?.spec.bgp) ? stored.spec.bgp : {};
  onlyNamed(resource, wanted, ['ipv4Address', 'ipv6Address', 'asNumber'], 'spec.bgp');
  const same = (field: string): boolean =>
    stored !== undefined && isDeepStrictEqual(wanted[field] ?? undefined, before[field] ?? undefined);

  const values = new Map<string, string | undefined>();
  if (!same('asNumber')) values.set('as_num', textOf(resource, wanted.asNumber, 'spec.bgp.asNumber'));
  for (const [field, address, network] of [
    ['ipv6Address', 'ip_addr_v6', 'network_v6'],
    ['ipv4Address', 'ip_addr_v4', 'network_v4'],
  ] as const) {
    if (same(field) && leafAt(tree, [...path, address]) !== undefined) continue;
    const text = textOf(resource, wanted[field], `spec.bgp.${field}`) ?? '';
    values.set(network, parsePrefix(text));
    // Calico's own clients always write both addresses, empty where there is none: its templates need the keys.
    values.set(address, text.replace(/\/\d+$/, ''));
  }
  const order = ['as_num', 'network_v6', 'network_v4', 'ip_addr_v6', 'ip_addr_v4'];
  return order
    .filter((leaf) => values.has(leaf))
    .flatMap((leaf) => planValue(tree, [...path, leaf], values.get(leaf)));
}

export function planConfiguration(
  tree: Directory,
  resource: Resource,
  stored: Resource | undefined,
): readonly KeyWrite[] {
  const node = nodeOfConfiguration(resource.metadata.name);
  const path = node === undefined ? GLOBAL : [...HOST, node];
  const everywhere = ['logSeverityScreen', 'listenPort'];
  const wanted = onlyFields(
    resource,
    node === undefined ? ['asNumber', 'nodeToNodeMeshEnabled', ...everywhere] : everywhere,
  );
  const writes: KeyWrite[] = [];
  for (const [field, leaf] of [
    ['asNumber', 'as_num'],
    ['nodeToNodeMeshEnabled', 'node_mesh'],
    ['logSeverityScreen', 'loglevel'],
    ['listenPort', 'listen_port'],
  ] as const) {
    const value = wanted[field] ?? undefined;
    if (isDeepStrictEqual(value, stored?.spec[field] ?? undefined)) continue;
    const before = leafAt(tree, [...path, leaf])?.value;
    writes.push(...planValue(tree, [...path, leaf], configurationText(resource, field, value, before)));
  }
  if (stored === undefined && writes.length === 0)
    throw refused(
      resource,
      'it sets nothing, and etcd v2 keeps only what is set.',
      'Set at least one field of spec.',
    );
  return writes;
}

function configurationText(
  resource: Resource,
  field: string,
  value: Json | undefined,
  before: string | undefined,
): string | undefined {
  if (field === 'nodeToNodeMeshEnabled' && value !== undefined) {
    const fields = parseJson(before ?? '');
    return JSON.stringify({ ...(isJsonObject(fields) ? fields : {}), enabled: value });
  }
  const text = textOf(resource, value, `spec.${field}`);
  if (field !== 'logSeverityScreen' || text === undefined) return text;
  const word = text.toLowerCase();
  return word === 'debug' || word === 'info' ? word : 'none';
}
