/**
 * The part of etcd's v3 protocol that we speak: Range, Txn, Watch and Authenticate of `etcdserverpb`
 * (etcd 3.4 api, unchanged in 3.5 and 3.6). The messages are described as data, so that nothing but this module
 * ships with the package, and what arrives is read once, here, into typed records.
 */
// Without protobufjs's parser and generators of code files: the description is data already.
import protobuf from 'protobufjs/light.js';
import {
  decodeRangeResponse,
  encodeRangeRequest,
  type Header,
  type KeyValue,
  RANGE_PATH,
  type RangeRequest,
  type RangeResponse,
} from './range-message.ts';

/** One protobuf method: its path and how its messages become bytes. */
export interface Method<Request, Response> {
  readonly path: string;
  serialize(request: Request): Buffer;
  deserialize(bytes: Buffer): Response;
}

/** `modRevision` 0 is how etcd writes "there is no such key". */
export interface Compare {
  readonly result: 'EQUAL';
  readonly target: 'MOD';
  readonly key: Buffer;
  readonly modRevision: string;
}

export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: { readonly key: Buffer; readonly value: Buffer } }
  | { readonly requestDeleteRange: { readonly key: Buffer } };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  /** What the range requests of the branch that was taken found, all together. */
  readonly kvs: readonly KeyValue[];
}

export interface WatchRequest {
  readonly createRequest: {
    readonly key: Buffer;
    readonly rangeEnd: Buffer;
    readonly startRevision: string;
    readonly progressNotify: boolean;
    readonly fragment: boolean;
    readonly watchId: number;
  };
}

export interface WatchResponse {
  readonly header: Header;
  readonly watchId: number;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0 where the watch was cancelled because its history is gone. */
  readonly compactRevision: bigint;
  readonly cancelReason: string;
  /** More of the same revision follows. */
  readonly fragment: boolean;
  readonly events: readonly WatchedEvent[];
}

export interface WatchedEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: KeyValue;
}

export interface AuthenticateRequest {
  readonly name: string;
  readonly password: string;
}

const field = (id: number, type: string) => ({ id, type });
const repeated = (id: number, type: string) => ({ id, type, rule: 'repeated' });
const message = (fields: Record<string, { id: number; type: string; rule?: string }>) => ({ fields });

/** The event type, which a decoded message has as its number. */
const DELETE = 1;

/** Of etcd's rpc.proto and kv.proto (all in one namespace here); names in lower camel case. */
const DESCRIPTION = {
  nested: {
    ResponseHeader: message({
      clusterId: field(1, 'uint64'),
      memberId: field(2, 'uint64'),
      revision: field(3, 'int64'),
      raftTerm: field(4, 'uint64'),
    }),
    KeyValue: message({
      key: field(1, 'bytes'),
      createRevision: field(2, 'int64'),
      modRevision: field(3, 'int64'),
      version: field(4, 'int64'),
      value: field(5, 'bytes'),
      lease: field(6, 'int64'),
    }),
    EventType: { values: { PUT: 0, DELETE } },
    Event: message({
      type: field(1, 'EventType'),
      kv: field(2, 'KeyValue'),
      prevKv: field(3, 'KeyValue'),
    }),
    RangeRequest: message({
      key: field(1, 'bytes'),
      rangeEnd: field(2, 'bytes'),
      limit: field(3, 'int64'),
      revision: field(4, 'int64'),
      serializable: field(7, 'bool'),
      keysOnly: field(8, 'bool'),
    }),
    RangeResponse: message({
      header: field(1, 'ResponseHeader'),
      kvs: repeated(2, 'KeyValue'),
      more: field(3, 'bool'),
      count: field(4, 'int64'),
    }),
    PutRequest: message({ key: field(1, 'bytes'), value: field(2, 'bytes') }),
    DeleteRangeRequest: message({ key: field(1, 'bytes'), rangeEnd: field(2, 'bytes') }),
    RequestOp: {
      oneofs: { request: { oneof: ['requestRange', 'requestPut', 'requestDeleteRange'] } },
      ...message({
        requestRange: field(1, 'RangeRequest'),
        requestPut: field(2, 'PutRequest'),
        requestDeleteRange: field(3, 'DeleteRangeRequest'),
      }),
    },
    ResponseOp: {
      oneofs: { response: { oneof: ['responseRange'] } },
      ...message({ responseRange: field(1, 'RangeResponse') }),
    },
    CompareResult: { values: { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } },
    CompareTarget: { values: { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } },
    Compare: {
      oneofs: { targetUnion: { oneof: ['modRevision'] } },
      ...message({
        result: field(1, 'CompareResult'),
        target: field(2, 'CompareTarget'),
        key: field(3, 'bytes'),
        modRevision: field(6, 'int64'),
      }),
    },
    TxnRequest: message({
      compare: repeated(1, 'Compare'),
      success: repeated(2, 'RequestOp'),
      failure: repeated(3, 'RequestOp'),
    }),
    TxnResponse: message({
      header: field(1, 'ResponseHeader'),
      succeeded: field(2, 'bool'),
      responses: repeated(3, 'ResponseOp'),
    }),
    WatchCreateRequest: message({
      key: field(1, 'bytes'),
      rangeEnd: field(2, 'bytes'),
      startRevision: field(3, 'int64'),
      progressNotify: field(4, 'bool'),
      prevKv: field(6, 'bool'),
      watchId: field(7, 'int64'),
      fragment: field(8, 'bool'),
    }),
    WatchRequest: {
      oneofs: { requestUnion: { oneof: ['createRequest'] } },
      ...message({ createRequest: field(1, 'WatchCreateRequest') }),
    },
    WatchResponse: message({
      header: field(1, 'ResponseHeader'),
      watchId: field(2, 'int64'),
      created: field(3, 'bool'),
      canceled: field(4, 'bool'),
      compactRevision: field(5, 'int64'),
      cancelReason: field(6, 'string'),
      fragment: field(7, 'bool'),
      events: repeated(11, 'Event'),
    }),
    AuthenticateRequest: message({ name: field(1, 'string'), password: field(2, 'string') }),
    AuthenticateResponse: message({ header: field(1, 'ResponseHeader'), token: field(2, 'string') }),
  },
};

