/**
 * Changes of routes, encoded once for all peers of an update group. One buffer, ordered by the peer that the routes
 * came from: everybody gets the whole buffer in one write, but for a peer whose own routes are in it, which gets
 * what is before and after its segment (RFC 4456 section 6, never back to the originating peer).
 */
import {
  encodeWithdrawals,
  type NlriBlock,
  sizeOfAnnouncements,
  writeAnnouncements,
} from '../../../bgp/index.ts';
import type { OutAttributes } from '../rib/attribute-sets.ts';
import type { ToldTable } from '../rib/told-table.ts';
import { countMessages } from '../session/message-count.ts';

export interface Batch {
  /** Octets of the whole. */
  readonly size: number;
  /** What the peer with this number gets. */
  partFor(source: number): Part;
}

export interface Part {
  /** Whole messages in each; empty: nothing. */
  readonly chunks: readonly Uint8Array[];
  /** How many messages that is. */
  readonly messages: number;
}

/** No peer's number: a withdrawal for everybody. */
export const EVERYBODY = -1;

/** `id`: the number of a prefix, or of a path, in the table that the draft was made for. */
export interface BatchDraft {
  /** Numbers in it. */
  readonly count: number;
  /**
   * A route for everybody but `source`, where it came from.
   * @param instead `source` held another peer's route to it, so it gets a withdrawal instead
   */
  announce(id: number, source: number, out: OutAttributes, instead: boolean): void;
  /** No route any more, for everybody but `source`, who was never told. */
  withdraw(id: number, source: number): void;
  /** Encodes what was collected, and is empty again. */
  build(): Batch;
  /** Empty again, without encoding anything. */
  discard(): void;
}

interface Section {
  readonly announced: Map<OutAttributes, number[]>;
  readonly withdrawn: number[];
  readonly instead: number[];
}

interface Segment {
  readonly start: number;
  readonly end: number;
  readonly instead: Uint8Array | null;
  /** How many more messages its peer would get, had it the whole. */
  readonly messages: number;
}

const NO_PART: Part = { chunks: [], messages: 0 };
const NOTHING: Batch = { size: 0, partFor: () => NO_PART };

/** @param longest octets that a message to these peers may have */
export function createBatchDraft(table: ToldTable, longest: number): BatchDraft {
  let sections = new Map<number, Section>();
  let count = 0;
  // The last one used: routes of one peer with one set of attributes mostly come together.
  let lastSource = Number.NaN;
  let lastSection: Section | undefined;
  let lastOut: OutAttributes | undefined;
  let lastList: number[] = [];

  function sectionOf(source: number): Section {
    if (lastSection !== undefined && lastSource === source) return lastSection;
    let section = sections.get(source);
    if (section === undefined) {
      section = { announced: new Map(), withdrawn: [], instead: [] };
      sections.set(source, section);
    }
    lastSource = source;
    lastSection = section;
    lastOut = undefined;
    return section;
  }

  function discard(): void {
    sections = new Map();
    count = 0;
    lastSection = undefined;
  }

  return {
    get count() {
      return count;
    },
    announce(id, source, out, instead) {
      count++;
      const section = sectionOf(source);
      if (lastOut !== out) {
        let list = section.announced.get(out);
        if (list === undefined) {
          list = [];
          section.announced.set(out, list);
        }
        lastList = list;
        lastOut = out;
      }
      lastList.push(id);
      if (instead) section.instead.push(id);
    },
    withdraw(id, source) {
      count++;
      sectionOf(source).withdrawn.push(id);
    },
    discard,
    build() {
      const taken = sections;
      discard();
      return taken.size === 0 ? NOTHING : encode(taken, table, longest);
    },
  };
}

function encode(sections: ReadonlyMap<number, Section>, table: ToldTable, longest: number): Batch {
  const output = startOutput();
  const segments = new Map<number, Segment>();
  for (const [source, { announced, withdrawn, instead }] of sections) {
    const start = output.length;
    if (withdrawn.length > 0) output.append(encodeWithdrawals(blockOf(withdrawn), longest));
    for (const [out, ids] of announced) {
      const routes = { nlri: blockOf(ids), nextHop: out.nextHop, attributes: out.bytes };
      const size = sizeOfAnnouncements(routes, longest);
      if (size < 0) throw new Error(`attributes of ${out.bytes.length} octets in a batch`);
      writeAnnouncements(output.room(size), output.length, routes, longest);
      output.length += size;
    }
    if (source !== EVERYBODY) {
      const own = instead.length === 0 ? null : encodeWithdrawals(blockOf(instead), longest);
      const messages = countMessages(output.written(start)) - (own === null ? 0 : countMessages(own));
      segments.set(source, { start, end: output.length, instead: own, messages });
    }
  }
  const bytes = output.take();
  const whole = { chunks: [bytes], messages: countMessages(bytes) };
  return {
    size: bytes.length,
    partFor(source) {
      const segment = segments.get(source);
      if (segment === undefined) return whole;
      return { chunks: around(bytes, segment), messages: whole.messages - segment.messages };
    },
  };

  function blockOf(ids: readonly number[]): NlriBlock {
    const room = scratchFor(ids.length);
    let at = 0;
    for (const id of ids) at = table.writeNlri(id, room, at);
    return { family: table.family, addPath: table.addPath, bytes: room.subarray(0, at), count: ids.length };
  }
}

function around(bytes: Uint8Array, { start, end, instead }: Segment): readonly Uint8Array[] {
  const chunks: Uint8Array[] = [];
  if (start > 0) chunks.push(bytes.subarray(0, start));
  if (instead !== null) chunks.push(instead);
  if (end < bytes.length) chunks.push(bytes.subarray(end));
  return chunks;
}

/** Octets of the longest NLRI: path identifier, length octet and an IPv6 address. */
const LONGEST_NLRI = 21;

let scratch = new Uint8Array(64 * 1024);

/** Room for this many prefixes; the next call takes it away again. */
function scratchFor(count: number): Uint8Array {
  if (scratch.length < count * LONGEST_NLRI) scratch = new Uint8Array(count * LONGEST_NLRI * 2);
  return scratch;
}

let outputBuffer = new Uint8Array(256 * 1024);

interface Output {
  length: number;
  /** The buffer, with room for so many octets more. */
  room(size: number): Uint8Array;
  append(piece: Uint8Array): void;
  /** What was written from there on, until more is. */
  written(start: number): Uint8Array;
  /** A copy of its own length. */
  take(): Uint8Array;
}

function startOutput(): Output {
  return {
    length: 0,
    room(size) {
      if (outputBuffer.length < this.length + size) {
        const longer = new Uint8Array((this.length + size) * 2);
        longer.set(outputBuffer.subarray(0, this.length));
        outputBuffer = longer;
      }
      return outputBuffer;
    },
    append(piece) {
      this.room(piece.length).set(piece, this.length);
      this.length += piece.length;
    },
    written(start) {
      return outputBuffer.subarray(start, this.length);
    },
    take() {
      return outputBuffer.slice(0, this.length);
    },
  };
}
