/**
 * `npm run generate [-- --check]`: writes what follows from the schemas in src/model/schema, the manifest of our kinds
 * and the pages of docs/reference. With --check nothing is written, and files that are not as they would be written are
 * named; a test does that, too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from './generated/files.ts';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
let stale = 0;
for (const [path, text] of generatedFiles()) {
  const file = join(root, path);
  if (readOrEmpty(file) === text) continue;
  stale += 1;
  process.stdout.write(`${check ? 'stale' : 'written'}: ${path}\n`);
  if (!check) writeFileSync(file, text);
}
if (stale === 0) process.stdout.write('everything is as the schemas say\n');
process.exitCode = check && stale > 0 ? 1 : 0;

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
