import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attribute,
  EMPTY_PATH,
  EXTERNAL,
  hex,
  INTERNAL,
  LOCAL_PREF_100,
  NEXT_HOP_ATTRIBUTE,
  NLRI,
  ORIGIN_IGP,
  updateMessage,
} from '../../test/support/bgp-messages.ts';
import { formatAddress, formatPrefix, parsePrefix } from './address.ts';
import { decodeAttributes, encodeAttributes } from './attributes/codec.ts';
import { NO_ATTRIBUTES } from './attributes/path-attributes.ts';
import type { Family } from './family.ts';
import { createFramer } from './framer.ts';
import { encodeNlri, type NlriBlock, readNlri } from './nlri.ts';
import { decodeUpdate, type Update, type UpdateContext } from './update.ts';
import {
  encodeAnnouncements,
  encodeEndOfRib,
  encodeWithdrawals,
  sizeOfAnnouncements,
  writeAnnouncements,
} from './update-encoder.ts';
import { concatBytes, toHex } from './wire.ts';

const USUAL = [ORIGIN_IGP, EMPTY_PATH, NEXT_HOP_ATTRIBUTE, LOCAL_PREF_100];

function prefixes(blocks: readonly NlriBlock[]): string[] {
  return blocks.flatMap((block) => readNlri(block).map(({ prefix }) => formatPrefix(prefix)));
}

function routes(family: Family, count: number, addPath = false): NlriBlock {
  return encodeNlri(
    family,
    addPath,
    Array.from({ length: count }, (_, index) => {
      const text =
        family === 4 ? `10.${index >> 8}.${index & 255}.0/24` : `2001:db8:${index.toString(16)}::/64`;
      return { prefix: parsePrefix(text) ?? assert.fail(), pathId: index };
    }),
  );
}

/** Cuts messages apart and reads them. */
function read(messages: Uint8Array, context: UpdateContext, longest = 4096): Update[] {
  const list: Update[] = [];
  const framer = createFramer();
  if (longest > 4096) framer.acceptExtendedMessages();
  framer.push(messages, ({ message }) => {
    assert.ok(message.length <= longest);
    list.push(decodeUpdate(message, context));
    return true;
  });
  return list;
}

test('withdrawals and announcements of one message come out apart', () => {
  const message = updateMessage({ withdrawn: hex('180a4202'), attributes: USUAL, nlri: NLRI });
  const update = decodeUpdate(message, INTERNAL);
  assert.deepEqual(prefixes(update.withdrawn), ['10.66.2.0/24']);
  assert.deepEqual(prefixes(update.announced.map(({ nlri }) => nlri)), ['10.65.1.0/26']);
  assert.equal(formatAddress(update.announced[0]?.nextHop ?? assert.fail()), '10.0.1.7');
});

test('attributes that need no change are a view of the message', () => {
  const message = updateMessage({ attributes: USUAL, nlri: NLRI });
  const [announcement] = decodeUpdate(message, INTERNAL).announced;
  assert.ok(announcement);
  assert.equal(announcement.attributes.buffer, message.buffer);
  assert.equal(toHex(announcement.attributes), toHex(concatBytes(USUAL)));
  assert.equal(announcement.nlri.bytes.buffer, message.buffer);
});

test('MP_REACH_NLRI in front leaves the other attributes a view, too', () => {
  const reach = attribute(0x90, 14, '0002 01 10 20010db8000000000000000000000007 00 40 20010db800010000');
  const message = updateMessage({ attributes: [reach, ORIGIN_IGP, EMPTY_PATH, LOCAL_PREF_100] });
  const [announcement] = decodeUpdate(message, INTERNAL).announced;
  assert.equal(announcement?.attributes.buffer, message.buffer);
  assert.equal(
    toHex(announcement?.attributes ?? assert.fail()),
    toHex(concatBytes([ORIGIN_IGP, EMPTY_PATH, LOCAL_PREF_100])),
  );
});

