/**
 * `npm run fuzz [-- SECONDS]`: the properties of src/bgp/ on arbitrary input, for so many seconds each (60 where none
 * are given). The same tests run for a moment in `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const seconds = process.argv[2] ?? '60';
if (!/^\d+$/.test(seconds) || Number(seconds) === 0) {
  process.stderr.write('usage: npm run fuzz [-- SECONDS]\n');
  process.exit(2);
}

const files = globSync('src/**/fuzz.test.ts', { cwd: root }).map((file) => join(root, file));
process.stdout.write(`${files.length} files, ${seconds} s for each property\n`);
const result = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, BGP_FUZZ_SECONDS: seconds },
});
process.exit(files.length > 0 && result.status === 0 ? 0 : 1);
