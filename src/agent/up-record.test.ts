import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openUpRecord } from './up-record.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crr-up-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(failed: (reason: string) => void = (reason) => assert.fail(reason)) {
  return openUpRecord(folder, failed);
}

test('the sessions that were up last are known to the next start', async () => {
  const record = open();
  assert.equal(record.before, null);
  record.note(['b', 'a']);
  record.note(['c', 'a']);
  await record.flush();
  assert.deepEqual(open().before, new Set(['a', 'c']));
});

test('what turns out as it was is not written', async () => {
  const record = open();
  record.note(['a']);
  await record.flush();
  writeFileSync(join(folder, 'established.json'), 'untouched');
  record.note(['a', 'b']);
  record.note(['a']);
  await record.flush();
  assert.equal(readFileSync(join(folder, 'established.json'), 'utf8'), 'untouched');
});

test('a record that cannot be read counts as none', () => {
  writeFileSync(join(folder, 'established.json'), '{"format":2,"sessions":[]}');
  assert.equal(open().before, null);
});

test('a folder that cannot be written is told', async () => {
  const reasons: string[] = [];
  const record = open((reason) => reasons.push(reason));
  rmSync(folder, { recursive: true });
  record.note(['a']);
  await record.flush();
  assert.equal(reasons.length, 1);
});
