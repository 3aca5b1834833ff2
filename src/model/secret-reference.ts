/** Where a password is: resources name it and never hold it. Nothing here quotes what it finds. */
import { asObject, type Findings, reject } from './reading.ts';
import type { JsonObject } from './resource.ts';

/** `{secretKeyRef: {name, key}}` as `NAME/KEY`; null, with a problem, for anything else. */
export function readSecretKeyRef(
  findings: Findings,
  password: JsonObject | undefined,
  field: string,
): string | null {
  if (password === undefined) {
    reject(
      findings,
      'inline-password',
      field,
      'holds something else than a reference.',
      'Remove it, change that password, and name the new one by secretKeyRef.',
    );
    return null;
  }
  const reference = asObject(password.secretKeyRef);
  const { name, key } = reference ?? {};
  if (typeof name === 'string' && name !== '' && typeof key === 'string' && key !== '')
    return `${name}/${key}`;
  reject(findings, 'missing-password', `${field}.secretKeyRef`, 'lacks its name or its key.');
  return null;
}
