/** Every test that docs/calico-behaviour.md and docs/compatibility.md name is there, under that name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingTests, tableRows, testsNamedIn } from '../support/named-tests.ts';

for (const [page, least] of [
  ['docs/calico-behaviour.md', 55],
  ['docs/compatibility.md', 40],
] as const) {
  const rows = tableRows(page);

  test(`${page}: every point names a test`, () => {
    assert.ok(rows.length >= least, String(rows.length));
    const unnamed = rows.filter((row) => testsNamedIn(row).length === 0);
    assert.deepEqual(unnamed, []);
  });

  test(`${page}: every test that is named exists`, () => {
    assert.deepEqual(missingTests(rows.flatMap(testsNamedIn)), []);
  });
}
