import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type IpAddress, parseAddress } from '../model/address.ts';
import { sessionName } from './session-name.ts';

function address(text: string): IpAddress {
  const parsed = parseAddress(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

test('names are those of Calico', () => {
  assert.equal(sessionName('Global', address('10.0.0.7'), null), 'Global_10_0_0_7');
  assert.equal(sessionName('Node', address('FD00:0::2'), null), 'Node_fd00__2');
  assert.equal(sessionName('Mesh', address('::1'), null), 'Mesh___1');
  assert.equal(sessionName('Node', address('10.0.0.1'), 1790), 'Node_10_0_0_1_port_1790');
});

/** Few groups with few values, so that near misses are frequent: IPv4, zeros in every place, dotted tails. */
const group = fc.constantFrom('0', '1', '10', 'a');
const nearIpv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
const nearIpv4 = fc
  .array(fc.constantFrom('0', '1', '10'), { minLength: 4, maxLength: 4 })
  .map((parts) => parts.join('.'));
const anyAddress = fc.oneof(
  nearIpv6,
  nearIpv4,
  nearIpv4.map((dotted) => `::${dotted}`),
  nearIpv4.map((dotted) => `::ffff:${dotted}`),
  fc.ipV4(),
  fc.ipV6(),
);

test('two addresses never share a name, and every name is a symbol that BIRD takes', () => {
  const seen = new Map<string, IpAddress>();
  fc.assert(
    fc.property(anyAddress, (text) => {
      const canonical = address(text);
      const name = sessionName('Node', canonical, null);
      assert.match(name, /^[A-Za-z_][A-Za-z0-9_]*$/);
      assert.equal(seen.get(name) ?? canonical, canonical);
      seen.set(name, canonical);
    }),
    { numRuns: 5000 },
  );
});
