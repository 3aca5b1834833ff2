/**
 * Where each kind lives on an API server. Calico's kinds are in crd.projectcalico.org/v1, or in
 * projectcalico.org/v3 where only that is served (libcalico-go, backend/k8s/discovery.go); the Node is the core
 * Node; our own kinds have a CRD each (deploy/kubernetes/crd.yaml).
 */
import type { JsonObject, Kind } from '../../model/resource.ts';
import { decodeNode } from './calico-node.ts';
import type { Collection } from './collection.ts';
import { decodeResource } from './custom-resource.ts';
import { decodeNodeWithBlocks } from './pod-cidr.ts';
import type { CalicoApiGroup } from './settings.ts';

/** Kinds that are resources of one of Calico's groups, or of ours. */
export const CALICO_PLURALS = {
  BGPPeer: 'bgppeers',
  BGPConfiguration: 'bgpconfigurations',
  BGPFilter: 'bgpfilters',
  CalicoNodeStatus: 'caliconodestatuses',
  IPPool: 'ippools',
  BlockAffinity: 'blockaffinities',
} as const;

export const OWN_GROUP = 'calico-rr.io';
export const OWN_PLURALS = {
  RouteReflector: 'routereflectors',
  RouteReflectorStatus: 'routereflectorstatuses',
} as const;

type CalicoKind = keyof typeof CALICO_PLURALS;
type OwnKind = keyof typeof OWN_PLURALS;
/** What is stored as an object of its own, in the shape of the resource. */
export type CustomKind = CalicoKind | OwnKind;

export function isCalicoKind(kind: Kind): kind is CalicoKind {
  return kind in CALICO_PLURALS;
}

function isOwnKind(kind: Kind): kind is OwnKind {
  return kind in OWN_PLURALS;
}

export function isCustomKind(kind: Kind): kind is CustomKind {
  return isCalicoKind(kind) || isOwnKind(kind);
}

const META = 'g=meta.k8s.io;v=v1';
export const PARTIAL_LIST = `application/json;as=PartialObjectMetadataList;${META}`;
export const PARTIAL_OBJECT = `application/json;as=PartialObjectMetadata;${META}`;

/** A custom resource's collection. `moved`: its metadata stands in an annotation. */
export interface CustomCollection extends Collection {
  readonly apiVersion: string;
  readonly moved: boolean;
}

export function customCollection(kind: CustomKind, group: CalicoApiGroup): CustomCollection {
  const apiVersion = isOwnKind(kind) ? `${OWN_GROUP}/v1` : group;
  const resource = isOwnKind(kind) ? OWN_PLURALS[kind] : CALICO_PLURALS[kind];
  const moved = apiVersion === 'crd.projectcalico.org/v1';
  return {
    kinds: [kind],
    group: apiVersion.split('/')[0] ?? '',
    apiVersion,
    resource,
    path: `/apis/${apiVersion}/${resource}`,
    moved,
    decode: (object: JsonObject) => [decodeResource(kind, object, moved)],
  };
}

export const NODES: Collection = {
  kinds: ['Node'],
  group: '',
  resource: 'nodes',
  path: '/api/v1/nodes',
  acceptList: PARTIAL_LIST,
  acceptObject: PARTIAL_OBJECT,
  decode: (object) => [decodeNode(object)],
};

/** With USE_POD_CIDR: whole Nodes, which are blocks too. */
export const NODES_WITH_BLOCKS: Collection = {
  kinds: ['Node', 'BlockAffinity'],
  group: '',
  resource: 'nodes',
  path: '/api/v1/nodes',
  decode: decodeNodeWithBlocks,
};

/**
 * The collections in which resources of these kinds are; none for a kind that has no home here.
 * @param group where Calico's kinds are
 */
export function collectionsOf(
  kinds: readonly Kind[],
  group: CalicoApiGroup,
  usePodCidr: boolean,
): readonly Collection[] {
  const collections = new Set<Collection>();
  for (const kind of kinds) {
    if (kind === 'Node') collections.add(usePodCidr ? NODES_WITH_BLOCKS : NODES);
    else if (kind === 'BlockAffinity' && usePodCidr) collections.add(NODES_WITH_BLOCKS);
    else if (isCustomKind(kind)) collections.add(customCollection(kind, group));
  }
  return [...collections];
}
