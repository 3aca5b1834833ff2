/**
 * What an API server refuses with (Kubernetes API conventions, "Response Status Kind"), and the errors that people
 * see. A refusal is told apart by its HTTP code and reason: AlreadyExists and Conflict share the code 409.
 */
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import { isJsonObject, parseJson } from '../../model/json.ts';

/** A `Status` with status Failure, in an answer or in an ERROR event of a watch. */
export class ApiRefusal extends Error {
  readonly code: number;
  /** `NotFound`, `Expired`, ...; empty where the body is no Status. */
  readonly reason: string;
  readonly causes: readonly string[];
  /** What the server asks to wait; undefined where it does not say. */
  readonly retryAfterMs: number | undefined;
  /** False: plain text, as an unknown resource or group is answered. */
  readonly isStatus: boolean;

  constructor(code: number, body: string, retryAfter?: string) {
    const status = parseJson(body);
    const isStatus = isJsonObject(status) && status.kind === 'Status';
    const details = isStatus && isJsonObject(status.details) ? status.details : {};
    super(isStatus && typeof status.message === 'string' ? status.message : firstLine(body));
    this.name = 'ApiRefusal';
    this.code = isStatus && typeof status.code === 'number' ? status.code : code;
    this.reason = isStatus && typeof status.reason === 'string' ? status.reason : '';
    this.causes = (Array.isArray(details.causes) ? details.causes : [])
      .filter((cause) => isJsonObject(cause))
      .map((cause) => (typeof cause.reason === 'string' ? cause.reason : ''));
    const seconds =
      Number(retryAfter) || (typeof details.retryAfterSeconds === 'number' ? details.retryAfterSeconds : 0);
    this.retryAfterMs = seconds > 0 ? seconds * 1000 : undefined;
    this.isStatus = isStatus;
  }

  /** The history that was asked for is forgotten. */
  get isExpired(): boolean {
    return this.code === 410;
  }

  /** The server has not come so far, or its history was set back. */
  get isFromTheFuture(): boolean {
    return (
      this.causes.includes('ResourceVersionTooLarge') || /too large resource version/i.test(this.message)
    );
  }
}

/** What was asked, in the words of an RBAC rule. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  /** Plural, with the subresource: `nodes/status`. */
  readonly resource: string;
}

/**
 * The rule to add to the role, in one line of YAML.
 * @param names of the only objects that are asked for; absent: of all
 */
export function rbacRule(
  { group, resource }: Permission,
  verbs: readonly string[],
  names: readonly string[] = [],
): string {
  const list = (texts: readonly string[]): string => `[${texts.map((text) => `"${text}"`).join(', ')}]`;
  const only = names.length === 0 ? '' : `, resourceNames: ${list(names)}`;
  return `{apiGroups: ["${group}"], resources: ["${resource}"]${only}, verbs: ${list(verbs)}}`;
}

/** How API servers begin the refusal of an admission webhook and of a ValidatingAdmissionPolicy, of whatever code. */
const DENIED_BY_ADMISSION =
  /^admission webhook ".*" denied the request|ValidatingAdmissionPolicy '.*' with binding '.*' denied request/;

/** @param location the server, for a person */
export function toError(error: unknown, location: string, permission: Permission): CalicoRrError {
  if (error instanceof CalicoRrError) return error;
  const what = `${permission.verb} of ${permission.resource}`;
  if (error instanceof ApiRefusal) {
    const details = { cause: error };
    if (DENIED_BY_ADMISSION.test(error.message)) {
      return new CalicoRrError('E_DATASTORE_DENIED', `${location} refuses the ${what}: ${error.message}`, {
        ...details,
        hint: 'No permission is lacking: a webhook or a policy of the cluster says no, for the reason that it gives.',
      });
    }
    if (error.code === 401) {
      return new CalicoRrError('E_DATASTORE_AUTH', `${location} does not know us (401): ${error.message}`, {
        ...details,
        hint: 'The token or the client certificate is wrong, expired or of another cluster.',
      });
    }
    if (error.code === 403) {
      return new CalicoRrError('E_DATASTORE_AUTH', `${location} does not allow it: ${error.message}`, {
        ...details,
        hint: `Add this rule to the role of that user: ${rbacRule(permission, [permission.verb])}`,
      });
    }
    if (error.code === 429 || error.code === 503 || error.code === 504) {
      return new CalicoRrError(
        'E_DATASTORE_UNREACHABLE',
        `${location} cannot do the ${what} now (${error.code}): ${error.message}`,
        { ...details, hint: 'The API server or its etcd is overloaded or stalled; try again.' },
      );
    }
    if (error.code === 400 || error.code === 415 || error.code === 422) {
      return new CalicoRrError(
        'E_INVALID_RESOURCE',
        `${location} refuses the ${what}: ${error.message}`,
        details,
      );
    }
    return new CalicoRrError(
      'E_DATASTORE_REPLY',
      `${location} answers the ${what} with ${error.code}: ${error.message}`,
      details,
    );
  }
  return fromTransport(error, location);
}

const TLS_FAULT =
  /^(CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** No answer: the connection, the name, or the certificate. */
function fromTransport(error: unknown, location: string): CalicoRrError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (TLS_FAULT.test(code)) {
    return new CalicoRrError('E_DATASTORE_TLS', `${location} is not trusted: ${messageOf(error)}`, {
      cause: error,
      hint: 'Check the certificate authority, the client certificate and the name in the kubeconfig.',
    });
  }
  return new CalicoRrError(
    'E_DATASTORE_UNREACHABLE',
    `${location} does not answer: ${messageOf(error) || code}`,
    {
      cause: error,
      hint: 'Check that the API server runs and can be reached from here.',
    },
  );
}

function firstLine(body: string): string {
  return body.trim().split('\n')[0]?.slice(0, 200) || 'no reason given';
}
