/**
 * The events of a watch as they come: one JSON object on each line (Kubernetes API concepts, "Efficient detection of
 * changes"). A stream may end anywhere, in the middle of a line too; what is not a whole line was never said.
 */
import { isJsonObject, parseJson } from '../../model/json.ts';
import type { JsonObject } from '../../model/resource.ts';
import { ApiRefusal } from './failure.ts';

export type StreamEvent =
  | { readonly type: 'put' | 'gone'; readonly object: JsonObject }
  /** Nothing happened up to this version. */
  | { readonly type: 'bookmark'; readonly object: JsonObject };

const NEWLINE = 0x0a;

/**
 * What each piece of the stream says, in order; pieces that hold no whole line are left out.
 * @throws ApiRefusal for an ERROR event, after the events before it; what the body throws when it breaks
 */
export async function* readEvents(body: AsyncIterable<Buffer>): AsyncGenerator<readonly StreamEvent[]> {
  let begun: Buffer[] = [];
  for await (const chunk of body) {
    const events: StreamEvent[] = [];
    let refusal: ApiRefusal | undefined;
    let start = 0;
    for (
      let end = chunk.indexOf(NEWLINE);
      end >= 0 && refusal === undefined;
      end = chunk.indexOf(NEWLINE, start)
    ) {
      const line = Buffer.concat([...begun, chunk.subarray(start, end)]).toString('utf8');
      begun = [];
      start = end + 1;
      if (line.trim() === '') continue;
      const event = readEvent(line);
      if (event instanceof ApiRefusal) refusal = event;
      else if (event !== undefined) events.push(event);
    }
    if (events.length > 0) yield events;
    if (refusal !== undefined) throw refusal;
    if (start < chunk.length) begun.push(chunk.subarray(start));
  }
}

function readEvent(line: string): StreamEvent | ApiRefusal | undefined {
  const event = parseJson(line);
  if (!isJsonObject(event) || !isJsonObject(event.object)) {
    throw new Error(`the watch says what is no event: ${line.slice(0, 80)}`);
  }
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'put', object };
    case 'DELETED':
      return { type: 'gone', object };
    case 'BOOKMARK':
      return { type: 'bookmark', object };
    case 'ERROR':
      return new ApiRefusal(typeof object.code === 'number' ? object.code : 500, JSON.stringify(object));
    default:
      // A type that is yet to be invented says nothing that we know.
      return undefined;
  }
}
