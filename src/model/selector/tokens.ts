/**
 * A selector's words. White space is blank and tab only, so a line break is an error, as in Calico. Words mean
 * what their place says: right after a label they are operators (`in`, `not in`, `contains`, `starts with`,
 * `ends with`, the blanks in them optional), elsewhere labels; `has`, `all` and `global` are functions only
 * where `(` follows directly.
 */
import type { SetOperator, TextOperator } from './expression.ts';
import { foundAt, type SelectorFault } from './fault.ts';

export type SymbolText = '(' | ')' | '{' | '}' | ',' | '!' | '&&' | '||';

export type Token = { readonly position: number } & (
  | { readonly type: 'symbol'; readonly symbol: SymbolText }
  | { readonly type: 'all' }
  | { readonly type: 'has'; readonly label: string }
  | { readonly type: 'label'; readonly label: string }
  | { readonly type: 'text-operator'; readonly operator: TextOperator }
  | { readonly type: 'set-operator'; readonly operator: SetOperator }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'end' }
);

const MOST_LETTERS_OF_A_LABEL = 512;
const BLANKS = /[ \t]*/y;
const LABEL = /[A-Za-z0-9_./-]+/y;
const WORD_END = '(?![A-Za-z0-9_./-])';
const OPERATOR = new RegExp(
  `(?:(not[ \\t]*in)|(in)|(contains)|(starts[ \\t]*with)|(ends[ \\t]*with))${WORD_END}`,
  'y',
);
const HAS = /has\([ \t]*([A-Za-z0-9_./-]+)[ \t]*\)/y;
const OPEN_HAS = /has\([ \t]*/y;
const EVERY = /(?:all|global)\([ \t]*\)/y;
const OPEN_EVERY = /(?:all|global)\([ \t]*/y;

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}

type Step = { readonly token: Token; readonly next: number } | SelectorFault;

/** All tokens up to the end, or where the text stops being one. */
export function tokenize(text: string): readonly Token[] | SelectorFault {
  const tokens: Token[] = [];
  let position = skipBlanks(text, 0);
  while (position < text.length) {
    const step = nextToken(text, position, tokens.at(-1)?.type === 'label');
    if ('message' in step) return step;
    tokens.push(step.token);
    position = skipBlanks(text, step.next);
  }
  tokens.push({ type: 'end', position });
  return tokens;
}

function skipBlanks(text: string, position: number): number {
  return position + (matchAt(BLANKS, text, position)?.[0].length ?? 0);
}

function nextToken(text: string, position: number, afterLabel: boolean): Step {
  const letter = text[position];
  switch (letter) {
    case '(':
    case ')':
    case '{':
    case '}':
    case ',':
      return symbol(position, letter);
    case '"':
    case "'":
      return quoted(text, position);
    case '=':
      return text.startsWith('==', position)
        ? { token: { type: 'text-operator', operator: '==', position }, next: position + 2 }
        : expected(text, position, '"=="');
    case '!':
      return text.startsWith('!=', position)
        ? { token: { type: 'text-operator', operator: '!=', position }, next: position + 2 }
        : symbol(position, '!');
    case '&':
      return text.startsWith('&&', position) ? symbol(position, '&&') : expected(text, position, '"&&"');
    case '|':
      return text.startsWith('||', position) ? symbol(position, '||') : expected(text, position, '"||"');
    default:
      return afterLabel ? wordOperator(text, position) : word(text, position);
  }
}

function symbol(position: number, one: SymbolText): Step {
  return { token: { type: 'symbol', symbol: one, position }, next: position + one.length };
}

export function expected(text: string, position: number, what: string): SelectorFault {
  return { position, message: `expected ${what}, found ${foundAt(text, position)}` };
}

function quoted(text: string, position: number): Step {
  const end = text.indexOf(text[position] ?? '', position + 1);
  if (end < 0) return { position, message: `expected ${text[position]} at the end of this string` };
  return { token: { type: 'string', value: text.slice(position + 1, end), position }, next: end + 1 };
}

function wordOperator(text: string, position: number): Step {
  const found = matchAt(OPERATOR, text, position);
  if (found === null) {
    return expected(text, position, 'an operator (==, !=, in, not in, contains, starts with, ends with)');
  }
  const next = position + found[0].length;
  const [, notIn, within, contains, starts] = found;
  if (notIn !== undefined) return { token: { type: 'set-operator', operator: 'not in', position }, next };
  if (within !== undefined) return { token: { type: 'set-operator', operator: 'in', position }, next };
  const operator = contains !== undefined ? 'contains' : starts !== undefined ? 'starts with' : 'ends with';
  return { token: { type: 'text-operator', operator, position }, next };
}

function word(text: string, position: number): Step {
  const has = matchAt(HAS, text, position);
  if (has !== null) {
    const label = has[1] ?? '';
    const start = position + has[0].indexOf(label, 'has('.length);
    return (
      tooLong(label, start) ?? { token: { type: 'has', label, position }, next: position + has[0].length }
    );
  }
  const openHas = matchAt(OPEN_HAS, text, position);
  if (openHas !== null) return unclosedHas(text, position + openHas[0].length);
  const every = matchAt(EVERY, text, position);
  if (every !== null) return { token: { type: 'all', position }, next: position + every[0].length };
  const openEvery = matchAt(OPEN_EVERY, text, position);
  if (openEvery !== null) return expected(text, position + openEvery[0].length, '")"');
  const label = matchAt(LABEL, text, position)?.[0];
  if (label === undefined) return { position, message: `${foundAt(text, position)} has no meaning here` };
  return (
    tooLong(label, position) ?? { token: { type: 'label', label, position }, next: position + label.length }
  );
}

/** @param position after `has(` and blanks */
function unclosedHas(text: string, position: number): SelectorFault {
  const label = matchAt(LABEL, text, position)?.[0];
  if (label === undefined) return expected(text, position, 'the name of a label');
  return expected(text, skipBlanks(text, position + label.length), '")"');
}

function tooLong(label: string, position: number): SelectorFault | undefined {
  if (label.length <= MOST_LETTERS_OF_A_LABEL) return undefined;
  return { position, message: `a label of ${label.length} letters; ${MOST_LETTERS_OF_A_LABEL} is the most` };
}
