import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../model/resource.ts';
import { readList } from './list-stream.ts';

/** The text cut into pieces of these lengths, over and over. */
async function* pieces(text: string, lengths: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? bytes.length;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function read(
  text: string,
  lengths: readonly number[],
): Promise<{ items: Json[]; envelope: JsonObject }> {
  const items: Json[] = [];
  const envelope = await readList(pieces(text, lengths), (item) => items.push(item));
  return { items, envelope: { ...envelope } };
}

test('whatever is in the items and wherever the pieces are cut, every item comes once and whole', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
      fc.boolean(),
      fc.constantFrom(undefined, 2),
      async (objects, lengths, itemsFirst, indent) => {
        const metadata = { resourceVersion: '7', continue: 'tok]{"en', items: ['not', 'these'] };
        const list = itemsFirst
          ? { items: objects, kind: 'items', metadata }
          : { kind: 'items', metadata, items: objects };
        const { items, envelope } = await read(JSON.stringify(list, null, indent), lengths);
        assert.deepEqual(items, JSON.parse(JSON.stringify(objects)));
        assert.deepEqual(envelope, { resourceVersion: '7', continueToken: 'tok]{"en' });
      },
    ),
  ));

test('a list that is cut off is an error, wherever that is', async () => {
  const text = '{"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":[2]}]}';
  for (let length = 1; length < text.length; length += 1)
    await assert.rejects(read(text.slice(0, length), [5]), Error, `cut after ${length}`);
});

test('an answer that is no list is an error', async () => {
  await assert.rejects(read('{"kind":"Status","metadata":{}}', [100]), /no list/);
  await assert.rejects(read('<html></html>', [100]), Error);
});

test('a list without items, as null or absent, is empty', async () => {
  for (const items of ['"items":null,', '"items":[],', '']) {
    const { items: found } = await read(`{${items}"metadata":{"resourceVersion":"7"}}`, [3]);
    assert.deepEqual(found, []);
  }
});
