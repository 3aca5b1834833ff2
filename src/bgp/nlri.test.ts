import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../test/support/bgp-messages.ts';
import { formatPrefix, parsePrefix } from './address.ts';
import { canonicalNlri, countNlri, encodeNlri, encodePrefix, forEachNlri, readNlri } from './nlri.ts';
import { toHex } from './wire.ts';

test('prefixes take as many octets as their bits need', () => {
  const pairs = [
    ['0.0.0.0/0', '00'],
    ['10.0.0.0/8', '080a'],
    ['10.128.0.0/9', '090a80'],
    ['10.65.1.64/26', '1a0a410140'],
    ['10.65.1.7/32', '200a410107'],
    ['2001:db8::/33', '2120010db800'],
  ] as const;
  for (const [text, bytes] of pairs) {
    assert.equal(toHex(encodePrefix(parsePrefix(text) ?? assert.fail())), bytes);
  }
});

test('a block is counted, and broken ones are not', () => {
  const count = (bytes: string, family: 4 | 6, addPath: boolean): number => {
    const octets = hex(bytes);
    return countNlri(octets, 0, octets.length, family, addPath);
  };
  assert.equal(count('', 4, false), 0);
  assert.equal(count('080a 1a0a410140', 4, false), 2);
  assert.equal(count('00000001080a 00000002080a', 4, true), 2);
  assert.equal(count('21 0a41014000', 4, false), -1);
  assert.equal(count('81 00', 6, false), -1);
  assert.equal(count('1a0a41', 4, false), -1);
  assert.equal(count('000000', 4, true), -1);
  assert.equal(count('00000001', 4, true), -1);
});

test('host bits that a peer leaves in a prefix do not make it another one', () => {
  const bytes = hex('1a0a41017f');
  assert.equal(toHex(canonicalNlri(bytes, 1, 26)), '1a0a410140');
  const [route] = readNlri({ family: 4, addPath: false, bytes, count: 1 });
  assert.equal(formatPrefix(route?.prefix ?? assert.fail()), '10.65.1.64/26');
});

test('a walk tells offset, length and path of each prefix', () => {
  const prefixes = ['10.65.1.0/26', '0.0.0.0/0', '10.65.2.0/24'].map(
    (text) => parsePrefix(text) ?? assert.fail(),
  );
  const block = encodeNlri(
    4,
    true,
    prefixes.map((prefix, pathId) => ({ prefix, pathId })),
  );
  const seen: (readonly [number, number, number])[] = [];
  forEachNlri(block, (at, bits, pathId) => seen.push([at, bits, pathId]));
  assert.deepEqual(seen, [
    [5, 26, 0],
    [14, 0, 1],
    [19, 24, 2],
  ]);
});
