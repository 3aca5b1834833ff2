/** The Status objects with which an API server refuses, in its own words (kube-apiserver 1.26). */
import type { Json, JsonObject } from '../../../src/model/resource.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** Thrown while a request is handled; becomes the answer. */
export class Refused extends Error {
  readonly code: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isJson: boolean;

  constructor(code: number, body: JsonObject | string, headers: Readonly<Record<string, string>> = {}) {
    super(`${code}`);
    this.code = code;
    this.body = typeof body === 'string' ? body : JSON.stringify(body);
    this.isJson = typeof body !== 'string';
    this.headers = headers;
  }
}

export interface Target {
  readonly name?: string;
  readonly group: string;
  /** The plural, or the Kind where the server says so. */
  readonly kind: string;
}

function details({ name, group, kind }: Target, more: JsonObject = {}): JsonObject {
  return { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind, ...more };
}

/** `bgppeers.crd.projectcalico.org`. */
export function qualified({ group, kind }: Target): string {
  return group === '' ? kind : `${kind}.${group}`;
}

export function failure(
  code: number,
  reason: string | undefined,
  message: string,
  more: { readonly details?: Json; readonly metadata?: JsonObject } = {},
): Refused {
  return new Refused(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: more.metadata ?? {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(more.details === undefined ? {} : { details: more.details }),
    code,
  });
}

export const notFound = (target: Target): Refused =>
  failure(404, 'NotFound', `${qualified(target)} "${target.name}" not found`, { details: details(target) });

export const unknownPath = (): Refused => new Refused(404, '404 page not found\n');

export const alreadyExists = (target: Target): Refused =>
  failure(409, 'AlreadyExists', `${qualified(target)} "${target.name}" already exists`, {
    details: details(target),
  });

export const conflict = (target: Target): Refused =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(target)} "${target.name}": the object has been modified; please apply your changes to the latest version and try again`,
    { details: details(target) },
  );

export const precondition = (target: Target, wanted: string, stored: string): Refused =>
  failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(target)} "${target.name}": the ResourceVersion in the precondition (${wanted}) does not match the ResourceVersion in record (${stored}). The object might have been modified`,
    { details: details(target) },
  );

export function invalid(target: Target, causes: readonly Cause[]): Refused {
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const [only] = lines;
  const text = lines.length === 1 ? only : `[${lines.join(', ')}]`;
  return failure(422, 'Invalid', `${qualified(target)} "${target.name ?? ''}" is invalid: ${text}`, {
    details: details(target, { causes: causes.map((cause) => ({ ...cause })) }),
  });
}

export const badRequest = (message: string): Refused => failure(400, 'BadRequest', message);

export const badPatch = (): Refused =>
  failure(422, 'Invalid', 'the server rejected our request due to an error in our request', { details: {} });

export const unsupportedPatch = (accepted: string): Refused =>
  failure(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  );

export const unauthorized = (): Refused => failure(401, 'Unauthorized', 'Unauthorized');

export const forbidden = (
  target: Target,
  user: string,
  verb: string,
  resource: string,
  where: string,
): Refused =>
  failure(
    403,
    'Forbidden',
    `${qualified(target)} ${target.name === undefined ? '' : `"${target.name}" `}is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${target.group}" ${where}`,
    { details: details(target) },
  );

export const tooManyRequests = (seconds: number): Refused =>
  new Refused(429, 'Too many requests, please try again later.\n', { 'retry-after': String(seconds) });

export const expired = (message: string, metadata: JsonObject = {}): Refused =>
  failure(410, 'Expired', message, { metadata });

export const tooLarge = (asked: number, current: number): Refused =>
  failure(504, 'Timeout', `Timeout: Too large resource version: ${asked}, current: ${current}`, {
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });

/** What a write gets from a server whose etcd does not answer. */
export const stalled = (): Refused =>
  failure(
    504,
    'Timeout',
    'Timeout: request did not complete within requested timeout - context deadline exceeded',
    { details: {} },
  );
