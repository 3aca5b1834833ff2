/** Every code that a person can meet has its place in the documentation, and no code stands there that is none. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERROR_EXIT_CODES } from '../../src/model/errors.ts';
import { PROBLEM_CODES } from '../../src/model/problem.ts';
import { CHECK_CODES } from '../../src/topology/check/check-cluster.ts';

const REFERENCE = join(import.meta.dirname, '../../docs/reference');

function documented(page: string): readonly string[] {
  const text = readFileSync(join(REFERENCE, page), 'utf8');
  return [...text.matchAll(/^\| `([A-Za-z][^`]*)` \|/gm)].map(([, code]) => code ?? '');
}

test('docs/reference/errors.md lists every error code, with its exit status', () => {
  assert.deepEqual([...documented('errors.md')].sort(), Object.keys(ERROR_EXIT_CODES).sort());
  const text = readFileSync(join(REFERENCE, 'errors.md'), 'utf8');
  for (const [code, status] of Object.entries(ERROR_EXIT_CODES)) {
    assert.match(text, new RegExp(`^\\| \`${code}\` \\| ${status} \\|`, 'm'));
  }
});

test('docs/reference/problems.md lists every problem code', () => {
  assert.deepEqual([...documented('problems.md')].sort(), [...PROBLEM_CODES].sort());
});

test('docs/check.md lists every code that only the check of all speakers finds', () => {
  assert.deepEqual([...documented('../check.md')].sort(), [...CHECK_CODES].sort());
});
