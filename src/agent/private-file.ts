/** Files that hold a secret: they must be readable by their owner alone, and the owner must be us or root. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { CalicoRrError, messageOf } from '../model/errors.ts';

/**
 * Checks and reads the same open file, so that nobody can put another in between.
 * @param what it is, as messages call it: `the secrets file`
 * @param setting the flag or variable that names it
 * @throws E_SECRETS
 */
export function readPrivateFile(path: string, what: string, setting: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new CalicoRrError('E_SECRETS', `${what} ${path} cannot be read (${messageOf(error)})`, {
      hint: `Check ${setting}.`,
    });
  }
  try {
    const stat = fstatSync(file);
    const own = process.getuid?.();
    if (!stat.isFile()) throw new CalicoRrError('E_SECRETS', `${what} ${path} is no ordinary file`);
    if ((stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      throw new CalicoRrError('E_SECRETS', `${what} ${path} has mode ${mode}: others could read it`, {
        hint: `Run chmod 0600 ${path}.`,
      });
    }
    if (own !== undefined && stat.uid !== own && stat.uid !== 0) {
      throw new CalicoRrError('E_SECRETS', `${what} ${path} belongs to user ${stat.uid}`, {
        hint: 'It must belong to root or to the user that runs calico-rr.',
      });
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
