import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFFER, openFrom } from '../../test/support/bgp-session.ts';
import { type Negotiated, negotiate } from './negotiate.ts';
import { type FamilyOffer, type Offer, openOf } from './offer.ts';
import type { Open } from './open.ts';
import { ProtocolError } from './protocol-error.ts';
import { toHex } from './wire.ts';

const [FOUR, SIX] = OFFER.families;
assert.ok(FOUR !== undefined && SIX !== undefined);
const four: FamilyOffer = FOUR;
const six: FamilyOffer = SIX;

function refused(
  offer: Offer,
  theirs: Open,
): { readonly code: string; readonly data: string; readonly message: string } {
  try {
    negotiate(offer, theirs);
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    const { code, subcode, data } = error.notification;
    return { code: `${code}/${subcode}`, data: toHex(data), message: error.message };
  }
  return assert.fail('it was accepted');
}

/** Both ends of one session. */
function bothEnds(
  ours: Partial<Offer>,
  theirs: Partial<Offer>,
): { readonly ours: Negotiated; readonly theirs: Negotiated } {
  const mine: Offer = { ...OFFER, ...ours };
  const other: Offer = { ...OFFER, routerId: 0x0a00_0002, ...theirs };
  return { ours: negotiate(mine, openOf(other)), theirs: negotiate(other, openOf(mine)) };
}

test('the shorter hold time counts, and a KEEPALIVE goes out each third of it', () => {
  const terms = negotiate(OFFER, openFrom({ holdSeconds: 30 }));
  assert.equal(terms.holdSeconds, 30);
  assert.equal(terms.keepaliveSeconds, 10);
  assert.equal(negotiate(OFFER, openFrom({ holdSeconds: 240 })).holdSeconds, 90);
  assert.equal(negotiate(OFFER, openFrom({ holdSeconds: 3 })).keepaliveSeconds, 1);
});

test('a keepalive time that was asked for is kept unless a third of the hold time is shorter', () => {
  const asked = { ...OFFER, keepaliveSeconds: 10 };
  assert.equal(negotiate(asked, openFrom()).keepaliveSeconds, 10);
  assert.equal(negotiate(asked, openFrom({ holdSeconds: 9 })).keepaliveSeconds, 3);
  assert.equal(negotiate({ ...OFFER, keepaliveSeconds: 0 }, openFrom()).keepaliveSeconds, 30);
});

test('a hold time of 0 on either side turns both timers off', () => {
  const terms = negotiate({ ...OFFER, keepaliveSeconds: 10 }, openFrom({ holdSeconds: 0 }));
  assert.deepEqual([terms.holdSeconds, terms.keepaliveSeconds], [0, 0]);
});

test('a peer in another AS than expected is refused with both numbers', () => {
  const { code, message } = refused(OFFER, openFrom({ localAs: 64_999 }));
  assert.equal(code, '2/2');
  assert.match(message, /64999.*64512/);
});

test('our own identifier is refused within our AS and legal from another', () => {
  assert.equal(refused(OFFER, openFrom({ routerId: OFFER.routerId })).code, '2/3');
  const other = { routerId: OFFER.routerId, localAs: 64_999 };
  assert.equal(negotiate({ ...OFFER, peerAs: 64_999 }, openFrom(other)).external, true);
});

test('a peer without a family of ours is told which ones we want', () => {
  const { code, data, message } = refused({ ...OFFER, families: [six] }, openFrom({ families: [four] }));
  assert.equal(code, '2/7');
  assert.equal(data, '010400020001');
  assert.match(message, /we speak IPv6, the peer IPv4/);
});

test('a peer that announces no family at all speaks IPv4', () => {
  const silent = { as: 64_512, holdSeconds: 90, routerId: 7, capabilities: [] };
  const terms = negotiate(OFFER, silent);
  assert.ok(terms.families[4] !== null);
  assert.equal(terms.families[6], null);
  assert.equal(terms.fourOctetAs, false);
  assert.equal(terms.routeRefresh, false);
});

test('a family counts only where both announce it', () => {
  const { ours, theirs } = bothEnds({}, { families: [six] });
  assert.equal(ours.families[4], null);
  assert.equal(theirs.families[4], null);
  assert.ok(ours.families[6] !== null && theirs.families[6] !== null);
});

