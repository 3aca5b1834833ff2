/**
 * kubectl's JSONPath templates: text with expressions in braces, `{range ...}...{end}`, and quoted text in braces.
 * The expressions are RFC 9535's, which a library evaluates; what kubectl allows beyond (no `$`, dots of a key after
 * a backslash, `-` and `/` in keys) is rewritten for it.
 */
import { compile, type JSONPathQuery } from 'json-p3';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { Json } from '../../model/resource.ts';

/** The text that a template makes of a value. */
export type Template = (value: Json) => string;

type Part =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'path'; readonly query: JSONPathQuery }
  | { readonly is: 'range'; readonly query: JSONPathQuery; readonly parts: Part[] };

/** @throws E_USAGE saying where the template is none */
export function compileTemplate(template: string): Template {
  const root: Part[] = [];
  const open: Part[][] = [root];
  const add = (part: Part): void => void open.at(-1)?.push(part);
  for (const piece of piecesOf(template)) {
    if (!piece.inBraces) {
      add({ is: 'text', text: piece.text });
      continue;
    }
    const inner = piece.text.trim();
    const range = /^range\s+(.+)$/s.exec(inner);
    if (range !== null) {
      const part: Part = { is: 'range', query: queryOf(range[1] ?? '', template), parts: [] };
      add(part);
      open.push(part.parts);
    } else if (inner === 'end') {
      if (open.length === 1) throw wrong(template, 'it has {end} without {range}');
      open.pop();
    } else if (/^(['"]).*\1$/s.test(inner)) add({ is: 'text', text: unquoted(inner) });
    else add({ is: 'path', query: queryOf(inner, template) });
  }
  if (open.length > 1) throw wrong(template, 'its {range} has no {end}');
  return (value) => render(root, value);
}

function render(parts: readonly Part[], value: Json): string {
  return parts
    .map((part) => {
      switch (part.is) {
        case 'text':
          return part.text;
        case 'path':
          return valuesAt(part.query, value).map(textOf).join(' ');
        case 'range':
          return valuesAt(part.query, value)
            .map((item) => render(part.parts, item))
            .join('');
        default:
          return part satisfies never;
      }
    })
    .join('');
}

function valuesAt(query: JSONPathQuery, value: Json): readonly Json[] {
  const copy: Parameters<JSONPathQuery['query']>[0] = JSON.parse(JSON.stringify(value));
  const values: Json[] = [];
  for (const node of query.query(copy)) {
    const found: Json = JSON.parse(JSON.stringify(node.value ?? null));
    values.push(found);
  }
  return values;
}

function textOf(value: Json): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

interface Piece {
  readonly inBraces: boolean;
  readonly text: string;
}

function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  while (from < template.length) {
    const open = template.indexOf('{', from);
    if (open < 0) break;
    if (open > from) pieces.push({ inBraces: false, text: template.slice(from, open) });
    const close = endOfBraces(template, open);
    pieces.push({ inBraces: true, text: template.slice(open + 1, close) });
    from = close + 1;
  }
  if (from < template.length) pieces.push({ inBraces: false, text: template.slice(from) });
  return pieces;
}

/** Where the brace at `open` is closed, one inside quotes not counted. */
function endOfBraces(template: string, open: number): number {
  let quote = '';
  for (let at = open + 1; at < template.length; at += 1) {
    const letter = template[at] ?? '';
    if (quote !== '') {
      if (letter === '\\') at += 1;
      else if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === '}') return at;
  }
  throw wrong(template, `the { at ${open + 1} is not closed`);
}

function queryOf(expression: string, template: string): JSONPathQuery {
  const path = rfc9535(expression.trim());
  try {
    return compile(path);
  } catch (error) {
    throw wrong(template, `{${expression.trim()}}: ${messageOf(error)}`);
  }
}

/** kubectl's spelling of a path -> RFC 9535's: it begins with `$`, and unusual keys stand in brackets. */
function rfc9535(expression: string): string {
  const rooted = expression.startsWith('$')
    ? expression
    : expression.startsWith('@')
      ? `$${expression.slice(1)}`
      : expression.startsWith('.') || expression.startsWith('[')
        ? `$${expression}`
        : `$.${expression}`;
  if (rooted === '$.') return '$';
  // Quoted texts stay as they are; in between, keys with letters that the RFC's short form lacks are quoted.
  return rooted
    .split(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(/(\.\.?)((?:[\p{L}\p{N}_/-]|\\.)+)/gu, (_, dots: string, key: string) => {
            const plain = key.replace(/\\(.)/g, '$1');
            if (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(plain)) return `${dots}${plain}`;
            return `${dots === '..' ? '..' : ''}['${plain.replace(/'/g, "\\'")}']`;
          }),
    )
    .join('');
}

function unquoted(text: string): string {
  const escapes: ReadonlyMap<string, string> = new Map([
    ['n', '\n'],
    ['t', '\t'],
    ['r', '\r'],
  ]);
  return text.slice(1, -1).replace(/\\(.)/gs, (_, letter: string) => escapes.get(letter) ?? letter);
}

function wrong(template: string, why: string): CalicoRrError {
  return new CalicoRrError('E_USAGE', `"${template}" is no JSONPath template: ${why}`, {
    hint: "Such as '{.spec.asNumber}' or '{range .items[*]}{.metadata.name}{\"\\n\"}{end}'.",
  });
}
