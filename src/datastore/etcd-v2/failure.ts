/**
 * What a failed etcd v2 request means: ask another member, or tell the caller. undici hands out Node's and
 * OpenSSL's error codes; which of them speak of certificates is decided here.
 */
import { CalicoRrError, messageOf } from '../../model/errors.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import { tlsTrouble, tlsWords } from '../tls-probe.ts';

/** One member that gave no answer, and why. */
export interface NoAnswer {
  readonly endpoint: string;
  readonly reason: string;
  /** The reason is its certificate or ours. */
  readonly tls: boolean;
  /** It is sure that the request never reached it, so that a write may be sent to another. */
  readonly unsent: boolean;
  readonly cause: unknown;
}

const UNSENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const CERTIFICATE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO)/;

/** Why a member gave no answer. */
export async function explain(endpoint: string, tls: EtcdSettings['tls'], cause: unknown): Promise<NoAnswer> {
  const code = codeOf(cause);
  const unsent = UNSENT.has(code);
  const found = { endpoint, cause };
  if (CERTIFICATE.test(code)) return { ...found, reason: plainWords(cause, code), tls: true, unsent: true };
  // A server that refuses our certificate may only be heard closing the connection: ask TLS itself.
  if (
    endpoint.startsWith('https:') &&
    (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET')
  ) {
    const trouble = await tlsTrouble(endpoint, tls);
    if (trouble !== undefined) return { ...found, reason: trouble, tls: true, unsent: true };
  }
  return { ...found, reason: plainWords(cause, code), tls: false, unsent };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return codeOf(error.cause);
}

function plainWords(error: unknown, code: string): string {
  const words: Record<string, string> = {
    ECONNREFUSED: 'nobody listens there',
    UND_ERR_CONNECT_TIMEOUT: 'it takes no connection',
    UND_ERR_HEADERS_TIMEOUT: 'it took the request and said nothing',
    UND_ERR_BODY_TIMEOUT: 'it stopped in the middle of its answer',
    UND_ERR_SOCKET: 'it closed the connection',
    ECONNRESET: 'it closed the connection',
  };
  const known = Object.hasOwn(words, code) ? words[code] : undefined;
  if (known !== undefined) return known;
  return tlsWords(messageOf(error));
}

/** All members were tried. One that answered with a TLS error explains more than one that is only away. */
export function noAnswer(tried: readonly NoAnswer[]): CalicoRrError {
  const wrong = tried.filter((one) => one.tls);
  const say = (ones: readonly NoAnswer[]): string =>
    ones.map((one) => `${one.endpoint} (${one.reason})`).join(', ');
  if (wrong.length > 0)
    return new CalicoRrError('E_DATASTORE_TLS', `No TLS session with etcd at ${say(wrong)}.`, {
      hint: 'Check ETCD_CA_CERT_FILE (who signed the server), ETCD_CERT_FILE and ETCD_KEY_FILE (who we are), and that the endpoint serves https.',
      cause: wrong[0]?.cause,
    });
  return new CalicoRrError('E_DATASTORE_UNREACHABLE', `etcd gives no answer at ${say(tried)}.`, {
    hint: 'Check that etcd runs and has a leader, that the network lets us through, and the addresses in ETCD_ENDPOINTS.',
    cause: tried[0]?.cause,
  });
}

/** A write went out and no answer came: sending it again could do it twice. */
export function unknownOutcome(key: string, failure: NoAnswer): CalicoRrError {
  return new CalicoRrError(
    'E_DATASTORE_UNREACHABLE',
    `etcd at ${failure.endpoint} gave no answer to the write of ${key} (${failure.reason}); it may have been done.`,
    {
      hint: 'Read the resource to see what is stored, and write again where it is missing.',
      cause: failure.cause,
    },
  );
}

export function authRefused(endpoint: string, username: string | undefined, words: string): CalicoRrError {
  const who = username === undefined ? 'a client without a user' : `the user "${username}"`;
  return new CalicoRrError('E_DATASTORE_AUTH', `etcd at ${endpoint} does not let in ${who}: ${words}.`, {
    hint:
      username === undefined
        ? 'Set ETCD_USERNAME and ETCD_PASSWORD_FILE.'
        : 'Check ETCD_USERNAME, ETCD_PASSWORD or ETCD_PASSWORD_FILE, and that the role may read and write /calico/*.',
  });
}

/** The server speaks HTTP, but has no v2 keys. */
export class NoV2ApiError extends CalicoRrError {
  constructor(endpoint: string) {
    super('E_DATASTORE_REPLY', `etcd at ${endpoint} does not serve the v2 API.`, {
      hint: 'Set DATASTORE_TYPE=etcdv3, or start etcd 3.4 with --enable-v2=true; later versions have no v2 API.',
    });
  }
}

export function unexpectedReply(endpoint: string, what: string): CalicoRrError {
  return new CalicoRrError(
    'E_DATASTORE_REPLY',
    `etcd at ${endpoint} gave an answer that cannot be used: ${what}.`,
    {
      hint: 'Check that the endpoint is an etcd client URL and no proxy that answers in its place.',
    },
  );
}
