/** A file that is replaced as a whole: after a crash at any moment it holds the old text or the new one. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface AtomicFile {
  /** Writes are done one after the other; of several that wait only the newest is written. */
  write(text: string): Promise<void>;
  /** Resolves when everything given is on disk (or failed). */
  flush(): Promise<void>;
}

export function createAtomicFile(path: string): AtomicFile {
  let waiting: { text: string; done: PromiseWithResolvers<void> } | null = null;
  let running: Promise<void> | null = null;

  async function drain(): Promise<void> {
    while (waiting !== null) {
      const { text, done } = waiting;
      waiting = null;
      try {
        await replace(path, text);
        done.resolve();
      } catch (error) {
        done.reject(error);
      }
    }
    running = null;
  }

  return {
    write(text) {
      const done = waiting?.done ?? Promise.withResolvers<void>();
      waiting = { text, done };
      running ??= drain();
      return done.promise;
    },
    async flush() {
      await running;
    },
  };
}

async function replace(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  try {
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
