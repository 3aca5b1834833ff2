import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, listing, node, peer, reflector } from '../../test/support/resources.ts';
import { at, codesOf, names, racks, sessionOf, topologyOf } from '../../test/support/topology.ts';

test('an entry that turns broken keeps its last good meaning; one that never was good is absent', () => {
  const topology = topologyOf(...racks());
  const view = topology.speaker(at('10.0.0.1'));
  const before = view.config();
  topology.apply([
    { op: 'put', resource: node('n1', ['10.0.1.x', 'fd00::1:1']) },
    { op: 'put', resource: node('n2', ['10.0.1.2', 'fd00::1:2'], { asNumber: 0 }) },
    { op: 'put', resource: reflector('rr2', ['10.0.0.2', 'fd00::2'], { clusterID: '0.0.0.0' }) },
    { op: 'put', resource: reflector('rr1', ['10.0.0.1', 'fd00::1'], { clusterID: 'rack1' }) },
    { op: 'put', resource: peer('n3-rr1-4', 'n3', 'rr1.example') },
    { op: 'put', resource: reflector('rr9', ['10.0.0.999']) },
    {
      op: 'broken',
      broken: {
        kind: 'RouteReflector',
        name: 'rr3',
        problem: {
          code: 'bad-json',
          severity: 'error',
          subject: 'RouteReflector/rr3',
          message: 'It is no JSON.',
        },
      },
    },
  ]);
  assert.equal(view.config(), before);
  assert.deepEqual(codesOf(topology.problems()), [
    'bad-address BGPPeer/n3-rr1-4',
    'bad-address Node/n1',
    'bad-as-number Node/n2',
    'bad-cluster-id RouteReflector/rr1',
    'bad-cluster-id RouteReflector/rr2',
    'bad-json RouteReflector/rr3',
    'bad-address RouteReflector/rr9',
  ]);
  topology.apply([{ op: 'delete', kind: 'RouteReflector', name: 'rr3' }]);
  assert.equal(view.config().sessions.length, before.sessions.length - 1);
});

test('a listing in which something is broken keeps its last good meaning too', () => {
  const topology = topologyOf(...racks());
  const view = topology.speaker(at('10.0.0.1'));
  const before = view.config();
  const problem = {
    code: 'bad-json',
    severity: 'error',
    subject: 'Node/n1',
    message: 'It is no JSON.',
  } as const;
  topology.load({
    resources: racks().filter((one) => one.metadata.name !== 'n1'),
    broken: [{ kind: 'Node', name: 'n1', problem }],
    warnings: [],
  });
  assert.equal(view.config(), before);
  assert.deepEqual(codesOf(topology.problems()), ['bad-json Node/n1']);
  topology.load(listing(...racks().filter((one) => one.metadata.name !== 'n1')));
  assert.equal(view.config().sessions.length, before.sessions.length - 1);
});

test('a change makes new objects of the sessions that it changed and of no others', () => {
  const topology = topologyOf(...racks());
  const view = topology.speaker(at('10.0.0.1', 'fd00::1'));
  const before = view.config();
  assert.equal(view.config(), before);
  topology.apply([{ op: 'put', resource: node('n1', ['10.0.1.1/24', 'fd00::1:1/64'], { asNumber: 64512 }) }]);
  assert.equal(view.config(), before);
  topology.apply([{ op: 'put', resource: node('n1', ['10.0.1.1/24', 'fd00::1:1/64'], { asNumber: 65001 }) }]);
  const after = view.config();
  const changed = after.sessions.filter((session) => !before.sessions.includes(session));
  assert.deepEqual(
    changed.map((session) => session.name),
    ['Node_10_0_1_1', 'Node_fd00__1_1'],
  );
});

test('an own entry that vanishes turns a reflector standalone, and its return turns it back', () => {
  const topology = topologyOf(...racks());
  const view = topology.speaker(at('10.0.0.1'));
  const before = JSON.stringify(view.config());
  topology.apply([{ op: 'delete', kind: 'RouteReflector', name: 'rr1' }]);
  assert.equal(view.standing, 'standalone');
  assert.deepEqual(names(view), ['Node_10_0_1_1', 'Node_10_0_1_2', 'Node_10_0_1_3']);
  topology.apply([
    { op: 'put', resource: reflector('rr1', ['10.0.0.1', 'fd00::1'], { clusterID: '1.0.0.1' }) },
  ]);
  assert.equal(view.standing, 'entry');
  assert.equal(JSON.stringify(view.config()), before);
});

test('one of two entries of a node for the same reflector can go without taking the session', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1']),
    node('n1', ['10.0.1.1']),
    peer('first', 'n1', '10.0.0.1'),
    peer('second', 'n1', '10.0.0.1'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.equal(sessionOf(view, 'Node_10_0_1_1').because, 'BGPPeer/first');
  topology.apply([
    { op: 'delete', kind: 'BGPPeer', name: 'first' },
    // Makes everything be worked out anew.
    { op: 'put', resource: configuration({ asNumber: 64512 }) },
  ]);
  assert.equal(sessionOf(view, 'Node_10_0_1_1').because, 'BGPPeer/second');
  assert.deepEqual(view.problems(), []);
});
