/**
 * What a failed etcd v3 request means: try another member, get a new token, or tell the caller. etcd's own words
 * are in its api/v3rpc/rpctypes; gRPC says with UNAVAILABLE both "nobody listens" and "the certificate is wrong",
 * so a failed https endpoint is asked once more, below gRPC, for what its TLS has to say.
 */
import { type ServiceError, status } from '@grpc/grpc-js';
import { CalicoRrError, messageOf } from '../../model/errors.ts';

export type Verdict = 'elsewhere' | 'new-token' | 'refused' | 'compacted' | 'reply';

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/** What to do about a failure of one member. */
export function judge(error: unknown): Verdict {
  if (!isServiceError(error)) return 'elsewhere';
  const words = error.details;
  switch (error.code) {
    case status.UNAUTHENTICATED:
      return 'new-token';
    case status.PERMISSION_DENIED:
      return 'refused';
    case status.INVALID_ARGUMENT:
      if (words.includes('revision of auth store is old')) return 'new-token';
      return /user name is empty|authentication failed/.test(words) ? 'refused' : 'reply';
    case status.OUT_OF_RANGE:
      return words.includes('compacted') ? 'compacted' : 'reply';
    case status.FAILED_PRECONDITION:
    case status.NOT_FOUND:
    case status.ALREADY_EXISTS:
    case status.UNIMPLEMENTED:
    case status.RESOURCE_EXHAUSTED:
      return 'reply';
    default:
      return 'elsewhere';
  }
}

/** The words of a failure, without gRPC's number in front. */
export function wordsOf(error: unknown): string {
  return isServiceError(error) ? error.details : messageOf(error);
}

export function authRefused(endpoint: string, username: string | undefined, cause: unknown): CalicoRrError {
  const who = username === undefined ? 'a client without a user' : `the user "${username}"`;
  return new CalicoRrError(
    'E_DATASTORE_AUTH',
    `etcd at ${endpoint} does not let in ${who}: ${wordsOf(cause)}.`,
    {
      hint:
        username === undefined
          ? 'Set ETCD_USERNAME and ETCD_PASSWORD_FILE.'
          : 'Check ETCD_USERNAME, ETCD_PASSWORD or ETCD_PASSWORD_FILE, and that the role may read and write /calico/.',
      cause,
    },
  );
}

export function unexpectedReply(endpoint: string, cause: unknown): CalicoRrError {
  const full = wordsOf(cause).includes('space exceeded');
  return new CalicoRrError('E_DATASTORE_REPLY', `etcd at ${endpoint} refused a request: ${wordsOf(cause)}.`, {
    hint: full
      ? 'Compact and defragment etcd, then disarm its NOSPACE alarm (etcdctl alarm disarm).'
      : 'Check that this is etcd 3.4 or newer and that its v3 API is on.',
    cause,
  });
}

/** One endpoint that gave no answer, and why. `tls` where the reason is its or our certificate. */
export interface NoAnswer {
  readonly endpoint: string;
  readonly reason: string;
  readonly tls: boolean;
}

/** All endpoints were tried. One that answered with a TLS error explains more than one that is only away. */
export function noAnswer(tried: readonly NoAnswer[]): CalicoRrError {
  const wrong = tried.filter((one) => one.tls);
  const say = (ones: readonly NoAnswer[]): string =>
    ones.map((one) => `${one.endpoint} (${one.reason})`).join(', ');
  if (wrong.length > 0)
    return new CalicoRrError('E_DATASTORE_TLS', `No TLS session with etcd at ${say(wrong)}.`, {
      hint: 'Check ETCD_CA_CERT_FILE (who signed the server), ETCD_CERT_FILE and ETCD_KEY_FILE (who we are), and that the endpoint serves https.',
    });
  return new CalicoRrError('E_DATASTORE_UNREACHABLE', `etcd gives no answer at ${say(tried)}.`, {
    hint: 'Check that etcd runs and has a leader, that the network lets us through, and the addresses in ETCD_ENDPOINTS.',
  });
}
