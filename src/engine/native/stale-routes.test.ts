/** Routes of a peer that is away: RFC 4724 section 4.2, RFC 8538, RFC 9494, RFC 7313. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type NativeStage,
  nativeStage,
  stageFellow,
  stageSession,
} from '../../../test/support/native-stage.ts';
import { decodeAttributes, REFRESH, type Retained, WELL_KNOWN_COMMUNITY } from '../../bgp/index.ts';

const RETAINED: readonly Retained[] = [{ family: 4, seconds: 120, longLivedSeconds: 0 }];
const LONG: readonly Retained[] = [{ family: 4, seconds: 120, longLivedSeconds: 3600 }];

/** peer1 has told two routes, peer2 listens. */
function begin(first = stageSession(1)): NativeStage {
  const stage = nativeStage([first, stageSession(2)]);
  stage.peer('peer1').up();
  stage.peer('peer2').up();
  stage.peer('peer1').announce(['10.1.0.0/26', '10.2.0.0/26']);
  stage.peer('peer1').endOfRib();
  stage.settle();
  assert.deepEqual(heard(stage), ['10.1.0.0/26', '10.2.0.0/26']);
  return stage;
}

function heard(stage: NativeStage): readonly string[] {
  stage.settle();
  return [...stage.peer('peer2').ear.routes.keys()].sort();
}

test('without graceful restart its routes go with the session', () => {
  const stage = begin();
  stage.peer('peer1').down();
  assert.deepEqual(heard(stage), []);
});

test('they stay for the restart time and no longer', () => {
  const stage = begin();
  stage.peer('peer1').down(undefined, RETAINED);
  stage.time.advance(119_000);
  assert.equal(heard(stage).length, 2);
  assert.equal(stage.table.rib.countsOf(stage.peer('peer1').peer.source).stale, 2);
  stage.time.advance(2_000);
  assert.deepEqual(heard(stage), []);
});

test('when it is back, what it does not tell again goes with its End-of-RIB, and nothing was withdrawn before', () => {
  const stage = begin();
  const { told } = stage.peer('peer2').ear;
  stage.peer('peer1').down(undefined, RETAINED);
  stage.time.advance(10_000);
  stage.peer('peer1').up();
  stage.peer('peer1').announce(['10.1.0.0/26']);
  assert.equal(heard(stage).length, 2);
  assert.equal(stage.peer('peer2').ear.told, told, 'the same route again is no news');
  stage.peer('peer1').endOfRib();
  assert.deepEqual(heard(stage), ['10.1.0.0/26']);
  stage.time.advance(1_000_000);
  assert.deepEqual(heard(stage), ['10.1.0.0/26']);
});

test('when it is back without having kept forwarding they go at once', () => {
  const stage = begin();
  stage.peer('peer1').down(undefined, RETAINED);
  stage.peer('peer1').up({ forwarding: false });
  assert.deepEqual(heard(stage), []);
});

test('a peer that never sends End-of-RIB does not keep stale routes for ever', () => {
  const stage = begin();
  stage.peer('peer1').down(undefined, RETAINED);
  stage.peer('peer1').up();
  stage.peer('peer1').announce(['10.2.0.0/26']);
  stage.time.advance(359_000);
  assert.equal(heard(stage).length, 2);
  stage.time.advance(2_000);
  assert.deepEqual(heard(stage), ['10.2.0.0/26']);
});

test('what is stale since one restart does not survive the next', () => {
  const stage = begin();
  stage.peer('peer1').down(undefined, RETAINED);
  stage.peer('peer1').up();
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.peer('peer1').down(undefined, RETAINED);
  assert.deepEqual(heard(stage), ['10.1.0.0/26']);
});

test('a dead client’s routes never become long-lived', () => {
  const stage = begin();
  stage.peer('peer1').down(undefined, LONG);
  stage.time.advance(121_000);
  assert.deepEqual(heard(stage), []);
});

test('a dead fellow reflector’s live on as the last choice, marked, and go in the end', () => {
  const stage = begin(stageFellow(1));
  stage.peer('peer1').announce(['10.3.0.0/26'], { communities: [WELL_KNOWN_COMMUNITY.noLlgr] });
  stage.peer('peer1').down(undefined, LONG);
  stage.time.advance(121_000);
  assert.deepEqual(heard(stage), ['10.1.0.0/26', '10.2.0.0/26'], 'NO_LLGR goes');
  const told = stage.peer('peer2').ear.routes.get('10.1.0.0/26') ?? '';
  const { communities } = decodeAttributes(Uint8Array.from(Buffer.from(told.split(' ')[0] ?? '', 'hex')));
  assert.deepEqual(communities, [WELL_KNOWN_COMMUNITY.llgrStale]);
  assert.equal(stage.peer('peer1').peer.stale, 'long-lived');
  stage.time.advance(3_598_000);
  assert.equal(heard(stage).length, 2);
  stage.time.advance(2_000);
  assert.deepEqual(heard(stage), []);
});

test('a long-lived stale route gives way to any other', () => {
  const stage = nativeStage([stageFellow(1), stageSession(2), stageSession(3)]);
  for (const name of ['peer1', 'peer2', 'peer3']) stage.peer(name).up();
  stage.peer('peer1').announce(['10.1.0.0/26'], { localPref: 500 });
  stage.peer('peer3').announce(['10.1.0.0/26']);
  stage.settle();
  const nextHop = (): string | undefined => stage.peer('peer2').ear.routes.get('10.1.0.0/26')?.split(' ')[1];
  assert.equal(nextHop(), '0a000001');
  stage.peer('peer1').down(undefined, LONG);
  stage.settle();
  assert.equal(nextHop(), '0a000001', 'within the restart time nothing changes');
  stage.time.advance(121_000);
  stage.settle();
  assert.equal(nextHop(), '0a000003');
});

