/**
 * The passwords last read from elsewhere, kept in the state folder (0600, in a folder of mode 0700): so that a reflector
 * that starts while their source is away takes no session down. Only those in use are kept. The engine's own
 * configuration, in the same folder, holds them too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createAtomicFile } from './atomic-file.ts';

export const KEPT_PASSWORDS = 'passwords.json';

const FORMAT = 1;
const shape = z.object({ format: z.literal(FORMAT), passwords: z.record(z.string(), z.string()) });

export interface KeptPasswords {
  /** As the last run left them, by name; empty where there are none or they cannot be read. */
  readonly before: ReadonlyMap<string, string>;
  /** @returns rejects where they cannot be written */
  save(passwords: ReadonlyMap<string, string>): Promise<void>;
  flush(): Promise<void>;
}

export function openKeptPasswords(stateDir: string): KeptPasswords {
  const path = join(stateDir, KEPT_PASSWORDS);
  const file = createAtomicFile(path);
  return {
    before: read(path),
    save: (passwords) =>
      file.write(`${JSON.stringify({ format: FORMAT, passwords: Object.fromEntries(passwords) })}\n`),
    flush: () => file.flush(),
  };
}

function read(path: string): ReadonlyMap<string, string> {
  try {
    const text: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const found = shape.safeParse(text);
    return found.success ? new Map(Object.entries(found.data.passwords)) : new Map();
  } catch {
    // No such file, or none that we wrote: then there is nothing to fall back on.
    return new Map();
  }
}
