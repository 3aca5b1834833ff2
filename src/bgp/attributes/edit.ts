/**
 * Changes to attributes that stay octets: what a reflector adds (RFC 4456 section 8) and what policy replaces. All that
 * is not changed is copied as it came.
 */
import { readU32, writeU32 } from '../wire.ts';
import {
  encodeRawAttributes,
  forEachAttribute,
  OPTIONAL_NON_TRANSITIVE,
  type RawAttribute,
  rawAttributes,
  sizeOfAttribute,
  writeAttributeHeader,
} from './raw-attributes.ts';
import { ATTRIBUTE } from './table.ts';

/**
 * The attributes as they are reflected: ORIGINATOR_ID added where there is none, our cluster ID in front of
 * CLUSTER_LIST; nothing else is touched (RFC 4456 sections 8 and 10).
 * @param originatorId router ID of the peer that the route came from
 */
export function reflectAttributes(
  attributes: Uint8Array,
  originatorId: number,
  clusterId: number,
): Uint8Array {
  let insertAt = attributes.length;
  let hasOriginator = false;
  let listAt = -1;
  let listStart = -1;
  let listEnd = -1;
  forEachAttribute(attributes, (code, at, start, end) => {
    if (code === ATTRIBUTE.originatorId) {
      hasOriginator = true;
      if (insertAt === attributes.length) insertAt = end;
    } else if (code === ATTRIBUTE.clusterList) {
      listAt = at;
      listStart = start;
      listEnd = end;
      if (insertAt === attributes.length) insertAt = at;
    } else if (code > ATTRIBUTE.originatorId && insertAt === attributes.length) insertAt = at;
    return true;
  });
  const listLength = 4 + (listEnd - listStart);
  const cutOut = listAt < 0 ? 0 : listEnd - listAt;
  const size =
    attributes.length - cutOut + (hasOriginator ? 0 : sizeOfAttribute(4)) + sizeOfAttribute(listLength);

  const reflected = new Uint8Array(size);
  /** Copies what stands before `end` and was not copied yet, but for the old list. */
  let copied = 0;
  let to = 0;
  const copyUntil = (end: number): void => {
    if (end <= copied) return;
    reflected.set(attributes.subarray(copied, end), to);
    to += end - copied;
    copied = end;
  };
  copyUntil(insertAt);
  if (!hasOriginator) {
    to = writeAttributeHeader(reflected, to, OPTIONAL_NON_TRANSITIVE, ATTRIBUTE.originatorId, 4);
    to = writeU32(reflected, to, originatorId);
  }
  to = writeAttributeHeader(reflected, to, OPTIONAL_NON_TRANSITIVE, ATTRIBUTE.clusterList, listLength);
  to = writeU32(reflected, to, clusterId);
  if (listAt >= 0) {
    reflected.set(attributes.subarray(listStart, listEnd), to);
    to += listEnd - listStart;
    // Unless the attributes came in a strange order, the old list begins just here.
    copyUntil(listAt);
    copied = Math.max(copied, listEnd);
  }
  copyUntil(attributes.length);
  return reflected;
}

/** Whether our own cluster ID stands in CLUSTER_LIST: the route has been here (RFC 4456 section 8). */
export function hasClusterId(attributes: Uint8Array, clusterId: number): boolean {
  let found = false;
  forEachAttribute(attributes, (code, _at, start, end) => {
    if (code !== ATTRIBUTE.clusterList) return true;
    for (let at = start; at < end; at += 4) if (readU32(attributes, at) === clusterId) found = true;
    return false;
  });
  return found;
}

/** ORIGINATOR_ID, or null where the route carries none. */
export function originatorIdOf(attributes: Uint8Array): number | null {
  let id: number | null = null;
  forEachAttribute(attributes, (code, _at, start) => {
    if (code !== ATTRIBUTE.originatorId) return true;
    id = readU32(attributes, start);
    return false;
  });
  return id;
}

/** The attributes with those of `put` in the place of any of the same code, and without the codes of `remove`. */
export function editAttributes(
  attributes: Uint8Array,
  put: readonly RawAttribute[],
  remove: readonly number[] = [],
): Uint8Array {
  const gone = new Set([...remove, ...put.map(({ code }) => code)]);
  const list = [...rawAttributes(attributes).filter(({ code }) => !gone.has(code)), ...put];
  return encodeRawAttributes(list.sort((one, other) => one.code - other.code));
}
