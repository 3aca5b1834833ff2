/** Several paths to one prefix (RFC 7911): taken from a peer, and told to those that ask for them. */
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
import { idOf, octetsOf } from '../../../test/support/routes.ts';
import { explainPrefix } from './explain.ts';

const ANYCAST = '10.96.0.10/32';

/** Of each path that a peer holds, what follows the prefix, without the identifier: next hops in dotted quads, sorted. */
function nextHopsOf(stage: NativeStage, name: string): readonly string[] {
  return [...stage.peer(name).ear.routes.values()]
    .map((text) => [...Buffer.from(text.split(' ')[1] ?? '', 'hex')].join('.'))
    .sort();
}

function keysOf(stage: NativeStage, name: string): readonly string[] {
  return [...stage.peer(name).ear.routes.keys()].sort();
}

test('who takes several paths is told all but its own, who does not is told the best', () => {
  const stage = nativeStage(
    [1, 2, 3, 4].map((host) => stageSession(host)),
    {},
    { addPaths: 'all' },
  );
  for (const name of ['peer1', 'peer2', 'peer3']) stage.peer(name).up({ addPath: 3 });
  stage.peer('peer4').up({ addPath: null });
  for (const name of ['peer1', 'peer2', 'peer4']) stage.peer(name).announce([ANYCAST]);
  stage.settle();
  assert.deepEqual(nextHopsOf(stage, 'peer3'), ['10.0.0.1', '10.0.0.2', '10.0.0.4']);
  assert.deepEqual(nextHopsOf(stage, 'peer1'), ['10.0.0.2', '10.0.0.4']);
  assert.deepEqual(keysOf(stage, 'peer4'), [ANYCAST]);
  assert.deepEqual(nextHopsOf(stage, 'peer4'), ['10.0.0.1']);
  assert.equal(stage.table.toldTo(stage.peer('peer3').peer.source), 3);

  stage.peer('peer1').withdraw([ANYCAST]);
  stage.settle();
  assert.deepEqual(nextHopsOf(stage, 'peer3'), ['10.0.0.2', '10.0.0.4']);
  assert.deepEqual(nextHopsOf(stage, 'peer4'), ['10.0.0.2']);
});

test('several paths of one peer stand beside each other, and each is withdrawn by its own identifier', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3)], {}, { addPaths: 'all' });
  stage.peer('peer1').up({ addPath: 2 });
  stage.peer('peer2').up({ addPath: 1 });
  stage.peer('peer3').up({ addPath: null });
  stage.peer('peer1').announce([ANYCAST], { nextHop: octetsOf('10.0.7.1'), med: 20 }, 7);
  stage.peer('peer1').announce([ANYCAST], { nextHop: octetsOf('10.0.7.2'), med: 10 }, 8);
  stage.settle();
  assert.deepEqual(stage.table.rib.countsOf(stage.peer('peer1').peer.source), {
    accepted: 2,
    rejected: 0,
    stale: 0,
  });
  assert.equal(stage.peer('peer2').ear.routes.size, 2);
  const [best] = stage.peer('peer3').ear.routes.values();
  assert.match(best ?? '', / 0a000702$/);

  stage.peer('peer1').withdraw([ANYCAST], 8);
  stage.settle();
  assert.deepEqual(nextHopsOf(stage, 'peer2'), ['10.0.7.1']);
  assert.deepEqual(nextHopsOf(stage, 'peer3'), ['10.0.7.1']);

  stage.peer('peer1').withdraw([ANYCAST], 99);
  stage.peer('peer1').down();
  stage.settle();
  assert.deepEqual([...stage.peer('peer2').ear.routes], []);
  assert.equal(stage.table.rib.routes, 0);
  stage.table.tidy();
  stage.settle();
  assert.equal(stage.table.rib.prefixes.count, 0, 'no number is kept that nobody needs');
});

test('a path that is changed keeps its identifier, and so does one that comes back before anybody was told', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3)], {}, { addPaths: 'all' });
  for (const name of ['peer1', 'peer2', 'peer3']) stage.peer(name).up({ addPath: 3 });
  stage.peer('peer1').announce([ANYCAST]);
  stage.peer('peer2').announce([ANYCAST]);
  stage.settle();
  const before = keysOf(stage, 'peer3');
  const { told } = stage.peer('peer3').ear;
  stage.peer('peer1').announce([ANYCAST], { med: 5 });
  stage.peer('peer2').withdraw([ANYCAST]);
  stage.peer('peer2').announce([ANYCAST]);
  stage.settle();
  assert.deepEqual(keysOf(stage, 'peer3'), before);
  assert.equal(stage.peer('peer3').ear.told, told + 1, 'what did not change is not told again');
});

test('with a number so many are told at most, the best ones, each with another next hop', () => {
  const sessions = [1, 2, 3, 4, 5].map((host) => stageSession(host));
  const stage = nativeStage(sessions, {}, { addPaths: 2 });
  for (const { name } of sessions) stage.peer(name).up({ addPath: 3 });
  const one = octetsOf('10.0.0.1');
  stage.peer('peer1').announce([ANYCAST], { nextHop: one, med: 1 });
  stage.peer('peer2').announce([ANYCAST], { nextHop: one, med: 2 });
  stage.peer('peer3').announce([ANYCAST], { med: 4 });
  stage.peer('peer4').announce([ANYCAST], { med: 3 });
  stage.settle();
  assert.deepEqual(nextHopsOf(stage, 'peer5'), ['10.0.0.1', '10.0.0.4']);
  stage.peer('peer4').withdraw([ANYCAST]);
  stage.settle();
  assert.deepEqual(nextHopsOf(stage, 'peer5'), ['10.0.0.1', '10.0.0.3']);
});

