/** What the engine makes of a guard's answers; the answers themselves are tested in topology/origins.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressOf,
  type NativeStage,
  nativeStage,
  stageExternal,
  stageFellow,
  stageSession,
} from '../../../test/support/native-stage.ts';
import { prefixText } from './prefix-text.ts';

/** 10.2.0.0/26 is n2's until it moves to n1. */
function stageWith(enforce: boolean) {
  let owner = 'n2';
  const guard = {
    enforce,
    faultOf: (node: string, prefix: string) =>
      prefix === '10.2.0.0/26' && node !== owner ? `the block is ${owner}’s` : null,
  };
  const sessions = [stageSession(1), stageSession(2), stageFellow(3), stageExternal(4)];
  const stage = nativeStage(sessions, { ipv4: addressOf('10.0.0.254') }, {}, guard);
  for (const { name } of sessions) stage.peer(name).up();
  return {
    stage,
    move() {
      owner = 'n1';
      const moved = [...Array(stage.table.rib.prefixes.bound).keys()].filter(
        (id) => prefixText(stage.table.rib.prefixes, id) === '10.2.0.0/26',
      );
      for (const { name } of sessions) stage.peer(name).peer.reviewOrigins(moved);
      stage.settle();
    },
  };
}

const told = (stage: NativeStage, name: string) => [...stage.peer(name).ear.routes.keys()].sort();
const faults = (stage: NativeStage, name: string) => [...stage.peer(name).peer.foreign.values()];

test('with log, what is another’s is taken and told of', () => {
  const { stage } = stageWith(false);
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26']);
  stage.settle();
  assert.deepEqual(told(stage, 'peer2'), ['10.1.0.0/26', '10.2.0.0/26']);
  assert.deepEqual(faults(stage, 'peer1'), ['the block is n2’s']);
  stage.peer('peer1').withdraw(['10.2.0.0/26']);
  assert.deepEqual(faults(stage, 'peer1'), []);
});

test('with enforce it is refused, and taken as soon as the block is its own', () => {
  const { stage, move } = stageWith(true);
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26']);
  stage.peer('peer2').announce(['10.2.0.0/26'], { localPref: 50 });
  stage.settle();
  assert.deepEqual(told(stage, 'peer2'), ['10.1.0.0/26']);
  assert.deepEqual(
    told(stage, 'peer1'),
    ['10.2.0.0/26'],
    'the owner’s route is used, though it is preferred less',
  );
  assert.deepEqual([...faults(stage, 'peer1'), ...faults(stage, 'peer2')], ['the block is n2’s']);
  move();
  assert.deepEqual(told(stage, 'peer2'), ['10.1.0.0/26', '10.2.0.0/26']);
  assert.deepEqual(told(stage, 'peer1'), []);
  assert.deepEqual([...faults(stage, 'peer1'), ...faults(stage, 'peer2')], ['the block is n1’s']);
});

test('fellow reflectors and routers are not judged: they pass on what others say', () => {
  const { stage } = stageWith(true);
  stage.peer('peer3').announce(['10.2.0.0/26']);
  stage.peer('peer4').announce(['10.2.0.0/26']);
  stage.settle();
  assert.deepEqual(told(stage, 'peer1'), ['10.2.0.0/26']);
  assert.deepEqual([...faults(stage, 'peer3'), ...faults(stage, 'peer4')], []);
});

test('a fault goes with the session', () => {
  const { stage } = stageWith(false);
  stage.peer('peer1').announce(['10.2.0.0/26']);
  stage.peer('peer1').down();
  assert.deepEqual(faults(stage, 'peer1'), []);
});

test('a fault of a stale route goes with it', () => {
  const { stage, move } = stageWith(false);
  const { announce, down } = stage.peer('peer1');
  announce(['10.2.0.0/26']);
  down(undefined, [{ family: 4, seconds: 120, longLivedSeconds: 0 }]);
  stage.peer('peer2').announce(['10.2.0.0/26']);
  stage.settle();
  stage.peer('peer1').peer.reviewOrigins('all');
  assert.equal(faults(stage, 'peer1').length, 1);
  stage.time.advance(121_000);
  assert.deepEqual(faults(stage, 'peer1'), []);
  move();
  assert.deepEqual(faults(stage, 'peer1'), []);
});