test('who does not know LLGR_STALE is not told what carries it (RFC 9494)', () => {
  const stage = nativeStage([stageFellow(1), stageSession(2), stageSession(3)]);
  stage.peer('peer1').up();
  stage.peer('peer2').up();
  stage.peer('peer3').up({ longLivedSeconds: null });
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.peer('peer1').announce(['10.2.0.0/26'], { communities: [WELL_KNOWN_COMMUNITY.llgrStale] });
  assert.deepEqual(heard(stage), ['10.1.0.0/26', '10.2.0.0/26']);
  assert.deepEqual([...stage.peer('peer3').ear.routes.keys()], ['10.1.0.0/26']);
  stage.peer('peer1').down(undefined, LONG);
  stage.time.advance(121_000);
  assert.deepEqual(heard(stage), ['10.1.0.0/26', '10.2.0.0/26']);
  assert.deepEqual([...stage.peer('peer3').ear.routes.keys()], []);
});

test('a refresh out of turn, or of another family, changes nothing', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)]);
  const { peer, announce, up, down, endOfRib } = stage.peer('peer1');
  const refresh = (subtype: number, afi = 1): void => peer.events.routeRefresh({ afi, safi: 1, subtype });
  up();
  stage.peer('peer2').up();
  announce(['10.1.0.0/26', '10.2.0.0/26']);
  refresh(REFRESH.begin);
  refresh(REFRESH.end);
  assert.equal(heard(stage).length, 2, 'BoRR before End-of-RIB');
  endOfRib();
  refresh(REFRESH.begin, 2);
  refresh(REFRESH.end, 2);
  assert.equal(heard(stage).length, 2, 'IPv6');
  down(undefined, RETAINED);
  up();
  refresh(REFRESH.end);
  assert.equal(heard(stage).length, 2, 'EoRR without BoRR');
  announce(['10.1.0.0/26']);
  endOfRib();
  assert.deepEqual(heard(stage), ['10.1.0.0/26']);
  refresh(REFRESH.begin);
  endOfRib();
  assert.equal(heard(stage).length, 1, 'End-of-RIB ends no refresh');
  refresh(REFRESH.end);
  assert.deepEqual(heard(stage), []);
});

test('a request for routes of another family is no request (RFC 2918)', () => {
  const stage = begin();
  const { peer, asked } = stage.peer('peer2');
  for (const [afi, safi, answers] of [
    [2, 1, 0],
    [1, 128, 0],
    [1, 1, 1],
  ] as const) {
    peer.events.routeRefresh({ afi, safi, subtype: REFRESH.request });
    stage.settle();
    // Its BoRR tells an answer.
    assert.equal(Math.min(asked.length, 1), answers, `${afi}/${safi}`);
  }
});

test('a refresh of the peer’s removes what it did not tell again (RFC 7313)', () => {
  const stage = begin();
  const { peer, announce } = stage.peer('peer1');
  peer.events.routeRefresh({ afi: 1, safi: 1, subtype: REFRESH.begin });
  announce(['10.2.0.0/26']);
  assert.equal(heard(stage).length, 2);
  peer.events.routeRefresh({ afi: 1, safi: 1, subtype: REFRESH.end });
  assert.deepEqual(heard(stage), ['10.2.0.0/26']);
});

test('RFC 7313 section 4: bounds of a refresh before the first End-of-RIB are ignored, and an end without a begin', () => {
  const stage = begin();
  const { announce, down, endOfRib, peer, up } = stage.peer('peer1');
  const bound = (subtype: number) => peer.events.routeRefresh({ afi: 1, safi: 1, subtype });
  down(undefined, RETAINED);
  up();
  announce(['10.1.0.0/26']);
  bound(REFRESH.begin);
  bound(REFRESH.end);
  assert.equal(heard(stage).length, 2, 'what it has not told yet is kept until End-of-RIB');
  endOfRib();
  assert.deepEqual(heard(stage), ['10.1.0.0/26']);
  bound(REFRESH.begin);
  endOfRib();
  announce(['10.2.0.0/26']);
  bound(REFRESH.end);
  assert.deepEqual(heard(stage), ['10.2.0.0/26']);
});

test('a peer that is lost in the middle of a refresh had not been away before: all of its routes are kept', () => {
  const stage = begin();
  const { announce, down, peer } = stage.peer('peer1');
  peer.events.routeRefresh({ afi: 1, safi: 1, subtype: REFRESH.begin });
  announce(['10.2.0.0/26']);
  down(undefined, RETAINED);
  assert.equal(heard(stage).length, 2);
  stage.time.advance(121_000);
  assert.deepEqual(heard(stage), []);
});

test('RFC 9494 section 4.3: who does not know what a long-lived stale route is, is not told it', () => {
  const stage = nativeStage([stageFellow(1), stageSession(2), stageSession(3)]);
  stage.peer('peer1').up();
  stage.peer('peer2').up();
  stage.peer('peer3').up({ longLivedSeconds: null });
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.settle();
  stage.peer('peer1').down(undefined, LONG);
  stage.time.advance(121_000);
  stage.settle();
  assert.equal(stage.peer('peer2').ear.routes.size, 1);
  assert.equal(stage.peer('peer3').ear.routes.size, 0);
  stage.peer('peer1').up();
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.settle();
  assert.equal(stage.peer('peer3').ear.routes.size, 1);
});
