/**
 * Between speakers of two-octet AS numbers and us: RFC 6793 section 4.2. Attributes are kept with four-octet numbers;
 * what an old speaker sends is widened and merged with its AS4_PATH and AS4_AGGREGATOR when it is received, and
 * narrowed again when it is sent.
 */
import { AS_TRANS } from '../as-trans.ts';
import { AGGREGATOR, readAggregator, writeAggregator } from './aggregator.ts';
import { AS_PATH, asPathLength, readAsPath, writeAsPath } from './as-path.ts';
import { AS4_AGGREGATOR, AS4_PATH } from './four-octet-rows.ts';
import type { Aggregator, AsPath, AsSegment } from './path-attributes.ts';
import { encodeRawAttributes, findAttribute, type RawAttribute, rawAttributes } from './raw-attributes.ts';

/** Attributes of an old speaker, well-formed, as we keep them (RFC 6793 section 4.2.3). */
export function widen(attributes: readonly RawAttribute[]): RawAttribute[] {
  const octetsOf = (code: number): Uint8Array | null =>
    attributes.find((one) => one.code === code)?.value ?? null;
  const narrowAggregator = octetsOf(AGGREGATOR.code);
  const aggregator = narrowAggregator === null ? null : readAggregator(narrowAggregator, 0, 2);
  // Beside AS4_AGGREGATOR, an aggregator that is not AS_TRANS was made by an old speaker later on, which knows nothing of
  // the AS4 attributes: both are leftovers then. By itself it says nothing against AS4_PATH.
  const told = octetsOf(AS4_AGGREGATOR.code);
  const trusted = told === null || aggregator === null || aggregator.as === AS_TRANS;
  const as4Aggregator = trusted ? told : null;
  const as4Path = trusted ? octetsOf(AS4_PATH.code) : null;

  return attributes.flatMap((attribute) => {
    const { value } = attribute;
    switch (attribute.code) {
      case AS_PATH.code: {
        const path = readAsPath(value, 0, value.length, 2);
        const merged =
          as4Path === null ? path : mergeAsPaths(path, readAsPath(as4Path, 0, as4Path.length, 4));
        return [{ ...attribute, value: writeAsPath(merged, 4) }];
      }
      case AGGREGATOR.code:
        return [{ ...attribute, value: as4Aggregator ?? writeAggregator(readAggregator(value, 0, 2), 4) }];
      case AS4_PATH.code:
      case AS4_AGGREGATOR.code:
        return [];
      default:
        return [attribute];
    }
  });
}

/**
 * The true path: as much of AS_PATH's head as is longer than AS4_PATH, then AS4_PATH. Where AS4_PATH is the longer one
 * it is not to be trusted, and AS_PATH counts alone.
 */
export function mergeAsPaths(path: AsPath, as4Path: AsPath): AsPath {
  let leading = asPathLength(path) - asPathLength(as4Path);
  if (leading < 0 || as4Path.length === 0) return path;
  const head: AsPath = path.flatMap((segment) => {
    if (leading <= 0) return [];
    const taken = segment.type === 'set' ? segment.asNumbers : segment.asNumbers.slice(0, leading);
    leading -= segment.type === 'set' ? 1 : taken.length;
    return [{ type: segment.type, asNumbers: taken }];
  });
  return joinSequences([...head, ...as4Path]);
}

/** Neighbouring sequences are one. */
function joinSequences(path: AsPath): AsPath {
  const joined: AsSegment[] = [];
  for (const segment of path) {
    const last = joined.at(-1);
    if (last?.type === 'sequence' && segment.type === 'sequence') {
      joined[joined.length - 1] = {
        type: 'sequence',
        asNumbers: [...last.asNumbers, ...segment.asNumbers],
      };
    } else joined.push(segment);
  }
  return joined;
}

/** Attributes as we keep them, in the words of an old speaker (RFC 6793 section 4.2.2). */
export function narrow(attributes: Uint8Array): Uint8Array {
  const aggregatorValue = findAttribute(attributes, AGGREGATOR.code);
  const aggregator = aggregatorValue === null ? null : readAggregator(aggregatorValue, 0, 4);
  const extra: RawAttribute[] = [];
  const list = rawAttributes(attributes).map((attribute) => {
    if (attribute.code === AS_PATH.code) {
      const path = readAsPath(attribute.value, 0, attribute.value.length, 4);
      const narrowed = narrowPath(path);
      if (narrowed !== path) extra.push(as4(AS4_PATH.code, attribute.value));
      return { ...attribute, value: writeAsPath(narrowed, 2) };
    }
    if (attribute.code === AGGREGATOR.code && aggregator !== null) {
      if (aggregator.as > 0xffff) extra.push(as4(AS4_AGGREGATOR.code, attribute.value));
      return { ...attribute, value: writeAggregator(narrowAggregator(aggregator), 2) };
    }
    return attribute;
  });
  return encodeRawAttributes([...list, ...extra].sort((one, other) => one.code - other.code));
}

function as4(code: number, value: Uint8Array): RawAttribute {
  return { code, flags: AS4_PATH.flags, value };
}

/** The same object where every number fits. */
function narrowPath(path: AsPath): AsPath {
  if (path.every(({ asNumbers }) => asNumbers.every((as) => as <= 0xffff))) return path;
  return path.map(({ type, asNumbers }) => ({ type, asNumbers: asNumbers.map(narrowAs) }));
}

function narrowAggregator({ as, routerId }: Aggregator): Aggregator {
  return { as: narrowAs(as), routerId };
}

function narrowAs(as: number): number {
  return as > 0xffff ? AS_TRANS : as;
}
