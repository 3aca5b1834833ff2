/**
 * The texts that a verb is given with `-f`: a file, a folder, or `-` for standard input; each as often as one likes.
 * All are read before the verb does anything.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CalicoRrError, hasCode, messageOf } from '../../model/errors.ts';

const FILE_NAME = /^[^.].*\.(?:ya?ml|json)$/;
/** What standard input is called in messages. */
const STDIN = '<stdin>';

export interface GivenText {
  /** Its path, or `<stdin>`. */
  readonly file: string;
  readonly text: string;
}

/**
 * @param paths as they were given
 * @param recursive folders within folders too
 * @throws E_FILE
 */
export function readGiven(paths: readonly string[], recursive: boolean): readonly GivenText[] {
  return paths.flatMap((path) =>
    path === '-' ? [{ file: STDIN, text: readStdin() }] : filesAt(path, recursive),
  );
}

function readStdin(): string {
  try {
    return readFileSync(0, 'utf8');
  } catch (error) {
    throw unreadable('standard input', error);
  }
}

function filesAt(path: string, recursive: boolean): readonly GivenText[] {
  try {
    if (!statSync(path).isDirectory()) return [{ file: path, text: readFileSync(path, 'utf8') }];
    return readdirSync(path, { withFileTypes: true })
      .sort((one, other) => (one.name < other.name ? -1 : 1))
      .flatMap((entry) => {
        const inner = join(path, entry.name);
        if (entry.isDirectory()) return recursive ? filesAt(inner, true) : [];
        return FILE_NAME.test(entry.name) ? [{ file: inner, text: readFileSync(inner, 'utf8') }] : [];
      });
  } catch (error) {
    throw error instanceof CalicoRrError ? error : unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): CalicoRrError {
  const missing = hasCode(error, 'ENOENT');
  return new CalicoRrError(
    'E_FILE',
    missing ? `open ${path}: no such file or directory` : `${path} cannot be read: ${messageOf(error)}`,
    { hint: 'Check the path after -f.', cause: error },
  );
}
