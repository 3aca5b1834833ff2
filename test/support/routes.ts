/** Routes for tests of the native engine, without sockets: attributes, sources, UPDATEs and what they say. */
import assert from 'node:assert/strict';
import {
  createFramer,
  decodeUpdate,
  encodeAttributes,
  encodePrefix,
  formatPrefix,
  NO_ATTRIBUTES,
  type PathAttributes,
  parseAddress,
  parsePrefix,
  parseRouterId,
  readNlri,
  type UpdateContext,
} from '../../src/bgp/index.ts';
import type { AttributeSet, AttributeSets } from '../../src/engine/native/rib/attribute-sets.ts';
import type { PrefixTable } from '../../src/engine/native/rib/prefix-table.ts';
import type { Source } from '../../src/engine/native/rib/rib.ts';

export function octetsOf(address: string): Uint8Array {
  const octets = parseAddress(address);
  assert(octets !== null, address);
  return octets;
}

export function idOf(routerId: string): number {
  const id = parseRouterId(routerId);
  assert(id !== null, routerId);
  return id;
}

/** Attributes of an IPv4 route, ORIGIN IGP and an empty path unless told otherwise. */
export function attributesOf(changes: Partial<PathAttributes> = {}): Uint8Array {
  const nextHop = octetsOf('10.0.0.1');
  return encodeAttributes({ ...NO_ATTRIBUTES, origin: 0, asPath: [], nextHop, localPref: 100, ...changes });
}

export function setOf(sets: AttributeSets, changes: Partial<PathAttributes> = {}): AttributeSet {
  const clusterListLength = changes.clusterList?.length ?? 0;
  const nextHop = changes.nextHop ?? octetsOf('10.0.0.1');
  return sets.intern(attributesOf(changes), nextHop, { clusterListLength, reflectedBy: null });
}

export function sourceOf(index: number, changes: Partial<Source> = {}): Source {
  return {
    index,
    name: `peer${index}`,
    client: true,
    fellow: false,
    external: false,
    peerAs: 64512,
    routerId: idOf(`10.0.0.${index + 1}`),
    address: octetsOf(`10.0.0.${index + 1}`),
    ...changes,
  };
}

/** The number of a prefix, which is made where it is not known. */
export function prefixIn(prefixes: PrefixTable, text: string): number {
  const prefix = parsePrefix(text);
  assert(prefix !== null, text);
  return prefixes.intern(encodePrefix(prefix), 1, prefix.length);
}

function contextOf(addPathReceive: boolean): UpdateContext {
  const terms = { addPathReceive, ipv6NextHop: true };
  const families = { 4: terms, 6: terms };
  return { external: false, peerAs: 64512, fourOctetAs: true, enforceFirstAs: false, families };
}

/** A peer that keeps what it is told. */
export interface Listener {
  /** Attributes in hex and next hop, by prefix; or by `PREFIX path ID` where it takes several paths. */
  readonly routes: ReadonlyMap<string, string>;
  readonly endOfRibs: number;
  /** Announcements and withdrawals so far. */
  readonly told: number;
  /** Octets so far. */
  readonly octets: number;
  hear(chunks: readonly Uint8Array[]): void;
  /** A new session begins: nothing has been told. */
  startAnew(): void;
}

/** @param addPath whether it takes several paths to one prefix (RFC 7911) */
export function listener(addPath: () => boolean = () => false, extendedMessages = false): Listener {
  const routes = new Map<string, string>();
  const framer = createFramer();
  if (extendedMessages) framer.acceptExtendedMessages();
  let endOfRibs = 0;
  let told = 0;
  let octets = 0;
  return {
    routes,
    get endOfRibs() {
      return endOfRibs;
    },
    get told() {
      return told;
    },
    get octets() {
      return octets;
    },
    hear(chunks) {
      const context = contextOf(addPath());
      const keyOf = ({ prefix, pathId }: ReturnType<typeof readNlri>[number]): string =>
        addPath() ? `${formatPrefix(prefix)} path ${pathId}` : formatPrefix(prefix);
      for (const chunk of chunks) {
        octets += chunk.length;
        framer.push(chunk, ({ type, message }) => {
          if (type !== 'update') return true;
          const update = decodeUpdate(message, context);
          assert.deepEqual(update.malformed, []);
          if (update.endOfRib !== null) endOfRibs++;
          for (const block of update.withdrawn) {
            for (const route of readNlri(block)) {
              told++;
              routes.delete(keyOf(route));
            }
          }
          for (const { nlri, nextHop, attributes } of update.announced) {
            const text = `${Buffer.from(attributes).toString('hex')} ${Buffer.from(nextHop).toString('hex')}`;
            for (const route of readNlri(nlri)) {
              told++;
              routes.set(keyOf(route), text);
            }
          }
          return true;
        });
        assert.equal(framer.waiting, 0, 'a chunk holds whole messages');
      }
    },
    startAnew() {
      routes.clear();
      endOfRibs = 0;
      told = 0;
      octets = 0;
    },
  };
}
