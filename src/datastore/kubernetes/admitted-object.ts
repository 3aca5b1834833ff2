/**
 * What an object in an AdmissionReview means: the resource of ours that the API server would store, by the same readers
 * as the watch. Only those that sessions depend on; a core Node's creation and end are the cluster's own business.
 */
import type { JsonObject, Kind } from '../../model/resource.ts';
import type { Meaning } from './collection.ts';
import {
  CALICO_PLURALS,
  type CustomKind,
  customCollection,
  NODES,
  OWN_GROUP,
  OWN_PLURALS,
} from './collections.ts';

/** Of `request.resource`. */
export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export interface AdmittedKind {
  readonly kind: Kind;
  decode(object: JsonObject): Meaning | undefined;
}

const JUDGED = ['BGPPeer', 'BGPConfiguration', 'BGPFilter', 'IPPool', 'RouteReflector'] as const;

/** Every kind whose changes are judged; what is to be watched for that. */
export const JUDGED_KINDS: readonly Kind[] = ['Node', ...JUDGED];

/** @returns undefined for a resource that no session depends on */
export function admittedKind({ group, version, resource }: GroupVersionResource): AdmittedKind | undefined {
  if (group === '' && version === 'v1' && resource === 'nodes') {
    return { kind: 'Node', decode: (object) => NODES.decode(object)[0] };
  }
  const kind = JUDGED.find((one) => pluralOf(one) === resource);
  if (kind === undefined) return undefined;
  const found =
    kind === 'RouteReflector' ? ownCollection(group, version) : calicoCollection(kind, group, version);
  return found === undefined ? undefined : { kind, decode: (object) => found.decode(object)[0] };
}

function pluralOf(kind: (typeof JUDGED)[number]): string {
  return kind === 'RouteReflector' ? OWN_PLURALS[kind] : CALICO_PLURALS[kind];
}

function ownCollection(group: string, version: string) {
  if (group !== OWN_GROUP || version !== 'v1') return undefined;
  return customCollection('RouteReflector', 'crd.projectcalico.org/v1');
}

function calicoCollection(kind: CustomKind, group: string, version: string) {
  const name = `${group}/${version}`;
  if (name !== 'crd.projectcalico.org/v1' && name !== 'projectcalico.org/v3') return undefined;
  return customCollection(kind, name);
}
