/** Topologies for tests, and the racks of the route reflector image's documentation. */
import assert from 'node:assert/strict';
import { type IpAddress, parseAddress } from '../../src/model/address.ts';
import type { Problem } from '../../src/model/problem.ts';
import type { Resource } from '../../src/model/resource.ts';
import type { SessionConfig } from '../../src/topology/speaker-config.ts';
import {
  createTopology,
  type SpeakerIdentity,
  type SpeakerView,
  type Topology,
  type TopologyOptions,
} from '../../src/topology/topology.ts';
import { configuration, listing, node, peer, reflector } from './resources.ts';

export function topologyOf(...resources: readonly Resource[]): Topology {
  return topologyWith({}, ...resources);
}

export function topologyWith(options: TopologyOptions, ...resources: readonly Resource[]): Topology {
  const topology = createTopology(options);
  topology.load(listing(...resources));
  return topology;
}

export function at(...addresses: readonly string[]): SpeakerIdentity {
  const parsed = addresses.map((text) => parseAddress(text));
  const of = (colon: boolean): IpAddress | null => parsed.find((one) => one?.includes(':') === colon) ?? null;
  return { name: null, ipv4: of(false), ipv6: of(true), listenPort: null };
}

export function names(view: SpeakerView): readonly string[] {
  return view.config().sessions.map((session) => session.name);
}

export function sessionOf(view: SpeakerView, name: string): SessionConfig {
  const session = view.config().sessions.find((one) => one.name === name);
  assert.ok(session !== undefined, `${name} is not among ${names(view).join(', ')}`);
  return session;
}

export function codesOf(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => `${problem.code} ${problem.subject}`);
}

export const RACKS = [
  { clusterID: '1.0.0.1', reflectors: [1, 2], nodes: [1, 2, 3] },
  { clusterID: '1.0.0.2', reflectors: [3, 4], nodes: [4, 5, 6] },
  { clusterID: '1.0.0.3', reflectors: [5, 6], nodes: [7, 8, 9] },
] as const;

/** The topology of the image's documentation, both families. */
export function racks(): Resource[] {
  const resources = [configuration({ asNumber: 64512, nodeToNodeMeshEnabled: false })];
  for (const { clusterID, reflectors, nodes } of RACKS) {
    for (const r of reflectors) {
      resources.push(reflector(`rr${r}`, [`10.0.0.${r}`, `fd00::${r}`], { clusterID }));
    }
    for (const n of nodes) {
      resources.push(node(`n${n}`, [`10.0.1.${n}/24`, `fd00::1:${n}/64`]));
      for (const r of reflectors) {
        resources.push(peer(`n${n}-rr${r}-4`, `n${n}`, `10.0.0.${r}`));
        resources.push(peer(`n${n}-rr${r}-6`, `n${n}`, `fd00::${r}`));
      }
    }
  }
  return resources;
}
