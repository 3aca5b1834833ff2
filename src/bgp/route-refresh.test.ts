import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../test/support/bgp-messages.ts';
import { buildMessage } from './header.ts';
import { ProtocolError } from './protocol-error.ts';
import { decodeRouteRefresh, encodeRouteRefresh, REFRESH } from './route-refresh.ts';
import { toHex } from './wire.ts';

test('a request for a family is what RFC 2918 draws', () => {
  assert.equal(toHex(encodeRouteRefresh(6).subarray(16)), '00170500020001');
});

test('BoRR and EoRR survive the wire', () => {
  for (const subtype of Object.values(REFRESH)) {
    assert.deepEqual(decodeRouteRefresh(encodeRouteRefresh(4, subtype), true), { afi: 1, safi: 1, subtype });
  }
});

test('a subtype that nobody defined is handed on to be ignored', () => {
  assert.equal(decodeRouteRefresh(encodeRouteRefresh(4, 77), true).subtype, 77);
});

function codeOf(message: Uint8Array, enhanced: boolean): string {
  try {
    decodeRouteRefresh(message, enhanced);
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    return `${error.notification.code}/${error.notification.subcode} ${error.notification.data.length}`;
  }
  return 'accepted';
}

test('a BoRR of another length has an error of its own, with the message in it', () => {
  const long = buildMessage('route-refresh', hex('0001 01 01 00'));
  assert.equal(codeOf(long, true), '7/1 24');
  assert.equal(codeOf(buildMessage('route-refresh', hex('0001 02')), true), '7/1 22');
  assert.equal(codeOf(long, false), '1/2 2');
  assert.equal(codeOf(buildMessage('route-refresh', hex('0001 00 01 00')), true), '1/2 2');
});
