/** Decisions have numbers of their own, and their headings say the same as their file names. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const FOLDER = join(import.meta.dirname, '../../docs/adr');

test('every decision has its own number, the one in its heading', () => {
  const files = readdirSync(FOLDER).sort();
  const numbers = files.map((file) => Number.parseInt(file, 10));
  assert.deepEqual(numbers, [...new Set(numbers)]);
  for (const [index, file] of files.entries()) {
    const heading = readFileSync(join(FOLDER, file), 'utf8').split('\n')[0];
    assert.match(heading ?? '', new RegExp(`^# ${numbers[index]}\\. `), file);
  }
});
