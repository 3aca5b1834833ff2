/**
 * Attributes from octets to values and back. Routes themselves keep the octets (update.ts); values are read once for
 * each distinct set, for the decision process and for people.
 */
import { NO_ATTRIBUTES, type PathAttributes } from './path-attributes.ts';
import { encodeRawAttributes, FLAG, forEachAttribute, type RawAttribute } from './raw-attributes.ts';
import type { AttributesDraft } from './row.ts';
import { ATTRIBUTE_ROWS, attributeRow } from './table.ts';

/** Reads octets that came out of `decodeUpdate` or `encodeAttributes`. Bytes that did not are not checked here. */
export function decodeAttributes(bytes: Uint8Array): PathAttributes {
  const draft: AttributesDraft = { ...NO_ATTRIBUTES };
  const unknown: RawAttribute[] = [];
  const partial: number[] = [];
  forEachAttribute(bytes, (code, at, start, end) => {
    const row = attributeRow(code);
    const flags = bytes[at] ?? 0;
    if (row === undefined) unknown.push({ code, flags, value: bytes.slice(start, end) });
    else {
      row.read(bytes, start, end, draft);
      if ((flags & FLAG.partial) !== 0) partial.push(code);
    }
    return true;
  });
  if (unknown.length > 0) draft.unknown = unknown;
  if (partial.length > 0) draft.partial = partial;
  return draft;
}

/** The octets of a set of attributes, in the order of their codes (RFC 4271 section 5). */
export function encodeAttributes(attributes: PathAttributes): Uint8Array {
  const list: RawAttribute[] = [...attributes.unknown];
  for (const row of ATTRIBUTE_ROWS) {
    const value = row.write(attributes);
    if (value === null) continue;
    const flags = attributes.partial.includes(row.code) ? row.flags | FLAG.partial : row.flags;
    list.push({ code: row.code, flags, value });
  }
  list.sort((one, other) => one.code - other.code);
  return encodeRawAttributes(list);
}
