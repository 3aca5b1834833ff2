/**
 * Which peers have been away for so long that they hold no routes of ours, kept on disk. A BIRD that is started again
 * waits for the End-of-RIB of every session that it has then (RFC 4724 section 4.1), and sends nothing meanwhile; for
 * one peer that is dead it waits to the end. So it is started without the sessions of those, and gets them right after.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const FILE = 'bird-away.json';

/** The restart time that speakers announce where nobody says otherwise: for so long peers keep our routes. */
const AWAY_MS = 120_000;

const shape = z.object({ version: z.literal(1), away: z.array(z.string()) });

export interface AwayPeers {
  /** Reads what the last run noted, once. */
  read(): Promise<void>;
  /** Names of their sessions. */
  names(): ReadonlySet<string>;
  /**
   * Notes how the sessions are now.
   * @param up by the name of every session, whether it is established
   * @param now milliseconds of a clock that never goes back
   */
  see(up: ReadonlyMap<string, boolean>, now: number): Promise<void>;
  /** Another engine has run meanwhile: what was noted is old. */
  forget(): void;
}

/** @param failed told why it could not be written; the next start then waits for all */
export function awayPeers(directory: string, failed: (error: unknown) => void): AwayPeers {
  const path = join(directory, FILE);
  let away: ReadonlySet<string> = new Set();
  /** Since when sessions are down; for ever where an earlier run found them away. */
  const downSince = new Map<string, number>();
  let reading: Promise<void> | undefined;
  let writing: Promise<void> = Promise.resolve();

  async function readOnce(): Promise<void> {
    try {
      away = new Set(shape.parse(JSON.parse(await readFile(path, 'utf8'))).away);
      for (const name of away) downSince.set(name, Number.NEGATIVE_INFINITY);
    } catch {
      // Not there, or cut off: everybody is waited for.
    }
  }

  async function write(names: readonly string[]): Promise<void> {
    await writeFile(`${path}.new`, `${JSON.stringify({ version: 1, away: names })}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  return {
    read() {
      reading ??= readOnce();
      return reading;
    },
    names: () => away,
    async see(up, now) {
      await this.read();
      for (const name of downSince.keys()) if (up.get(name) !== false) downSince.delete(name);
      for (const [name, isUp] of up) if (!isUp && !downSince.has(name)) downSince.set(name, now);
      const names = [...downSince].filter(([, since]) => now - since >= AWAY_MS).map(([name]) => name);
      if (names.length === away.size && names.every((name) => away.has(name))) return;
      away = new Set(names);
      writing = writing.then(() => write(names.sort())).catch(failed);
      await writing;
    },
    forget() {
      reading = (reading ?? Promise.resolve()).then(() => {
        away = new Set();
        downSince.clear();
      });
    },
  };
}
