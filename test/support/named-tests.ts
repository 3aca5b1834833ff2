/** Tests that documentation names, mostly in the last column of a table, and whether they are there under these names. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** Tests about these tables hold no test that one of them could name. */
const NAMING = /test\/docs\/(promises|tested-tables)\.test\.ts$/;

/** Rows of all tables of a page, without their headings. */
export function tableRows(page: string): readonly string[] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n');
  return lines.filter((line, index) => /^\| (?!---)/.test(line) && !/^\| ---/.test(lines[index + 1] ?? ''));
}

/** What stands between backquotes in the last cell. */
export function testsNamedIn(row: string): readonly string[] {
  const cells = row.split(' | ');
  return [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
}

/** Those names that no test or sentence has. */
export function missingTests(names: readonly string[]): readonly string[] {
  const sources = globSync(['src/**/*.test.ts', 'test/**/*.ts'], { cwd: ROOT })
    .filter((file) => !NAMING.test(file))
    .map((file) => readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'"));
  return names.filter((name) => !sources.some((text) => text.includes(name)));
}
