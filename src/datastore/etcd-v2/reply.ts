/** What etcd's v2 API answers (etcd v2 documentation, "api.md" and "errorcode.md"), as plain data. */
import { isJsonObject } from '../../model/json.ts';
import type { Json } from '../../model/resource.ts';

/** A key, or a directory with all that is below it (where it was asked for recursively). */
export interface V2Node {
  readonly key: string;
  /** Undefined: it is a directory. */
  readonly value: string | undefined;
  readonly modifiedIndex: number;
  readonly nodes: readonly V2Node[];
}

export interface V2Event {
  /** `gone`: deleted or expired, with everything below. `stored`: all else that writes. */
  readonly action: 'stored' | 'gone';
  readonly node: V2Node;
}

/** The error codes that mean something to us. */
export const V2_ERROR = {
  keyNotFound: 100,
  compareFailed: 101,
  notAFile: 102,
  notADirectory: 104,
  keyExists: 105,
  directoryNotEmpty: 108,
  unauthorized: 110,
  eventIndexCleared: 401,
} as const;

/** @returns undefined where `json` is no key or directory */
export function readNode(json: Json | undefined): V2Node | undefined {
  if (!isJsonObject(json)) return undefined;
  const { key, value, dir, modifiedIndex, nodes } = json;
  // The root directory carries neither a key nor an index.
  const name = key ?? '/';
  if (typeof name !== 'string') return undefined;
  const text = dir === true ? undefined : typeof value === 'string' ? value : '';
  const children: V2Node[] = [];
  if (isList(nodes))
    for (const child of nodes) {
      const node = readNode(child);
      if (node !== undefined) children.push(node);
    }
  return {
    key: name,
    value: text,
    modifiedIndex: typeof modifiedIndex === 'number' ? modifiedIndex : 0,
    nodes: children,
  };
}

/** @returns undefined where `json` is no event */
export function readEvent(json: Json | undefined): V2Event | undefined {
  if (!isJsonObject(json)) return undefined;
  const node = readNode(json.node);
  if (node === undefined || typeof json.action !== 'string') return undefined;
  const gone = ['delete', 'expire', 'compareAndDelete'].includes(json.action);
  return { action: gone ? 'gone' : 'stored', node };
}

/** The error code of an answer that is one of etcd's errors. */
export function errorCodeOf(json: Json | undefined): number | undefined {
  return isJsonObject(json) && typeof json.errorCode === 'number' ? json.errorCode : undefined;
}

/** etcd's own words about an error, without the value that may stand in `cause`. */
export function errorWordsOf(json: Json | undefined): string | undefined {
  return isJsonObject(json) && typeof json.message === 'string' ? json.message : undefined;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
