/**
 * Starts one of our scripts on the Node that package-lock.json pins, installing what node_modules lacks first.
 *
 *     node scripts/start.mjs scripts/test.ts --no-e2e
 *
 * This file is the only one that the system's own Node has to run (Debian 12: Node 18 or 20, no type stripping),
 * so it is plain JavaScript, needs no dependency and says nothing where there is nothing to do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedNode = join(root, 'node_modules/node/bin/node');

/**
 * Why node_modules does not hold what package-lock.json asks for, or undefined where it does. Contents are
 * compared, not times: a checkout or an `npm install` may touch either file last.
 */
function whatIsMissing() {
  if (!existsSync(pinnedNode)) return 'node_modules has no pinned Node';
  const installed = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return 'node_modules was not made by npm';
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const there = JSON.parse(readFileSync(installed, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || (entry.optional && there[path] === undefined)) continue;
    if (there[path]?.version !== entry.version) return `${path} is not at version ${entry.version}`;
  }
  return undefined;
}

function install() {
  const reason = whatIsMissing();
  if (reason === undefined) return 0;
  process.stderr.write(`${reason}: running npm ci\n`);
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
  const still =
    result.status === 0 ? whatIsMissing() : `npm ci ended with ${result.status ?? result.error?.message}`;
  if (still === undefined) return 0;
  process.stderr.write(
    `calico-rr needs its npm packages: ${still}.\n` +
      'Check that the npm registry can be reached and that npm runs install scripts (no ignore-scripts), then try again.\n',
  );
  return 1;
}

const [script, ...args] = process.argv.slice(2);
if (script === '--install') process.exit(install());
if (script === undefined) {
  process.stderr.write('usage: node scripts/start.mjs SCRIPT [ARGUMENT...]\n');
  process.exit(2);
}

if (whatIsMissing() !== undefined) {
  // Two commands started at once on a fresh clone must not both rewrite node_modules; the kernel frees this lock.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const lock = join(root, '.cache/npm-ci.lock');
  const result = spawnSync('flock', [lock, process.execPath, fileURLToPath(import.meta.url), '--install'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const child = spawn(pinnedNode, [join(root, script), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(pinnedNode)}:${process.env.PATH ?? ''}` },
});
// Ctrl-C reaches the child by itself (same process group); it decides when to end, and we end with it.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => {
  process.stderr.write(`cannot start ${pinnedNode}: ${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code, signal) =>
  process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
);
