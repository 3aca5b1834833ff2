/** Every test that docs/calico-behaviour.md names is there, under that name. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/calico-behaviour.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (what \||---)/.test(line));

test('every point names a test', () => {
  assert.ok(rows.length >= 55, String(rows.length));
  const unnamed = rows.filter((row) => namesIn(row).length === 0);
  assert.deepEqual(unnamed, []);
});

test('every test that is named exists', () => {
  const sources = globSync(['src/**/*.test.ts', 'test/**/*.ts'], { cwd: ROOT })
    .filter((file) => !file.endsWith('calico-behaviour.test.ts'))
    .map((file) => readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'"));
  const missing = rows.flatMap(namesIn).filter((name) => !sources.some((text) => text.includes(name)));
  assert.deepEqual(missing, []);
});

/** What stands between backquotes in the second cell. */
function namesIn(row: string): readonly string[] {
  const cells = row.split(' | ');
  return [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
}
