import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMailbox } from './mailbox.ts';
import { retryPause } from './retry-pause.ts';

test('the first failure is followed by a try at once, later ones wait longer, never more than two seconds', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => retryPause(failures, 1)),
    [0, 100, 200, 400, 800, 1600, 2000, 2000],
  );
  assert.equal(retryPause(50, 0), 1000);
});

test('a mailbox gives what was put in order, however much waits', async () => {
  const mailbox = createMailbox<number>();
  const { signal } = new AbortController();
  const count = 5_000;
  for (let item = 0; item < count; item += 1) mailbox.put(item);
  for (let item = 0; item < count; item += 1) assert.equal(await mailbox.take(signal), item);
  const late = mailbox.take(signal);
  mailbox.put(7);
  assert.equal(await late, 7);
});

test('waiting at an empty mailbox ends with the signal', async () => {
  const abort = new AbortController();
  const waiting = createMailbox<number>().take(abort.signal);
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
});
