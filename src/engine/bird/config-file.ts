/**
 * bird.conf on disk. It may hold passwords: mode 0640 from its first byte on, whatever the umask, and never
 * half written under its own name. Sections are told apart again when an agent comes back to a daemon that an
 * earlier one configured.
 */
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import { DIGEST_CONSTANT } from './render.ts';

const MODE = 0o640;

/** A checked-but-not-yet-installed file beside its target. */
export interface Staged {
  readonly path: string;
  /** Takes the target's place, in one step. */
  install(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * Writes the text next to its target.
 * @throws E_STATE_DIR where the folder cannot be written
 */
export async function stage(target: string, text: string): Promise<Staged> {
  const path = `${target}.${randomBytes(6).toString('hex')}.new`;
  try {
    // O_EXCL: nobody else's file, and no link that someone laid there, is ever written to.
    const file = await open(path, 'wx', MODE);
    try {
      await file.chmod(MODE);
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await unlink(path).catch(() => {});
    throw new CalicoRrError('E_STATE_DIR', `cannot write ${target}: ${reasonOf(error)}`, {
      hint: 'See that the folder exists, belongs to the user that runs calico-rr, and has room.',
      cause: error,
    });
  }
  return {
    path,
    install: () => rename(path, target),
    discard: () => unlink(path).catch(() => {}),
  };
}

/** Without the name of the file beside it, which is another each time: the same failure is told once. */
function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
}

/** The digest that a text of ours carries, or undefined where it is not ours. */
export function digestIn(text: string): string | undefined {
  return new RegExp(`^define ${DIGEST_CONSTANT} = "([0-9a-f]+)";$`, 'm').exec(text)?.[1];
}

/** Blocks of sessions by name, as they stand in a text that `renderSections` made. */
export function sessionBlocksIn(text: string): ReadonlyMap<string, string> {
  const blocks = new Map<string, string>();
  for (const match of text.matchAll(/^#[^\n]*\nprotocol bgp (\S+) \{\n.*?^\}\n/gms)) {
    if (match[1] !== undefined) blocks.set(match[1], match[0]);
  }
  return blocks;
}

/** A block without its comment: what BIRD sees of it. */
export function settingsOf(block: string): string {
  return block.slice(block.indexOf('\n') + 1);
}

/** What is new and what is gone, line by line, passwords masked; for a person to read. */
export function lineDifference(before: string, after: string, most = 200): readonly string[] {
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.replace(/(password\s+)"[^"]*"/g, '$1"********"').trimEnd())
      .filter((line) => line.trim() !== '');
  const old = lines(before);
  const next = lines(after);
  const oldSet = new Set(old);
  const nextSet = new Set(next);
  const difference = [
    ...old.filter((line) => !nextSet.has(line)).map((line) => `- ${line}`),
    ...next.filter((line) => !oldSet.has(line)).map((line) => `+ ${line}`),
  ];
  return difference.length <= most
    ? difference
    : [...difference.slice(0, most), `... and ${difference.length - most} lines more`];
}
