import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../test/support/bgp-messages.ts';
import {
  cease,
  decodeNotification,
  describeNotification,
  encodeNotification,
  hardReset,
  type Notification,
  shutdownText,
  unwrapHardReset,
} from './notification.ts';
import { toHex } from './wire.ts';

function notification(code: number, subcode: number, data = ''): Notification {
  return { code, subcode, data: hex(data) };
}

test('a NOTIFICATION survives the wire', () => {
  const sent = notification(2, 7, '010400010001');
  assert.deepEqual(decodeNotification(encodeNotification(sent)), sent);
});

test('what an error quotes is cut to what the peer takes', () => {
  const quoting = { code: 7, subcode: 1, data: new Uint8Array(65_535).fill(7) };
  assert.equal(encodeNotification(quoting).length, 4096);
  const long = encodeNotification(quoting, 65_535);
  assert.equal(long.length, 65_535);
  assert.equal(toHex(long.subarray(16, 18)), 'ffff');
});

test('a shutdown carries its text with its length in front', () => {
  assert.equal(toHex(cease(2, 'see ya').data), '06736565207961');
  assert.equal(shutdownText(cease(4, 'höhere Gewalt')), 'höhere Gewalt');
});

test('subcodes without a text carry none', () => {
  assert.equal(cease(3, 'ignored').data.length, 0);
  assert.equal(shutdownText(notification(6, 3, '03616263')), null);
});

test('a text over 255 octets is cut between characters', () => {
  const { data } = cease(2, `${'x'.repeat(254)}ü`);
  assert.equal(data[0], 254);
  assert.equal(data.length, 255);
});

test('a text that is no UTF-8, or longer than its message, is shown as octets', () => {
  assert.equal(shutdownText(notification(6, 2, '02c328')), null);
  assert.equal(shutdownText(notification(6, 2, '0961')), null);
  assert.match(
    describeNotification(notification(6, 2, '02c328')),
    /Administrative Shutdown \(6\/2\), data 02c328/,
  );
});

test("a peer's text cannot write lines or colours into our log", () => {
  const evil = cease(2, 'a\nERROR fake\u001b[31m\u2028"q"\\');
  assert.equal(
    describeNotification(evil),
    'Cease: Administrative Shutdown (6/2) "a\\u{a}ERROR fake\\u{1b}[31m\\u{2028}\\"q\\"\\\\"',
  );
});

test('a Hard Reset carries the true error', () => {
  const wrapped = hardReset(cease(2, 'bye'));
  assert.deepEqual([wrapped.code, wrapped.subcode, toHex(wrapped.data)], [6, 9, '060203627965']);
  const { hard, cause } = unwrapHardReset(wrapped);
  assert.equal(hard, true);
  assert.equal(shutdownText(wrapped), 'bye');
  assert.equal(cause.subcode, 2);
  assert.equal(describeNotification(wrapped), 'Hard Reset, Cease: Administrative Shutdown (6/2) "bye"');
});

test('a Hard Reset without an error inside is one all the same', () => {
  assert.equal(unwrapHardReset(notification(6, 9)).hard, true);
  assert.equal(unwrapHardReset(notification(6, 9, '06')).hard, true);
});

test('errors have the names that their RFCs give them', () => {
  assert.equal(
    describeNotification(notification(1, 1)),
    'Message Header Error: Connection Not Synchronized (1/1)',
  );
  assert.equal(describeNotification(notification(4, 0)), 'Hold Timer Expired (4/0)');
  assert.equal(describeNotification(notification(8, 0)), 'Send Hold Timer Expired (8/0)');
  assert.equal(
    describeNotification(notification(7, 1)),
    'ROUTE-REFRESH Message Error: Invalid Message Length (7/1)',
  );
  assert.equal(describeNotification(notification(99, 3, '01')), 'unknown error (99/3), data 01');
});
