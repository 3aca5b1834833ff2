/** The patches that an API server takes: JSON merge (RFC 7386), JSON (RFC 6902), and strategic merge. */
import { isJsonObject } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';
import { badPatch } from './refusals.ts';

export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const merged: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** Lists of the core Node whose elements are merged by a key; all others are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  'status.conditions': 'type',
  'status.addresses': 'type',
};

export function strategicPatch(target: Json | undefined, patch: Json, path = ''): Json {
  if (isJsonObject(patch)) {
    const merged: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) delete merged[key];
      else merged[key] = strategicPatch(merged[key], value, path === '' ? key : `${path}.${key}`);
    }
    return merged;
  }
  const mergeKey = MERGE_KEYS[path];
  if (!Array.isArray(patch) || mergeKey === undefined || !Array.isArray(target)) return patch;
  const result: Json[] = [...target];
  for (const element of patch) {
    const at = result.findIndex(
      (one) => isJsonObject(one) && isJsonObject(element) && one[mergeKey] === element[mergeKey],
    );
    if (at < 0) result.push(element);
    else result[at] = mergePatch(result[at], element);
  }
  return result;
}

/** @throws a 422 where an operation cannot be done */
export function jsonPatch(target: JsonObject, operations: Json): JsonObject {
  if (!Array.isArray(operations)) throw badPatch();
  let document: Json = structuredClone(target);
  for (const operation of operations) {
    if (!isJsonObject(operation) || typeof operation.path !== 'string') throw badPatch();
    const { op, path, value = null } = operation;
    const from = typeof operation.from === 'string' ? operation.from : '';
    const found = at(document, path);
    switch (op) {
      case 'test':
        if (JSON.stringify(found) !== JSON.stringify(value)) throw badPatch();
        break;
      case 'remove':
        if (found === undefined) throw badPatch();
        document = set(document, parts(path), undefined);
        break;
      case 'replace':
        if (found === undefined) throw badPatch();
        document = set(document, parts(path), value);
        break;
      case 'add':
        document = set(document, parts(path), value, true);
        break;
      case 'copy':
      case 'move': {
        const moved = at(document, from);
        if (moved === undefined) throw badPatch();
        if (op === 'move') document = set(document, parts(from), undefined);
        document = set(document, parts(path), moved, true);
        break;
      }
      default:
        throw badPatch();
    }
  }
  if (!isJsonObject(document)) throw badPatch();
  return document;
}

function parts(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function at(document: Json, path: string): Json | undefined {
  let value: Json | undefined = document;
  for (const part of parts(path)) {
    if (Array.isArray(value)) value = value[Number(part)];
    else value = isJsonObject(value) ? value[part] : undefined;
  }
  return value;
}

function set(
  document: Json,
  [part, ...rest]: readonly string[],
  value: Json | undefined,
  insert = false,
): Json {
  if (part === undefined) return value ?? null;
  if (Array.isArray(document)) {
    const list: Json[] = [...document];
    const index = part === '-' ? list.length : Number(part);
    if (rest.length > 0) list[index] = set(list[index] ?? null, rest, value, insert);
    else if (value === undefined) list.splice(index, 1);
    else list.splice(index, insert ? 0 : 1, value);
    return list;
  }
  if (!isJsonObject(document)) throw badPatch();
  const object: Record<string, Json> = { ...document };
  if (rest.length > 0) {
    if (!(part in object)) throw badPatch();
    object[part] = set(object[part] ?? null, rest, value, insert);
  } else if (value === undefined) delete object[part];
  else object[part] = value;
  return object;
}
