import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../test/support/bgp-messages.ts';
import { createFramer, type Frame } from './framer.ts';
import { buildMessage, encodeKeepalive } from './header.ts';
import { ProtocolError } from './protocol-error.ts';
import { encodeRouteRefresh } from './route-refresh.ts';
import { concatBytes, toHex } from './wire.ts';

const MARKER = 'ff'.repeat(16);

function header(length: number, type: number): Uint8Array {
  return hex(`${MARKER}${length.toString(16).padStart(4, '0')}${type.toString(16).padStart(2, '0')}`);
}

/** Pushes pieces; the frames, and what was thrown. */
function frames(
  pieces: readonly Uint8Array[],
  extended = false,
): { frames: Frame[]; error: ProtocolError | null } {
  const framer = createFramer();
  if (extended) framer.acceptExtendedMessages();
  const list: Frame[] = [];
  try {
    for (const piece of pieces) framer.push(piece, (frame) => list.push(frame) > 0);
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    return { frames: list, error };
  }
  return { frames: list, error: null };
}

const BAD_HEADERS = [
  {
    name: 'a marker that is not all ones',
    bytes: hex(`${'ff'.repeat(15)}fe 0013 04`),
    code: '1/1',
    data: '',
  },
  { name: 'a length under 19', bytes: header(18, 4), code: '1/2', data: '0012' },
  { name: 'a length over 4096', bytes: header(4097, 2), code: '1/2', data: '1001' },
  { name: 'an unknown type', bytes: header(19, 9), code: '1/3', data: '09' },
  { name: 'type 0', bytes: header(19, 0), code: '1/3', data: '00' },
  { name: 'an OPEN under 29 octets', bytes: header(28, 1), code: '1/2', data: '001c' },
  { name: 'an UPDATE under 23 octets', bytes: header(22, 2), code: '1/2', data: '0016' },
  { name: 'a NOTIFICATION under 21 octets', bytes: header(20, 3), code: '1/2', data: '0014' },
  { name: 'a KEEPALIVE of 20 octets', bytes: header(20, 4), code: '1/2', data: '0014' },
  { name: 'a ROUTE-REFRESH without a subtype', bytes: header(21, 5), code: '1/2', data: '0015' },
];
for (const { name, bytes, code, data } of BAD_HEADERS) {
  test(`${name} is refused as soon as the header is there`, () => {
    for (const pieces of [[bytes], [bytes.subarray(0, 7), bytes.subarray(7)]]) {
      const { error } = frames(pieces);
      assert.ok(error);
      assert.equal(`${error.notification.code}/${error.notification.subcode}`, code);
      assert.equal(toHex(error.notification.data), data);
    }
  });
}

test('messages come out whole, whatever the pieces', () => {
  const stream = concatBytes([encodeKeepalive(), encodeRouteRefresh(6), encodeKeepalive()]);
  for (let size = 1; size <= stream.length; size++) {
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) pieces.push(stream.subarray(at, at + size));
    const { frames: list, error } = frames(pieces);
    assert.equal(error, null);
    assert.deepEqual(
      list.map(({ type }) => type),
      ['keepalive', 'route-refresh', 'keepalive'],
    );
    assert.equal(toHex(concatBytes(list.map(({ message }) => message))), toHex(stream));
  }
});

test('messages before a broken header are delivered', () => {
  const { frames: list, error } = frames([concatBytes([encodeKeepalive(), header(19, 9)])]);
  assert.equal(list.length, 1);
  assert.ok(error);
});

test('messages up to 65,535 octets pass once both sides have agreed on them', () => {
  const long = buildMessage('update', new Uint8Array(65_535 - 19));
  assert.ok(frames([long]).error);
  assert.equal(
    frames([long.subarray(0, 30_000), long.subarray(30_000)], true).frames[0]?.message.length,
    65_535,
  );
});

test('OPEN and KEEPALIVE never get longer than 4096 octets', () => {
  assert.ok(frames([buildMessage('open', new Uint8Array(4097 - 19))], true).error);
  assert.equal(frames([buildMessage('open', new Uint8Array(4096 - 19))], true).error, null);
});

test('the agreement takes effect within one piece', () => {
  const framer = createFramer();
  const seen: string[] = [];
  const stream = concatBytes([
    buildMessage('open', new Uint8Array(10)),
    buildMessage('update', new Uint8Array(5000)),
  ]);
  framer.push(stream, ({ type }) => {
    seen.push(type);
    if (type === 'open') framer.acceptExtendedMessages();
    return true;
  });
  assert.deepEqual(seen, ['open', 'update']);
});

test('nothing is delivered after the receiver has had enough', () => {
  const framer = createFramer();
  let delivered = 0;
  const stop = (): boolean => {
    delivered++;
    return false;
  };
  framer.push(concatBytes([encodeKeepalive(), encodeKeepalive()]), stop);
  framer.push(encodeKeepalive(), stop);
  assert.equal(delivered, 1);
});

test('a message that has begun is counted', () => {
  const framer = createFramer();
  framer.push(encodeKeepalive().subarray(0, 12), () => true);
  assert.equal(framer.waiting, 12);
});
