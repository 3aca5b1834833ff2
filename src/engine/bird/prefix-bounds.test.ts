import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Prefix, parsePrefix } from '../../model/address.ts';
import { admits, ofFamily, prefixSet } from './prefix-bounds.ts';

function prefixes(...texts: string[]): readonly Prefix[] {
  return texts.map((text) => {
    const parsed = parsePrefix(text);
    assert(parsed !== undefined);
    return parsed;
  });
}

test('a listed CIDR admits itself and what is more specific, the default route only itself', () => {
  const listed = prefixes('10.0.0.0/8', '0.0.0.0/0', 'fd00::/48');
  const table: readonly [string, boolean][] = [
    ['10.0.0.0/8', true],
    ['10.1.2.0/26', true],
    ['10.1.2.3/32', true],
    ['10.0.0.0/7', false],
    ['11.0.0.0/8', false],
    ['0.0.0.0/0', true],
    ['0.0.0.0/1', false],
    ['fd00::/48', true],
    ['fd00:0:0:1::/64', true],
    ['fd00:0:1::/48', false],
    ['::/0', false],
  ];
  for (const [prefix, expected] of table) assert.equal(admits(listed, prefix), expected, prefix);
});

test('BIRD is given the same rule', () => {
  assert.equal(prefixSet(prefixes('10.0.0.0/8', '0.0.0.0/0')), '[ 10.0.0.0/8+, 0.0.0.0/0 ]');
  assert.equal(prefixSet([]), undefined);
});

test('families are kept apart, sorted, and each prefix once', () => {
  const mixed = prefixes('10.2.0.0/16', 'fd00::/48', '10.1.0.0/16', '10.2.0.0/16');
  assert.deepEqual(ofFamily(mixed, 4), ['10.1.0.0/16', '10.2.0.0/16']);
  assert.deepEqual(ofFamily(mixed, 6), ['fd00::/48']);
});
