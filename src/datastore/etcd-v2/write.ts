/**
 * Resources -> writes of etcd v2's keys, for every kind that can be written but reflectors
 * (../reflector-entry-write.ts). Of a stored value only what differs is written; fields in its JSON that we do not
 * know stay. What this era of Calico has no key for is refused, not dropped: its nodes would not obey it.
 */
import { isDeepStrictEqual } from 'node:util';
import { familyOf, parseAddress, parsePrefix } from '../../model/address.ts';
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { Json, JsonObject, Resource } from '../../model/resource.ts';
import type { KeyWrite } from '../reflector-entry-write.ts';
import { storedForm } from '../resource-json.ts';
import { GLOBAL, HOST, isPart, nameOfPeer, pathOfPool, pathsOfResource } from './keys.ts';
import { type Directory, leafAt } from './tree.ts';
import { onlyFields, planValue, refused, textOf } from './write-keys.ts';
import { planConfiguration, planNode } from './write-node.ts';

/**
 * The writes that make what `tree` holds of a resource what it shall be, in the order in which to make them: a
 * node's address comes last, so that nobody sees it with an AS or a network that is not its own yet.
 * @param stored the resource that the tree holds; undefined for a new one
 * @throws E_INVALID_RESOURCE, E_READ_ONLY
 */
export function planWrite(
  tree: Directory,
  resource: Resource,
  stored: Resource | undefined,
): readonly KeyWrite[] {
  const { kind } = resource;
  if (kind === 'BGPFilter' || kind === 'CalicoNodeStatus')
    throw new CalicoRrError('E_READ_ONLY', `etcd v2 has no place for a ${kind}.`);
  if (pathsOfResource(kind, resource.metadata.name) === undefined)
    throw refused(resource, 'that name has no key in etcd v2.', nameHint(resource));
  switch (kind) {
    case 'Node':
      return planNode(tree, resource, stored);
    case 'BGPConfiguration':
      return planConfiguration(tree, resource, stored);
    case 'BGPPeer':
      return [planJson(tree, peerPath(resource), peerFields(resource), stored, resource)].flat();
    case 'IPPool':
      return [planJson(tree, poolPath(resource), poolFields(resource), stored, resource)].flat();
    case 'CustomFilter':
      return planFilter(tree, resource);
    case 'RouteReflectorStatus': {
      const [path = []] = pathsOfResource(kind, resource.metadata.name) ?? [];
      return planValue(tree, path, JSON.stringify(storedForm(resource)));
    }
    case 'BlockAffinity':
    case 'RouteReflector':
      throw new CalicoRrError('E_READ_ONLY', `${kind} cannot be written here.`);
    default:
      return kind satisfies never;
  }
}

function peerPath(resource: Resource): readonly string[] {
  const { node, peerIP } = onlyFields(resource, ['node', 'peerIP', 'asNumber']);
  const address = typeof peerIP === 'string' ? parseAddress(peerIP) : undefined;
  if (address === undefined)
    throw refused(
      resource,
      `spec.peerIP is ${JSON.stringify(peerIP)}, no address.`,
      'etcd v2 knows no ports here.',
    );
  if (node !== undefined && node !== null && (typeof node !== 'string' || (node !== '' && !isPart(node))))
    throw refused(resource, `spec.node is ${JSON.stringify(node)}, which can be no node.`);
  const owner = typeof node === 'string' && node !== '' ? node : undefined;
  const directory = `peer_v${familyOf(address)}`;
  const name = nameOfPeer(owner, directory, address);
  const [path = []] = pathsOfResource('BGPPeer', resource.metadata.name) ?? [];
  const stored = owner === undefined ? path.length === GLOBAL.length + 2 : path[HOST.length] === owner;
  // A key may spell the address in another way than we do; its peer keeps its name.
  const spelled = parseAddress(path.at(-1) ?? '') === address;
  if (name !== resource.metadata.name && !(stored && spelled && path.at(-2) === directory))
    throw refused(resource, 'in etcd v2 a peer has no name of its own.', `Name it ${name}.`);
  return path;
}

