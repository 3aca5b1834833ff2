/** What reading a resource's keys comes to. */

import { parseAsNumber } from '../../model/as-number.ts';
import type { Broken } from '../../model/change.ts';
import type { Problem } from '../../model/problem.ts';
import { type Json, type JsonObject, KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { versionOfKeys } from '../resource-version.ts';
import type { Leaf } from './tree.ts';

export type Read =
  | { readonly is: 'resource'; readonly resource: Resource; readonly warnings: readonly Problem[] }
  | { readonly is: 'broken'; readonly broken: Broken };

export function whole(
  kind: Kind,
  name: string,
  spec: JsonObject,
  leaves: Iterable<Leaf>,
  warnings: readonly Problem[] = [],
): Read {
  const resourceVersion = versionOfKeys([...leaves].map((leaf) => leaf.modifiedIndex));
  return {
    is: 'resource',
    resource: { apiVersion: KINDS[kind], kind, metadata: { name, resourceVersion }, spec },
    warnings,
  };
}

export function broken(
  kind: Kind,
  name: string,
  key: string,
  fault: Omit<Problem, 'subject' | 'severity'>,
): Read {
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

/** A JSON number where the text is an AS number, as Calico v3 writes it; else the text as it stands. */
export function asNumberOf(value: Json): Json {
  return parseAsNumber(value) ?? value;
}
