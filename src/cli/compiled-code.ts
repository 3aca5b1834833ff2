/**
 * Compiled code is kept from one call to the next, for much of the time until a verb does something is compiling. Node's
 * own place for it is a folder of `/tmp` that any user may make first, and what is in it is run unseen; so it is kept
 * where only we write: in a checkout's `.cache`, else in the user's cache folder (`XDG_CACHE_HOME`).
 */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** @param main the file that was started. Does nothing where there is no place that is safe. */
export function keepCompiledCode(main: string): void {
  try {
    const caches = main.endsWith('.ts')
      ? join(main, '../../../.cache')
      : process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
    const folder = join(caches, 'calico-rr-compiled');
    // Each by itself: Node does not come back from making a whole path where none can be made (/proc).
    make(caches);
    make(folder);
    const { uid, mode } = statSync(folder);
    if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return;
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    enableCompileCache(folder);
  } catch {
    // A machine without a home, a disk that is read-only: everything works, a little later.
  }
}

function make(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // It is there, or what follows finds that it is not.
  }
}
