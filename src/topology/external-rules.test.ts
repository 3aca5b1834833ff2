import assert from 'node:assert/strict';
import { test } from 'node:test';
import { node, peer, reflector } from '../../test/support/resources.ts';
import { at, codesOf, names, sessionOf, topologyOf } from '../../test/support/topology.ts';

test('two groups exchange routes when one entry names the other: both ends are clients of each other', () => {
  const topology = topologyOf(
    reflector('a1', ['10.0.0.1'], {
      group: 'a',
      clusterID: '1.0.0.1',
      peers: [{ ip: '10.0.0.2', asNumber: 64512, passwordRef: 'between' }],
    }),
    reflector('b1', ['10.0.0.2'], { group: 'b', clusterID: '1.0.0.2' }),
  );
  for (const [own, other, clusterId] of [
    ['10.0.0.1', '10.0.0.2', '1.0.0.1'],
    ['10.0.0.2', '10.0.0.1', '1.0.0.2'],
  ] as const) {
    const [session] = topology.speaker(at(own)).config().sessions;
    assert.equal(session?.peerAddress, other);
    assert.deepEqual([session?.kind, session?.client, session?.clusterId], ['external', true, clusterId]);
    assert.deepEqual([session?.importPolicy, session?.exportPolicy], ['accept', 'accept']);
    assert.equal(session?.passwordRef, 'between');
    assert.equal(session?.because, 'RouteReflector/a1');
  }
});

test('a reflector named as a peer that has the same cluster ID is no client', () => {
  const topology = topologyOf(
    reflector('a1', ['10.0.0.1'], { group: 'a', clusterID: '1.0.0.1', peers: [{ ip: '10.0.0.2' }] }),
    reflector('b1', ['10.0.0.2'], { group: 'b', clusterID: '1.0.0.1' }),
  );
  assert.equal(topology.speaker(at('10.0.0.1')).config().sessions[0]?.client, false);
  assert.equal(topology.speaker(at('10.0.0.2')).config().sessions[0]?.client, false);
});

test('an external router gets and gives nothing on eBGP but what is listed', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1'], {
      clusterID: '1.0.0.1',
      peers: [
        { ip: '192.0.2.1', asNumber: 65001, port: 1790, maxPrefixes: 50, passwordRef: 'tor' },
        { ip: '192.0.2.2', asNumber: 65001, import: ['0.0.0.0/0'], export: ['10.65.0.0/16'] },
        { ip: '192.0.2.3', asNumber: 64512 },
        { ip: 'fd00::9', asNumber: 65001 },
        { ip: '192.0.2.4' },
      ],
    }),
  );
  const view = topology.speaker(at('10.0.0.1'));
  const first = sessionOf(view, 'Node_192_0_2_1');
  assert.deepEqual(
    [first.client, first.clusterId, first.peerPort, first.maxPrefixes],
    [false, null, 1790, 50],
  );
  assert.deepEqual([first.importPolicy, first.exportPolicy], ['listed', 'listed']);
  assert.deepEqual([first.importFilters, first.exportFilters], [[], []]);
  assert.deepEqual([first.password, first.passwordRef], [true, 'tor']);
  const second = sessionOf(view, 'Node_192_0_2_2');
  assert.deepEqual([second.importFilters, second.exportFilters], [['0.0.0.0/0'], ['10.65.0.0/16']]);
  const internal = sessionOf(view, 'Node_192_0_2_3');
  assert.deepEqual([internal.client, internal.clusterId, internal.importPolicy], [true, '1.0.0.1', 'accept']);
  assert.equal(view.config().sessions.length, 3);
  assert.deepEqual(codesOf(view.problems()), [
    'bad-as-number RouteReflector/rr1',
    'no-address RouteReflector/rr1',
  ]);
});

