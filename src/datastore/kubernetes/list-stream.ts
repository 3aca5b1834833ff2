/**
 * A list as it comes over the wire, item by item. 100,000 nodes from the watch cache are one answer of hundreds of
 * megabytes (a limit is ignored there): more than a string can hold, and several times that as parsed objects. So
 * only one item at a time is parsed, and what the caller makes of it is all that stays.
 *
 * The scan knows just enough JSON (RFC 8259) to find where an item ends: strings, escapes, depth. What is inside is
 * the parser's to judge.
 */
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/resource.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Depths at which things stand in `{"items": [{...}]}`. */
const TOP = 1;
const ITEMS = 2;
const ITEM = 3;

/** Parts of the answer that are no items: `metadata` with resourceVersion and continue. */
export interface ListEnvelope {
  readonly resourceVersion: string;
  /** Empty: this was the last page. */
  readonly continueToken: string;
}

/**
 * @param onItem called for each element of `items`, in order
 * @throws Error where the answer ends before its end, or is no list
 */
export async function readList(
  body: AsyncIterable<Buffer>,
  onItem: (item: Json) => void,
): Promise<ListEnvelope> {
  const scanner = createScanner(onItem);
  for await (const chunk of body) scanner.feed(chunk);
  return envelopeOf(scanner.end());
}

function envelopeOf(document: Json | undefined): ListEnvelope {
  const metadata: JsonObject | undefined =
    isJsonObject(document) && isJsonObject(document.metadata) ? document.metadata : undefined;
  const version = metadata?.resourceVersion;
  if (metadata === undefined || typeof version !== 'string') throw new Error('the answer is no list');
  const token = metadata.continue;
  return { resourceVersion: version, continueToken: typeof token === 'string' ? token : '' };
}

interface Scanner {
  feed(chunk: Buffer): void;
  /** The document without its items. @throws Error where it is not whole */
  end(): Json | undefined;
}

function createScanner(onItem: (item: Json) => void): Scanner {
  const envelope: Buffer[] = [];
  /** What came of an item that goes on in the next chunk. */
  let begun: Buffer[] = [];
  let depth = 0;
  let inString = false;
  let escaped = false;
  let inItems = false;
  let finished = false;
  /** The last string of the top level: the key, where an array follows. */
  let key = '';

  const emit = (bytes: Buffer): void => {
    const whole = begun.length === 0 ? bytes : Buffer.concat([...begun, bytes]);
    begun = [];
    const item = parseJson(whole.toString('utf8'));
    if (item === undefined) throw new Error('an item of the list is no JSON');
    onItem(item);
  };

  return {
    feed(chunk) {
      /** Where that begins which is neither in the envelope nor in an item yet. */
      let start = 0;
      /** Where a string of the top level begins in this chunk; -1 where there is none. */
      let keyStart = inString && depth === TOP ? 0 : -1;
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at];
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) {
            inString = false;
            if (keyStart >= 0) key += chunk.toString('latin1', keyStart, at);
            keyStart = -1;
          }
        } else if (byte === QUOTE) {
          inString = true;
          if (depth !== TOP) continue;
          key = '';
          keyStart = at + 1;
        } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
          depth += 1;
          if (inItems) {
            if (depth === ITEM) start = at;
          } else if (depth === ITEMS && byte === OPEN_ARRAY && key === 'items') {
            inItems = true;
            envelope.push(chunk.subarray(start, at + 1));
          }
        } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
          depth -= 1;
          if (inItems && depth === ITEMS) emit(chunk.subarray(start, at + 1));
          else if (inItems && depth === TOP) {
            inItems = false;
            start = at;
          } else if (depth === 0) finished = true;
        }
      }
      if (keyStart >= 0) key += chunk.toString('latin1', keyStart);
      if (!inItems) envelope.push(chunk.subarray(start));
      else if (depth >= ITEM) begun.push(chunk.subarray(start));
    },
    end() {
      if (!finished) throw new Error('the list was cut off');
      return parseJson(Buffer.concat(envelope).toString('utf8'));
    },
  };
}
