/**
 * Arbitrary BGP for fast-check: values that are legal, messages made of them, and messages that somebody broke.
 */
import fc from 'fast-check';
import { clearHostBits } from '../../src/bgp/address.ts';
import { encodeRawAttributes } from '../../src/bgp/attributes/raw-attributes.ts';
import { buildMessage, HEADER_LENGTH, MESSAGE_TYPES, type MessageType } from '../../src/bgp/header.ts';
import {
  type AsPath,
  type Capability,
  encodeAnnouncements,
  encodeAttributes,
  encodeEndOfRib,
  encodeKeepalive,
  encodeNotification,
  encodeOpen,
  encodeRouteRefresh,
  encodeWithdrawals,
  type Family,
  LONGEST_EXTENDED_MESSAGE,
  type NlriBlock,
  type Notification,
  type Open,
  type PathAttributes,
  type UpdateContext,
} from '../../src/bgp/index.ts';
import { encodeNlri } from '../../src/bgp/nlri.ts';
import { concatBytes } from '../../src/bgp/wire.ts';

/** Records as literals make them, so that they compare equal. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const asNumber = fc.oneof(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffff_ffff }));
const octets = (min: number, max: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: min, maxLength: max });

const asPath: fc.Arbitrary<AsPath> = fc.array(
  record({
    type: fc.constantFrom('set' as const, 'sequence' as const),
    asNumbers: fc.array(asNumber, { minLength: 1, maxLength: 6 }),
  }),
  { maxLength: 3 },
);

const nextHop4 = fc.tuple(fc.integer({ min: 1, max: 223 }), u8, u8, u8).map((list) => Uint8Array.from(list));
const nextHop6 = octets(16, 16).map((address) => {
  address[0] = 0x20;
  return address;
});

/** Legal attributes with all that is mandatory; NEXT_HOP only where asked for. */
function attributesWith(nextHop: fc.Arbitrary<Uint8Array | null>): fc.Arbitrary<PathAttributes> {
  return record({
    origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
    asPath,
    nextHop,
    med: fc.option(u32),
    localPref: fc.option(u32),
    atomicAggregate: fc.boolean(),
    aggregator: fc.option(record({ as: asNumber, routerId: u32 })),
    communities: fc.array(u32, { maxLength: 70 }),
    originatorId: fc.option(u32),
    clusterList: fc.array(u32, { maxLength: 5 }),
    extendedCommunities: fc.array(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), { maxLength: 3 }),
    largeCommunities: fc.uniqueArray(record({ global: u32, one: u32, two: u32 }), {
      maxLength: 3,
      selector: ({ global, one, two }) => `${global}:${one}:${two}`,
    }),
    onlyToCustomer: fc.option(u32),
    unknown: fc
      .uniqueArray(
        record({
          code: fc.integer({ min: 128, max: 255 }),
          flags: fc.constant(0xe0),
          value: octets(0, 300),
        }),
        { maxLength: 2, selector: ({ code }) => code },
      )
      .map((list) => list.sort((one, other) => one.code - other.code)),
    partial: fc.subarray([8, 32]),
  }).map((attributes) => ({
    ...attributes,
    partial: attributes.partial.filter(
      (code) => (code === 8 ? attributes.communities : attributes.largeCommunities).length > 0,
    ),
  }));
}

export const pathAttributes = attributesWith(nextHop4);

export function nlriBlock(family: Family, addPath: boolean): fc.Arbitrary<NlriBlock> {
  const size = family === 4 ? 4 : 16;
  const route = record({
    length: fc.integer({ min: 0, max: size * 8 }),
    address: octets(size, size),
    pathId: addPath ? u32 : fc.constant(0),
  }).map(({ length, address, pathId }) => ({
    prefix: { family, length, address: clearHostBits(address, length) },
    pathId,
  }));
  return fc
    .array(route, { minLength: 1, maxLength: 40 })
    .map((routes) => encodeNlri(family, addPath, routes));
}

/** Routes with all that it takes to tell them. */
export const announcements = fc.boolean().chain((addPath) =>
  fc.oneof(
    record({ nlri: nlriBlock(4, addPath), attributes: pathAttributes }).map((one) => ({
      ...one,
      nextHop: one.attributes.nextHop ?? new Uint8Array(4),
    })),
    record({
      nlri: nlriBlock(6, addPath),
      attributes: attributesWith(fc.constant(null)),
      nextHop: nextHop6,
    }),
    record({
      nlri: nlriBlock(4, addPath),
      attributes: attributesWith(fc.constant(null)),
      nextHop: nextHop6,
    }),
  ),
);

