/**
 * Resources as every datastore hands them out: Calico's v3 shape, whatever the home stores. What stands in
 * `spec` is plain JSON that nobody has judged yet, kept whole, so that a resource can be read, changed and
 * written back with nothing lost, fields included that we do not know.
 */

export const CALICO_API_VERSION = 'projectcalico.org/v3';
export const REFLECTOR_API_VERSION = 'calico-rr.io/v1';

/** Every kind that we read, with the API version that it carries. */
export const KINDS = {
  Node: CALICO_API_VERSION,
  BGPPeer: CALICO_API_VERSION,
  BGPConfiguration: CALICO_API_VERSION,
  BGPFilter: CALICO_API_VERSION,
  /** What Calico is asked to report of a node's BGP, and the report; nobody's sessions depend on it. */
  CalicoNodeStatus: CALICO_API_VERSION,
  IPPool: CALICO_API_VERSION,
  BlockAffinity: CALICO_API_VERSION,
  /** A reflector that is no Calico node; on both etcds the flat keys rr_v4 and rr_v6. */
  RouteReflector: REFLECTOR_API_VERSION,
  /** What a reflector reports of itself; written by the agent, at most once in 10 s. */
  RouteReflectorStatus: REFLECTOR_API_VERSION,
  /** Raw BIRD filter text of etcd v2's `global/custom_filters`; obeyed for the role `node`. */
  CustomFilter: REFLECTOR_API_VERSION,
} as const;

export type Kind = keyof typeof KINDS;

export function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface Metadata {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The home's version of this resource, opaque text; given back for a conditional write. */
  readonly resourceVersion?: string;
  readonly uid?: string;
  readonly creationTimestamp?: string;
}

export interface Resource {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: JsonObject;
  readonly status?: JsonObject;
}

/** `Kind/name`, the way resources are named in logs, status and `because`. */
export type ResourceKey = `${Kind}/${string}`;

export function keyOf(resource: Pick<Resource, 'kind'> & { metadata: { name: string } }): ResourceKey {
  return `${resource.kind}/${resource.metadata.name}`;
}
