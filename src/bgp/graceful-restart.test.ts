import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OFFER, openFrom } from '../../test/support/bgp-session.ts';
import { type Cause, keepsStale, retainedFamilies } from './graceful-restart.ts';
import { negotiate } from './negotiate.ts';
import { cease, hardReset } from './notification.ts';
import type { Offer } from './offer.ts';

const lost: Cause = { kind: 'connection-lost', detail: 'reset' };
const received = (subcode: number): Cause => ({
  kind: 'notification-received',
  notification: cease(subcode),
});
const sent: Cause = { kind: 'notification-sent', notification: cease(8), detail: 'full' };

function retained(cause: Cause, changes: Partial<Offer> = {}): string {
  const terms = negotiate(OFFER, openFrom(changes));
  return retainedFamilies(terms, cause)
    .map(({ family, seconds, longLivedSeconds }) => `${family} ${seconds}+${longLivedSeconds}`)
    .join(', ');
}

const PLAIN = { gracefulRestart: { seconds: 60, restarting: false, notification: false } };

test('routes outlive a lost connection for as long as the peer announced', () => {
  assert.equal(retained(lost), '4 120+3600, 6 120+3600');
  assert.equal(retained({ kind: 'replaced' }, PLAIN), '4 60+3600, 6 60+3600');
});

test('routes do not outlive a session without graceful restart', () => {
  assert.equal(retained(lost, { gracefulRestart: null }), '');
});

test('without N a NOTIFICATION ends the routes, with N only a Hard Reset does', () => {
  assert.equal(retained(received(4), PLAIN), '');
  assert.equal(retained(sent, PLAIN), '');
  assert.equal(retained(received(4)), '4 120+3600, 6 120+3600');
  assert.equal(retained(sent), '4 120+3600, 6 120+3600');
  assert.equal(retained({ kind: 'notification-received', notification: hardReset(cease(2)) }), '');
});

test('our own stop, a collision and a peer that reads nothing end the routes', () => {
  assert.equal(retained({ kind: 'stopped', notification: null }), '');
  assert.equal(retained({ kind: 'collision', notification: null }), '');
  assert.equal(retained({ kind: 'send-hold-expired' }), '');
});

test('stale routes stay when the peer comes back and says that it kept forwarding, for that family', () => {
  const [four, six] = OFFER.families;
  assert.ok(four && six);
  const terms = negotiate(OFFER, openFrom({ families: [four, { ...six, forwarding: false }] }));
  assert.equal(keepsStale(terms, 4, false), true);
  assert.equal(keepsStale(terms, 6, false), false);
  assert.equal(keepsStale(terms, 4, true), true);
  assert.equal(keepsStale(terms, 6, true), false);
  assert.equal(keepsStale(negotiate(OFFER, openFrom({ families: [six] })), 4, false), false);
  assert.equal(keepsStale(negotiate(OFFER, openFrom({ gracefulRestart: null })), 4, false), false);
});
