import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs/light.js';
import { decodeRangeResponse, encodeRangeRequest } from './range-message.ts';

const field = (id: number, type: string) => ({ id, type });

/** etcd's own description of the messages, fields that we do not read included, for a library to speak. */
const described = protobuf.Root.fromJSON({
  nested: {
    ResponseHeader: {
      fields: {
        cluster_id: field(1, 'uint64'),
        member_id: field(2, 'uint64'),
        revision: field(3, 'int64'),
        raft_term: field(4, 'uint64'),
      },
    },
    KeyValue: {
      fields: {
        key: field(1, 'bytes'),
        create_revision: field(2, 'int64'),
        mod_revision: field(3, 'int64'),
        version: field(4, 'int64'),
        value: field(5, 'bytes'),
        lease: field(6, 'int64'),
      },
    },
    RangeResponse: {
      fields: {
        header: field(1, 'ResponseHeader'),
        kvs: { id: 2, type: 'KeyValue', rule: 'repeated' },
        more: field(3, 'bool'),
        count: field(4, 'int64'),
        later: field(100, 'fixed64'),
        later_still: field(101, 'float'),
      },
    },
    RangeRequest: {
      fields: {
        key: field(1, 'bytes'),
        range_end: field(2, 'bytes'),
        limit: field(3, 'int64'),
        revision: field(4, 'int64'),
        keys_only: field(8, 'bool'),
      },
    },
  },
});
const response = described.lookupType('RangeResponse');
const request = described.lookupType('RangeRequest');

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const revision = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 0n, max: 300n }),
  fc.constantFrom(2n ** 49n - 1n, 2n ** 49n, 2n ** 53n),
);
const keyValue = fc.record({
  key: fc.string({ unit: 'binary' }),
  value: fc.string({ unit: 'binary' }),
  revision,
});

test('what a protobuf library writes is read, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(keyValue), uint64, revision, fc.boolean(), (kvs, clusterId, at, more) => {
      const bytes = response.encode(
        response.fromObject({
          header: { cluster_id: String(clusterId), member_id: '77', revision: String(at), raft_term: '3' },
          kvs: kvs.map((kv) => ({
            key: Buffer.from(kv.key),
            create_revision: 5,
            mod_revision: String(kv.revision),
            version: 300,
            value: Buffer.from(kv.value),
            lease: '9007199254740993',
          })),
          more,
          count: '12345678901',
          later: '1',
          later_still: 1.5,
        }),
      );
      const read = decodeRangeResponse(Buffer.from(bytes.finish()));
      assert.deepEqual(
        read.kvs.map(({ key, value, modRevision }) => ({ key, value, modRevision })),
        kvs.map(({ key, value, revision: changed }) => ({
          key: Buffer.from(key).toString(),
          value: Buffer.from(value).toString(),
          modRevision: String(changed),
        })),
      );
      assert.deepEqual(read.header, { clusterId: String(clusterId), revision: at, raftTerm: 3n });
      assert.equal(read.more, more);
    }),
    { numRuns: 200 },
  );
});

test('what is asked is read by a protobuf library', () => {
  const read = (bytes: Buffer) => request.toObject(request.decode(bytes), { longs: String });
  const key = Buffer.from('/calico/');
  assert.deepEqual(read(encodeRangeRequest({ key })), { key });
  assert.deepEqual(
    read(
      encodeRangeRequest({
        key,
        rangeEnd: Buffer.from('/calico0'),
        limit: 2000,
        revision: '9223372036854775807',
      }),
    ),
    { key, range_end: Buffer.from('/calico0'), limit: '2000', revision: '9223372036854775807' },
  );
  assert.deepEqual(read(encodeRangeRequest({ key, keysOnly: true })), { key, keys_only: true });
});

test('octets that are no such message are an error, wherever they break off', () => {
  const whole = Buffer.from(
    response
      .encode(
        response.fromObject({
          header: { revision: 300 },
          kvs: [{ key: Buffer.from('k'), mod_revision: 300 }],
        }),
      )
      .finish(),
  );
  assert.equal(decodeRangeResponse(whole).kvs.length, 1);
  // Between two fields it is a shorter message.
  const ends = new Set([0, 2 + (whole[1] ?? 0), whole.length]);
  for (let length = 0; length < whole.length; length += 1)
    if (!ends.has(length)) assert.throws(() => decodeRangeResponse(whole.subarray(0, length)), /cut off/);
  assert.throws(() => decodeRangeResponse(Buffer.from([0x0b])), /type 3/);
  assert.throws(
    () => decodeRangeResponse(Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
    /32 bits/,
  );
});