function peerFields(resource: Resource): JsonObject {
  const { peerIP, asNumber } = resource.spec;
  const ip = typeof peerIP === 'string' ? (parseAddress(peerIP) ?? peerIP) : '';
  // Text, as both of Calico's writers did: templates printed large numbers with an exponent.
  return { ip, as_num: textOf(resource, asNumber, 'spec.asNumber') ?? null };
}

function poolPath(resource: Resource): readonly string[] {
  const { cidr } = onlyFields(resource, ['cidr', 'ipipMode', 'natOutgoing', 'disabled']);
  const prefix = typeof cidr === 'string' ? parsePrefix(cidr) : undefined;
  if (prefix === undefined) throw refused(resource, `spec.cidr is ${JSON.stringify(cidr)}, no CIDR.`);
  const { name } = resource.metadata;
  if (parsePrefix(name.replace(/-(\d+)$/, '/$1')) !== prefix)
    throw refused(
      resource,
      'in etcd v2 a pool has no name of its own.',
      `Name it ${prefix.replace('/', '-')}.`,
    );
  return pathOfPool(name);
}

function poolFields(resource: Resource): JsonObject {
  const { cidr, ipipMode, natOutgoing, disabled } = resource.spec;
  const modes: ReadonlyMap<Json | undefined, string> = new Map<Json | undefined, string>([
    [undefined, ''],
    [null, ''],
    ['', ''],
    ['Never', ''],
    ['Always', 'always'],
    ['CrossSubnet', 'cross-subnet'],
  ]);
  const mode = modes.get(ipipMode);
  if (mode === undefined)
    throw refused(
      resource,
      `spec.ipipMode is ${JSON.stringify(ipipMode)}.`,
      'Use Never, Always or CrossSubnet.',
    );
  return {
    cidr: cidr ?? null,
    ipip: mode === '' ? '' : 'tunl0',
    ipip_mode: mode,
    masquerade: natOutgoing ?? false,
    disabled: disabled ?? false,
  };
}

/** Changes in the stored JSON the fields that shall mean something else, and leaves the rest. */
function planJson(
  tree: Directory,
  path: readonly string[],
  wanted: JsonObject,
  stored: Resource | undefined,
  resource: Resource,
): readonly KeyWrite[] {
  if (stored !== undefined && isDeepStrictEqual(stored.spec, resource.spec)) return [];
  const before = parseJson(leafAt(tree, path)?.value ?? '');
  const fields = new Map<string, Json>(isJsonObject(before) ? Object.entries(before) : []);
  for (const [field, value] of Object.entries(wanted)) {
    if (value === null) fields.delete(field);
    else fields.set(field, value);
  }
  return planValue(tree, path, JSON.stringify(Object.fromEntries(fields)));
}

function planFilter(tree: Directory, resource: Resource): readonly KeyWrite[] {
  const { family, text } = onlyFields(resource, ['family', 'text']);
  const [path = []] = pathsOfResource('CustomFilter', resource.metadata.name) ?? [];
  if (typeof text !== 'string') throw refused(resource, 'spec.text is no text.');
  if (`v${family}` !== path.at(-2))
    throw refused(resource, `spec.family is ${JSON.stringify(family)}, its name says ${path.at(-2)}.`);
  return planValue(tree, path, text);
}

function nameHint(resource: Resource): string {
  const hints: Partial<Record<Resource['kind'], string>> = {
    BGPConfiguration: 'Name it default or node.NODE.',
    BGPPeer: 'Name it global.ADDRESS or node.NODE.ADDRESS.',
    CustomFilter: 'Name it v4.NAME or v6.NAME.',
  };
  return (
    hints[resource.kind] ?? 'Use a name without "/" that does not begin with "_" and is neither "." nor "..".'
  );
}
