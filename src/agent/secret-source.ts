/**
 * The seam between sessions and wherever their TCP-MD5 passwords (RFC 2385) are kept: the secrets file (secrets.ts),
 * Kubernetes Secrets (kubernetes-secrets.ts), or one before the other. A value never leaves a source but through
 * `lookUp`.
 */
import type { Problem } from '../model/problem.ts';

/** TCP-MD5 keys are at most 80 bytes (TCP_MD5SIG_MAXKEYLEN of Linux). */
const LONGEST_PASSWORD = 80;

export type Password =
  | { readonly found: true; readonly value: string }
  | {
      readonly found: false;
      readonly code: 'missing-password' | 'bad-password' | 'no-permission';
      /** Why it cannot be used; holds no secret. */
      readonly reason: string;
      /** What to do, where it is not to look after the secrets file. */
      readonly hint?: string;
    };

export interface SecretSource {
  /** Whether this source keeps an entry of that name, fit or not; asked to choose among sources. */
  has(name: string): boolean;
  /** The password of this name, or why it cannot be used. */
  lookUp(name: string): Password;
  /**
   * Says which names are in use now. Resolves when each of them was heard of, after a bounded time at the latest; a
   * source need not keep what is not in use.
   */
  expect(names: ReadonlySet<string>): Promise<void>;
  /** What is wrong with the source as a whole, now, or with an entry of which an older value is in use. */
  problems(): readonly Problem[];
  /** Looks again. True where something changed. */
  reload(): boolean;
  /** Calls `changed` whenever an entry may have, with what changed (a noun). Returns what ends that. */
  watch(changed: (what: string) => void): () => void;
  close(): Promise<void>;
}

/** Why a value cannot be a password, or null. Says nothing of the value itself. */
export function passwordFault(value: unknown): string | null {
  if (typeof value !== 'string') return 'is not text (quote it)';
  if (value === '') return 'is empty';
  if (value.includes('"')) return 'holds a double quotation mark';
  if (/^[^\p{Cc}]+\r?\n$/u.test(value)) return 'ends with a line break';
  if (/\p{Cc}/u.test(value)) return 'holds a control character';
  if (Buffer.byteLength(value) > LONGEST_PASSWORD) return `is longer than ${LONGEST_PASSWORD} bytes`;
  return null;
}

/** Both; what `first` has counts. */
export function oneBeforeTheOther(first: SecretSource, second: SecretSource): SecretSource {
  return {
    has: (name) => first.has(name) || second.has(name),
    lookUp: (name) => (first.has(name) ? first : second).lookUp(name),
    async expect(names) {
      const others = new Set([...names].filter((name) => !first.has(name)));
      await Promise.all([first.expect(names), second.expect(others)]);
    },
    problems: () => [...first.problems(), ...second.problems()],
    reload() {
      const [one, other] = [first.reload(), second.reload()];
      return one || other;
    },
    watch(changed) {
      const ends = [first.watch(changed), second.watch(changed)];
      return () => {
        for (const end of ends) end();
      };
    },
    async close() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}
