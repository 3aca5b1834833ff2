import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, hex } from '../../../test/support/bgp-messages.ts';
import { concatBytes, toHex } from '../wire.ts';
import { asPathLength, asPathOccurrences, formatAsPath, neighborAs, prependAs } from './as-path.ts';
import { decodeAttributes, encodeAttributes } from './codec.ts';
import { formatCommunity, formatLargeCommunity } from './communities.ts';
import { editAttributes, hasClusterId, originatorIdOf, reflectAttributes } from './edit.ts';
import { mergeAsPaths, narrow, widen } from './four-octet.ts';
import { type AsPath, NO_ATTRIBUTES, type PathAttributes } from './path-attributes.ts';
import { encodeRawAttributes, findAttribute, rawAttributes } from './raw-attributes.ts';
import { ATTRIBUTE_ROWS } from './table.ts';
import { WELL_KNOWN_COMMUNITY } from './well-known-communities.ts';

const sequence = (...asNumbers: number[]): AsPath[number] => ({ type: 'sequence', asNumbers });
const set = (...asNumbers: number[]): AsPath[number] => ({ type: 'set', asNumbers });

const EVERYTHING: PathAttributes = {
  origin: 2,
  asPath: [sequence(64_512, 4_200_000_001), set(1, 2)],
  nextHop: hex('0a000107'),
  med: 4_294_967_295,
  localPref: 0,
  atomicAggregate: true,
  aggregator: { as: 4_200_000_001, routerId: 0x0a00_0001 },
  communities: [0xffff_0000, 0xfc00_0001],
  originatorId: 0x0a00_0107,
  clusterList: [0x0100_0001, 0x0100_0002],
  extendedCommunities: [0x0002_fc00_0000_0001n, 0xffff_ffff_ffff_ffffn],
  largeCommunities: [{ global: 64_512, one: 1, two: 4_294_967_295 }],
  onlyToCustomer: 4_200_000_001,
  unknown: [{ code: 99, flags: 0xe0, value: hex('0102') }],
  partial: [7, 8],
};

test('attributes survive the wire, each with the flags of its row, in the order of their codes', () => {
  const bytes = encodeAttributes(EVERYTHING);
  assert.deepEqual(decodeAttributes(bytes), EVERYTHING);
  const list = rawAttributes(bytes);
  assert.deepEqual(
    list.map(({ code }) => code),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 35, 99],
  );
  for (const { code, flags } of list) {
    const row = ATTRIBUTE_ROWS.find((one) => one.code === code);
    assert.equal(flags, (row?.flags ?? 0xe0) | (EVERYTHING.partial.includes(code) ? 0x20 : 0));
  }
});

test('a Partial bit survives what is done to values', () => {
  const bytes = attribute(0xe0, 8, 'fc000001');
  const { communities, partial } = decodeAttributes(bytes);
  assert.deepEqual(partial, [8]);
  const more = encodeAttributes({ ...NO_ATTRIBUTES, communities: [...communities, 7], partial });
  assert.equal(toHex(more), 'e00808fc00000100000007');
});

test('no attributes are no octets', () => {
  assert.equal(encodeAttributes(NO_ATTRIBUTES).length, 0);
  assert.deepEqual(decodeAttributes(new Uint8Array(0)), NO_ATTRIBUTES);
});

test('a value over 255 octets has a length of two octets', () => {
  const communities = Array.from({ length: 64 }, (_, index) => index);
  const bytes = encodeAttributes({ ...NO_ATTRIBUTES, communities });
  assert.equal(toHex(bytes.subarray(0, 4)), 'd0080100');
  assert.deepEqual(decodeAttributes(bytes).communities, communities);
});

test('a sequence over 255 AS numbers is written as several and means the same', () => {
  const asNumbers = Array.from({ length: 300 }, (_, index) => index + 1);
  const { asPath } = decodeAttributes(
    encodeAttributes({ ...NO_ATTRIBUTES, asPath: [sequence(...asNumbers)] }),
  );
  assert.deepEqual(
    asPath?.map((segment) => segment.asNumbers.length),
    [255, 45],
  );
  assert.deepEqual(
    asPath?.flatMap((segment) => segment.asNumbers),
    asNumbers,
  );
});

test('a path is measured, searched and told as RFC 4271 has it', () => {
  const path = [sequence(1, 2, 1), set(3, 4, 1)];
  assert.equal(asPathLength(path), 4);
  assert.equal(asPathOccurrences(path, 1), 3);
  assert.equal(neighborAs(path), 1);
  assert.equal(neighborAs([set(3)]), null);
  assert.equal(neighborAs([]), null);
  assert.equal(formatAsPath(path), '1 2 1 {3,4,1}');
});

