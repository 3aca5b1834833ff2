import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JsonObject, KINDS, type Kind, type Resource } from './resource.ts';
import { validateResource } from './validate.ts';

function resource(kind: Kind, spec: JsonObject, name = 'x'): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

function found(made: Resource, strict: boolean) {
  return validateResource(made, { strict }).map(({ severity, code, field }) => [severity, code, field]);
}

test('an unknown field is an error to a person and a warning to an agent, however deep it stands', () => {
  const made = resource('BGPFilter', { importV4: [{ action: 'Accept', prefixLength: { most: 3 } }], x: 1 });
  const deep = 'spec.importV4[0].prefixLength.most';
  assert.deepEqual(
    found(made, false).filter(([, code]) => code === 'unknown-field'),
    [
      ['warning', 'unknown-field', deep],
      ['warning', 'unknown-field', 'spec.x'],
    ],
  );
  assert.deepEqual(
    found(made, true).filter(([, code]) => code === 'unknown-field'),
    [
      ['error', 'unknown-field', deep],
      ['error', 'unknown-field', 'spec.x'],
    ],
  );
});

test('fields that only Calico Enterprise honours are accepted, and reported as not honoured', () => {
  const made = resource('BGPPeer', {
    peerIP: '10.0.0.1',
    asNumber: 1,
    failureDetectionMode: 'BFDIfDirectlyConnected',
  });
  for (const strict of [true, false]) {
    assert.deepEqual(found(made, strict), [['warning', 'not-supported', 'spec.failureDetectionMode']]);
  }
});

test('a field of the default configuration alone is an error in one of a node, as in calicoctl', () => {
  const spec = { asNumber: 65001, nodeToNodeMeshEnabled: false, listenPort: 1790 };
  const made = resource('BGPConfiguration', spec, 'node.n1');
  assert.deepEqual(found(made, true), [
    ['error', 'bad-field', 'spec.nodeToNodeMeshEnabled'],
    ['error', 'bad-field', 'spec.asNumber'],
  ]);
  assert.ok(found(made, false).every(([severity]) => severity === 'warning'));
});

test('a field that nobody here reads has to be of its type, for a person', () => {
  const made = resource('Node', {
    bgp: { ipv4Address: '10.0.0.1' },
    wireguard: 'on',
    orchRefs: [{ nodeName: 'n' }],
  });
  assert.deepEqual(found(made, false), []);
  assert.deepEqual(found(made, true), [
    ['error', 'bad-field', 'spec.orchRefs[0].orchestrator'],
    ['error', 'bad-field', 'spec.wireguard'],
  ]);
});

test('names are those that Calico takes, unless they are made of keys', () => {
  for (const [name, good] of [
    ['rack-7.tor', true],
    ['Rack7', false],
    ['rack_7', false],
    ['-rack', false],
    [`${'a'.repeat(254)}`, false],
    ['global.fd00::1', false],
  ] as const) {
    const made = resource('BGPPeer', { peerIP: '10.0.0.1', asNumber: 1 }, name);
    assert.equal(validateResource(made, { strict: true }).length === 0, good, name);
    assert.deepEqual(validateResource(made, { strict: true, names: 'keys' }), []);
  }
  assert.deepEqual(found(resource('RouteReflector', { ipv6: 'fd00::1' }, 'fd00::1'), true), []);
});

test('what stands beside spec is judged, too', () => {
  const made: Resource = Object.assign(resource('Node', {}), {
    specs: {},
    metadata: { name: 'x', namespace: 'kube-system', lables: { a: 'b' }, labels: { a: 'b' } },
  });
  assert.deepEqual(
    validateResource(made, { strict: true }).map(({ field, hint }) => [field, hint]),
    [
      ['specs', 'Did you mean spec?'],
      ['metadata.lables', 'Did you mean labels?'],
      ['metadata.namespace', 'Leave it out.'],
    ],
  );
});

test('a report of a node is judged by its own schema', () => {
  const spec = { node: 'n1', classes: ['BGP', 'Weather'], updatePeriodSeconds: 90000 };
  assert.deepEqual(found(resource('CalicoNodeStatus', spec), true), [
    ['error', 'bad-field', 'spec.classes[1]'],
    ['error', 'bad-field', 'spec.updatePeriodSeconds'],
  ]);
  const made: Resource = {
    ...resource('CalicoNodeStatus', { node: 'n1', updatePeriodSeconds: 10 }),
    status: { bgp: { peersV4: [{ state: 'Up' }] } },
  };
  assert.deepEqual(found(made, true), [['error', 'bad-field', 'status.bgp.peersV4[0].state']]);
});
