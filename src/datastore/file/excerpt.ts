/** A line of a file with a caret under the place, and what is to be said of it. */
import { formatPlace, type Place } from '../../model/errors.ts';

/** Columns that are shown on each side of the caret. */
const CONTEXT = 70;

/** Something wrong at a place of a text. */
export interface PlacedFault {
  readonly place: Place;
  readonly message: string;
  readonly hint?: string;
  /** The line that it is in; undefined where there is none to show. */
  readonly line?: string;
}

/**
 * For a terminal, four lines:
 *
 *     peers.yaml:6:23: spec.nodeSelector does not parse: expected "==", found "= 'a'".
 *       6 |   nodeSelector: rack = 'a'
 *         |                      ^
 *         Put two.
 */
export function showFault({ place, message, hint, line }: PlacedFault): string {
  const lines = [`${formatPlace(place)}: ${message}`];
  const number = String(place.line ?? '');
  const margin = ' '.repeat(number.length + 2);
  if (line !== undefined && place.line !== undefined && place.column !== undefined) {
    // Before it is cut: a cut may part a password from the word.
    const safe = withoutPasswords(line);
    const at = place.column - 1;
    const first = Math.max(0, at - CONTEXT);
    const before = `${first > 0 ? '...' : ''}${safe.slice(first, at)}`;
    const after = safe.slice(at, at + CONTEXT);
    const more = line.length > at + CONTEXT ? '...' : '';
    lines.push(`  ${number} | ${printable(`${before}${after}${more}`)}`);
    lines.push(`${margin} | ${' '.repeat(before.length)}^`);
  }
  if (hint !== undefined) for (const part of hint.split('\n')) lines.push(`${margin}   ${part}`);
  return lines.join('\n');
}

/** The line of a text, counted from 1. */
export function lineOf(text: string, number: number | undefined): string | undefined {
  return number === undefined ? undefined : text.split('\n')[number - 1]?.replace(/\r$/, '');
}

/** Stars for what stands after the word password on one line; it has the same length. */
function withoutPasswords(line: string): string {
  return line.replace(
    /(password["']?\s*:\s*)([^\s{][^,}]*)/gi,
    (_, name: string, value: string) => name + '*'.repeat(value.length),
  );
}

/** One column for each code unit, so that the caret stands under the right one. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
}
