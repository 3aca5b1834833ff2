import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../model/address.ts';
import { hashedRouterId, routerIdOf } from './router-id.ts';

test('the router ID is the IPv4 address where there is one', () => {
  assert.equal(routerIdOf(parseAddress('10.0.0.1') ?? null, 'rr1'), '10.0.0.1');
});

test('without IPv4 it is the start of SHA-256 of the name, as CALICO_ROUTER_ID=hash makes it', () => {
  // printf rr1 | sha256sum: 53 2c f6 7c; printf n13 | sha256sum: f4 f5 0d ed, the first byte less 32.
  assert.equal(routerIdOf(null, 'rr1'), '83.44.246.124');
  assert.equal(routerIdOf(null, 'n13'), '212.245.13.237');
});

test('a hashed router ID is a unicast IPv4 address and never 0.0.0.0', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const text = hashedRouterId(name);
      assert.equal(parseAddress(text), text);
      assert.notEqual(text, '0.0.0.0');
      assert.ok(Number(text.split('.')[0]) <= 223);
    }),
  );
});

test('a router ID that the speaker is told counts, and hash is hash with an IPv4 address too', () => {
  const ipv4 = parseAddress('10.0.0.1') ?? null;
  assert.equal(routerIdOf(ipv4, 'rr1', '192.0.2.7'), '192.0.2.7');
  assert.equal(routerIdOf(ipv4, 'rr1', 'hash'), hashedRouterId('rr1'));
  assert.equal(routerIdOf(null, 'rr1', 'hash'), hashedRouterId('rr1'));
});
