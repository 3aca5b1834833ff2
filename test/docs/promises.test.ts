/** Every test that docs/architecture.md names for a promise is there, under that name. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');

test('the tests that the promises rest on exist by name', () => {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const promises = page.slice(page.indexOf('## Promises'));
  const named = [...promises.matchAll(/^ +\* (?:without it: )?`([^`]+)`$/gm)].map(([, name]) => name ?? '');
  assert.ok(named.length >= 15, 'the page names the tests of eight promises');
  const sources = globSync(['src/**/*.test.ts', 'test/**/*.ts'], { cwd: ROOT })
    .filter((file) => !file.endsWith('promises.test.ts'))
    .map((file) => readFileSync(join(ROOT, file), 'utf8'));
  const missing = named.filter((name) => !sources.some((text) => text.includes(name)));
  assert.deepEqual(missing, []);
});