test('an external peer never takes the place of a session that nodes or fellows already have', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1'], { peers: [{ ip: '10.0.1.1', asNumber: 65001 }, { ip: '10.0.0.2' }] }),
    reflector('rr2', ['10.0.0.2']),
    node('n1', ['10.0.1.1']),
    peer('all', null, '10.0.0.1'),
  );
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual(names(view), ['Global_10_0_1_1', 'Mesh_10_0_0_2']);
  assert.deepEqual([...new Set(codesOf(view.problems()))], ['duplicate RouteReflector/rr1']);
});

test('an entry that names a fellow of its group lays down the password of their mesh session, at both ends', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1'], { peers: [{ ip: '10.0.0.2', passwordRef: 'mesh', maxPrefixes: 9 }] }),
    reflector('rr2', ['10.0.0.2']),
  );
  const there = sessionOf(topology.speaker(at('10.0.0.1')), 'Mesh_10_0_0_2');
  const back = sessionOf(topology.speaker(at('10.0.0.2')), 'Mesh_10_0_0_1');
  assert.deepEqual([there.passwordRef, there.maxPrefixes, there.client], ['mesh', 9, false]);
  assert.deepEqual([back.passwordRef, back.maxPrefixes, back.client], ['mesh', null, false]);
  assert.deepEqual(topology.speaker(at('10.0.0.1')).problems(), []);
  topology.apply([
    {
      op: 'put',
      resource: reflector('rr1', ['10.0.0.1'], { peers: [{ ip: '10.0.0.2', import: ['10.0.0.0/8'] }] }),
    },
  ]);
  assert.deepEqual(codesOf(topology.speaker(at('10.0.0.1')).problems()), ['duplicate RouteReflector/rr1']);
});

test('an external peer with an inline password is set aside, and no problem tells it', () => {
  const topology = topologyOf(
    reflector('rr1', ['10.0.0.1'], { peers: [{ ip: '192.0.2.1', asNumber: 65001, password: 'hunter2' }] }),
    reflector('rr2', ['10.0.0.2']),
  );
  assert.deepEqual(names(topology.speaker(at('10.0.0.1'))), ['Mesh_10_0_0_2']);
  assert.deepEqual(codesOf(topology.problems()), ['inline-password RouteReflector/rr1']);
  assert.doesNotMatch(JSON.stringify(topology.problems()), /hunter2/);
});

test('an AS that two reflectors tell each other wrongly is reported at whoever tells it', () => {
  const topology = topologyOf(
    reflector('a1', ['10.0.0.1'], { group: 'a', peers: [{ ip: '10.0.0.2', asNumber: 65001 }] }),
    reflector('b1', ['10.0.0.2'], { group: 'b' }),
  );
  const told = topology.speaker(at('10.0.0.1'));
  assert.deepEqual([told.config().sessions[0]?.peerAs, told.config().sessions[0]?.client], [65001, false]);
  assert.deepEqual(codesOf(told.problems()), ['as-mismatch RouteReflector/a1']);
  assert.deepEqual(codesOf(topology.speaker(at('10.0.0.2')).problems()), ['as-mismatch RouteReflector/a1']);
});

test('across AS numbers two groups give each other what one entry lists, in each direction', () => {
  const topology = topologyOf(
    reflector('a1', ['10.0.0.1'], {
      group: 'a',
      peers: [{ ip: '10.0.0.2', import: ['10.66.0.0/16'], export: ['10.65.0.0/16'] }],
    }),
    reflector('b1', ['10.0.0.2'], { group: 'b', asNumber: 65002 }),
  );
  const [there] = topology.speaker(at('10.0.0.1')).config().sessions;
  const [back] = topology.speaker(at('10.0.0.2')).config().sessions;
  assert.deepEqual([there?.importFilters, there?.exportFilters], [['10.66.0.0/16'], ['10.65.0.0/16']]);
  assert.deepEqual([back?.importFilters, back?.exportFilters], [['10.65.0.0/16'], ['10.66.0.0/16']]);
  assert.deepEqual([back?.client, back?.importPolicy, back?.exportPolicy], [false, 'listed', 'listed']);
});
