/**
 * The local control socket: HTTP and JSON over a UNIX socket that only its owner can open (mode 0600, in a
 * folder of mode 0700). It is handed functions and knows nothing of what they do.
 *
 *     GET /status            the status
 *     POST /approve  {id}    one held change
 *     POST /route  {prefix}  who told a prefix, which route won and why, whom we told
 *     POST /drain    {...}   lines of JSON: {"progress": TEXT} as it goes on, at last {"result": ...} or {"error": ...}
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CalicoRrError, messageOf } from '../model/errors.ts';

export interface DrainOrder {
  readonly timeoutSeconds: number;
  readonly force: boolean;
  readonly message: string;
}

export interface ControlHandlers {
  status(): Promise<unknown>;
  approve(id: string): Promise<unknown>;
  explainRoute(prefix: string): Promise<unknown>;
  drain(order: DrainOrder, progress: (text: string) => void): Promise<unknown>;
}

export interface Listening {
  /** `ADDRESS:PORT` or the socket's path. */
  readonly address: string;
  close(): Promise<void>;
}

const BODY_BYTES = 64 * 1024;

/** @throws E_STATE_DIR where the socket cannot be made */
export async function serveControl(path: string, handlers: ControlHandlers): Promise<Listening> {
  // Whoever calls holds the folder's lock, so a socket that is there is a dead one.
  rmSync(path, { force: true });
  const server = createServer((request, response) => void answerControl(request, response, handlers));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, 0o600);
  } catch (error) {
    throw new CalicoRrError(
      'E_STATE_DIR',
      `the control socket ${path} cannot be made (${messageOf(error)})`,
      {
        hint: 'Give another folder with --state-dir.',
        cause: error,
      },
    );
  }
  return { address: path, close: () => closeServer(server) };
}

export async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Answers one request, with what fails too. */
export async function answerControl(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ControlHandlers,
): Promise<void> {
  try {
    await answer(request, response, handlers);
  } catch (error) {
    sendError(response, error);
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ControlHandlers,
): Promise<void> {
  const asked = `${request.method} ${request.url}`;
  switch (asked) {
    case 'GET /status':
      sendJson(response, 200, await handlers.status());
      return;
    case 'POST /approve': {
      const { id } = await readBody(request);
      if (typeof id !== 'string') throw new CalicoRrError('E_USAGE', 'approve needs the ID of a held change');
      sendJson(response, 200, await handlers.approve(id));
      return;
    }
    case 'POST /route': {
      const { prefix } = await readBody(request);
      if (typeof prefix !== 'string')
        throw new CalicoRrError('E_USAGE', 'a route is asked for by its prefix');
      sendJson(response, 200, await handlers.explainRoute(prefix));
      return;
    }
    case 'POST /drain': {
      const order = drainOrder(await readBody(request));
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const line = (value: unknown) => response.write(`${JSON.stringify(value)}\n`);
      try {
        line({ result: await handlers.drain(order, (progress) => line({ progress })) });
      } catch (error) {
        line({ error: errorJson(error) });
      }
      response.end();
      return;
    }
    default:
      throw new CalicoRrError('E_USAGE', `the control socket does not know ${asked}`, {
        hint: 'The command and the running agent may be of different versions.',
      });
  }
}

function drainOrder(body: Record<string, unknown>): DrainOrder {
  const { timeoutSeconds, force, message } = body;
  return {
    timeoutSeconds: typeof timeoutSeconds === 'number' ? timeoutSeconds : 60,
    force: force === true,
    message: typeof message === 'string' ? message : '',
  };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > BODY_BYTES) throw new CalicoRrError('E_USAGE', 'the request is too long');
  }
  const body: unknown = JSON.parse(text === '' ? '{}' : text);
  return typeof body === 'object' && body !== null ? { ...body } : {};
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${JSON.stringify(value)}\n`);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.end();
  else sendJson(response, error instanceof CalicoRrError ? 400 : 500, { error: errorJson(error) });
}

function errorJson(error: unknown): { code: string; message: string; hint?: string } {
  if (!(error instanceof CalicoRrError)) return { code: 'E_INTERNAL', message: messageOf(error) };
  const { code, message, hint } = error;
  return hint === undefined ? { code, message } : { code, message, hint };
}
