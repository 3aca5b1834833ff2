/**
 * Calico's Node in a cluster of Kubernetes: a view of the core Node's annotations and labels (libcalico-go,
 * backend/k8s/resources/node.go). The metadata is all that is needed; addresses, conditions, images and pod CIDRs of
 * the core Node are never looked at here.
 *
 * Labels: those that Calico keeps in `projectcalico.org/labels`, overlaid by Kubernetes' own. Only the former can be
 * written here. Annotations: those in `projectcalico.org/annotations`. What Calico derives for every node
 * (`spec.orchRefs`, `spec.addresses`, the annotation `projectcalico.org/kube-labels`) is not shown, and a document
 * that brings it, printed by calicoctl, is taken without it.
 *
 * Values are carried, not judged, except that numbers are made of AS numbers in plain decimal; what an address is
 * the model decides. A map or list that is no JSON makes the node broken: labels that vanish would change whom it
 * peers with.
 */
import { CalicoRrError } from '../../model/errors.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { ProblemCode } from '../../model/problem.ts';
import { type Json, type JsonObject, KINDS, type Resource } from '../../model/resource.ts';
import { identityOf, type Meaning } from './collection.ts';

const PREFIX = 'projectcalico.org/';
const LABELS = `${PREFIX}labels`;
const ANNOTATIONS = `${PREFIX}annotations`;

type Path = readonly ['spec' | 'status', ...string[]];

/** Annotation (without the prefix) and the field that it is. */
const FIELDS: readonly (readonly [string, Path])[] = [
  ['IPv4Address', ['spec', 'bgp', 'ipv4Address']],
  ['IPv6Address', ['spec', 'bgp', 'ipv6Address']],
  ['ASNumber', ['spec', 'bgp', 'asNumber']],
  ['RouteReflectorClusterID', ['spec', 'bgp', 'routeReflectorClusterID']],
  ['IPv4IPIPTunnelAddr', ['spec', 'bgp', 'ipv4IPIPTunnelAddr']],
  ['IPv4VXLANTunnelAddr', ['spec', 'ipv4VXLANTunnelAddr']],
  ['VXLANTunnelMACAddr', ['spec', 'vxlanTunnelMACAddr']],
  ['IPv6VXLANTunnelAddr', ['spec', 'ipv6VXLANTunnelAddr']],
  ['VXLANTunnelMACAddrV6', ['spec', 'vxlanTunnelMACAddrV6']],
  ['IPv4WireguardInterfaceAddr', ['spec', 'wireguard', 'interfaceIPv4Address']],
  ['IPv6WireguardInterfaceAddr', ['spec', 'wireguard', 'interfaceIPv6Address']],
  ['Interfaces', ['spec', 'interfaces']],
  ['WireguardPublicKey', ['status', 'wireguardPublicKey']],
  ['WireguardPublicKeyV6', ['status', 'wireguardPublicKeyV6']],
];

/** Fields that Calico derives from the core Node. */
const DERIVED = new Set(['spec.orchRefs', 'spec.addresses', 'status.podCIDRs']);

/** Where the fields of a Calico Node stand on the core Node, as paths: `metadata.annotations.projectcalico.org/ASNumber`. */
export function annotationsOfFields(): ReadonlyMap<string, string> {
  return new Map(
    FIELDS.map(([annotation, path]) => [path.join('.'), `metadata.annotations.${PREFIX}${annotation}`]),
  );
}

/** The Calico Node of a core Node, whole or as PartialObjectMetadata. */
export function decodeNode(object: JsonObject): Meaning {
  const { name, version } = identityOf(object);
  const metadata = asObject(object.metadata);
  const kubernetes = asObject(metadata.annotations);
  const maps: Record<string, JsonObject> = {};
  for (const annotation of [LABELS, ANNOTATIONS]) {
    const text = kubernetes[annotation];
    const map = typeof text === 'string' && text !== '' ? parseJson(text) : {};
    if (!isJsonObject(map)) return broken(name, 'bad-json', annotation);
    maps[annotation] = map;
  }
  const spec: Record<string, Json> = {};
  const status: Record<string, Json> = {};
  for (const [annotation, [root, ...path]] of FIELDS) {
    const text = kubernetes[PREFIX + annotation];
    if (typeof text !== 'string' || text === '') continue;
    const value = readField(annotation, text);
    if (value === undefined) return broken(name, 'bad-json', PREFIX + annotation);
    place(root === 'spec' ? spec : status, path, value);
  }
  const labels = { ...maps[LABELS], ...asObject(metadata.labels) };
  const annotations = maps[ANNOTATIONS] ?? {};
  const { uid, creationTimestamp } = metadata;
  const resource: Resource = {
    apiVersion: KINDS.Node,
    kind: 'Node',
    metadata: {
      name,
      ...(isEmpty(labels) ? {} : { labels: texts(labels) }),
      ...(isEmpty(annotations) ? {} : { annotations: texts(annotations) }),
      ...(version === '' ? {} : { resourceVersion: version }),
      ...(typeof uid === 'string' ? { uid } : {}),
      ...(typeof creationTimestamp === 'string' ? { creationTimestamp } : {}),
    },
    spec,
    ...(isEmpty(status) ? {} : { status }),
  };
  return { op: 'put', resource };
}

