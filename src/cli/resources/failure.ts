/**
 * How the verbs on resources fail: in calicoctl's words (its libcalico-go/lib/errors and commands), because people
 * and scripts know them. Under the name calico-rr the hint of our own errors follows on a line of its own.
 */
import { type PlacedFault, showFault } from '../../datastore/file/excerpt.ts';
import { CalicoRrError, formatPlace, messageOf } from '../../model/errors.ts';
import type { Kind } from '../../model/resource.ts';
import type { ProgramName } from '../program-name.ts';

/** A failure whose text is complete as it is: main prints it to standard error and ends with the status. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(text: string, exitCode = 1, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause });
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

/** A document whose values no resource can have: calicoctl's words, and where it stands. */
export class InvalidDocument extends Error {
  readonly faults: readonly PlacedFault[];

  constructor(text: string, faults: readonly PlacedFault[]) {
    super(text);
    this.name = 'InvalidDocument';
    this.faults = faults;
  }
}

export type Operation = 'Create' | 'Update' | 'Delete' | 'Get' | 'List';

/** One resource that something went wrong with, in calicoctl's words. */
export function calicoText(error: unknown, kind: Kind, name: string, operation: Operation): string {
  if (!(error instanceof CalicoRrError)) return messageOf(error);
  const what = `${kind}(${name})`;
  const cause = error.cause === undefined ? '<nil>' : messageOf(error.cause);
  switch (error.code) {
    case 'E_NOT_FOUND':
      return `resource does not exist: ${what} with error: ${cause}`;
    case 'E_EXISTS':
      return `resource already exists: ${what} with error: ${cause}`;
    case 'E_CONFLICT':
      return `update conflict: ${what}`;
    case 'E_READ_ONLY':
      return `operation ${operation} is not supported on ${what}`;
    case 'E_DATASTORE_AUTH':
      return `connection is unauthorized: ${error.message}`;
    default:
      return error.message;
  }
}

/** What calicoctl says itself stands alone, as it does there. */
const CALICOCTLS_OWN =
  /^(error with |open |resource type |unrecognized output format |\S+ is not namespaced$|invalid value "|unrecognized config name|--node should not be specified)/;
const CALICOCTLS_CODES: readonly CalicoRrError['code'][] = [
  'E_NOT_FOUND',
  'E_EXISTS',
  'E_CONFLICT',
  'E_READ_ONLY',
];

/** Hints, each for a line of its own. Called calicoctl, only those of errors that calicoctl cannot have. */
export function hintsOf(errors: readonly unknown[], program: ProgramName): readonly string[] {
  const hints = errors.flatMap((error) => {
    if (error instanceof InvalidDocument) return program === 'calicoctl' ? [] : error.faults.map(showFault);
    if (!(error instanceof CalicoRrError)) return [];
    const theirs = CALICOCTLS_CODES.includes(error.code) || CALICOCTLS_OWN.test(error.message);
    if (program === 'calicoctl' && theirs) return [];
    // What calicoctl's words leave out is said before what to do about it.
    const said = error.code === 'E_READ_ONLY' ? [error.message] : [];
    return [...said, ...(error.hint === undefined ? [] : [error.hint])];
  });
  return [...new Set(hints)];
}

/** A text, and below it hints in their place. */
export function withHints(text: string, hints: readonly string[]): string {
  return [text, ...hints.flatMap((hint) => hint.split('\n').map((line) => `  ${line}`))].join('\n');
}

/** Something that went wrong before any resource was reached. */
export function failedToExecute(error: unknown, program: ProgramName): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (!(error instanceof CalicoRrError)) throw error;
  const place = error.place === undefined ? '' : `${formatPlace(error.place)}: `;
  const text = `Failed to execute command: ${place}${error.message}`;
  const exitCode = program === 'calicoctl' ? 1 : error.exitCode;
  return new CommandFailure(withHints(text, hintsOf([error], program)), exitCode, error);
}
