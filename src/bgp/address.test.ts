import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatAddress,
  formatPrefix,
  formatRouterId,
  parseAddress,
  parsePrefix,
  parseRouterId,
} from './address.ts';

const SAME = [
  '10.0.1.7',
  '0.0.0.0',
  '::',
  '::1',
  '2001:db8::7',
  '2001:db8:0:1:1:1:1:1',
  'fe80::1:0:0:1',
  '1:0:0:2::3',
];
test('addresses come back as RFC 5952 writes them', () => {
  for (const text of SAME) assert.equal(formatAddress(parseAddress(text) ?? assert.fail(text)), text);
  assert.equal(formatAddress(parseAddress('2001:DB8:0:0:0:0:0:7') ?? assert.fail()), '2001:db8::7');
  assert.equal(formatAddress(parseAddress('::ffff:10.0.1.7') ?? assert.fail()), '::ffff:a00:107');
});

test('what is no address is none', () => {
  const none = [
    '',
    '10.0.1',
    '10.0.1.256',
    '10.0.01.7',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7::8',
    'g::',
  ];
  for (const text of none) assert.equal(parseAddress(text), null, text);
});

test('a prefix loses its host bits', () => {
  assert.equal(formatPrefix(parsePrefix('10.65.1.77/26') ?? assert.fail()), '10.65.1.64/26');
  assert.equal(formatPrefix(parsePrefix('2001:db8::ffff/33') ?? assert.fail()), '2001:db8::/33');
  assert.equal(formatPrefix(parsePrefix('10.0.0.1/0') ?? assert.fail()), '0.0.0.0/0');
  for (const text of ['10.0.0.0/33', '::/129', '10.0.0.0', '10.0.0.0/8/8', '10.0.0.0/-1'])
    assert.equal(parsePrefix(text), null);
});

test('router IDs are dotted quads', () => {
  assert.equal(parseRouterId('255.0.0.1'), 0xff00_0001);
  assert.equal(formatRouterId(0xff00_0001), '255.0.0.1');
  assert.equal(parseRouterId('::1'), null);
});
