/**
 * Something wrong with one resource, session or key, that is set aside and reported while the rest goes on.
 * docs/reference/problems.md lists every code; a test fails when one is missing there.
 */

export const PROBLEM_CODES = [
  'bad-json',
  'bad-yaml',
  'bad-address',
  'bad-as-number',
  'bad-cluster-id',
  'bad-prefix',
  'bad-name',
  'bad-field',
  'bad-selector',
  'unknown-field',
  'not-supported',
  'no-address',
  'no-such-node',
  'empty-selector',
  'no-such-filter',
  'self-peer',
  'duplicate',
  'conflict',
  'as-mismatch',
  'key-mismatch',
  'inline-password',
  'missing-password',
  'bad-password',
  'engine-refused',
  'not-listening',
  'prefix-limit',
  'foreign-origin',
  'stale-entry',
  'datastore-guessed',
  'no-permission',
  'insecure-tls',
  'nothing-there',
  'pairs-apart',
  'mesh-off',
  'one-sided',
  'session-mismatch',
  'too-few-reflectors',
  'reflectors-apart',
  'cluster-id-clash',
  'one-failure-domain',
  'too-many-passwords',
  'unsettled',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

export interface Problem {
  readonly code: ProblemCode;
  /** `error`: the thing is set aside. `warning`: it works, but not as one might think. */
  readonly severity: 'error' | 'warning';
  /** What it is about: `Kind/name`, a datastore key, or `FILE:LINE:COLUMN`. */
  readonly subject: string;
  /** Where in the resource, such as `spec.peers[0].ip`; absent where it is about the whole. */
  readonly field?: string;
  /** What is wrong, one sentence; never a secret's value. */
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
}
