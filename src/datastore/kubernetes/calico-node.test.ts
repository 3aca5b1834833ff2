import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, Resource } from '../../model/resource.ts';
import { decodeNode, encodeNode } from './calico-node.ts';

const P = 'projectcalico.org/';

function core(annotations: JsonObject = {}, labels: JsonObject = {}): JsonObject {
  return { metadata: { name: 'n1', resourceVersion: '7', annotations, labels } };
}

function decoded(object: JsonObject): Resource {
  const meaning = decodeNode(object);
  assert.equal(meaning.op, 'put');
  return meaning.op === 'put' ? meaning.resource : assert.fail();
}

/** Every annotation that Calico keeps on a core Node, and the field that it is. */
const EVERYTHING: JsonObject = {
  [`${P}IPv4Address`]: '10.0.0.1/24',
  [`${P}IPv6Address`]: 'fd00::1/64',
  [`${P}ASNumber`]: '64513',
  [`${P}RouteReflectorClusterID`]: '244.0.0.1',
  [`${P}IPv4IPIPTunnelAddr`]: '192.168.1.1',
  [`${P}IPv4VXLANTunnelAddr`]: '192.168.1.2',
  [`${P}VXLANTunnelMACAddr`]: '66:00:00:00:00:01',
  [`${P}IPv6VXLANTunnelAddr`]: 'fd00:1::2',
  [`${P}VXLANTunnelMACAddrV6`]: '66:00:00:00:00:02',
  [`${P}IPv4WireguardInterfaceAddr`]: '192.168.1.3',
  [`${P}IPv6WireguardInterfaceAddr`]: 'fd00:1::3',
  [`${P}WireguardPublicKey`]: 'key4',
  [`${P}WireguardPublicKeyV6`]: 'key6',
  [`${P}Interfaces`]: '[{"name":"eth0","addresses":["10.0.0.1"]}]',
  [`${P}labels`]: '{"rack":"7"}',
  [`${P}annotations`]: '{"note":"x"}',
};

test('every annotation becomes its field, and the fields become the annotations again', () => {
  const resource = decoded(core(EVERYTHING));
  assert.deepEqual(resource.spec, {
    bgp: {
      ipv4Address: '10.0.0.1/24',
      ipv6Address: 'fd00::1/64',
      asNumber: 64513,
      routeReflectorClusterID: '244.0.0.1',
      ipv4IPIPTunnelAddr: '192.168.1.1',
    },
    ipv4VXLANTunnelAddr: '192.168.1.2',
    vxlanTunnelMACAddr: '66:00:00:00:00:01',
    ipv6VXLANTunnelAddr: 'fd00:1::2',
    vxlanTunnelMACAddrV6: '66:00:00:00:00:02',
    wireguard: { interfaceIPv4Address: '192.168.1.3', interfaceIPv6Address: 'fd00:1::3' },
    interfaces: [{ name: 'eth0', addresses: ['10.0.0.1'] }],
  });
  assert.deepEqual(resource.status, { wireguardPublicKey: 'key4', wireguardPublicKeyV6: 'key6' });
  assert.deepEqual(resource.metadata.labels, { rack: '7' });
  assert.deepEqual(resource.metadata.annotations, { note: 'x' });
  assert.deepEqual(encodeNode(resource, core(EVERYTHING), true), {});
  assert.deepEqual(encodeNode(resource, core(), true), EVERYTHING);
});

test('a node without BGP has no spec.bgp, and foreign annotations stay out of sight', () => {
  const resource = decoded(core({ 'node.alpha.kubernetes.io/ttl': '0' }));
  assert.deepEqual(resource.spec, {});
  assert.equal(resource.metadata.annotations, undefined);
});

test('an AS number in dotted text is carried as it is', () => {
  assert.deepEqual(decoded(core({ [`${P}ASNumber`]: '1.10' })).spec, { bgp: { asNumber: '1.10' } });
});

test("of a label that both have, Kubernetes' value counts", () => {
  const resource = decoded(core({ [`${P}labels`]: '{"zone":"calico","rack":"7"}' }, { zone: 'kubernetes' }));
  assert.deepEqual(resource.metadata.labels, { zone: 'kubernetes', rack: '7' });
});

test('removing spec.bgp removes its five annotations and no other', () => {
  const before = core(EVERYTHING);
  const { bgp: _bgp, ...spec } = decoded(before).spec;
  assert.deepEqual(encodeNode({ ...decoded(before), spec }, before, true), {
    [`${P}IPv4Address`]: null,
    [`${P}IPv6Address`]: null,
    [`${P}ASNumber`]: null,
    [`${P}RouteReflectorClusterID`]: null,
    [`${P}IPv4IPIPTunnelAddr`]: null,
  });
});

test('what calicoctl prints and Calico derives is taken without it', () => {
  const before = core({ [`${P}IPv4Address`]: '10.0.0.1/24' });
  const printed = decoded(before);
  const document: Resource = {
    ...printed,
    metadata: { ...printed.metadata, annotations: { [`${P}kube-labels`]: '{"zone":"a"}' } },
    spec: {
      ...printed.spec,
      orchRefs: [{ nodeName: 'n1', orchestrator: 'k8s' }],
      addresses: [{ address: '10.0.0.1/24', type: 'CalicoNodeIP' }],
    },
    status: { podCIDRs: ['10.65.0.0/24'] },
  };
  assert.deepEqual(encodeNode(document, before, false), {});
});

test('a document without the labels of Kubernetes leaves them alone', () => {
  const before = core({}, { zone: 'a' });
  const { labels: _labels, ...metadata } = decoded(before).metadata;
  assert.deepEqual(encodeNode({ ...decoded(before), metadata }, before, false), {});
});

for (const annotation of ['labels', 'annotations', 'Interfaces']) {
  test(`an annotation ${P}${annotation} that is no JSON makes the node broken and names it`, () => {
    const meaning = decodeNode(core({ [P + annotation]: '{"rack":' }));
    assert.equal(meaning.op, 'broken');
    if (meaning.op === 'broken') assert.ok(meaning.broken.problem.message.includes(P + annotation));
  });
}
