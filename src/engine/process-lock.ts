/**
 * One process for each folder (the agent's, the engine's): a lock file that names its holder by process ID and
 * start time, so that a lock left behind by a killed process, or a process ID used again, never keeps the next one out.
 */
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CalicoRrError, hasCode, messageOf } from '../model/errors.ts';
import { readIfThere } from './read-if-there.ts';

export interface ProcessLock {
  release(): Promise<void>;
}

/**
 * Makes the folder of the lock (mode 0700) where it is missing, and takes the lock.
 * @param refusal what to say where the living process of this ID holds it
 * @throws that; E_STATE_DIR where the folder cannot be used
 */
export async function takeProcessLock(
  path: string,
  refusal: (pid: string) => CalicoRrError,
): Promise<ProcessLock> {
  const mine = `${process.pid} ${await startTimeOf(process.pid)} ${randomBytes(8).toString('hex')}\n`;
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(draft, mine, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw new CalicoRrError(
      'E_STATE_DIR',
      `the state directory ${dirname(path)} cannot be used: ${messageOf(error)}`,
      { hint: 'Name a directory that we may write with --state-dir.', cause: error },
    );
  }
  try {
    const deadline = performance.now() + TAKEOVER_MS;
    for (;;) {
      const holder = await take(path, draft);
      if (holder === undefined) return holding(path);
      if (holder.path === path) throw refusal(holder.pid);
      // It is clearing away a dead one's lock, which takes no time.
      if (performance.now() > deadline) {
        throw new CalicoRrError('E_STATE_DIR', `process ${holder.pid} has held ${holder.path} for too long`);
      }
      await pause(5);
    }
  } finally {
    await unlink(draft).catch(() => {});
  }
}

/** Nobody removes a living process's lock, so what stands there is ours, until we have let go. */
function holding(path: string): ProcessLock {
  let held = true;
  return {
    async release() {
      if (held) await unlink(path).catch(() => {});
      held = false;
    },
  };
}

const TAKEOVER_MS = 5000;

interface Holder {
  readonly path: string;
  readonly pid: string;
}

/**
 * Makes `path` a link to the draft. A lock that a dead process left is removed only by whoever holds the lock
 * that is named after its content. Contents never come twice, so the lock that is removed is surely the dead one,
 * however many try at once.
 * @returns undefined where it was taken, else who holds it or clears it away
 */
async function take(path: string, draft: string): Promise<Holder | undefined> {
  for (;;) {
    try {
      // Either the whole lock is there or none: link() never shows a half-written one.
      await link(draft, path);
      return undefined;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const held = await readIfThere(path);
    if (held === undefined) continue;
    const [pid = '', started = ''] = held.trim().split(' ');
    if (started !== '' && (await startTimeOf(Number(pid))) === started) return { path, pid };
    const clearing = `${path}.${createHash('sha256').update(held).digest('hex').slice(0, 16)}`;
    const other = await take(clearing, draft);
    if (other !== undefined) return other;
    if ((await readIfThere(path)) === held) await unlink(path).catch(() => {});
    await unlink(clearing).catch(() => {});
  }
}

/** Start time of a process in clock ticks since boot (proc(5), field 22), or `gone`. */
export async function startTimeOf(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0) return 'gone';
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'gone' : (fields[19] ?? 'gone');
  } catch {
    return 'gone';
  }
}
