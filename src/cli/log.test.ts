import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const LINES = 20_000;
/** Writes more than a pipe holds, says that it goes on, and ends when it is told to. */
const WRITER = `
  import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))};
  const log = await createLog('info', 'rr1');
  for (let line = 0; line < ${LINES}; line++) log.info({ line }, 'told');
  process.once('message', () => { log.warn('the last one'); process.disconnect(); });
  setImmediate(() => process.send('goes on'));
`;

test('who does not read the log holds nothing up, and gets every line later', async (t) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close');
  const [said] = await once(child, 'message', { signal: AbortSignal.timeout(30_000) });
  assert.equal(said, 'goes on');
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  child.send('end');
  assert.deepEqual(await ended, [0, null]);
  const lines = text.trim().split('\n');
  assert.equal(lines.length, LINES + 1);
  assert.match(lines.at(-1) ?? '', /the last one/);
});
