/** Files of a state folder that may be there or not: what a process before us has left, or what was never made. */
import { readFile } from 'node:fs/promises';
import { CalicoRrError, hasCode, messageOf } from '../model/errors.ts';

/**
 * The text of a file, or undefined where there is none.
 * @throws E_STATE_DIR where it is there and cannot be read
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new CalicoRrError('E_STATE_DIR', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