test('our AS is put in front of a sequence, before a set, and beside a full segment', () => {
  assert.deepEqual(prependAs([sequence(2)], 1), [sequence(1, 2)]);
  assert.deepEqual(prependAs([set(2)], 1), [sequence(1), set(2)]);
  assert.deepEqual(prependAs([], 1), [sequence(1)]);
  const full = sequence(...new Array<number>(255).fill(2));
  assert.deepEqual(prependAs([full], 1), [sequence(1), full]);
});

test('communities read as people write them', () => {
  assert.equal(formatCommunity(0xfc00_0063), '64512:99');
  assert.equal(formatLargeCommunity({ global: 64_512, one: 1, two: 2 }), '64512:1:2');
});

// RFC 4456.

const CLUSTER = 0x0100_0009;
const ORIGINATOR = 0x0a00_0163;

test('reflection adds ORIGINATOR_ID and CLUSTER_LIST and leaves every other octet alone', () => {
  const bytes = encodeAttributes({ ...EVERYTHING, originatorId: null, clusterList: [] });
  const reflected = reflectAttributes(bytes, ORIGINATOR, CLUSTER);
  assert.deepEqual(decodeAttributes(reflected), {
    ...EVERYTHING,
    originatorId: ORIGINATOR,
    clusterList: [CLUSTER],
  });
  assert.deepEqual(
    rawAttributes(reflected).map(({ code }) => code),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 32, 35, 99],
  );
});

test('an ORIGINATOR_ID that is there stays, and our cluster ID goes to the front of the list', () => {
  const reflected = decodeAttributes(reflectAttributes(encodeAttributes(EVERYTHING), ORIGINATOR, CLUSTER));
  assert.equal(reflected.originatorId, EVERYTHING.originatorId);
  assert.deepEqual(reflected.clusterList, [CLUSTER, ...EVERYTHING.clusterList]);
});

test('reflection is right for attributes in any order, with any of the two there or not', () => {
  const pieces = [
    attribute(0x40, 1, '00'),
    attribute(0xc0, 99, 'aabb'),
    attribute(0x80, 9, '0a000107'),
    attribute(0x80, 10, '0100000101000002'),
  ];
  for (const order of permutations(pieces)) {
    for (let taken = 0; taken <= order.length; taken++) {
      const before = decodeAttributes(concatBytes(order.slice(0, taken)));
      const after = decodeAttributes(
        reflectAttributes(concatBytes(order.slice(0, taken)), ORIGINATOR, CLUSTER),
      );
      assert.deepEqual(after, {
        ...before,
        originatorId: before.originatorId ?? ORIGINATOR,
        clusterList: [CLUSTER, ...before.clusterList],
      });
    }
  }
});

test('a CLUSTER_LIST that grows beyond 255 octets gets the longer header', () => {
  const clusterList = Array.from({ length: 63 }, (_, index) => index);
  const reflected = reflectAttributes(
    encodeAttributes({ ...NO_ATTRIBUTES, clusterList }),
    ORIGINATOR,
    CLUSTER,
  );
  assert.deepEqual(decodeAttributes(reflected).clusterList, [CLUSTER, ...clusterList]);
});

test('loops are seen without reading all attributes', () => {
  const bytes = encodeAttributes(EVERYTHING);
  assert.equal(hasClusterId(bytes, 0x0100_0002), true);
  assert.equal(hasClusterId(bytes, CLUSTER), false);
  assert.equal(originatorIdOf(bytes), 0x0a00_0107);
  assert.equal(originatorIdOf(new Uint8Array(0)), null);
});

test('an edit puts, replaces and removes, and keeps the order', () => {
  const bytes = encodeAttributes(EVERYTHING);
  const edited = editAttributes(bytes, [{ code: 5, flags: 0x40, value: hex('00000005') }], [4, 9]);
  assert.deepEqual(decodeAttributes(edited), { ...EVERYTHING, localPref: 5, med: null, originatorId: null });
});

// RFC 6793.

