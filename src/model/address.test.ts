import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { isSpeakerAddress, parseAddress, parseHostAddress, parsePrefix } from './address.ts';

test('spellings of one address are one text', () => {
  for (const [text, canonical] of [
    ['10.0.0.1', '10.0.0.1'],
    ['FD00:0::1', 'fd00::1'],
    ['fd00:0000:0000::0001', 'fd00::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::ffff:1.2.3.4', '::ffff:102:304'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ] as const) {
    assert.equal(parseAddress(text), canonical, text);
  }
});

test('what is no address is refused: names, zones, masks, ports, leading zeros', () => {
  for (const text of [
    '',
    'host',
    'fe80::1%eth0',
    '10.0.0.1/24',
    '10.0.0.1:179',
    '010.0.0.1',
    '10.0.0',
    '::1::',
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('every canonical address is its own canonical form, that of RFC 5952', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const canonical = parseAddress(text);
      assert.ok(canonical !== undefined);
      assert.equal(parseAddress(canonical), canonical);
      if (!text.includes('.')) assert.equal(canonical, ipaddr.IPv6.parse(text).toRFC5952String());
    }),
  );
});

test('a host address may carry a prefix length, a prefix loses its host bits', () => {
  assert.equal(parseHostAddress('10.0.0.4/24'), '10.0.0.4');
  assert.equal(parseHostAddress('FD00::4/64'), 'fd00::4');
  assert.equal(parseHostAddress('10.0.0.4/33'), undefined);
  assert.equal(parsePrefix('10.1.2.3/16'), '10.1.0.0/16');
  assert.equal(parsePrefix('fd00::ffff/120'), 'fd00::ff00/120');
  assert.equal(parsePrefix('10.0.0.0'), undefined);
});

test('a speaker stands at an address of one machine, loopback included', () => {
  const can = (text: string) => {
    const address = parseAddress(text);
    assert.ok(address !== undefined, text);
    return isSpeakerAddress(address);
  };
  for (const text of ['10.0.0.1', '127.0.0.1', '169.254.1.1', '223.255.255.255', '240.0.0.1']) {
    assert.equal(can(text), true, text);
  }
  for (const text of ['::1', 'fd00::1', 'fe00::1', 'fec0::1', 'ff::1', '::ffff:1', '64:ff9b::102:304']) {
    assert.equal(can(text), true, text);
  }
  for (const text of ['0.0.0.0', '255.255.255.255', '224.0.0.5', '239.1.1.1']) {
    assert.equal(can(text), false, text);
  }
  for (const text of ['::', 'ff02::1', 'fe80::1', 'FEBF::1', '::ffff:10.0.0.1']) {
    assert.equal(can(text), false, text);
  }
});
