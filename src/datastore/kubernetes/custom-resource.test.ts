import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, Resource } from '../../model/resource.ts';
import { calicoUid, decodeResource, encodeResource } from './custom-resource.ts';

const V1 = 'crd.projectcalico.org/v1';
const METADATA = 'projectcalico.org/metadata';

function decoded(object: JsonObject, moved = true): Resource {
  const meaning = decodeResource('BGPPeer', object, moved);
  assert.equal(meaning.op, 'put');
  return meaning.op === 'put' ? meaning.resource : assert.fail();
}

const writtenByCalico: JsonObject = {
  apiVersion: V1,
  kind: 'BGPPeer',
  metadata: {
    name: 'peer-with-rr',
    resourceVersion: '7',
    uid: '2e2aec6d-f93d-4ebb-a1f3-cdd59ff78251',
    creationTimestamp: '2026-05-02T09:00:00Z',
    finalizers: ['example.org/keep'],
    generation: 3,
    managedFields: [{ manager: 'calico' }],
    labels: { 'projectcalico.org/tier': 'own', team: 'own' },
    annotations: {
      [METADATA]:
        '{"creationTimestamp":"2026-05-02T08:11:04Z","labels":{"team":"net"},"annotations":{"note":"x"}}',
      'operator.tigera.io/by': 'own',
    },
  },
  spec: { peerIP: '10.0.0.9', vendorField: { deep: [1] } },
};

test('metadata that Calico moved into its annotation is read from there and wins', () => {
  const { metadata, spec } = decoded(writtenByCalico);
  assert.deepEqual(metadata.labels, { 'projectcalico.org/tier': 'own', team: 'net' });
  assert.deepEqual(metadata.annotations, { 'operator.tigera.io/by': 'own', note: 'x' });
  assert.equal(metadata.creationTimestamp, '2026-05-02T08:11:04Z');
  assert.equal(metadata.resourceVersion, '7');
  assert.deepEqual(spec, writtenByCalico.spec);
});

test('an object made with kubectl is used as it is', () => {
  const object = { metadata: { name: 'tor', resourceVersion: '7', labels: { team: 'net' } }, spec: {} };
  assert.deepEqual(decoded(object).metadata.labels, { team: 'net' });
});

test('an annotation that is no JSON makes the resource broken', () => {
  const object = { metadata: { name: 'tor', annotations: { [METADATA]: '{' } }, spec: {} };
  const meaning = decodeResource('BGPPeer', object, true);
  assert.equal(meaning.op, 'broken');
});

test('written back, labels and annotations are in the annotation, and what we do not know stays', () => {
  const resource = decoded(writtenByCalico);
  const changed = { ...resource, metadata: { ...resource.metadata, labels: { team: 'core' } } };
  const object = encodeResource(changed, V1, true, writtenByCalico);
  const metadata: JsonObject = Object(object.metadata);
  const annotations: JsonObject = Object(metadata.annotations);
  assert.deepEqual(JSON.parse(String(annotations[METADATA])), {
    creationTimestamp: '2026-05-02T08:11:04Z',
    labels: { team: 'core' },
    annotations: { note: 'x', 'operator.tigera.io/by': 'own' },
  });
  assert.equal(metadata.labels, undefined);
  assert.equal(annotations['operator.tigera.io/by'], 'own');
  assert.deepEqual(metadata.finalizers, ['example.org/keep']);
  assert.equal(metadata.resourceVersion, '7');
  assert.equal(metadata.uid, '2e2aec6d-f93d-4ebb-a1f3-cdd59ff78251');
  assert.deepEqual(object.spec, writtenByCalico.spec);
  assert.equal(object.apiVersion, V1);
});

test('where metadata is not moved it stands in its ordinary place', () => {
  const resource: Resource = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPPeer',
    metadata: { name: 'tor', labels: { team: 'net' } },
    spec: {},
  };
  const object = encodeResource(resource, 'projectcalico.org/v3', false);
  assert.deepEqual(object.metadata, { name: 'tor', labels: { team: 'net' } });
});

test("the UID that Calico shows is the object's with each byte reversed but the version's and the variant's", () => {
  const uid = '80000000-0001-4000-8000-0000000000f0';
  assert.equal(calicoUid(uid), '01000000-0080-4000-8000-00000000000f');
  assert.equal(calicoUid(calicoUid(uid)), uid);
});