const MODES = [null, 1, 2, 3] as const;
test('paths are numbered in a direction where one side sends and the other receives, and both sides agree', () => {
  for (const mine of MODES) {
    for (const other of MODES) {
      const { ours, theirs } = bothEnds(
        { families: [{ ...four, addPath: mine }] },
        { families: [{ ...four, addPath: other }] },
      );
      const sends = (mine === 2 || mine === 3) && (other === 1 || other === 3);
      assert.equal(ours.families[4]?.addPathSend, sends);
      assert.equal(theirs.families[4]?.addPathReceive, sends);
    }
  }
});

test('IPv6 next hops for IPv4 need both sides', () => {
  const nextHops = { families: [{ ...four, ipv6NextHop: true }] };
  assert.equal(bothEnds(nextHops, nextHops).ours.families[4]?.ipv6NextHop, true);
  assert.equal(bothEnds(nextHops, {}).ours.families[4]?.ipv6NextHop, false);
  assert.equal(bothEnds({}, nextHops).ours.families[4]?.ipv6NextHop, false);
});

test('long messages are sent only where both sides take them', () => {
  assert.equal(bothEnds({}, {}).ours.longestSent, 65_535);
  const { ours, theirs } = bothEnds({}, { extendedMessages: false });
  assert.equal(ours.longestSent, 4096);
  assert.equal(theirs.longestSent, 4096);
  assert.equal(theirs.longestReceived, 4096);
});

test('graceful restart needs both sides, and counts NOTIFICATIONs only where both said N', () => {
  assert.equal(bothEnds({ gracefulRestart: null }, {}).ours.gracefulRestart, null);
  assert.equal(bothEnds({}, { gracefulRestart: null }).ours.gracefulRestart, null);
  const plain = { seconds: 60, restarting: true, notification: false };
  const terms = bothEnds({}, { gracefulRestart: plain }).ours;
  assert.deepEqual(terms.gracefulRestart, { seconds: 60, restarting: true, notification: false });
  assert.equal(bothEnds({}, {}).ours.gracefulRestart?.notification, true);
  assert.deepEqual(terms.families[4]?.restart, { forwarding: true });
});

test('long-lived graceful restart means nothing without graceful restart', () => {
  assert.equal(bothEnds({}, {}).ours.families[4]?.longLivedSeconds, 3600);
  assert.equal(bothEnds({}, { gracefulRestart: null }).ours.families[4]?.longLivedSeconds, 0);
  const alone: Open = {
    ...openFrom({ gracefulRestart: null }),
    capabilities: [
      { kind: 'long-lived-graceful-restart', families: [{ afi: 1, safi: 1, forwarding: true, seconds: 9 }] },
    ],
  };
  assert.equal(negotiate(OFFER, alone).families[4]?.longLivedSeconds, 0);
});

test('a peer that announces long-lived graceful restart for no family knows its marks all the same', () => {
  const long = { kind: 'long-lived-graceful-restart', families: [] } as const;
  const without = openFrom({ families: [{ ...four, longLivedSeconds: null }] });
  assert.equal(negotiate(OFFER, without).knowsLlgrStale, false);
  const aware = { ...without, capabilities: [...without.capabilities, long] };
  assert.equal(negotiate(OFFER, aware).knowsLlgrStale, true);
  assert.equal(negotiate(OFFER, aware).families[4]?.longLivedSeconds, 0);
  const alone = openFrom({ gracefulRestart: null });
  assert.equal(
    negotiate(OFFER, { ...alone, capabilities: [...alone.capabilities, long] }).knowsLlgrStale,
    false,
  );
});

test('of several graceful restart capabilities the last one counts', () => {
  const first = openFrom({ gracefulRestart: { seconds: 1, restarting: false, notification: false } });
  const last = openFrom({ gracefulRestart: { seconds: 99, restarting: false, notification: false } });
  const both = { ...first, capabilities: [...first.capabilities, ...last.capabilities] };
  assert.equal(negotiate(OFFER, both).gracefulRestart?.seconds, 99);
});