const root = protobuf.Root.fromJSON(DESCRIPTION);

/** The one that carries much has a description of its own (range-message.ts). */
export const RANGE: Method<RangeRequest, RangeResponse> = {
  path: RANGE_PATH,
  serialize: encodeRangeRequest,
  deserialize: decodeRangeResponse,
};
export const TXN = bind<TxnRequest, TxnResponse>('KV', 'Txn', (from) => ({
  header: readHeader(from.header),
  succeeded: from.succeeded === true,
  kvs: list(from.responses).flatMap((response) =>
    isRecord(response.responseRange) ? list(response.responseRange.kvs).map(readKeyValue) : [],
  ),
}));
export const WATCH = bind<WatchRequest, WatchResponse>('Watch', 'Watch', (from) => ({
  header: readHeader(from.header),
  watchId: Number(from.watchId),
  created: from.created === true,
  canceled: from.canceled === true,
  compactRevision: integer(from.compactRevision),
  cancelReason: text(from.cancelReason),
  fragment: from.fragment === true,
  events: list(from.events).map((event) => ({
    type: event.type === DELETE ? 'DELETE' : 'PUT',
    kv: readKeyValue(event.kv),
  })),
}));
export const AUTHENTICATE = bind<AuthenticateRequest, string>('Auth', 'Authenticate', (from) =>
  text(from.token),
);

function bind<Request extends object, Response>(
  service: string,
  method: string,
  read: (from: Record<string, unknown>) => Response,
): Method<Request, Response> {
  const request = root.lookupType(`${method}Request`);
  const response = root.lookupType(`${method}Response`);
  return {
    path: `/etcdserverpb.${service}/${method}`,
    serialize: (from) => Buffer.from(request.encode(request.fromObject(from)).finish()),
    deserialize(bytes) {
      // Read as it was decoded: making plain objects of all fields first takes as long again.
      const decoded: unknown = response.decode(bytes);
      return read(isRecord(decoded) ? decoded : {});
    },
  };
}

function readHeader(from: unknown): Header {
  const header = isRecord(from) ? from : {};
  return {
    clusterId: integerText(header.clusterId),
    revision: integer(header.revision),
    raftTerm: integer(header.raftTerm),
  };
}

function readKeyValue(from: unknown): KeyValue {
  const kv = isRecord(from) ? from : {};
  return { key: bytesAsText(kv.key), value: bytesAsText(kv.value), modRevision: integerText(kv.modRevision) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function integer(value: unknown): bigint {
  return BigInt(integerText(value));
}

/** Decimal text of 64 bits, which protobufjs has as two halves. */
function integerText(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (!isRecord(value)) return '0';
  const { low, high } = value;
  if (typeof low !== 'number' || typeof high !== 'number') return '0';
  const whole = high * 2 ** 32 + (low >>> 0);
  return high >= 0 && Number.isSafeInteger(whole) ? String(whole) : String(value);
}

function bytesAsText(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : '';
}
