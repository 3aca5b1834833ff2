/**
 * `npm run check`: what can be said about the sources without running them. Every part runs, so that one look
 * shows all there is to mend; the first failure does not hide the next.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Each part with the command that a person can run by itself. */
const PARTS = [
  { what: 'format, lint and import directions', command: ['biome', 'check', '.'] },
  { what: 'types', command: ['tsc', '--noEmit'] },
  { what: 'dead code', command: ['knip'] },
] as const;

const failed = PARTS.filter(({ what, command }) => {
  const [name, ...args] = command;
  process.stdout.write(`\n== ${what}: ${command.join(' ')}\n`);
  const result = spawnSync(join(root, 'node_modules/.bin', name), args, { cwd: root, stdio: 'inherit' });
  return result.status !== 0;
});

for (const { what } of failed) process.stdout.write(`\nnot clean: ${what}\n`);
if (failed.length === 0) process.stdout.write('\nall clean\n');
process.exit(failed.length === 0 ? 0 : 1);
