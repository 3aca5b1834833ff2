/** One etcd v3 key and its value -> a resource, or what is wrong with it. Reflector entries are read elsewhere. */
import { parsePrefix } from '../../model/address.ts';
import type { Broken } from '../../model/change.ts';
import { messageOf } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import { type Json, KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { type Fault, readResource } from '../resource-json.ts';
import type { ParsedKey } from './keys.ts';
import type { KeyValue } from './range-message.ts';

export type Decoded =
  | { readonly is: 'resource'; readonly resource: Resource; readonly warning?: Problem }
  | { readonly is: 'broken'; readonly broken: Broken };

export type SimpleKey = Exclude<ParsedKey, { is: 'entry' }>;

/** The name under which a key's resource is known, whatever its value. */
export function nameOfKey(parsed: SimpleKey): { readonly kind: Kind; readonly name: string } {
  if (parsed.is === 'document') return { kind: parsed.kind, name: parsed.name };
  return { kind: 'BlockAffinity', name: `${parsed.node}-${parsed.block.replaceAll(/[.:]/g, '-')}` };
}

export function decode(parsed: SimpleKey, kv: KeyValue): Decoded {
  const { kind, name } = nameOfKey(parsed);
  return parsed.is === 'document' ? decodeDocument(kind, name, kv) : decodeAffinity(parsed, name, kv);
}

function decodeDocument(kind: Kind, name: string, kv: KeyValue): Decoded {
  const parsed = parseJson(kv.value);
  if (!parsed.ok) return broken(kind, name, kv.key, { code: 'bad-json', message: parsed.message });
  const read = readResource(kind, name, parsed.json, kv.modRevision);
  if (!read.ok) return broken(kind, name, kv.key, read.fault);
  const inside = nameInside(parsed.json);
  if (inside === undefined || inside === name) return { is: 'resource', resource: read.resource };
  return {
    is: 'resource',
    resource: read.resource,
    warning: {
      code: 'key-mismatch',
      severity: 'warning',
      subject: kv.key,
      message: `The value calls itself "${inside}"; the key's name, "${name}", counts.`,
      hint: 'Write the resource again through calico-rr or calicoctl.',
    },
  };
}

/**
 * Only the key matters to BGP: node and block come from it. The value says at most that the claim is not (or no
 * longer) confirmed; older clients wrote nothing or `{}` for a confirmed one.
 */
function decodeAffinity(parsed: Extract<ParsedKey, { is: 'affinity' }>, name: string, kv: KeyValue): Decoded {
  const cidr = parsePrefix(parsed.block.replace(/-(\d+)$/, '/$1'));
  if (cidr === undefined)
    return broken('BlockAffinity', name, kv.key, {
      code: 'bad-prefix',
      message: `"${parsed.block}" is no block: the key ends in ADDRESS-LENGTH.`,
    });
  const value = parseJson(kv.value === '' ? '{}' : kv.value);
  const fields = value.ok && isJsonObject(value.json) ? value.json : {};
  const state = typeof fields.state === 'string' ? fields.state : 'confirmed';
  const resource: Resource = {
    apiVersion: KINDS.BlockAffinity,
    kind: 'BlockAffinity',
    metadata: { name, resourceVersion: kv.modRevision },
    spec: { node: parsed.node, cidr, state, deleted: fields.deleted === true },
  };
  return { is: 'resource', resource };
}

function broken(kind: Kind, name: string, key: string, fault: Fault): Decoded {
  return {
    is: 'broken',
    broken: {
      kind,
      name,
      problem: {
        ...fault,
        severity: 'error',
        subject: `${kind}/${name}`,
        message: `${key}: ${fault.message}`,
      },
    },
  };
}

/** V8 quotes the text in its message, which may hold a secret; only the position is kept. */
function parseJson(text: string): { ok: true; json: Json } | { ok: false; message: string } {
  if (text === '') return { ok: false, message: 'The value is empty, not JSON.' };
  try {
    const json: Json = JSON.parse(text);
    return { ok: true, json };
  } catch (error) {
    const position = /position (\d+)/.exec(messageOf(error))?.[1];
    const where =
      position === undefined
        ? `ends too early, after ${text.length} characters`
        : `fails at character ${position}`;
    return { ok: false, message: `The value is no JSON: it ${where}.` };
  }
}

function nameInside(document: Json): string | undefined {
  if (!isJsonObject(document) || !isJsonObject(document.metadata)) return undefined;
  return typeof document.metadata.name === 'string' ? document.metadata.name : undefined;
}
