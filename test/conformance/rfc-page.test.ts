/**
 * docs/rfc.md promises a test for every clause that it claims. This reads the page and looks.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const page = readFileSync(join(root, 'docs/rfc.md'), 'utf8');

interface Reference {
  readonly file: string;
  readonly sentence: string;
  readonly row: string;
}

/** Last cells of the form `file`: sentence. */
const references: readonly Reference[] = page.split('\n').flatMap((row) => {
  const found = /\| `([^`]+\.ts)`: (.+) \|$/.exec(row);
  return found === null ? [] : [{ file: found[1] ?? '', sentence: found[2] ?? '', row }];
});

test('the page names tests, and each stands in the file that it names', () => {
  assert.ok(references.length > 80, `only ${references.length} tests are named`);
  for (const { file, sentence } of references) {
    assert.ok(existsSync(join(root, file)), `${file} does not exist`);
    const text = readFileSync(join(root, file), 'utf8');
    assert.ok(text.includes(sentence), `${file} has no test "${sentence}"`);
  }
});

test('every row that claims something names a test', () => {
  const [claims] = page.split('## Where we differ');
  const rows = (claims ?? '')
    .split('\n')
    .filter(
      (row) => row.startsWith('| ') && !/^\| (clause|RFC|what) \|/.test(row) && !row.startsWith('| ---'),
    );
  const named = new Set(references.map(({ row }) => row));
  const claimsOfRfcs = rows.filter((row) => !named.has(row));
  assert.deepEqual(claimsOfRfcs, []);
});

test('every RFC that src/bgp cites is on the page', () => {
  const cited = globSync('src/bgp/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) => readFileSync(join(root, file), 'utf8').match(/RFC \d{4}/g) ?? []);
  const missing = [...new Set(cited)].filter((rfc) => !page.includes(rfc)).sort();
  assert.deepEqual(missing, []);
});

test('every row of the RFC 7606 table belongs to a clause that the page lists', () => {
  const cases = readFileSync(join(root, 'test/conformance/rfc7606-cases.ts'), 'utf8');
  const clauses = [...cases.matchAll(/clause: '(\d[^']*)'/g)].map((match) => match[1] ?? '');
  assert.ok(clauses.length > 30);
  const [, after = ''] = page.split('## RFC 7606');
  const [section = ''] = after.split('\n## ');
  const listed = section.split('\n').flatMap(
    (row) =>
      row
        .split('|')[1]
        ?.split(',')
        .map((cell) => cell.trim()) ?? [],
  );
  const missing = [...new Set(clauses)].filter((clause) => clause !== '2' && !listed.includes(clause));
  assert.deepEqual(missing, []);
});
