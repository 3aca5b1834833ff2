/** Every test that docs/architecture.md names for a promise is there, under that name. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingTests } from '../support/named-tests.ts';

const PAGE = join(import.meta.dirname, '../../docs/architecture.md');

test('the tests that the promises rest on exist by name', () => {
  const page = readFileSync(PAGE, 'utf8');
  const promises = page.slice(page.indexOf('## Promises'));
  const named = [...promises.matchAll(/^ +\* (?:without it: )?`([^`]+)`$/gm)].map(([, name]) => name ?? '');
  assert.ok(named.length >= 15, 'the page names the tests of eight promises');
  assert.deepEqual(missingTests(named), []);
});
