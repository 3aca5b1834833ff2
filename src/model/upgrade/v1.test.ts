import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../resource.ts';
import { isV1, type Upgrade, upgradeV1 } from './v1.ts';

const v1 = (kind: string, metadata: JsonObject, spec: JsonObject = {}): JsonObject => ({
  apiVersion: 'v1',
  kind,
  metadata,
  spec,
});

function whole(upgrade: Upgrade): JsonObject {
  assert.deepEqual(upgrade.problems, []);
  assert.ok(upgrade.is === 'resource');
  return upgrade.document;
}

const v3 = (kind: string, name: string, spec: JsonObject): JsonObject => ({
  apiVersion: 'projectcalico.org/v3',
  kind,
  metadata: { name },
  spec,
});

/** What it was, what it is, and what etcd v2 calls it where that differs. */
const DOCUMENTS: readonly (readonly [JsonObject, JsonObject, string?])[] = [
  [
    v1('bgpPeer', { scope: 'global', peerIP: '10.0.0.250' }, { asNumber: 64512 }),
    v3('BGPPeer', 'global.10.0.0.250', { peerIP: '10.0.0.250', asNumber: 64512 }),
  ],
  [
    v1('bgpPeer', { scope: 'node', node: 'w3', peerIP: '10.0.0.250' }, { asNumber: '1.10' }),
    v3('BGPPeer', 'node.w3.10.0.0.250', { node: 'w3', peerIP: '10.0.0.250', asNumber: '1.10' }),
  ],
  [
    v1('bgpPeer', { scope: 'global', peerIP: 'FD00:0::9' }, { asNumber: 64512 }),
    v3('BGPPeer', 'global.fd00--9', { peerIP: 'fd00::9', asNumber: 64512 }),
    'global.fd00::9',
  ],
  [
    v1('bgpPeer', { node: 'w3', peerIP: '::1:0:0:0' }, { asNumber: 64512 }),
    v3('BGPPeer', 'node.w3.0--1-0-0-0', { node: 'w3', peerIP: '::1:0:0:0', asNumber: 64512 }),
    'node.w3.::1:0:0:0',
  ],
  [
    v1('node', { name: 'w3' }, { bgp: { asNumber: 64512, ipv4Address: '10.0.0.3/24' } }),
    v3('Node', 'w3', { bgp: { asNumber: 64512, ipv4Address: '10.0.0.3/24' } }),
  ],
  [v1('node', { name: 'w4' }, { bgp: {} }), v3('Node', 'w4', {})],
  [
    v1('ipPool', { cidr: '10.5.0.0/16' }, { ipip: { enabled: true }, 'nat-outgoing': true }),
    v3('IPPool', '10-5-0-0-16', { cidr: '10.5.0.0/16', ipipMode: 'Always', natOutgoing: true }),
    '10.5.0.0-16',
  ],
  [
    v1('ipPool', { cidr: '10.5.0.0/16' }, { ipip: { enabled: true, mode: 'cross-subnet' }, disabled: true }),
    v3('IPPool', '10-5-0-0-16', { cidr: '10.5.0.0/16', ipipMode: 'CrossSubnet', disabled: true }),
    '10.5.0.0-16',
  ],
  [
    v1('ipPool', { cidr: 'fd00:10::/64' }, { ipip: { enabled: false, mode: 'always' } }),
    v3('IPPool', 'fd00-10---64', { cidr: 'fd00:10::/64', ipipMode: 'Never' }),
    'fd00:10::-64',
  ],
];

for (const [before, after, key] of DOCUMENTS)
  test(`of v1: ${JSON.stringify(before)}`, () => {
    assert.equal(isV1(before), true);
    assert.deepEqual(whole(upgradeV1(before)), after);
    const keyed = upgradeV1(before, { names: 'keys' });
    assert.ok(keyed.is === 'resource' && after.metadata instanceof Object && 'name' in after.metadata);
    assert.equal(keyed.name, key ?? after.metadata.name);
  });

test('labels and annotations come along', () => {
  const upgraded = whole(upgradeV1(v1('node', { name: 'w3', labels: { rack: '7' } })));
  assert.deepEqual(upgraded.metadata, { name: 'w3', labels: { rack: '7' } });
});

/** What has no home today, or says nothing: the field that is named, and the words. */
const FAULTS: readonly (readonly [JsonObject, string, RegExp])[] = [
  [v1('bgpPeer', { scope: 'node', peerIP: '10.0.0.1' }, { asNumber: 1 }), 'metadata.node', /missing/],
  [
    v1('bgpPeer', { scope: 'global', node: 'w3', peerIP: '10.0.0.1' }, { asNumber: 1 }),
    'metadata.node',
    /stands beside scope global/,
  ],
  [
    v1('bgpPeer', { scope: 'rack', peerIP: '10.0.0.1' }, { asNumber: 1 }),
    'metadata.scope',
    /not global or node/,
  ],
  [
    v1('bgpPeer', { scope: 'global', peerIP: 'rr1' }, { asNumber: 1 }),
    'metadata.peerIP',
    /not an IP address/,
  ],
  [v1('bgpPeer', { scope: 'global' }, { asNumber: 1 }), 'metadata.peerIP', /missing/],
  [v1('bgpPeer', { scope: 'global', peerIP: '10.0.0.1' }), 'spec.asNumber', /missing/],
  [v1('node', {}), 'metadata.name', /missing/],
  [v1('node', { name: 'my_node' }), 'metadata.name', /no node of Calico v3/],
  [v1('ipPool', { cidr: '10.0.0.0' }), 'metadata.cidr', /not a CIDR/],
  [
    v1('ipPool', { cidr: '10.0.0.0/8' }, { ipip: { enabled: true, mode: 'often' } }),
    'spec.ipip.mode',
    /often/,
  ],
  [v1('policy', { name: 'p' }), 'kind', /says nothing about BGP/],
  [v1('Node', { name: 'n' }), 'kind', /not one of apiVersion v1/],
];

for (const [document, field, message] of FAULTS)
  test(`of v1, with a fault at ${field}: ${JSON.stringify(document)}`, () => {
    const [problem, ...others] = upgradeV1(document).problems;
    assert.deepEqual(others, []);
    assert.equal(problem?.severity, 'error');
    assert.equal(problem?.field, field);
    assert.match(problem?.message ?? '', message);
  });

test('a misspelt field is told, and a name in capitals becomes what Calico calls the node today', () => {
  const upgraded = upgradeV1(
    v1('bgpPeer', { scope: 'node', node: 'W3', peerIp: 'x', peerIP: '10.0.0.1' }, { asNumber: 1 }),
  );
  assert.deepEqual(
    upgraded.problems.map(({ severity, field, hint }) => [severity, field, hint]),
    [
      ['warning', 'metadata.peerIp', 'Did you mean peerIP?'],
      ['warning', 'metadata.node', 'Calico v3 uses small letters.'],
    ],
  );
  assert.ok(upgraded.is === 'resource');
  assert.equal(upgraded.name, 'node.w3.10.0.0.1');
});

test('a List of the core is no document of that era', () => {
  assert.equal(isV1({ apiVersion: 'v1', kind: 'List', items: [] }), false);
});
