/** Who is in the node-to-node mesh, and with what: all that there is to say of its sessions, once for each node. */
import type { Family, IpAddress } from '../../model/address.ts';
import type { Inventory } from '../inventory.ts';
import { asOf, ownAddress } from '../speaker-frame.ts';
import type { ClusterSpeaker, SessionsOfAll } from './sessions-of-all.ts';

export interface MeshNode {
  readonly address: IpAddress;
  readonly asNumber: number;
  readonly port: number;
}

export interface MeshMembers {
  /** By name; those that have sessions of the mesh with each other. */
  readonly members: ReadonlyMap<string, MeshNode>;
  /** Nodes towards which the members build sessions that these never answer (Calico before 3.13). */
  readonly unanswering: readonly string[];
  /** Settings of all its sessions, as a text to compare. */
  readonly settings: string;
  readonly hasPassword: boolean;
}

export function meshMembers(inventory: Inventory, all: SessionsOfAll, family: Family): MeshMembers {
  const members = new Map<string, MeshNode>();
  const unanswering: string[] = [];
  const { defaults } = inventory;
  const settings = JSON.stringify([defaults?.meshPasswordRef ?? null, defaults?.meshRestartSeconds ?? null]);
  const found = {
    members,
    unanswering,
    settings,
    hasPassword: (defaults?.meshPasswordRef ?? null) !== null,
  };
  if (defaults?.meshEnabled === false) return found;
  for (const speaker of all.speakers().values()) {
    const { node } = speaker.frame;
    const address = ownAddress(speaker.frame, family);
    if (node === undefined || address === null || !isMeant(all, speaker, address)) continue;
    if (!all.meshRules.isBuiltTowards(node)) continue;
    if (!all.meshRules.builds(node, family)) {
      unanswering.push(speaker.name);
      continue;
    }
    const port = inventory.listenPortOf(speaker.name);
    members.set(speaker.name, { address, asNumber: asOf(node, inventory), port });
  }
  return found;
}

/** False where another has the same address, and it is that one which the others find there. */
function isMeant(all: SessionsOfAll, speaker: ClusterSpeaker, address: IpAddress): boolean {
  return all.speakerAt(address) === speaker;
}
