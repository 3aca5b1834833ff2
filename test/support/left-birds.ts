/**
 * A BIRD that an engine has started outlives its agent on purpose, and so a test that is interrupted too. What a test
 * leaves to run is named here, and ends with the test's process at the latest.
 */
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { endOnSignals } from './processes.ts';

const stateDirs = new Set<string>();

/** The BIRD of this state folder, which need not be there yet, ends with this process. */
export function birdEndsWithUs(stateDir: string): void {
  if (stateDirs.size === 0) process.on('exit', endAll);
  stateDirs.add(stateDir);
  endOnSignals();
}

function endAll(): void {
  for (const stateDir of stateDirs) {
    try {
      const pid = Number(readFileSync(join(stateDir, 'bird.pid'), 'utf8'));
      // Process ids are used again: only one that works in this folder is meant.
      if (readlinkSync(`/proc/${pid}/cwd`) === realpathSync(stateDir)) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, or never ran.
    }
  }
}
