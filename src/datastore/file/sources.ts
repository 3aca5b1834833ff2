/**
 * Which files a path stands for, and what each holds. Files are read again only when they changed: another inode,
 * size or time, as atomic renames and the symlink swaps of Kubernetes ConfigMaps leave them.
 */
import { type Dirent, type Stats, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CalicoRrError, hasCode, messageOf } from '../../model/errors.ts';
import { type FileContent, readDocuments } from './documents.ts';

const FILE_NAME = /^[^.].*\.(?:ya?ml|json)$/;

export interface SourceFile {
  readonly path: string;
  readonly content: FileContent;
}

export interface Sources {
  /**
   * Every file of the path and what it holds, sorted by path; undefined where the path does not exist.
   * @throws E_FILE where a file or the folder is there and cannot be read
   */
  read(): Promise<readonly SourceFile[] | undefined>;
  /** Text that differs whenever a file may have changed; undefined where the path does not exist. */
  fingerprint(): Promise<string | undefined>;
}

interface Seen {
  readonly print: string;
  readonly content: FileContent;
}

export function createSources(path: string): Sources {
  const seen = new Map<string, Seen>();

  const prints = async (): Promise<ReadonlyMap<string, string> | undefined> => {
    try {
      const found = new Map<string, string>();
      for (const file of await filesOf(path)) {
        // A file that goes between the listing and this look is not there.
        const stats = await stat(file).catch((error: unknown) => {
          if (isMissing(error)) return undefined;
          throw error;
        });
        if (stats?.isFile()) found.set(file, printOf(stats));
      }
      return found;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw unreadable(path, error);
    }
  };

  return {
    async fingerprint() {
      const found = await prints();
      return found === undefined ? undefined : JSON.stringify([...found]);
    },
    async read() {
      const found = await prints();
      if (found === undefined) return undefined;
      const files: SourceFile[] = [];
      for (const [file, print] of found) {
        const known = seen.get(file);
        if (known?.print === print) {
          files.push({ path: file, content: known.content });
          continue;
        }
        const text = await readFile(file, 'utf8').catch((error: unknown) => {
          throw unreadable(file, error);
        });
        const content = readDocuments(file, text);
        seen.set(file, { print, content });
        files.push({ path: file, content });
      }
      for (const file of seen.keys()) if (!found.has(file)) seen.delete(file);
      return files;
    },
  };
}

/** Several sources as one; it exists where the first does. */
export function joinSources(first: Sources, ...others: readonly Sources[]): Sources {
  return {
    async fingerprint() {
      const prints = await Promise.all([first, ...others].map((one) => one.fingerprint()));
      return prints[0] === undefined ? undefined : prints.join();
    },
    async read() {
      const [files, ...more] = await Promise.all([first, ...others].map((one) => one.read()));
      return files === undefined ? undefined : [...files, ...more.flatMap((one) => one ?? [])];
    },
  };
}

/** Whether a path is a folder: as it is, or, where it is not there yet, as its name looks. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (!isMissing(error)) throw unreadable(path, error);
    return !/\.(?:ya?ml|json)$/.test(path);
  }
}

/** The file itself, or the resource files of a folder, sorted. @throws what stat and readdir throw */
export async function filesOf(path: string): Promise<string[]> {
  const stats = await stat(path);
  if (!stats.isDirectory()) return [path];
  const entries: Dirent[] = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => FILE_NAME.test(entry.name) && !entry.isDirectory())
    .map((entry) => join(path, entry.name))
    .sort();
}

function printOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}

function unreadable(path: string, cause: unknown): CalicoRrError {
  return new CalicoRrError('E_FILE', `${path} cannot be read: ${messageOf(cause)}.`, {
    hint: 'Check its owner and mode.',
    cause,
  });
}
