/**
 * The node-to-node mesh. Who is in it changed with Calico's versions, and what one node leaves out the other must
 * leave out too:
 *
 * | Calico | a node with a cluster ID | the others towards it |
 * | --- | --- | --- |
 * | before 3.13 | builds no mesh session | build theirs all the same |
 * | 3.13 to 3.20 | is in the IPv4 mesh; IPv6 as before | as it does |
 * | 3.21 and later | is in no mesh | leave it out |
 */
import { type Family, familyOf, type IpAddress } from '../model/address.ts';
import type { Node } from '../model/node.ts';
import { addressesOf, type Inventory } from './inventory.ts';
import { createSession } from './session-draft.ts';
import { sessionName } from './session-name.ts';
import type { Candidate } from './session-rules.ts';
import { asOf, type SpeakerFrame } from './speaker-frame.ts';

/** Which Calico runs on the other nodes, as far as the mesh is concerned. */
export type MeshEra = 'before 3.13' | '3.13 to 3.20' | 'later';

/**
 * The era of a version as people write it: `v3.12.1`, `3.28`. Anything else (`master`) is the latest.
 */
export function meshEraOf(calicoVersion: string | undefined): MeshEra {
  const parts = /^v?(\d+)\.(\d+)/.exec(calicoVersion ?? '');
  if (parts === null) return 'later';
  const [major, minor] = [Number(parts[1]), Number(parts[2])];
  if (major < 3 || (major === 3 && minor < 13)) return 'before 3.13';
  return major === 3 && minor <= 20 ? '3.13 to 3.20' : 'later';
}

export interface MeshRules {
  /** True where this node builds mesh sessions of this family. */
  builds(node: Node, family: Family): boolean;
  /** True where the others build mesh sessions with this node. */
  isBuiltTowards(node: Node): boolean;
  candidates(frame: SpeakerFrame, node: Node, own: IpAddress, address: IpAddress): readonly Candidate[];
  /** Addresses with which this node may have mesh sessions. */
  addresses(node: Node): Iterable<IpAddress>;
}

export function createMeshRules(inventory: Inventory, era: MeshEra): MeshRules {
  function isOn(): boolean {
    return inventory.defaults?.meshEnabled ?? true;
  }

  function builds(node: Node, family: Family): boolean {
    if (!isOn()) return false;
    if (node.clusterId === null) return true;
    return era === '3.13 to 3.20' && family === 4;
  }

  function isBuiltTowards(other: Node): boolean {
    return other.clusterId === null || era !== 'later';
  }

  function candidates(
    frame: SpeakerFrame,
    node: Node,
    own: IpAddress,
    address: IpAddress,
  ): readonly Candidate[] {
    if (!builds(node, familyOf(address))) return [];
    const other = inventory.nodesAt(address).find(isBuiltTowards);
    if (other === undefined) return [];
    const session = createSession({
      name: sessionName('Mesh', address, null),
      kind: 'mesh',
      peerAddress: address,
      peerPort: inventory.listenPortOf(other.name),
      peerAs: asOf(other, inventory),
      localAs: asOf(node, inventory),
      peerName: other.name,
      client: false,
      sourceAddress: own,
      // By text, as Calico compares: "10.0.0.9" > "10.0.0.10". The end with the greater text opens.
      passive: address > own,
      passwordRef: inventory.defaults?.meshPasswordRef ?? null,
      gracefulRestartSeconds: inventory.defaults?.meshRestartSeconds ?? frame.restartSeconds,
      because: `Node/${other.name}`,
    });
    return [{ session, problems: [] }];
  }

  function* addresses(node: Node): Iterable<IpAddress> {
    if (!(builds(node, 4) || builds(node, 6))) return;
    for (const one of inventory.nodes.values()) yield* addressesOf(one);
  }

  return { builds, isBuiltTowards, candidates, addresses };
}
