/**
 * The one family of errors. Every failure that a person or a script can meet has a code, a message that
 * names what is wrong, and a hint that says what to do next; the exit code follows from the code.
 * docs/reference/errors.md lists every code; a test fails when one is missing there.
 */

/**
 * Exit status of the process for each error code. 2: a setting or the command line is wrong; 3: it would take
 * something, and nobody agreed; 1: all else.
 */
export const ERROR_EXIT_CODES = {
  E_USAGE: 2,
  E_SETTING: 2,
  E_DATASTORE_AMBIGUOUS: 2,
  E_DATASTORE_UNREACHABLE: 1,
  E_DATASTORE_AUTH: 1,
  E_DATASTORE_DENIED: 1,
  E_DATASTORE_TLS: 1,
  E_DATASTORE_REPLY: 1,
  E_NOT_FOUND: 1,
  E_EXISTS: 1,
  E_CONFLICT: 1,
  E_READ_ONLY: 1,
  E_INVALID_RESOURCE: 1,
  E_FILE: 1,
  E_YAML: 1,
  E_SECRETS: 2,
  E_ENGINE_START: 1,
  E_ENGINE_REFUSED: 1,
  E_ENGINE_FOREIGN: 1,
  E_ENGINE_PROTOCOL: 1,
  E_AGENT_UNREACHABLE: 1,
  E_AGENT_REFUSED: 1,
  E_APPROVE_UNKNOWN: 1,
  E_UNCONFIRMED: 3,
  E_DRAIN_UNSAFE: 1,
  E_STATE_DIR: 1,
  E_INTERNAL: 1,
} as const;

export type ErrorCode = keyof typeof ERROR_EXIT_CODES;

/** Where in a text the fault is. `line` and `column` count from 1. */
export interface Place {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
}

export interface ErrorDetails {
  /** What to do next, a full sentence. */
  readonly hint?: string;
  readonly place?: Place;
  readonly cause?: unknown;
}

export class CalicoRrError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly place: Place | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'CalicoRrError';
    this.code = code;
    this.hint = details.hint;
    this.place = details.place;
  }

  get exitCode(): number {
    return ERROR_EXIT_CODES[this.code];
  }
}

/** `FILE:LINE:COLUMN`, as far as it is known. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
}

/** Whether what was thrown carries one of these codes, as what Node throws does: `ENOENT`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
