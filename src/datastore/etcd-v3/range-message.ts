/**
 * etcd's Range, octet by octet (`RangeRequest`, `RangeResponse`, `KeyValue` and `ResponseHeader` of etcd 3.4's rpc.proto
 * and kv.proto; the encoding is protobuf's: tags, base-128 varints, lengths). A listing is all that is ever large here
 * and all that a short command reads, so it is read in one pass, and without loading what the other messages need.
 */

export const RANGE_PATH = '/etcdserverpb.KV/Range';

export interface Header {
  readonly clusterId: string;
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Decimal text: the revision of the last change of this key, and so a resource's version. */
  readonly modRevision: string;
}

export interface RangeRequest {
  readonly key: Buffer;
  readonly rangeEnd?: Buffer;
  readonly limit?: number;
  /** Read as of this revision; absent: now. */
  readonly revision?: string;
  readonly keysOnly?: boolean;
}

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

export function encodeRangeRequest(request: RangeRequest): Buffer {
  const { key, rangeEnd, limit = 0, revision = '0', keysOnly = false } = request;
  return Buffer.concat([
    ...bytesField(1, key),
    ...(rangeEnd === undefined ? [] : bytesField(2, rangeEnd)),
    ...numberField(3, BigInt(limit)),
    ...numberField(4, BigInt(revision)),
    ...numberField(8, keysOnly ? 1n : 0n),
  ]);
}

function bytesField(id: number, bytes: Buffer): Buffer[] {
  return [varint(BigInt((id << 3) | LENGTH)), varint(BigInt(bytes.length)), bytes];
}

/** Nothing where it is 0, which is what an absent number means. */
function numberField(id: number, value: bigint): Buffer[] {
  return value === 0n ? [] : [varint(BigInt((id << 3) | VARINT)), varint(value)];
}

function varint(value: bigint): Buffer {
  const octets: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) octets.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...octets, Number(rest)]);
}

/**
 * Values are made text when they are asked for, so that of a large answer no more is in memory than its octets.
 * @throws Error where the octets are no such message
 */
export function decodeRangeResponse(bytes: Buffer): RangeResponse {
  let header: Header = { clusterId: '0', revision: 0n, raftTerm: 0n };
  const kvs: KeyValue[] = [];
  let more = false;
  const fields = new Fields(bytes, 0, bytes.length);
  while (fields.next()) {
    if (fields.is(1, LENGTH)) header = readHeader(fields);
    else if (fields.is(2, LENGTH)) kvs.push(readKeyValue(fields));
    else if (fields.is(3, VARINT)) more = fields.number() !== 0n;
  }
  return { header, kvs, more };
}

function readHeader({ bytes, start, at }: Fields): Header {
  const fields = new Fields(bytes, start, at);
  let clusterId = 0n;
  let revision = 0n;
  let raftTerm = 0n;
  while (fields.next()) {
    if (fields.is(1, VARINT)) clusterId = fields.number();
    else if (fields.is(3, VARINT)) revision = BigInt.asIntN(64, fields.number());
    else if (fields.is(4, VARINT)) raftTerm = fields.number();
  }
  return { clusterId: String(clusterId), revision, raftTerm };
}

function readKeyValue({ bytes, start, at }: Fields): KeyValue {
  const fields = new Fields(bytes, start, at);
  let key = '';
  let modRevision = '0';
  let valueStart = 0;
  let valueEnd = 0;
  while (fields.next()) {
    if (fields.is(1, LENGTH)) key = bytes.toString('utf8', fields.start, fields.at);
    else if (fields.is(3, VARINT)) modRevision = fields.decimal();
    else if (fields.is(5, LENGTH)) {
      valueStart = fields.start;
      valueEnd = fields.at;
    }
  }
  return new ReceivedKeyValue(key, modRevision, bytes, valueStart, valueEnd);
}

class ReceivedKeyValue implements KeyValue {
  readonly key: string;
  readonly modRevision: string;
  private readonly bytes: Buffer;
  private readonly start: number;
  private readonly end: number;

  constructor(key: string, modRevision: string, bytes: Buffer, start: number, end: number) {
    this.key = key;
    this.modRevision = modRevision;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get value(): string {
    return this.bytes.toString('utf8', this.start, this.end);
  }
}

/** The fields of one message, in turn. Plain, for tens of thousands are read before anything is compiled. */
class Fields {
  readonly bytes: Buffer;
  /** Where the content of the present field begins, and, after it, `at`: where the next field begins. */
  start = 0;
  at: number;
  private readonly end: number;
  private id = 0;
  private type = 0;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** @returns false at the end of the message */
  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.length();
    const type = tag & 7;
    this.id = tag >>> 3;
    this.type = type;
    if (type === LENGTH) {
      const size = this.length();
      this.start = this.at;
      this.at += size;
    } else {
      this.start = this.at;
      if (type === VARINT) this.skipVarint();
      else if (type === FIXED64) this.at += 8;
      else if (type === FIXED32) this.at += 4;
      else throw new Error(`a field of the type ${type}`);
    }
    if (this.at > this.end) throw new Error('a message that is cut off');
    return true;
  }

  is(id: number, type: number): boolean {
    return this.id === id && this.type === type;
  }

  /** The number of a varint field, as 64 bits without a sign. */
  number(): bigint {
    let value = 0n;
    for (let at = this.at - 1; at >= this.start; at -= 1)
      value = (value << 7n) | BigInt((this.bytes[at] ?? 0) & 0x7f);
    return BigInt.asUintN(64, value);
  }

  /** The number of a varint field with its sign, in decimal; most fit into what is quick. */
  decimal(): string {
    if (this.at - this.start > 7) return String(BigInt.asIntN(64, this.number()));
    let value = 0;
    for (let at = this.at - 1; at >= this.start; at -= 1)
      value = value * 128 + ((this.bytes[at] ?? 0) & 0x7f);
    return String(value);
  }

  /** A varint of 32 bits. Behind the end of the octets there are zeros; `next` sees that it went too far. */
  private length(): number {
    let octet = this.bytes[this.at++] ?? 0;
    let value = octet & 0x7f;
    for (let weight = 128; octet > 0x7f; weight *= 128) {
      if (weight > 2 ** 28) throw new Error('a length of more than 32 bits');
      octet = this.bytes[this.at++] ?? 0;
      value += (octet & 0x7f) * weight;
    }
    return value;
  }

  private skipVarint(): void {
    while ((this.bytes[this.at++] ?? 0) > 0x7f);
  }
}
