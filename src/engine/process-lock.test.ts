import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CalicoRrError } from '../model/errors.ts';
import { takeProcessLock } from './process-lock.ts';

const lockOf = (folder: string) =>
  takeProcessLock(
    join(folder, 'engine.lock'),
    (pid) => new CalicoRrError('E_STATE_DIR', `process ${pid} already runs here`),
  );

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'calico-rr-lock-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a second holder is refused with the process of the first, and let in when that has let go', () =>
  inFolder(async (folder) => {
    const first = await lockOf(folder);
    await assert.rejects(lockOf(folder), {
      code: 'E_STATE_DIR',
      message: new RegExp(`process ${process.pid} already`),
    });
    await first.release();
    await (await lockOf(folder)).release();
    assert.deepEqual(readdirSync(folder), []);
  }));

test('a lock of a process that is gone, or whose id is another process by now, is taken over', async () => {
  for (const stale of ['4194304 1 abc\n', `${process.pid} 1 abc\n`, 'nonsense\n', '']) {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, 'engine.lock'), stale);
      await (await lockOf(folder)).release();
      assert.deepEqual(readdirSync(folder), []);
    });
  }
});

test('of many that come at once, past a stale lock, one gets it', () =>
  inFolder(async (folder) => {
    writeFileSync(join(folder, 'engine.lock'), '4194304 1 abc\n');
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockOf(folder)));
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  }));

test('the directory is made for its owner alone', () =>
  inFolder(async (folder) => {
    const lock = await lockOf(join(folder, 'a', 'b'));
    assert.equal(statSync(join(folder, 'a', 'b')).mode & 0o777, 0o700);
    await lock.release();
  }));
