/**
 * From a field of a resource to its place in the text that it was read from: for errors that point at what is wrong.
 * A wrong value is pointed at itself, an unknown field, or one without effect, at its name, a missing one at what should
 * hold it.
 */
import { type Document, isMap, isScalar, isSeq, type Scalar } from 'yaml';
import type { Problem } from '../../model/problem.ts';
import { isSelector, parseSelector } from '../../model/selector/selector.ts';
import { nodeAt } from './parse.ts';

/** The part of a document that one resource was read from. */
export interface Spot {
  readonly document: Document;
  readonly path: readonly (string | number)[];
}

/**
 * The offset in `text` of what a problem is about.
 * @param field where it is, in the words of the document: `spec.peers[0].ip`; empty for the resource as a whole
 */
export function locate(
  text: string,
  spot: Spot,
  field: string,
  { code, severity }: Pick<Problem, 'code' | 'severity'>,
): number {
  const start = nodeAt(spot.document, spot.path);
  let node: unknown = start;
  let offset = offsetOf(start) ?? 0;
  let rest = field;
  let keyOffset = offset;
  while (rest !== '') {
    const step = stepInto(node, rest);
    if (step === undefined) return keyOffset;
    ({ node, keyOffset, rest } = step);
    offset = isScalar(node) ? (offsetOf(node) ?? keyOffset) : keyOffset;
  }
  if (code === 'unknown-field' || severity === 'warning') return keyOffset;
  if (code === 'bad-selector' && isScalar(node)) return offset + faultIn(text, node);
  return offset;
}

/** Whether a field is written there at all. */
export function isWritten(spot: Spot, field: string): boolean {
  let node = nodeAt(spot.document, spot.path);
  let rest = field;
  while (rest !== '') {
    const step = stepInto(node, rest);
    if (step === undefined) return false;
    ({ node, rest } = step);
  }
  return true;
}

interface Step {
  readonly node: unknown;
  readonly keyOffset: number;
  readonly rest: string;
}

/** The longest key that `field` begins with, since names of labels have dots of their own. */
function stepInto(node: unknown, field: string): Step | undefined {
  const index = /^\[(\d+)\]\.?/.exec(field);
  if (index !== null && isSeq(node)) {
    const item: unknown = node.items[Number(index[1])];
    const keyOffset = offsetOf(item);
    return keyOffset === undefined
      ? undefined
      : { node: item, keyOffset, rest: field.slice(index[0].length) };
  }
  if (!isMap(node)) return undefined;
  let best: Step | undefined;
  let length = -1;
  for (const { key, value } of node.items) {
    const keyOffset = offsetOf(key);
    if (!isScalar(key) || keyOffset === undefined) continue;
    const name = String(key.value);
    const after = field.slice(name.length);
    if (!field.startsWith(name) || !/^(?:$|[.[])/.test(after) || name.length <= length) continue;
    length = name.length;
    best = { node: value, keyOffset, rest: after.replace(/^\./, '') };
  }
  return best;
}

function offsetOf(node: unknown): number | undefined {
  return (isMap(node) || isSeq(node) || isScalar(node)) && node.range ? node.range[0] : undefined;
}

/** How far into a selector's text, quotes counted, it goes wrong; 0 where the text is not written as it reads. */
function faultIn(text: string, node: Scalar): number {
  const { value, range } = node;
  if (typeof value !== 'string' || !range) return 0;
  const parsed = parseSelector(value);
  if (isSelector(parsed)) return 0;
  const quotes = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0;
  const from = range[0] + quotes;
  return text.slice(from, from + value.length) === value ? quotes + parsed.position : 0;
}