test('what a peer may not be told does not take the place of what it may', () => {
  const sessions = [stageFellow(1), stageFellow(2), stageSession(3), stageSession(4), stageFellow(5)];
  const stage = nativeStage(sessions, {}, { addPaths: 2 });
  for (const { name } of sessions) stage.peer(name).up({ addPath: 3 });
  for (const [name, localPref] of [
    ['peer1', 400],
    ['peer2', 300],
    ['peer3', 200],
    ['peer4', 100],
  ] as const) {
    stage.peer(name).announce([ANYCAST], { localPref });
  }
  stage.settle();
  // Between two fellows nothing is reflected: the two best routes are both fellows'.
  assert.deepEqual(nextHopsOf(stage, 'peer5'), ['10.0.0.3', '10.0.0.4']);
});

test('a router of another AS is told several paths, with our AS in front of each', () => {
  const sessions = [stageSession(1), stageSession(2), stageExternal(9)];
  const stage = nativeStage(sessions, {}, { addPaths: 'all' });
  for (const { name } of sessions) stage.peer(name).up({ addPath: 3 });
  stage.peer('peer1').announce([ANYCAST]);
  stage.peer('peer2').announce([ANYCAST]);
  stage.settle();
  assert.deepEqual(nextHopsOf(stage, 'peer9'), ['10.0.0.1', '10.0.0.2']);
});

test('unless it is asked for, several paths are taken and one is told; or none are taken', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)]);
  const { families } = stage.peer('peer1').up({ addPath: 3 });
  assert.deepEqual([families[4]?.addPathReceive, families[4]?.addPathSend], [true, false]);
  const off = nativeStage([stageSession(1)], {}, { addPaths: 'off' })
    .peer('peer1')
    .up({ addPath: 3 });
  assert.deepEqual([off.families[4]?.addPathReceive, off.families[4]?.addPathSend], [false, false]);
});

test('a peer’s limit counts paths', () => {
  const stage = nativeStage([stageSession(1, { maxPrefixes: 2 }), stageSession(2)], {}, { addPaths: 'all' });
  stage.peer('peer1').up({ addPath: 3 });
  for (const pathId of [1, 2, 3]) stage.peer('peer1').announce([ANYCAST], { med: pathId }, pathId);
  assert.equal(stage.table.rib.acceptedCount(stage.peer('peer1').peer.source), 2);
  assert.equal(stage.peer('peer1').peer.dropped.overLimit, 1);
});

test('after a restart with other identifiers the stale paths go with End-of-RIB, and only they', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)], {}, { addPaths: 'all' });
  const [one, two] = [stage.peer('peer1'), stage.peer('peer2')];
  one.up({ addPath: 3 });
  two.up({ addPath: 3 });
  one.announce([ANYCAST], { med: 1 }, 1);
  one.announce([ANYCAST], { med: 2 }, 2);
  stage.settle();
  one.down({ kind: 'connection-lost', detail: 'gone' }, [{ family: 4, seconds: 120, longLivedSeconds: 0 }]);
  stage.settle();
  assert.equal(two.ear.routes.size, 2);
  one.up({ addPath: 3 });
  one.announce([ANYCAST], { med: 1 }, 1);
  one.announce([ANYCAST], { med: 3 }, 3);
  stage.settle();
  assert.equal(two.ear.routes.size, 3);
  one.endOfRib();
  stage.settle();
  assert.equal(two.ear.routes.size, 2);
});

test('an explanation names every path, ours and theirs', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)], {}, { addPaths: 'all' });
  stage.peer('peer1').up({ addPath: 3 });
  stage.peer('peer2').up({ addPath: 3 });
  stage.peer('peer1').announce([ANYCAST], { communities: [1] }, 7);
  stage.peer('peer1').announce([ANYCAST], { communities: [2] }, 8);
  stage.settle();
  const explained = explainPrefix(stage.table, ANYCAST);
  assert.deepEqual(
    explained?.routes.map(({ pathId, verdict, step }) => ({ pathId, verdict, step })),
    [
      { pathId: 7, verdict: 'used', step: null },
      { pathId: 8, verdict: 'not used: lower path identifier', step: 10 },
    ],
  );
  assert.deepEqual(
    explained?.told.map(({ sessions, pathId }) => `${sessions} path ${pathId}`).sort(),
    keysOf(stage, 'peer2').map((key) => key.replace(ANYCAST, 'peer2')),
  );
});

test('a foreign route is told of for as long as one path of it is there', () => {
  const stage = nativeStage(
    [stageSession(1)],
    { ipv4: addressOf('10.0.0.254') },
    { addPaths: 'receive' },
    {
      enforce: false,
      faultOf: () => 'it is not its own',
    },
  );
  const one = stage.peer('peer1');
  one.up({ addPath: 3 });
  one.announce([ANYCAST], { med: idOf('0.0.0.1') }, 1);
  one.announce([ANYCAST], {}, 2);
  one.withdraw([ANYCAST], 1);
  assert.equal(one.peer.foreign.size, 1);
  one.withdraw([ANYCAST], 2);
  assert.equal(one.peer.foreign.size, 0);
});
