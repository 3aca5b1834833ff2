/**
 * `npm run fuzz [-- SECONDS]`: the properties of src/bgp/ on arbitrary input, and the native engine beside BIRD on
 * random peers and churn, for so many seconds each (60 where none are given); and hostile clients that nobody has seen
 * before. The same tests run for a moment in `npm test`.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownNetwork } from './own-network.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const seconds = process.argv[2] ?? '60';
if (!/^\d+$/.test(seconds) || Number(seconds) === 0) {
  process.stderr.write('usage: npm run fuzz [-- SECONDS]\n');
  process.exit(2);
}

const node = [process.execPath, '--test', '--test-reporter=spec'];

function run(command: readonly string[]): SpawnSyncReturns<Buffer> {
  const [program = process.execPath, ...words] = command;
  return spawnSync(program, words, {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      BGP_FUZZ_SECONDS: seconds,
      DIFFERENTIAL_SECONDS: seconds,
      HOSTILE_SEED: process.env.HOSTILE_SEED ?? String(Date.now() % 1_000_000),
    },
  });
}

const files = globSync('src/**/fuzz.test.ts', { cwd: root }).map((file) => join(root, file));
process.stdout.write(`${files.length} files, ${seconds} s for each property\n`);
const results = [
  run([...node, ...files]),
  run([...ownNetwork(), ...node, 'test/differential/reflection.test.ts']),
  run([...node, 'test/integration/native-hostile.test.ts']),
];
process.exit(files.length > 0 && results.every(({ status }) => status === 0) ? 0 : 1);
