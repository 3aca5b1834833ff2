/** AdmissionReview, admission.k8s.io/v1: what an API server asks a webhook, and the answer. */
import { z } from 'zod';
import { isJsonObject, parseJson } from '../model/json.ts';
import type { Json, JsonObject } from '../model/resource.ts';

const API_VERSION = 'admission.k8s.io/v1';

const shape = z.object({
  uid: z.string().min(1),
  resource: z.object({ group: z.string(), version: z.string(), resource: z.string() }),
  subResource: z.string().optional(),
  name: z.string().default(''),
  operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
  userInfo: z.object({ username: z.string().default('') }).default({ username: '' }),
  dryRun: z.boolean().nullish(),
});

type Shape = z.infer<typeof shape>;

export interface AdmissionRequest extends Omit<Shape, 'dryRun'> {
  readonly dryRun: boolean;
  /** Null for a deletion. */
  readonly object: JsonObject | null;
  /** Null for a creation. */
  readonly oldObject: JsonObject | null;
}

export interface AdmissionAnswer {
  readonly allowed: boolean;
  /** Why it is denied. */
  readonly message?: string;
  /** Told to whoever made the change, whether it is allowed or not. */
  readonly warnings?: readonly string[];
  /** Into the API server's audit log. */
  readonly audit?: Readonly<Record<string, string>>;
}

/** The API server lets clients see about this much of one warning, and of all together. */
const WARNING_BYTES = 250;
const WARNINGS_TOLD = 8;

/** @returns what is wrong with it, for whoever set the webhook up, where it is none */
export function parseReview(text: string): AdmissionRequest | string {
  const review: Json | undefined = parseJson(text);
  if (!isJsonObject(review) || review.kind !== 'AdmissionReview') return 'the body is no AdmissionReview';
  if (review.apiVersion !== API_VERSION) {
    return `the AdmissionReview is of ${String(review.apiVersion)}; admissionReviewVersions must list v1`;
  }
  const { request } = review;
  const found = shape.safeParse(request);
  if (!found.success || !isJsonObject(request)) {
    return `the AdmissionReview's request is not as it should be: ${found.error?.issues[0]?.path.join('.') ?? 'none'}`;
  }
  return {
    ...found.data,
    dryRun: found.data.dryRun === true,
    object: isJsonObject(request.object) ? request.object : null,
    oldObject: isJsonObject(request.oldObject) ? request.oldObject : null,
  };
}

export function reviewOf({ uid }: Pick<AdmissionRequest, 'uid'>, answer: AdmissionAnswer): JsonObject {
  const { allowed, message, warnings = [], audit } = answer;
  return {
    apiVersion: API_VERSION,
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed,
      ...(message === undefined ? {} : { status: { code: 403, reason: 'Forbidden', message } }),
      ...(warnings.length === 0 ? {} : { warnings: shortened(warnings) }),
      ...(audit === undefined ? {} : { auditAnnotations: { ...audit } }),
    },
  };
}

function shortened(warnings: readonly string[]): string[] {
  const told = warnings.slice(0, WARNINGS_TOLD).map((text) => {
    const line = text.replaceAll(/\s+/g, ' ');
    return line.length <= WARNING_BYTES ? line : `${line.slice(0, WARNING_BYTES - 1)}…`;
  });
  const more = warnings.length - told.length;
  return more > 0 ? [...told, `and ${more} more`] : told;
}