const afiSafi = { afi: u16, safi: u8 };
const capability: fc.Arbitrary<Capability> = fc.oneof(
  record({ kind: fc.constant('multiprotocol' as const), ...afiSafi }),
  fc.constant({ kind: 'route-refresh' } as const),
  fc.constant({ kind: 'extended-message' } as const),
  fc.constant({ kind: 'enhanced-route-refresh' } as const),
  record({
    kind: fc.constant('extended-next-hop' as const),
    entries: fc.array(record({ afi: u16, safi: u16, nextHopAfi: u16 }), { maxLength: 3 }),
  }),
  record({
    kind: fc.constant('graceful-restart' as const),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    seconds: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(record({ ...afiSafi, forwarding: fc.boolean() }), { maxLength: 3 }),
  }),
  record({
    kind: fc.constant('add-path' as const),
    entries: fc.array(record({ ...afiSafi, mode: fc.constantFrom(1 as const, 2 as const, 3 as const) }), {
      maxLength: 3,
    }),
  }),
  record({
    kind: fc.constant('long-lived-graceful-restart' as const),
    families: fc.array(
      record({ ...afiSafi, forwarding: fc.boolean(), seconds: fc.integer({ min: 0, max: 0xff_ffff }) }),
      { maxLength: 3 },
    ),
  }),
  record({
    kind: fc.constant('unknown' as const),
    code: fc.integer({ min: 128, max: 255 }),
    value: octets(0, 255),
  }),
);

export const openMessage: fc.Arbitrary<Open> = record({
  as: asNumber,
  holdSeconds: fc.oneof(fc.constant(0), fc.integer({ min: 3, max: 0xffff })),
  routerId: fc.integer({ min: 1, max: 0xffff_ffff }),
  capabilities: fc.array(capability, { maxLength: 10 }),
}).map((open) => ({
  ...open,
  capabilities: [...open.capabilities, { kind: 'four-octet-as', as: open.as } as const],
}));

export const notification: fc.Arbitrary<Notification> = record({
  code: u8,
  subcode: u8,
  data: octets(0, 80),
});

export const updateContext: fc.Arbitrary<UpdateContext> = record({
  external: fc.boolean(),
  peerAs: asNumber,
  fourOctetAs: fc.boolean(),
  enforceFirstAs: fc.boolean(),
  families: record({
    4: fc.option(record({ addPathReceive: fc.boolean(), ipv6NextHop: fc.boolean() })),
    6: fc.option(record({ addPathReceive: fc.boolean(), ipv6NextHop: fc.boolean() })),
  }),
});

/** IPv4 routes with an IPv4 next hop in MP_REACH_NLRI: legal, and others do so, but we never do. */
const reached4 = record({
  nlri: nlriBlock(4, false),
  nextHop: nextHop4,
  attributes: attributesWith(fc.constant(null)),
}).map(({ nlri, nextHop, attributes }) => {
  const value = concatBytes([Uint8Array.of(0, 1, 1, 4), nextHop, Uint8Array.of(0), nlri.bytes]);
  const reach = encodeRawAttributes([{ code: 14, flags: 0x80, value }]);
  const all = concatBytes([reach, encodeAttributes(attributes)]);
  return buildMessage('update', concatBytes([Uint8Array.of(0, 0, all.length >>> 8, all.length), all]));
});

/** Any message that is legal. */
export const goodMessage: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.constant(encodeKeepalive()),
  openMessage.map(encodeOpen),
  notification.map(encodeNotification),
  fc.constantFrom<Family>(4, 6).map(encodeEndOfRib),
  record({ family: fc.constantFrom<Family>(4, 6), subtype: u8 }).map(({ family, subtype }) =>
    encodeRouteRefresh(family, subtype),
  ),
  announcements.map(
    ({ nlri, nextHop, attributes }) =>
      encodeAnnouncements({ nlri, nextHop, attributes: encodeAttributes(attributes) }, 4096) ??
      encodeKeepalive(),
  ),
  nlriBlock(6, false).map((nlri) => encodeWithdrawals(nlri, 4096)),
  reached4,
);

const messageType = fc
  .constantFrom(...Object.keys(MESSAGE_TYPES))
  .filter((name): name is MessageType => name in MESSAGE_TYPES);

/** A good header with anything behind it. */
const wildMessage = record({ type: messageType, body: octets(0, 400) }).map(({ type, body }) =>
  buildMessage(type, body),
);

/** The same, and much longer than a message of RFC 4271. */
const longMessage = record({
  type: messageType,
  chunk: octets(1, 300),
  size: fc.integer({ min: 4096, max: LONGEST_EXTENDED_MESSAGE }),
}).map(({ type, chunk, size }) => {
  const body = Uint8Array.from({ length: size - HEADER_LENGTH }, (_, at) => chunk[at % chunk.length] ?? 0);
  return buildMessage(type, body);
});

/** A good message in which some octets were changed behind the header. */
const brokenMessage = record({
  message: goodMessage,
  changes: fc.array(fc.tuple(fc.nat(), u8), { minLength: 1, maxLength: 4 }),
}).map(({ message, changes }) => {
  const broken = message.slice();
  for (const [at, octet] of changes) {
    if (broken.length > 19) broken[19 + (at % (broken.length - 19))] = octet;
  }
  return broken;
});

/** What a peer, a broken peer or an attacker may send, up to 64 KiB of it. */
export const stream: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 65_536, size: 'max' }) },
  {
    weight: 8,
    arbitrary: fc
      .array(fc.oneof(goodMessage, brokenMessage, brokenMessage, wildMessage), { maxLength: 12 })
      .map(concatBytes),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(goodMessage, longMessage).map(concatBytes),
  },
);
