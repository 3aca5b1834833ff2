/** The other end of the control socket and of `--control`, for the verbs that ask a running agent. */
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { createInterface } from 'node:readline';
import { CalicoRrError, ERROR_EXIT_CODES, type ErrorCode, messageOf } from '../model/errors.ts';

/** Where an agent can be asked: on its socket, or over the network. */
export type ControlTarget =
  | { readonly socket: string }
  | {
      /** Origin: `https://10.0.0.1:9180`. */
      readonly url: string;
      readonly token: string | null;
      /** PEM of the authorities that sign agents' certificates; null: those that the system knows. */
      readonly ca: string | null;
    };

export interface ControlRequest {
  readonly at: ControlTarget;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** For a request that tells how it goes on. */
  readonly progress?: (text: string) => void;
}

/** Silence until the agent begins to answer; a drain tells its progress after that. */
const ANSWER_MS = 10_000;

/**
 * The answer, as JSON.
 * @throws E_AGENT_UNREACHABLE where nobody answers, E_AGENT_REFUSED for a wrong token, else the error that the agent
 * answered with
 */
export async function askControl(asked: ControlRequest): Promise<unknown> {
  const response = await send(asked);
  if (!String(response.headers['content-type']).startsWith('application/x-ndjson')) {
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
    const value = parsed(text);
    if (response.statusCode !== 200) throw errorFrom(value);
    return value;
  }
  for await (const line of createInterface({ input: response })) {
    const value = parsed(line);
    if (!isRecord(value)) continue;
    if (typeof value.progress === 'string') asked.progress?.(value.progress);
    else if ('error' in value) throw errorFrom(value);
    else return value.result;
  }
  throw new CalicoRrError('E_AGENT_UNREACHABLE', 'the agent ended before it answered', {
    hint: 'Look into its log.',
  });
}

async function send({ at, method, path, body }: ControlRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, path, headers: { 'content-type': 'application/json', ...authorization(at) } };
  const outgoing =
    'socket' in at
      ? requestPlain({ ...options, socketPath: at.socket }, resolve)
      : at.url.startsWith('https:')
        ? requestTls(at.url, { ...options, ...(at.ca === null ? {} : { ca: at.ca }) }, resolve)
        : requestPlain(at.url, options, resolve);
  outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
  outgoing.on('error', reject);
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  try {
    const response = await promise;
    outgoing.setTimeout(0);
    return response;
  } catch (error) {
    throw 'socket' in at ? silentSocket(at.socket, error) : silentAddress(at.url, error);
  }
}

function authorization(at: ControlTarget): Record<string, string> {
  return 'socket' in at || at.token === null ? {} : { authorization: `Bearer ${at.token}` };
}

function silentSocket(socket: string, error: unknown): CalicoRrError {
  if (codeOf(error) === 'EACCES')
    return new CalicoRrError('E_AGENT_UNREACHABLE', `this user may not open the control socket ${socket}`, {
      hint: 'Run the command as the user that runs calico-rr.',
      cause: error,
    });
  return new CalicoRrError('E_AGENT_UNREACHABLE', `no calico-rr runs here: nothing answers at ${socket}`, {
    hint: 'Name the instance with --name or --state-dir, as it was started, or look whether it runs.',
    cause: error,
  });
}

/** What OpenSSL and Node call a certificate that does not do. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

function silentAddress(url: string, error: unknown): CalicoRrError {
  const code = codeOf(error);
  const silent = (why: string, hint: string): CalicoRrError =>
    new CalicoRrError('E_AGENT_UNREACHABLE', `no agent answers at ${url} (${why})`, { hint, cause: error });
  if (UNTRUSTED.test(code))
    return silent(
      messageOf(error),
      'Give the authority that signed its certificate with --ca-file, and an address that the certificate names.',
    );
  // What OpenSSL says of it is of no use to anybody.
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return silent('it speaks no TLS', 'It may be another program, or want http:// before its address.');
  if (code === 'ECONNRESET' && url.startsWith('http:'))
    return silent('it hung up', 'It may want TLS: give --ca-file, or https:// before its address.');
  return silent(messageOf(error), 'Check the address, and that the agent was started with --control.');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CalicoRrError('E_INTERNAL', `the agent's answer is no JSON (${messageOf(error)})`, {
      hint: 'The command and the running agent may be of different versions.',
    });
  }
}

function errorFrom(value: unknown): CalicoRrError {
  // What serves /status for machines says its errors as a text.
  const said = isRecord(value) ? value.error : undefined;
  const error = isRecord(said) ? said : { message: said };
  const message = typeof error.message === 'string' ? error.message : 'the agent answered with an error';
  const code = typeof error.code === 'string' && isErrorCode(error.code) ? error.code : 'E_AGENT_REFUSED';
  return new CalicoRrError(code, message, typeof error.hint === 'string' ? { hint: error.hint } : {});
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_EXIT_CODES, code);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
