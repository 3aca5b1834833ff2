/**
 * The three kinds of patch, each as its name says: JSON merge patch (RFC 7386), JSON patch (RFC 6902), and the
 * strategic merge patch of Kubernetes. For custom resources and for Calico a strategic patch has no merge keys, so
 * lists are replaced; its directives ($patch, $retainKeys, $deleteFromPrimitiveList) mean what they mean there.
 */
import { isDeepStrictEqual } from 'node:util';
import { apply } from 'json-p3';
import { parseDocument } from 'yaml';
import { mergePatch } from '../../datastore/resource-json.ts';
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Json, JsonObject } from '../../model/resource.ts';

export type PatchType = 'strategic' | 'merge' | 'json';

/** A document as a patch leaves it. @throws E_INVALID_RESOURCE where a JSON patch does not fit it */
export type Patch = (document: JsonObject) => Json;

/** @throws E_USAGE for another word */
export function readPatchType(word: string | undefined): PatchType {
  if (word === undefined || word === 'strategic') return 'strategic';
  if (word === 'merge' || word === 'json') return word;
  throw new CalicoRrError('E_USAGE', `there is no patch type "${word}"`, {
    hint: 'There are strategic, merge and json.',
  });
}

/**
 * @param text JSON, or YAML
 * @throws E_USAGE where it is no patch of that type
 */
export function readPatch(text: string, type: PatchType): Patch {
  const value = parsePatch(text);
  if (type === 'json') {
    if (!isList(value)) throw wrong('a JSON patch is a list of operations', `-p '[{"op": "add", ...}]'`);
    return jsonPatch(value);
  }
  if (!isJsonObject(value))
    throw wrong(`a ${type} patch is an object`, `-p '{"spec": {"nodeToNodeMeshEnabled": false}}'`);
  return type === 'merge'
    ? (document) => mergePatch(document, value)
    : (document) => strategic(document, value);
}

function parsePatch(text: string): Json {
  const document = parseDocument(text, { prettyErrors: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw wrong(`it is neither JSON nor YAML: ${fault.message.trimEnd()}`);
  const value: Json = document.toJS();
  return value;
}

function jsonPatch(operations: readonly Json[]): Patch {
  return (document) => {
    try {
      // The library changes what it is given.
      const copies: Parameters<typeof apply> = JSON.parse(JSON.stringify([operations, document]));
      const patched: Json = JSON.parse(JSON.stringify(apply(...copies)));
      return patched;
    } catch (error) {
      throw new CalicoRrError('E_INVALID_RESOURCE', `the JSON patch does not fit: ${messageOf(error)}`, {
        hint: 'Paths begin at the whole resource: /spec/peerIP, /metadata/labels/rack. Look with get -o json.',
        cause: error,
      });
    }
  };
}

/** Strategic merge of types without merge keys (kubernetes/apimachinery, strategicpatch). */
function strategic(target: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') return {};
  const before = directive !== 'replace' && isJsonObject(target) ? target : {};
  const merged: Record<string, Json> = { ...before };
  if (isList(retained))
    for (const key of Object.keys(merged)) if (!retained.includes(key)) delete merged[key];
  for (const [key, value] of Object.entries(fields)) {
    const [, list] = /^\$deleteFromPrimitiveList\/(.+)$/.exec(key) ?? [];
    if (list !== undefined) {
      const present = merged[list];
      if (isList(present) && isList(value))
        merged[list] = present.filter((item) => !value.some((gone) => isDeepStrictEqual(gone, item)));
    } else if (key.startsWith('$setElementOrder/')) continue;
    else if (value === null || (isJsonObject(value) && value.$patch === 'delete')) delete merged[key];
    else merged[key] = strategic(merged[key], value);
  }
  return merged;
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function wrong(why: string, hint = 'Write it in single quotes, so that the shell leaves it as it is.') {
  return new CalicoRrError('E_USAGE', `the patch cannot be used: ${why}`, { hint });
}