test('NEXT_HOP goes with IPv4 routes only, also where both families share a message', () => {
  const reach = attribute(0x80, 14, '0002 01 10 20010db8000000000000000000000007 00 40 20010db800010000');
  const { announced } = decodeUpdate(updateMessage({ attributes: [reach, ...USUAL], nlri: NLRI }), INTERNAL);
  const byFamily = new Map(announced.map((one) => [one.nlri.family, decodeAttributes(one.attributes)]));
  assert.ok(byFamily.get(4)?.nextHop !== null);
  assert.equal(byFamily.get(6)?.nextHop, null);
  assert.equal(byFamily.get(6)?.localPref, 100);
});

test('IPv4 routes of MP_REACH_NLRI with an IPv4 next hop get NEXT_HOP, so that they can be told to anybody', () => {
  const reach = attribute(0x80, 14, '0001 01 04 0a000107 00 1a 0a410100');
  const stray = attribute(0x40, 3, '0a0000ff');
  for (const others of [[], [stray]]) {
    const message = updateMessage({ attributes: [reach, ORIGIN_IGP, EMPTY_PATH, ...others, LOCAL_PREF_100] });
    const [announcement] = decodeUpdate(message, INTERNAL).announced;
    assert.ok(announcement);
    assert.equal(toHex(announcement.attributes), toHex(concatBytes(USUAL)));
    const [told] = read(encodeAnnouncements(announcement, 4096) ?? assert.fail(), INTERNAL);
    assert.deepEqual(prefixes(told?.announced.map(({ nlri }) => nlri) ?? []), ['10.65.1.0/26']);
  }
});

test('attributes go on in the order of their codes, without bits that they may not have', () => {
  const message = updateMessage({
    attributes: [
      LOCAL_PREF_100,
      attribute(0x60, 1, '00'),
      EMPTY_PATH,
      attribute(0x41, 3, '0a000107'),
      attribute(0xaf, 4, '00000007'),
    ],
    nlri: NLRI,
  });
  const [announcement] = decodeUpdate(message, INTERNAL).announced;
  const med = attribute(0x80, 4, '00000007');
  const ordered = concatBytes([ORIGIN_IGP, EMPTY_PATH, NEXT_HOP_ATTRIBUTE, med, LOCAL_PREF_100]);
  assert.equal(toHex(announcement?.attributes ?? assert.fail()), toHex(ordered));
});

test('an unknown optional transitive attribute goes on with its Partial bit set', () => {
  const [announcement] = decodeUpdate(
    updateMessage({ attributes: [...USUAL, attribute(0xc0, 99, '0102')], nlri: NLRI }),
    INTERNAL,
  ).announced;
  assert.deepEqual(decodeAttributes(announcement?.attributes ?? assert.fail()).unknown, [
    { code: 99, flags: 0xe0, value: hex('0102') },
  ]);
});

test('a Partial bit that is set already is left alone', () => {
  const message = updateMessage({ attributes: [...USUAL, attribute(0xe0, 8, 'fc000001')], nlri: NLRI });
  const [announcement] = decodeUpdate(message, INTERNAL).announced;
  assert.equal(toHex(announcement?.attributes.subarray(-7) ?? assert.fail()), 'e00804fc000001');
});

test('an unknown optional non-transitive attribute ends here, quietly', () => {
  const update = decodeUpdate(
    updateMessage({ attributes: [...USUAL, attribute(0x80, 99, '0102')], nlri: NLRI }),
    INTERNAL,
  );
  assert.deepEqual(update.malformed, []);
  assert.deepEqual(decodeAttributes(update.announced[0]?.attributes ?? assert.fail()).unknown, []);
});

test('large communities that stand there twice go on once', () => {
  const one = '0000fc000000000100000002';
  const update = decodeUpdate(
    updateMessage({ attributes: [...USUAL, attribute(0xc0, 32, one + one)], nlri: NLRI }),
    INTERNAL,
  );
  assert.deepEqual(update.malformed, []);
  assert.equal(decodeAttributes(update.announced[0]?.attributes ?? assert.fail()).largeCommunities.length, 1);
});

