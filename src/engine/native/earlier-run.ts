/**
 * What the next start has to know of this run: which sessions were up, so that their End-of-RIB is awaited. Written
 * after changes, with some delay, since a list that is a little old does no harm.
 */
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from './peer-link.ts';

const FILE = 'native-engine.json';
const DELAY_MS = 1000;

const Content = z.object({ version: z.literal(1), established: z.array(z.string()) });

export interface EarlierRun {
  /** Names of sessions that were up when the run before ended; null: there was none, or it ended for good. */
  read(): Promise<ReadonlySet<string> | null>;
  /** Something came up or went down; `names` is asked when it is written. */
  changed(names: () => readonly string[]): void;
  /** Writes at once. */
  write(names: readonly string[]): Promise<void>;
  /** Nobody holds routes of ours any more (after a drain). */
  forget(): Promise<void>;
  stop(): void;
}

/** @param failed told why the file could not be written, once until it can be again; the engine goes on without */
export function earlierRun(directory: string, clock: Clock, failed: (error: unknown) => void): EarlierRun {
  const path = join(directory, FILE);
  let cancel: (() => void) | undefined;
  let queue: Promise<void> = Promise.resolve();
  let failing = false;

  function write(names: readonly string[]): Promise<void> {
    cancel?.();
    cancel = undefined;
    queue = queue.then(async () => {
      const text = `${JSON.stringify({ version: 1, established: [...names].sort() })}\n`;
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
      failing = false;
    });
    queue = queue.catch((error: unknown) => {
      // A disk that is full stays so for many changes.
      if (!failing) failed(error);
      failing = true;
    });
    return queue;
  }

  return {
    async read() {
      try {
        const content = Content.safeParse(JSON.parse(await readFile(path, 'utf8')));
        return content.success ? new Set(content.data.established) : null;
      } catch {
        // Not there, or cut off: then nobody is waited for.
        return null;
      }
    },
    changed(names) {
      cancel ??= clock.setTimer(DELAY_MS, () => {
        cancel = undefined;
        void write(names());
      });
    },
    write,
    async forget() {
      cancel?.();
      cancel = undefined;
      await queue;
      await unlink(path).catch(() => {});
    },
    stop() {
      cancel?.();
      cancel = undefined;
    },
  };
}
