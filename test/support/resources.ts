/** Resources for tests, written as short as they are read. */
import type { Listing } from '../../src/model/change.ts';
import { type JsonObject, KINDS, type Kind, type Resource } from '../../src/model/resource.ts';

export function resource(kind: Kind, name: string, spec: JsonObject): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

/** @param addresses IPv4 and IPv6 in any order, or none */
export function node(name: string, addresses: readonly string[], bgp: JsonObject = {}): Resource {
  const ipv4Address = addresses.find((address) => !address.includes(':')) ?? '';
  const ipv6Address = addresses.find((address) => address.includes(':')) ?? '';
  return resource('Node', name, { bgp: { ipv4Address, ipv6Address, ...bgp } });
}

export function reflector(name: string, addresses: readonly string[], spec: JsonObject = {}): Resource {
  const found = {
    ipv4: addresses.find((address) => !address.includes(':')) ?? null,
    ipv6: addresses.find((address) => address.includes(':')) ?? null,
  };
  return resource('RouteReflector', name, { ...found, ...spec });
}

/** A peer of one node, or of every node where `nodeName` is null. */
export function peer(
  name: string,
  nodeName: string | null,
  peerIP: string,
  spec: JsonObject = { asNumber: 64512 },
): Resource {
  return resource('BGPPeer', name, { node: nodeName, peerIP, ...spec });
}

export function configuration(spec: JsonObject, name = 'default'): Resource {
  return resource('BGPConfiguration', name, spec);
}

export function listing(...resources: readonly Resource[]): Listing {
  return { resources, broken: [], warnings: [] };
}

export function labelled(made: Resource, labels: Readonly<Record<string, string>>): Resource {
  return { ...made, metadata: { ...made.metadata, labels } };
}