test('from an old speaker AS numbers come out with four octets', () => {
  const update = decodeUpdate(
    updateMessage({
      attributes: [
        ORIGIN_IGP,
        attribute(0x40, 2, '0202 fc01 5ba0'),
        NEXT_HOP_ATTRIBUTE,
        attribute(0xc0, 17, '0202 0000fc01 0001fc00'),
      ],
      nlri: NLRI,
    }),
    { ...EXTERNAL, fourOctetAs: false },
  );
  const { asPath, unknown } = decodeAttributes(update.announced[0]?.attributes ?? assert.fail());
  assert.deepEqual(asPath, [{ type: 'sequence', asNumbers: [64_513, 130_048] }]);
  assert.deepEqual(unknown, []);
});

test('the first AS is checked only where that is asked for', () => {
  const message = updateMessage({
    attributes: [ORIGIN_IGP, attribute(0x40, 2, '0201 0000fc05'), NEXT_HOP_ATTRIBUTE],
    nlri: NLRI,
  });
  assert.equal(decodeUpdate(message, EXTERNAL).treatedAsWithdraw, false);
  assert.equal(decodeUpdate(message, { ...EXTERNAL, enforceFirstAs: true }).treatedAsWithdraw, true);
  assert.equal(
    decodeUpdate(message, { ...EXTERNAL, peerAs: 64_517, enforceFirstAs: true }).treatedAsWithdraw,
    false,
  );
});

test('routes of a family that was not agreed on are left alone, and said so', () => {
  const onlySix: UpdateContext = { ...INTERNAL, families: { ...INTERNAL.families, 4: null } };
  const update = decodeUpdate(updateMessage({ withdrawn: NLRI, attributes: USUAL, nlri: NLRI }), onlySix);
  assert.deepEqual([update.announced, update.withdrawn], [[], []]);
  assert.deepEqual(
    update.malformed.map(({ name }) => name),
    ['Withdrawn Routes', 'NLRI'],
  );
  const vpn = attribute(0x80, 14, '0001 80 0c 0000000000000000 0a000107 00 00');
  const other = decodeUpdate(updateMessage({ attributes: [vpn, ORIGIN_IGP, EMPTY_PATH] }), INTERNAL);
  assert.match(other.malformed[0]?.what ?? '', /AFI 1 SAFI 128/);
});

test('End-of-RIB is known for both families, and for none that was not agreed on', () => {
  assert.equal(decodeUpdate(encodeEndOfRib(4), INTERNAL).endOfRib, 4);
  assert.equal(decodeUpdate(encodeEndOfRib(6), INTERNAL).endOfRib, 6);
  assert.equal(
    decodeUpdate(updateMessage({ attributes: [attribute(0x80, 15, '000201')] }), INTERNAL).endOfRib,
    6,
  );
  const onlySix: UpdateContext = { ...INTERNAL, families: { ...INTERNAL.families, 4: null } };
  assert.equal(decodeUpdate(encodeEndOfRib(4), onlySix).endOfRib, null);
});

test('an empty MP_UNREACH_NLRI beside routes is no End-of-RIB', () => {
  const message = updateMessage({ attributes: [attribute(0x80, 15, '000201'), ...USUAL], nlri: NLRI });
  const update = decodeUpdate(message, INTERNAL);
  assert.equal(update.endOfRib, null);
  assert.equal(update.announced.length, 1);
});

// Sending.

const NEXT_HOP_4 = hex('0a000107');
const NEXT_HOP_6 = hex('20010db8000000000000000000000007');
const ATTRIBUTES_4 = encodeAttributes({
  ...NO_ATTRIBUTES,
  origin: 0,
  asPath: [],
  nextHop: NEXT_HOP_4,
  localPref: 100,
});
const ATTRIBUTES_6 = encodeAttributes({ ...NO_ATTRIBUTES, origin: 0, asPath: [], localPref: 100 });
const NUMBERED: UpdateContext = {
  ...INTERNAL,
  families: {
    4: { addPathReceive: true, ipv6NextHop: true },
    6: { addPathReceive: true, ipv6NextHop: true },
  },
};

