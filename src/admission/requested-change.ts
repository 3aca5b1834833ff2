/** What a request of the API server would change for peering, or nothing; and the name by which that change is let through. */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type AdmittedKind, admittedKind } from '../datastore/kubernetes/admitted-object.ts';
import type { Change } from '../model/change.ts';
import { isJsonObject } from '../model/json.ts';
import type { Problem } from '../model/problem.ts';
import type { Json, JsonObject, Resource, ResourceKey } from '../model/resource.ts';
import type { AdmissionRequest } from './review.ts';

/** On the object itself; its value is the ID of the change that may go through. */
export const OVERRIDE = 'calico-rr.io/allow-loss';

export interface RequestedChange {
  readonly key: ResourceKey;
  /** As the datastore's watch would tell it. */
  readonly change: Change;
  /** Names this change of this object: another value has another ID. Eight hexadecimal digits. */
  readonly id: string;
  /** True where the object says that just this may go through. */
  readonly overridden: boolean;
  /** What the override annotation says, where it is not this change. */
  readonly otherOverride: string | null;
  /** Why the new object cannot be read; it is judged as gone then, as Calico's nodes take it. */
  readonly unreadable: Problem | null;
}

/** @returns null where nothing changes that sessions depend on */
export function requestedChange(request: AdmissionRequest): RequestedChange | null {
  const admitted = admittedKind(request.resource);
  if (admitted === undefined || !isObjectWrite(request)) return null;
  const { kind } = admitted;
  if (kind === 'Node' && request.operation !== 'UPDATE') return null;
  const before = read(admitted, request.oldObject);
  const after = read(admitted, request.object);
  const name = request.name || nameOf(request.object) || nameOf(request.oldObject);
  const key: ResourceKey = `${kind}/${name}`;
  const difference = differenceOf(before, after);
  if (difference === null) return null;
  const change: Change =
    after.resource === undefined ? { op: 'delete', kind, name } : { op: 'put', resource: after.resource };
  const id = idOf([key, request.operation, difference]);
  const override = overrideOf(request.object ?? request.oldObject, after.resource ?? before.resource ?? null);
  return {
    key,
    change,
    id,
    overridden: override === id,
    otherOverride: override === id ? null : override,
    unreadable: after.problem ?? null,
  };
}

/** Writes of the object or its status; not what goes through it to somewhere else (`nodes/proxy`). */
function isObjectWrite({ operation, subResource }: AdmissionRequest): boolean {
  return (
    operation !== 'CONNECT' && (subResource === undefined || subResource === '' || subResource === 'status')
  );
}

interface Read {
  readonly resource?: Resource;
  readonly problem?: Problem;
}

function read(admitted: AdmittedKind, object: JsonObject | null): Read {
  if (object === null) return {};
  const meaning = admitted.decode(object);
  if (meaning === undefined) return {};
  return meaning.op === 'put' ? { resource: meaning.resource } : { problem: meaning.broken.problem };
}

/** What differs in labels and spec, in one order whatever the objects' is; null where nothing does. */
function differenceOf(before: Read, after: Read): Json | null {
  const [one, other] = [before, after].map(({ resource, problem }) =>
    resource === undefined
      ? { state: problem === undefined ? 'absent' : 'unreadable' }
      : { labels: resource.metadata.labels ?? {}, spec: resource.spec },
  );
  if (one === undefined || other === undefined || isDeepStrictEqual(one, other)) return null;
  return { from: changed(one, other), to: changed(other, one) };
}

/** The fields, two levels deep, that are not the same in `other`. */
function changed(one: JsonObject, other: JsonObject): JsonObject {
  const fields: Record<string, Json> = {};
  for (const [field, value] of Object.entries(one)) {
    const counterpart = other[field];
    if (isDeepStrictEqual(value, counterpart)) continue;
    fields[field] =
      isJsonObject(value) && isJsonObject(counterpart)
        ? Object.fromEntries(
            Object.entries(value).filter(([key, inner]) => !isDeepStrictEqual(inner, counterpart[key])),
          )
        : value;
  }
  return fields;
}

function idOf(content: Json): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(content)))
    .digest('hex')
    .slice(0, 8);
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

function overrideOf(object: JsonObject | null, resource: Resource | null): string | null {
  const metadata = isJsonObject(object?.metadata) ? object.metadata : {};
  const annotations = isJsonObject(metadata.annotations) ? metadata.annotations : {};
  const text = annotations[OVERRIDE] ?? resource?.metadata.annotations?.[OVERRIDE];
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
}

function nameOf(object: JsonObject | null): string {
  const metadata = isJsonObject(object?.metadata) ? object.metadata : {};
  return typeof metadata.name === 'string' ? metadata.name : '';
}