const TRANS = 23_456;
const MERGES: readonly {
  readonly name: string;
  readonly path: AsPath;
  readonly as4: AsPath;
  readonly merged: AsPath;
}[] = [
  {
    name: 'equal lengths: AS4_PATH',
    path: [sequence(TRANS, 2)],
    as4: [sequence(70_000, 2)],
    merged: [sequence(70_000, 2)],
  },
  {
    name: 'old speakers in front are kept',
    path: [sequence(1, TRANS, 2)],
    as4: [sequence(70_000, 2)],
    merged: [sequence(1, 70_000, 2)],
  },
  {
    name: 'AS4_PATH longer than the path is not trusted',
    path: [sequence(TRANS)],
    as4: [sequence(70_000, 2)],
    merged: [sequence(TRANS)],
  },
  { name: 'an empty AS4_PATH says nothing', path: [sequence(1)], as4: [], merged: [sequence(1)] },
  {
    name: 'a set counts as one',
    path: [set(1, 2), sequence(TRANS)],
    as4: [sequence(70_000)],
    merged: [set(1, 2), sequence(70_000)],
  },
  {
    name: 'a set within AS4_PATH counts as one',
    path: [sequence(9, TRANS, 3)],
    as4: [set(70_000, 70_001), sequence(3)],
    merged: [sequence(9), set(70_000, 70_001), sequence(3)],
  },
];
for (const { name, path, as4, merged } of MERGES) {
  test(`AS_PATH and AS4_PATH: ${name}`, () => {
    assert.deepEqual(mergeAsPaths(path, as4), merged);
  });
}

test('what an old speaker is told comes back whole', () => {
  const kept = { ...EVERYTHING, unknown: [] };
  const told = narrow(encodeAttributes(kept));
  assert.equal(
    toHex(findAttribute(told, 2) ?? assert.fail()),
    '0202fc005ba0 010200010002'.replaceAll(' ', ''),
  );
  assert.equal(toHex(findAttribute(told, 7) ?? assert.fail()), '5ba00a000001');
  assert.ok(findAttribute(told, 17) !== null && findAttribute(told, 18) !== null);
  assert.deepEqual(decodeAttributes(encodeRawAttributes(widen(rawAttributes(told)))), kept);
});

test('numbers that fit two octets need no AS4 attributes', () => {
  const told = narrow(
    encodeAttributes({ ...NO_ATTRIBUTES, asPath: [sequence(1, 2)], aggregator: { as: 3, routerId: 4 } }),
  );
  assert.equal(findAttribute(told, 17), null);
  assert.equal(findAttribute(told, 18), null);
});

test('an AGGREGATOR that is not AS_TRANS says nothing against AS4_PATH where there is no AS4_AGGREGATOR', () => {
  const kept = {
    ...NO_ATTRIBUTES,
    asPath: [sequence(64_512, 4_200_000_001)],
    aggregator: { as: 64_512, routerId: 0x0a00_0001 },
  };
  const told = narrow(encodeAttributes(kept));
  assert.equal(findAttribute(told, 18), null);
  assert.deepEqual(decodeAttributes(encodeRawAttributes(widen(rawAttributes(told)))), kept);
});

test('an AGGREGATOR that is not AS_TRANS beside AS4_AGGREGATOR makes both AS4 attributes worthless', () => {
  const old = concatBytes([
    attribute(0x40, 2, '0201 5ba0'),
    attribute(0xc0, 7, 'fc00 0a000001'),
    attribute(0xc0, 17, '0201 00011170'),
    attribute(0xc0, 18, '00011170 0a000001'),
  ]);
  const { asPath, aggregator } = decodeAttributes(encodeRawAttributes(widen(rawAttributes(old))));
  assert.deepEqual(asPath, [sequence(TRANS)]);
  assert.deepEqual(aggregator, { as: 64_512, routerId: 0x0a00_0001 });
});

test('confederation segments are cut out of AS4_PATH', () => {
  const old = concatBytes([
    attribute(0x40, 2, '0201 5ba0'),
    attribute(0xc0, 17, '0301 00000005 0201 00011170'),
  ]);
  assert.deepEqual(decodeAttributes(encodeRawAttributes(widen(rawAttributes(old)))).asPath, [
    sequence(70_000),
  ]);
});

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((one, at) => permutations(list.toSpliced(at, 1)).map((rest) => [one, ...rest]));
}

test('well-known communities have the values that IANA lists', () => {
  assert.equal(formatCommunity(WELL_KNOWN_COMMUNITY.gracefulShutdown), '65535:0');
  assert.equal(formatCommunity(WELL_KNOWN_COMMUNITY.llgrStale), '65535:6');
  assert.equal(formatCommunity(WELL_KNOWN_COMMUNITY.noLlgr), '65535:7');
  assert.equal(formatCommunity(WELL_KNOWN_COMMUNITY.noExport), '65535:65281');
  assert.equal(formatCommunity(WELL_KNOWN_COMMUNITY.noAdvertise), '65535:65282');
  assert.equal(formatCommunity(WELL_KNOWN_COMMUNITY.noExportSubconfed), '65535:65283');
});