const ANNOUNCED = [
  { name: 'IPv4', nlri: routes(4, 3000), nextHop: NEXT_HOP_4, attributes: ATTRIBUTES_4, context: INTERNAL },
  { name: 'IPv6', nlri: routes(6, 3000), nextHop: NEXT_HOP_6, attributes: ATTRIBUTES_6, context: INTERNAL },
  {
    name: 'numbered IPv4',
    nlri: routes(4, 3000, true),
    nextHop: NEXT_HOP_4,
    attributes: ATTRIBUTES_4,
    context: NUMBERED,
  },
  {
    name: 'numbered IPv4 with an IPv6 next hop',
    nlri: routes(4, 3000, true),
    nextHop: NEXT_HOP_6,
    attributes: ATTRIBUTES_6,
    context: NUMBERED,
  },
];
for (const { name, nlri, nextHop, attributes, context } of ANNOUNCED) {
  for (const longest of [4096, 65_535]) {
    test(`${name} routes arrive as they were told, in messages of ${longest} octets at most`, () => {
      const bytes = encodeAnnouncements({ nlri, nextHop, attributes }, longest);
      assert.ok(bytes);
      const updates = read(bytes, context, longest);
      const announced = updates.flatMap((update) => update.announced);
      assert.equal(toHex(concatBytes(announced.map((one) => one.nlri.bytes))), toHex(nlri.bytes));
      for (const one of announced) {
        assert.equal(toHex(one.attributes), toHex(attributes));
        assert.equal(toHex(one.nextHop), toHex(nextHop));
      }
      const least = Math.ceil(nlri.bytes.length / longest);
      assert.ok(updates.length <= least + 1, 'messages are filled');
    });

    test(`${name} routes are withdrawn in messages of ${longest} octets at most`, () => {
      const withdrawn = read(encodeWithdrawals(nlri, longest), context, longest).flatMap(
        (update) => update.withdrawn,
      );
      assert.equal(toHex(concatBytes(withdrawn.map(({ bytes }) => bytes))), toHex(nlri.bytes));
    });
  }
}

test('messages can be written into a buffer that others share', () => {
  const one = { nlri: routes(4, 10), nextHop: NEXT_HOP_4, attributes: ATTRIBUTES_4 };
  const size = sizeOfAnnouncements(one, 4096);
  const shared = new Uint8Array(size + 8).fill(0xee);
  assert.equal(writeAnnouncements(shared, 4, one, 4096), 4 + size);
  assert.equal(toHex(shared.subarray(4, 4 + size)), toHex(encodeAnnouncements(one, 4096) ?? assert.fail()));
  assert.equal(toHex(shared.subarray(0, 4)) + toHex(shared.subarray(-4)), 'ee'.repeat(8));
});

test('attributes that leave no room for a prefix cannot be told', () => {
  const attributes = encodeAttributes({ ...NO_ATTRIBUTES, communities: new Array<number>(1020).fill(7) });
  const one = { nlri: routes(4, 1), nextHop: NEXT_HOP_4, attributes };
  assert.equal(encodeAnnouncements(one, 4096), null);
  assert.ok(encodeAnnouncements(one, 65_535));
});

test('nothing to tell is no message', () => {
  const nothing = routes(4, 0);
  assert.equal(
    encodeAnnouncements({ nlri: nothing, nextHop: NEXT_HOP_4, attributes: ATTRIBUTES_4 }, 4096)?.length,
    0,
  );
  assert.equal(encodeWithdrawals(nothing, 4096).length, 0);
});

test('MP_REACH_NLRI is the first attribute', () => {
  const bytes = encodeAnnouncements(
    { nlri: routes(6, 1), nextHop: NEXT_HOP_6, attributes: ATTRIBUTES_6 },
    4096,
  );
  assert.equal(toHex(bytes?.subarray(23, 25) ?? assert.fail()), '900e');
});
