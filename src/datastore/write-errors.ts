/** The refusals that every home gives for the same reasons, in the same words. */
import { CalicoRrError } from '../model/errors.ts';
import { type Kind, keyOf, type Resource } from '../model/resource.ts';
import type { Fault } from './resource-json.ts';

/** @param cause what the home itself said */
export function notFound(kind: Kind, name: string, cause?: Error): CalicoRrError {
  return new CalicoRrError('E_NOT_FOUND', `${kind}/${name} does not exist.`, {
    hint: `"calico-rr get ${kind}" lists what does.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** @param cause what the home itself said */
export function exists(kind: Kind, name: string, cause?: Error): CalicoRrError {
  return new CalicoRrError('E_EXISTS', `${kind}/${name} exists already.`, {
    hint: 'Use apply or replace to change it.',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function conflict(kind: Kind, name: string): CalicoRrError {
  return new CalicoRrError('E_CONFLICT', `${kind}/${name} was changed by somebody else meanwhile.`, {
    hint: 'Read it again, make the change on what is there now, and write that.',
  });
}

export function noVersion(resource: Resource): CalicoRrError {
  return new CalicoRrError(
    'E_INVALID_RESOURCE',
    `${keyOf(resource)} cannot be replaced without metadata.resourceVersion.`,
    { hint: 'Read it first, and change what was read.' },
  );
}

export function readOnly(kind: Kind, why: string): CalicoRrError {
  return new CalicoRrError('E_READ_ONLY', `${kind} cannot be written here: ${why}`);
}

export function invalid(kind: Kind, name: string, fault: Pick<Fault, 'message' | 'hint'>): CalicoRrError {
  return new CalicoRrError('E_INVALID_RESOURCE', `${kind}/${name} is broken: ${fault.message}`, {
    hint: fault.hint ?? 'Write it anew, or delete it.',
  });
}

/** Names are the last part of a key or a file name. @throws E_INVALID_RESOURCE */
export function checkName(resource: Resource): void {
  const { name } = resource.metadata;
  if (name === '' || name.includes('/') || name.length > 253)
    throw new CalicoRrError(
      'E_INVALID_RESOURCE',
      `"${name}" cannot be the name of a ${resource.kind}: a name has 1 to 253 characters and no "/".`,
    );
}
