/** Where and why a selector does not parse, shown to people with the line and a caret under the place. */

export interface SelectorFault {
  /** Where it went wrong: UTF-16 code units from the start. */
  readonly position: number;
  /** A sentence without a full stop: `expected "==", found "="`. */
  readonly message: string;
}

/** Letters of a line that are shown on each side of the caret. */
const CONTEXT = 60;

/** One sentence: what is wrong and where, such as `expected "==", found "= 'a'" (column 6)`. */
export function describeFault(text: string, fault: SelectorFault): string {
  const { line, column } = placeOf(text, fault);
  return `${fault.message} (${line > 1 ? `line ${line}, ` : ''}column ${column + 1})`;
}

/**
 * Two lines of one indentation: the line of the fault, and a caret under the place.
 *
 *         rack = 'a'
 *              ^
 */
export function showFault(text: string, fault: SelectorFault): string {
  const { start, column } = placeOf(text, fault);
  const end = text.indexOf('\n', fault.position);
  const line = text.slice(start, end < 0 ? undefined : end);
  const first = Math.max(0, column - CONTEXT);
  const before = `${first > 0 ? '...' : ''}${line.slice(first, column)}`;
  const after = line.slice(column, column + CONTEXT);
  const rest = line.length > column + CONTEXT ? '...' : '';
  return `    ${printable(`${before}${after}${rest}`)}\n    ${' '.repeat(before.length)}^`;
}

/** @returns where its line starts, the line counted from 1, the column in it counted from 0 */
function placeOf(text: string, { position }: SelectorFault) {
  const start = position === 0 ? 0 : text.lastIndexOf('\n', position - 1) + 1;
  return { start, line: text.slice(0, start).split('\n').length, column: position - start };
}

/** What stands at a place, short enough for a sentence. */
export function foundAt(text: string, position: number): string {
  if (position >= text.length) return 'the end';
  if (text[position] === '\n') return 'a line break';
  const rest = printable(text.slice(position).split('\n', 1)[0] ?? '');
  return JSON.stringify(rest.length > 20 ? `${rest.slice(0, 20)}...` : rest);
}

/** One column for each code unit, so that the caret stands under the right one. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
}