/**
 * The annotations of the core Node that make it what `resource` says; null removes one.
 * @param object the core Node as it is
 * @param exact whether a label of Kubernetes that `resource` lacks was meant to go; else it is just not mentioned
 * @throws E_INVALID_RESOURCE for what has no place on a core Node; E_READ_ONLY for a label of Kubernetes
 */
export function encodeNode(
  resource: Resource,
  object: JsonObject,
  exact: boolean,
): Readonly<Record<string, string | null>> {
  const { name } = resource.metadata;
  const metadata = asObject(object.metadata);
  const present = asObject(metadata.annotations);
  const wanted = new Map<string, string>();
  const taken = new Set<string>();
  for (const [annotation, path] of FIELDS) {
    taken.add(path.join('.'));
    const value = read(resource, path);
    const text = annotation === 'Interfaces' && value !== undefined ? JSON.stringify(value) : scalar(value);
    if (text !== '') wanted.set(PREFIX + annotation, text);
  }
  for (const field of leaves({ spec: resource.spec, status: resource.status ?? {} })) {
    const known = [...taken, ...DERIVED].some((path) => field === path || field.startsWith(`${path}.`));
    if (!known) {
      throw new CalicoRrError(
        'E_INVALID_RESOURCE',
        `Node/${name}: ${field} has no place on a Kubernetes node.`,
        { hint: 'Calico keeps spec.bgp, tunnel addresses and labels there, and nothing else.' },
      );
    }
  }
  const labels = ownLabels(resource, asObject(metadata.labels), exact);
  if (!isEmpty(labels)) wanted.set(LABELS, JSON.stringify(labels));
  const { [`${PREFIX}kube-labels`]: _derived, ...annotations } = resource.metadata.annotations ?? {};
  if (!isEmpty(annotations)) wanted.set(ANNOTATIONS, JSON.stringify(annotations));

  const change: Record<string, string | null> = {};
  for (const annotation of [...FIELDS.map(([field]) => PREFIX + field), LABELS, ANNOTATIONS]) {
    const text = wanted.get(annotation);
    if (text === undefined) {
      if (annotation in present) change[annotation] = null;
    } else if (present[annotation] !== text && !sameJson(present[annotation], text)) {
      change[annotation] = text;
    }
  }
  return change;
}

/** The labels that are not Kubernetes' own, which cannot be changed from here. */
function ownLabels(resource: Resource, kubernetes: JsonObject, exact: boolean): JsonObject {
  const { name, labels = {} } = resource.metadata;
  for (const [label, value] of Object.entries(kubernetes)) {
    if (labels[label] === value || (labels[label] === undefined && !exact)) continue;
    const change = labels[label] === undefined ? `${label}-` : `--overwrite ${label}=${labels[label]}`;
    throw new CalicoRrError('E_READ_ONLY', `Node/${name}: the label ${label} is Kubernetes' own.`, {
      hint: `kubectl label node ${name} ${change}`,
    });
  }
  return Object.fromEntries(Object.entries(labels).filter(([label]) => !(label in kubernetes)));
}

function readField(annotation: string, text: string): Json | undefined {
  if (annotation === 'ASNumber') return /^\d{1,10}$/.test(text) ? Number(text) : text;
  return annotation === 'Interfaces' ? parseJson(text) : text;
}

function place(root: Record<string, Json>, path: readonly string[], value: Json): void {
  const [field = '', next] = path;
  if (next === undefined) root[field] = value;
  else root[field] = { ...asObject(root[field]), [next]: value };
}

function read(resource: Resource, [root, ...path]: Path): Json | undefined {
  let value: Json | undefined = root === 'spec' ? resource.spec : resource.status;
  for (const field of path) value = asObject(value)[field];
  return value;
}

function scalar(value: Json | undefined): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}

/** `spec.bgp.ipv4Address` and the like, of every value that is no object and not empty. */
function leaves(object: JsonObject, above = ''): string[] {
  return Object.entries(object).flatMap(([field, value]) =>
    isJsonObject(value) ? leaves(value, `${above}${field}.`) : value === null ? [] : [above + field],
  );
}

function sameJson(one: Json | undefined, other: string): boolean {
  if (typeof one !== 'string' || !other.startsWith('{')) return false;
  const [a, b] = [parseJson(one), parseJson(other)];
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function texts(map: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, scalar(value)]));
}

function broken(name: string, code: ProblemCode, annotation: string): Meaning {
  return {
    op: 'broken',
    broken: {
      kind: 'Node',
      name,
      problem: {
        code,
        severity: 'error',
        subject: `Node/${name}`,
        message: `The annotation ${annotation} of node ${name} is not the JSON that Calico keeps there.`,
        hint: `kubectl annotate node ${name} ${annotation}- removes it.`,
      },
    },
  };
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function isEmpty(object: object): boolean {
  for (const _key in object) return false;
  return true;
}
