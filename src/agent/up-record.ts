/**
 * Which sessions were up, on disk: after a cold start the guard counts those as established, for they are on their way
 * up, and not the ones of nodes that were never there.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../model/errors.ts';
import { createAtomicFile } from './atomic-file.ts';

const UP_RECORD = 'established.json';
const FORMAT = 1;
const shape = z.object({ format: z.literal(FORMAT), sessions: z.array(z.string()) });
/** Sessions come up in bursts; a crash forgets no more than this. */
const WRITE_EVERY_MS = 5000;

export interface UpRecord {
  /** Names of the sessions that were up when the last run noted it; null where none did, or it cannot be read. */
  readonly before: ReadonlySet<string> | null;
  /** Notes the names of all sessions that are up. */
  note(names: readonly string[]): void;
  flush(): Promise<void>;
}

export function openUpRecord(stateDir: string, failed: (reason: string) => void): UpRecord {
  const path = join(stateDir, UP_RECORD);
  const file = createAtomicFile(path);
  const before = read(path);
  let written = before === null ? null : textOf([...before]);
  let waiting: string | null = null;
  let timer: NodeJS.Timeout | null = null;

  async function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiting === null) return;
    const text = waiting;
    waiting = null;
    written = text;
    try {
      await file.write(text);
    } catch (error) {
      failed(messageOf(error));
    }
  }

  return {
    before,
    note(names) {
      const text = textOf(names);
      waiting = text === written ? null : text;
      if (waiting !== null) timer ??= setTimeout(() => void flush(), WRITE_EVERY_MS);
    },
    flush,
  };
}

function textOf(names: readonly string[]): string {
  return `${JSON.stringify({ format: FORMAT, sessions: [...names].sort() })}\n`;
}

function read(path: string): ReadonlySet<string> | null {
  try {
    return new Set(shape.parse(JSON.parse(readFileSync(path, 'utf8'))).sessions);
  } catch {
    // Absent or broken: every session of the approved state counts then, as many as may be on their way up.
    return null;
  }
}
