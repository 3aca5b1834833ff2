/** The `-o` flag that several verbs share. */
import { CalicoRrError } from '../model/errors.ts';

/** True for JSON. @throws E_USAGE for anything that we do not print */
export function checkOutput(format: string | undefined): boolean {
  if (format === undefined || format === 'text') return false;
  if (format === 'json') return true;
  throw new CalicoRrError('E_USAGE', `there is no output format "${format}"`, {
    hint: 'Use -o json, or leave it out.',
  });
}
