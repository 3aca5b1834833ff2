/** The other end of the control socket, for the verbs that ask a running agent. */
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { CalicoRrError, ERROR_EXIT_CODES, type ErrorCode, messageOf } from '../model/errors.ts';

export interface ControlRequest {
  readonly socket: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** For a request that tells how it goes on. */
  readonly progress?: (text: string) => void;
}

/**
 * The answer, as JSON.
 * @throws E_AGENT_UNREACHABLE where nobody listens, else the error that the agent answered with
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

async function send(asked: ControlRequest) {
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>();
  const outgoing = request(
    {
      socketPath: asked.socket,
      method: asked.method,
      path: asked.path,
      headers: { 'content-type': 'application/json' },
    },
    resolve,
  );
  outgoing.on('error', reject);
  outgoing.end(asked.body === undefined ? undefined : JSON.stringify(asked.body));
  try {
    return await promise;
  } catch (error) {
    const denied = error instanceof Error && 'code' in error && error.code === 'EACCES';
    throw new CalicoRrError(
      'E_AGENT_UNREACHABLE',
      denied
        ? `this user may not open the control socket ${asked.socket}`
        : `no calico-rr runs here: nothing answers at ${asked.socket}`,
      {
        hint: denied
          ? 'Run the command as the user that runs calico-rr.'
          : 'Name the instance with --name or --state-dir, as it was started, or look whether it runs.',
        cause: error,
      },
    );
  }
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
  const error = isRecord(value) && isRecord(value.error) ? value.error : {};
  const message = typeof error.message === 'string' ? error.message : 'the agent answered with an error';
  const code = typeof error.code === 'string' && isErrorCode(error.code) ? error.code : 'E_INTERNAL';
  return new CalicoRrError(code, message, typeof error.hint === 'string' ? { hint: error.hint } : {});
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_EXIT_CODES, code);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
