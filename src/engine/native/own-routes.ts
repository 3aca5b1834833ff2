/**
 * Routes that this speaker announces as its own: a Calico node's blocks, with its address as next hop. Only a node that
 * programs no kernel can be run so (in the demo); a reflector has none.
 */
import {
  encodeAttributes,
  encodePrefix,
  NO_ATTRIBUTES,
  ORIGIN,
  parseAddress,
  parsePrefix,
  parseRouterId,
} from '../../bgp/index.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import { DEFAULT_LOCAL_PREF } from './rib/attribute-sets.ts';
import type { Source } from './rib/rib.ts';
import type { Table } from './table.ts';

export interface OwnRoutes {
  /** Announces the blocks of this configuration and withdraws others. @returns whether anything changed */
  update(config: SpeakerConfig): boolean;
}

export function createOwnRoutes(table: Table): OwnRoutes {
  const { rib } = table;
  let source: Source | undefined;
  /** What was announced, as one text. */
  let announced = '';

  return {
    update(config) {
      const address = parseAddress((rib.family === 4 ? config.ipv4 : config.ipv6) ?? '');
      const blocks = config.blocks.flatMap((block) => parsePrefix(block) ?? []);
      const own = address === null ? [] : blocks.filter(({ family }) => family === rib.family);
      const text = JSON.stringify([config.routerId, address, own]);
      if (text === announced) return false;
      announced = text;
      if (source !== undefined) rib.removeSource(source.index);
      source = undefined;
      if (address === null || own.length === 0) return true;
      const routerId = parseRouterId(config.routerId) ?? 0;
      const peerAs = config.asNumber;
      source = rib.addSource((index) => ({
        index,
        name: config.speaker,
        // What is our own goes to every peer.
        client: true,
        fellow: false,
        external: false,
        peerAs,
        address,
        routerId,
      }));
      const bytes = encodeAttributes({
        ...NO_ATTRIBUTES,
        origin: ORIGIN.igp,
        asPath: [],
        nextHop: rib.family === 4 ? address : null,
        localPref: DEFAULT_LOCAL_PREF,
      });
      for (const prefix of own) {
        const set = rib.sets.intern(bytes, address, { clusterListLength: 0, reflectedBy: null });
        const id = rib.prefixes.intern(encodePrefix(prefix), 1, prefix.length);
        rib.put(source.index, id, set, rib.sets.hold(set));
      }
      return true;
    },
  };
}
