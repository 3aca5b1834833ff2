import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../model/resource.ts';
import { OVERRIDE, requestedChange } from './requested-change.ts';
import type { AdmissionRequest } from './review.ts';

const NODES = { group: '', version: 'v1', resource: 'nodes' };
const PEERS = { group: 'crd.projectcalico.org', version: 'v1', resource: 'bgppeers' };

function node(labels: JsonObject, annotations: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return { metadata: { name: 'n1', labels, annotations }, ...more };
}

function peer(spec: JsonObject, annotations: JsonObject = {}): JsonObject {
  return { metadata: { name: 'p', annotations }, spec };
}

function asked(
  oldObject: JsonObject | null,
  object: JsonObject | null,
  more: Partial<AdmissionRequest> = {},
): AdmissionRequest {
  return {
    uid: 'u',
    resource: NODES,
    name: 'n1',
    operation: object === null ? 'DELETE' : oldObject === null ? 'CREATE' : 'UPDATE',
    userInfo: { username: 'somebody' },
    dryRun: false,
    object,
    oldObject,
    ...more,
  };
}

const HARMLESS: readonly (readonly [string, AdmissionRequest])[] = [
  ['a heartbeat', asked(node({ a: 'b' }), node({ a: 'b' }, {}, { status: { phase: 'Running' } }))],
  ['an annotation of somebody else', asked(node({}), node({}, { 'example.com/seen': '1' }))],
  ['the override by itself', asked(node({}), node({}, { [OVERRIDE]: '01234567' }))],
  ['a Node that is deleted', asked(node({ a: 'b' }), null)],
  ['a Node that is made', asked(null, node({ a: 'b' }))],
  ['what goes through a Node', asked(node({}), node({ a: 'b' }), { subResource: 'proxy' })],
  ['a connection', asked(node({}), node({ a: 'b' }), { operation: 'CONNECT' })],
  [
    'a kind that no session depends on',
    asked(peer({}), null, { resource: { group: 'apps', version: 'v1', resource: 'deployments' } }),
  ],
  ['a version that nobody knows', asked(peer({}), null, { resource: { ...PEERS, version: 'v9' } })],
  [
    'the same fields in another order',
    asked(peer({ peerIP: '10.0.0.1', asNumber: 1 }), peer({ asNumber: 1, peerIP: '10.0.0.1' }), {
      resource: PEERS,
    }),
  ],
];

for (const [what, request] of HARMLESS) {
  test(`changes nothing for sessions: ${what}`, () => assert.equal(requestedChange(request), null));
}

test('the same change of the same object has the same ID, another change or object another', () => {
  const idOf = (...given: Parameters<typeof asked>) => requestedChange(asked(...given))?.id;
  const first = idOf(node({ a: '1', b: '1' }), node({ a: '1' }));
  assert.match(first ?? '', /^[0-9a-f]{8}$/);
  // What else the object says does not matter, so that it has the same ID when it is asked for again.
  assert.equal(idOf(node({ b: '1', c: '1' }, { x: 'y' }), node({ c: '1' }, { [OVERRIDE]: 'z' })), first);
  assert.notEqual(idOf(node({ a: '1', b: '1' }), node({ b: '1' })), first);
  assert.notEqual(idOf(node({ a: '1', b: '1' }), node({ a: '1' }), { name: 'n2' }), first);
  assert.notEqual(idOf(peer({}), null, { resource: PEERS, name: 'p' }), first);
});

test('the override counts for the change that it names alone, and wherever Calico keeps annotations', () => {
  const change = (annotations: JsonObject) => {
    const request = asked(peer({ peerSelector: 'has(a)' }), peer({ peerSelector: 'has(b)' }, annotations), {
      resource: PEERS,
      name: 'p',
    });
    return requestedChange(request);
  };
  const id = change({})?.id ?? '';
  assert.deepEqual([change({})?.overridden, change({})?.otherOverride], [false, null]);
  assert.equal(change({ [OVERRIDE]: id })?.overridden, true);
  assert.equal(change({ [OVERRIDE]: id })?.id, id);
  assert.deepEqual(
    [change({ [OVERRIDE]: 'yes' })?.overridden, change({ [OVERRIDE]: 'yes' })?.otherOverride],
    [false, 'yes'],
  );
  const inCalicos = JSON.stringify({ annotations: { [OVERRIDE]: id } });
  assert.equal(change({ 'projectcalico.org/metadata': inCalicos })?.overridden, true);
});

test('a value that cannot be read is a deletion, with the reason; a deletion is overridden by what is deleted', () => {
  const unreadable = requestedChange(
    asked(
      peer({ peerSelector: 'has(a)' }),
      { metadata: { name: 'p' }, spec: 'text' },
      { resource: PEERS, name: 'p' },
    ),
  );
  assert.deepEqual(unreadable?.change, { op: 'delete', kind: 'BGPPeer', name: 'p' });
  assert.equal(unreadable.unreadable?.message, 'spec is no object.');
  const gone = (annotations: JsonObject) =>
    requestedChange(
      asked(peer({ peerSelector: 'has(a)' }, annotations), null, { resource: PEERS, name: 'p' }),
    );
  const id = gone({})?.id ?? '';
  assert.equal(gone({})?.change.op, 'delete');
  assert.equal(gone({ [OVERRIDE]: id })?.overridden, true);
});
