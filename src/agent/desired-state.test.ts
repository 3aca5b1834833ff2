import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import type { Change } from '../model/change.ts';
import { type JsonObject, KINDS, type Kind, type Resource } from '../model/resource.ts';
import { createDesiredState } from './desired-state.ts';

function resource(kind: Kind, name: string, spec: JsonObject): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

const put = (one: Resource): Change => ({ op: 'put', resource: one });
const gone = (one: Resource): Change => ({ op: 'delete', kind: one.kind, name: one.metadata.name });

const rr1 = resource('RouteReflector', 'rr1', { ipv4: '10.0.0.1', clusterID: '1.0.0.1' });
const rr2 = resource('RouteReflector', 'rr2', { ipv4: '10.0.0.2', clusterID: '1.0.0.1' });
const n1 = resource('Node', 'n1', { bgp: { ipv4Address: '10.0.1.1/24' } });
const peer1 = resource('BGPPeer', 'n1-rr1', { node: 'n1', peerIP: '10.0.0.1', asNumber: 64512 });
const peer2 = resource('BGPPeer', 'n1-rr2', { node: 'n1', peerIP: '10.0.0.2', asNumber: 64512 });
const everything = [rr1, rr2, n1, peer1, peer2];

function loaded(resources: readonly Resource[] = everything) {
  const ipv4 = parseAddress('10.0.0.1') ?? null;
  const desired = createDesiredState({ name: null, ipv4, ipv6: null, listenPort: null });
  desired.load({ resources, broken: [], warnings: [] });
  return desired;
}

const sessionsOf = (desired: ReturnType<typeof loaded>) => desired.config().sessions.map((one) => one.name);

test('an own entry that vanishes is kept once it was approved, and the mesh with it', () => {
  const desired = loaded();
  desired.setApproved(desired.standing(), desired.ownResources());
  const before = desired.config();
  desired.apply([gone(rr1)], []);
  assert.equal(desired.standing(), 'entry');
  assert.deepEqual(desired.vanished(), ['RouteReflector/rr1']);
  assert.deepEqual(desired.config(), before);
  const { standalone, sessions } = desired.configWithoutVanished();
  assert.deepEqual([standalone, sessions.map((session) => session.name)], [true, ['Node_10_0_1_1']]);
  assert.deepEqual(desired.config(), before);
});

test('while it is kept, everything else still comes and goes', () => {
  const desired = loaded();
  desired.setApproved(desired.standing(), desired.ownResources());
  desired.apply([gone(rr1)], []);
  desired.apply([put(resource('RouteReflector', 'rr3', { ipv4: '10.0.0.3' }))], []);
  assert.deepEqual(sessionsOf(desired), ['Mesh_10_0_0_2', 'Mesh_10_0_0_3', 'Node_10_0_1_1']);
});

test('an entry that comes back takes the place of the kept one, also under another name', () => {
  for (const name of ['rr1', 'rr-one']) {
    const desired = loaded();
    desired.setApproved(desired.standing(), desired.ownResources());
    desired.apply([gone(rr1)], []);
    desired.apply([put(resource('RouteReflector', name, { ipv4: '10.0.0.1', clusterID: '2.0.0.2' }))], []);
    assert.deepEqual(desired.vanished(), []);
    assert.equal(desired.config().clusterId, '2.0.0.2');
    assert.deepEqual(sessionsOf(desired), ['Mesh_10_0_0_2', 'Node_10_0_1_1']);
  }
});

test('when its loss is approved the speaker becomes standalone', () => {
  const desired = loaded();
  desired.setApproved(desired.standing(), desired.ownResources());
  desired.apply([gone(rr1)], []);
  desired.letVanish();
  assert.equal(desired.standing(), 'standalone');
  assert.deepEqual(sessionsOf(desired), ['Node_10_0_1_1']);
});

test('a start that finds the entry gone keeps it as it was saved', () => {
  const desired = loaded(everything.slice(1));
  assert.equal(desired.standing(), 'standalone');
  desired.setApproved('entry', [rr1]);
  assert.equal(desired.standing(), 'entry');
  assert.deepEqual(desired.vanished(), ['RouteReflector/rr1']);
  desired.load({ resources: everything.slice(1), broken: [], warnings: [] });
  assert.equal(desired.standing(), 'entry');
  desired.load({ resources: everything, broken: [], warnings: [] });
  assert.deepEqual(desired.vanished(), []);
});

test('an entry that was never approved is not kept', () => {
  const desired = loaded();
  desired.apply([gone(rr1)], []);
  assert.equal(desired.standing(), 'standalone');
});

test('a standalone speaker that gets an entry is simply that from then on', () => {
  const desired = loaded(everything.slice(1));
  desired.setApproved('standalone', []);
  desired.apply([put(rr1)], []);
  assert.equal(desired.standing(), 'entry');
  assert.deepEqual(desired.vanished(), []);
});

test('this reflector is not counted among the others of a node', () => {
  const desired = loaded();
  assert.equal(desired.otherReflectors('n1', 4), 1);
  assert.equal(desired.otherReflectors('n1', 6), 0);
  desired.apply([gone(peer2)], []);
  assert.equal(desired.otherReflectors('n1', 4), 0);
});

test('a standalone speaker is not counted among the others either', () => {
  assert.equal(loaded(everything.slice(1)).otherReflectors('n1', 4), 1);
});

test('a datastore that holds nothing is known as such', () => {
  assert.equal(loaded([]).isEmpty(), true);
  assert.equal(loaded([n1]).isEmpty(), false);
});

test('a warning goes when its resource is written anew', () => {
  const desired = loaded();
  const warning = {
    code: 'key-mismatch',
    severity: 'warning',
    subject: 'RouteReflector/rr2',
    message: 'its key names another address',
  } as const;
  desired.apply([], [warning]);
  assert.deepEqual(desired.problems(), [warning]);
  desired.apply([put(rr2)], []);
  assert.deepEqual(desired.problems(), []);
});

test('an own entry that is too broken to say anything is named, until it is whole or gone', () => {
  const bad = resource('RouteReflector', 'rr1', { ipv4: '10.0.0.1', clusterID: '1.0.0' });
  const problem = {
    code: 'bad-json',
    severity: 'error',
    subject: 'RouteReflector/10.0.0.1',
    message: '',
  } as const;
  const unreadable = { kind: 'RouteReflector', name: '10.0.0.1', problem } as const;
  for (const [listed, name, ends] of [
    [{ resources: [bad], broken: [] }, 'rr1', put(rr1)],
    [{ resources: [bad], broken: [] }, 'rr1', gone(rr1)],
    [
      { resources: [], broken: [unreadable] },
      '10.0.0.1',
      { op: 'delete', kind: 'RouteReflector', name: '10.0.0.1' },
    ],
  ] as const) {
    const desired = loaded([n1]);
    assert.equal(desired.unusableOwn(), null);
    desired.load({ ...listed, warnings: [] });
    assert.equal(desired.unusableOwn(), `RouteReflector/${name}`);
    desired.apply([ends], []);
    assert.equal(desired.unusableOwn(), null);
  }
  const other = loaded([resource('RouteReflector', 'rr2', { ipv4: '10.0.0.2', clusterID: '1.0.0' })]);
  assert.equal(other.unusableOwn(), null);
});
