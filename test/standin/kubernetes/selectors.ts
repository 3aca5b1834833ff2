/** Label and field selectors of Kubernetes' API (labels: equality and set-based requirements, joined by commas). */
import { badRequest } from './refusals.ts';

export type Labels = Readonly<Record<string, string>>;

/** @throws a 400 for what is no selector */
export function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = splitAtCommas(text).map(parseRequirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

const KEY = '[A-Za-z0-9][-A-Za-z0-9_./]*';

function parseRequirement(text: string): (labels: Labels) => boolean {
  const set = new RegExp(`^\\s*(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)\\s*$`).exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (labels) => {
      const value = labels[key];
      return operator === 'in'
        ? value !== undefined && values.has(value)
        : value === undefined || !values.has(value);
    };
  }
  const equal = new RegExp(`^\\s*(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)\\s*$`).exec(text);
  if (equal !== null) {
    const [, key = '', operator, value = ''] = equal;
    return (labels) => (operator === '!=' ? labels[key] !== value : labels[key] === value);
  }
  const exists = new RegExp(`^\\s*(!?)\\s*(${KEY})\\s*$`).exec(text);
  if (exists !== null) {
    const [, not, key = ''] = exists;
    return (labels) => (not === '!' ? !(key in labels) : key in labels);
  }
  throw badRequest(`found '${text.trim()[0] ?? ''}', expected: !, identifier, or 'end of string'`);
}

/** Commas in parentheses belong to a set. */
function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const letter of text) {
    if (letter === '(') depth += 1;
    if (letter === ')') depth -= 1;
    if (letter === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += letter;
  }
  return [...parts, part].filter((one) => one.trim() !== '');
}

/** `metadata.name=NAME`, the one field that every kind can be selected by. */
export function parseFieldSelector(text: string): (name: string) => boolean {
  const match = /^metadata\.name==?(.+)$/.exec(text);
  if (match === null) throw badRequest(`field label not supported: ${text.split('=')[0]}`);
  return (name) => name === match[1];
}

/** The one name that a field selector asks for. */
export function selectedName(text: string | null): string | undefined {
  return text === null ? undefined : /^metadata\.name==?(.+)$/.exec(text)?.[1];
}
