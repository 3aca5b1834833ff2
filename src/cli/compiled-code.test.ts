import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** A program, as it is installed, that keeps compiled code, loads something and ends. */
const PROGRAM = `
  const { keepCompiledCode } = await import(process.argv[1]);
  keepCompiledCode('/installed/dist/cli/main.js');
  await import(process.argv[2]);
  console.log('done');
`;

async function runWith(environment: Readonly<Record<string, string>>): Promise<string> {
  const files = ['compiled-code.ts', 'program-name.ts'].map((name) => join(import.meta.dirname, name));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', PROGRAM, ...files],
    { env: { PATH: process.env.PATH ?? '', ...environment }, timeout: 60_000 },
  );
  return stdout;
}

test('compiled code is kept in the user’s cache folder, for the user alone', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'calico-rr-home-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  assert.equal(await runWith({ HOME: home }), 'done\n');
  const kept = join(home, '.cache/calico-rr-compiled');
  assert.ok(readdirSync(kept, { recursive: true }).length > 1, 'nothing was kept');
});

test('a folder that others may write to is not used', async (t) => {
  const caches = mkdtempSync(join(tmpdir(), 'calico-rr-caches-'));
  t.after(() => rmSync(caches, { recursive: true, force: true }));
  const folder = join(caches, 'calico-rr-compiled');
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  assert.equal(await runWith({ XDG_CACHE_HOME: caches }), 'done\n');
  assert.deepEqual(readdirSync(folder), []);
});

test('without a place for it everything goes on', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-none-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.equal(await runWith({ XDG_CACHE_HOME: join(folder, 'not/there') }), 'done\n');
  assert.deepEqual(readdirSync(folder), []);
  // Where Node, asked to make a folder, does not come back.
  assert.equal(await runWith({ HOME: '/proc/self' }), 'done\n');
});
