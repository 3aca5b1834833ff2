/** Writing files so that a reader, a crash or another writer never sees half of one. */
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CalicoRrError, hasCode, messageOf } from '../../model/errors.ts';

/** How long a writer waits for another one. */
const LOCK_MS = 5_000;
const LOCK_LOOK_MS = 20;
/** A lock that old belongs to nobody: a write takes milliseconds. */
const LOCK_STALE_MS = 30_000;

/**
 * Puts `text` in place of a file in one step: a temporary file in the same folder, then a rename. Mode and owner of
 * a file that was there stay; a symbolic link stays and what it points to is replaced.
 * @throws E_FILE
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const target = await realpath(path).catch(() => path);
    const before = await stat(target).catch(() => undefined);
    const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      const file = await open(temporary, 'wx', before === undefined ? 0o644 : before.mode & 0o777);
      try {
        if (before !== undefined) await file.chmod(before.mode & 0o777);
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      // Only root may give a file away; a file of our own keeps its owner anyway.
      if (before !== undefined) await chown(temporary, before.uid, before.gid).catch(() => undefined);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** @throws E_FILE */
export async function removeFile(path: string): Promise<void> {
  await rm(path).catch((error: unknown) => {
    throw unwritable(path, error);
  });
}

/**
 * Runs `work` while no other calico-rr writes under the same lock file. A lock left behind by a process that died
 * is taken over.
 * @throws E_FILE where the lock cannot be made, E_CONFLICT where another writer does not let go
 */
export async function whileLocked<Result>(lock: string, work: () => Promise<Result>): Promise<Result> {
  await takeLock(lock);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function takeLock(lock: string): Promise<void> {
  const deadline = Date.now() + LOCK_MS;
  await mkdir(dirname(lock), { recursive: true }).catch((error: unknown) => {
    throw unwritable(lock, error);
  });
  for (;;) {
    try {
      const file = await open(lock, 'wx', 0o644);
      await file.writeFile(`${process.pid}\n`);
      await file.close();
      return;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw unwritable(lock, error);
    }
    if (await isStale(lock)) await rm(lock, { force: true });
    else if (Date.now() > deadline)
      throw new CalicoRrError('E_CONFLICT', `Another calico-rr holds ${lock}.`, {
        hint: 'Try again; when no other one runs, remove that file.',
      });
    else await new Promise((resolve) => setTimeout(resolve, LOCK_LOOK_MS));
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(lock);
    if (Date.now() - mtimeMs > LOCK_STALE_MS) return true;
    const pid = Number((await readFile(lock, 'utf8')).trim());
    if (!Number.isInteger(pid) || pid <= 0) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

function unwritable(path: string, cause: unknown): CalicoRrError {
  return new CalicoRrError('E_FILE', `${path} cannot be written: ${messageOf(cause)}.`, {
    hint: 'Check the owner and mode of its folder; a ConfigMap is always read-only.',
    cause,
  });
}
