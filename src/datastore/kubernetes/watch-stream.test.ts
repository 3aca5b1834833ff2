import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiRefusal } from './failure.ts';
import { readEvents, type StreamEvent } from './watch-stream.ts';

const event = (type: string, name: string): string =>
  `${JSON.stringify({ type, object: { metadata: { name, note: 'ä\n' } } })}\n`;

async function read(text: string, length: number): Promise<{ events: StreamEvent[]; error: unknown }> {
  const bytes = Buffer.from(text);
  const events: StreamEvent[] = [];
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
  }
  try {
    for await (const some of readEvents(pieces())) events.push(...some);
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}

test('events come whole and in order, wherever the pieces are cut', async () => {
  const text = event('ADDED', 'a') + event('MODIFIED', 'b') + event('DELETED', 'c') + event('BOOKMARK', '');
  for (let length = 1; length <= text.length; length += 1) {
    const { events } = await read(text, length);
    assert.deepEqual(
      events.map(({ type }) => type),
      ['put', 'put', 'gone', 'bookmark'],
    );
  }
});

test('a last line without its end was never said', async () => {
  const { events, error } = await read(event('ADDED', 'a') + event('ADDED', 'b').slice(0, -5), 16);
  assert.equal(events.length, 1);
  assert.equal(error, undefined);
});

test('an ERROR event is a refusal, told after what came before it', async () => {
  const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
  const { events, error } = await read(
    `${event('ADDED', 'a')}${JSON.stringify({ type: 'ERROR', object: status })}\n${event('ADDED', 'b')}`,
    1000,
  );
  assert.equal(events.length, 1);
  assert.ok(error instanceof ApiRefusal && error.isExpired);
});

test('a type that nobody knows yet is passed over', async () => {
  const { events } = await read(event('SURPRISE', 'a') + event('ADDED', 'b'), 1000);
  assert.equal(events.length, 1);
});
