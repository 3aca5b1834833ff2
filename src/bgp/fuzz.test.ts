/**
 * Properties that hold for any input, tried on as many as fit in the time: a short while in `npm test`, as long as one
 * likes with `npm run fuzz`. A failure prints its seed and the smallest input that fails.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  announcements,
  goodMessage,
  notification,
  openMessage,
  pathAttributes,
  stream,
  u32,
  updateContext,
} from '../../test/support/bgp-arbitraries.ts';
import { INTERNAL } from '../../test/support/bgp-messages.ts';
import { decodeAttributes, encodeAttributes } from './attributes/codec.ts';
import { reflectAttributes } from './attributes/edit.ts';
import { narrow } from './attributes/four-octet.ts';
import { createFramer, type Frame } from './framer.ts';
import { readNlri } from './nlri.ts';
import { decodeNotification, describeNotification, encodeNotification } from './notification.ts';
import { decodeOpen, encodeOpen } from './open.ts';
import { ProtocolError } from './protocol-error.ts';
import { decodeRouteRefresh } from './route-refresh.ts';
import { decodeUpdate, type UpdateContext } from './update.ts';
import { encodeAnnouncements, encodeWithdrawals } from './update-encoder.ts';
import { concatBytes, toHex } from './wire.ts';

/** For each property. */
const MILLISECONDS = Number(process.env.BGP_FUZZ_SECONDS ?? '0.7') * 1000;
const BOX = {
  numRuns: Number.MAX_SAFE_INTEGER,
  interruptAfterTimeLimit: MILLISECONDS,
  markInterruptAsFailure: false,
};

/** All that can be done with a message; throws what it throws. */
function digest({ type, message }: Frame, context: UpdateContext): unknown {
  switch (type) {
    case 'open':
      return decodeOpen(message);
    case 'update':
      return decodeUpdate(message, context);
    case 'notification':
      return describeNotification(decodeNotification(message));
    case 'route-refresh':
      return decodeRouteRefresh(message, true);
    case 'keepalive':
      return null;
    default:
      return type satisfies never;
  }
}

/** What a stream comes to: each message or its error, and the error that ended it. */
function outcome(pieces: readonly Uint8Array[], context: UpdateContext): string[] {
  const framer = createFramer();
  framer.acceptExtendedMessages();
  const said: string[] = [];
  try {
    for (const piece of pieces) {
      framer.push(piece, (frame) => {
        digest(frame, context);
        said.push(`${frame.type} ${toHex(frame.message)}`);
        return true;
      });
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    said.push(error.message);
    // Whatever it quotes, the peer must be able to read it.
    const { type, message } = only(encodeNotification(error.notification));
    assert.equal(type, 'notification');
    said.push(describeNotification(decodeNotification(message)));
  }
  return said;
}

/** The one message that these octets are, for a peer that takes no long ones. */
function only(octets: Uint8Array): Frame {
  const frames: Frame[] = [];
  createFramer().push(octets, (frame) => frames.push(frame) > 0);
  const [frame] = frames;
  assert.ok(frame !== undefined && frames.length === 1);
  return frame;
}

test('no stream throws anything but a protocol error', () => {
  fc.assert(
    fc.property(stream, updateContext, (bytes, context) => {
      outcome([bytes], context);
    }),
    BOX,
  );
});

const pieceSize = fc.oneof(
  fc.constant(1),
  fc.integer({ min: 2, max: 40 }),
  fc.integer({ min: 41, max: 9000 }),
);

test('a stream means the same octet by octet as in one piece', () => {
  fc.assert(
    fc.property(stream, updateContext, pieceSize, (bytes, context, size) => {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      assert.deepEqual(outcome(pieces, context), outcome([bytes], context));
    }),
    BOX,
  );
});

test('what was accepted can be read, reflected, narrowed and told again', () => {
  fc.assert(
    fc.property(stream, updateContext, u32, u32, (bytes, context, originator, cluster) => {
      const framer = createFramer();
      const again: UpdateContext = { ...context, external: false, fourOctetAs: true, enforceFirstAs: false };
      try {
        framer.push(bytes, (frame) => {
          if (frame.type !== 'update') return true;
          const update = decodeUpdate(frame.message, context);
          for (const block of update.withdrawn) {
            assert.equal(readNlri(block).length, block.count);
            encodeWithdrawals(block, 4096);
          }
          for (const { nlri, nextHop, attributes } of update.announced) {
            assert.equal(readNlri(nlri).length, nlri.count);
            const reflected = reflectAttributes(attributes, originator, cluster);
            const before = decodeAttributes(attributes);
            assert.deepEqual(decodeAttributes(reflected), {
              ...before,
              originatorId: before.originatorId ?? originator,
              clusterList: [cluster, ...before.clusterList],
            });
            narrow(attributes);
            const told = encodeAnnouncements({ nlri, nextHop, attributes: reflected }, 65_535);
            if (told === null) continue;
            const [repeated] = decodeUpdate(told, again).announced;
            assert.ok(repeated !== undefined);
            assert.equal(toHex(repeated.attributes), toHex(reflected));
            assert.equal(toHex(repeated.nlri.bytes), toHex(nlri.bytes));
          }
          return true;
        });
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    BOX,
  );
});

test('every legal message is accepted whole', () => {
  fc.assert(
    fc.property(goodMessage, (message) => {
      const framer = createFramer();
      const types: string[] = [];
      framer.push(message, ({ type }) => types.push(type) > 0);
      assert.equal(types.length, 1);
      assert.equal(framer.waiting, 0);
    }),
    BOX,
  );
});

test('OPENs, NOTIFICATIONs and attributes come back as they were', () => {
  fc.assert(
    fc.property(openMessage, notification, pathAttributes, (open, told, attributes) => {
      assert.deepEqual(decodeOpen(encodeOpen(open)), open);
      assert.deepEqual(decodeNotification(encodeNotification(told)), told);
      assert.deepEqual(decodeAttributes(encodeAttributes(attributes)), attributes);
    }),
    BOX,
  );
});

test('announced routes come back as they were, from peers of either AS number size', () => {
  fc.assert(
    fc.property(announcements, fc.boolean(), ({ nlri, nextHop, attributes: kept }, old) => {
      const octets = encodeAttributes(kept);
      const bytes = encodeAnnouncements({ nlri, nextHop, attributes: old ? narrow(octets) : octets }, 4096);
      if (bytes === null) return;
      const terms = { addPathReceive: nlri.addPath, ipv6NextHop: true };
      const context = { ...INTERNAL, fourOctetAs: !old, families: { 4: terms, 6: terms } };
      const framer = createFramer();
      const blocks: Uint8Array[] = [];
      framer.push(bytes, ({ message }) => {
        const update = decodeUpdate(message, context);
        assert.deepEqual(update.malformed, []);
        for (const one of update.announced) {
          blocks.push(one.nlri.bytes);
          assert.equal(toHex(one.nextHop), toHex(nextHop));
          const { asPath, ...others } = decodeAttributes(one.attributes);
          const { asPath: path, ...expected } = kept;
          assert.deepEqual(others, expected);
          // Two sequences in a row may have become one, which is the same path.
          assert.deepEqual(flat(asPath), flat(path));
        }
        return true;
      });
      assert.equal(toHex(concatBytes(blocks)), toHex(nlri.bytes));
    }),
    BOX,
  );
});

/** A path without the borders between sequences. */
function flat(path: ReturnType<typeof decodeAttributes>['asPath']): unknown[] {
  return (path ?? []).flatMap(({ type, asNumbers }): unknown[] =>
    type === 'set' ? [asNumbers] : [...asNumbers],
  );
}
