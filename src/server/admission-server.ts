/**
 * HTTPS for the API server's questions: POST /validate with an AdmissionReview, and /healthz and /readyz for whoever looks
 * after the process. Read-only; what it is handed knows the answers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { messageOf } from '../model/errors.ts';
import { closeServer, type Listening, sendJson } from './control-server.ts';
import { listenOn } from './listen.ts';
import { readTlsPair, type TlsFiles, watchTlsPair } from './tls-files.ts';

export interface AdmissionHandlers {
  review(text: string, stillAsked: () => boolean): Promise<{ readonly code: number; readonly body: unknown }>;
  readiness(): { readonly ready: boolean; readonly reason: string };
  /** The certificate was replaced, or (with a reason) could not be. */
  certificate(fault: string | null): void;
}

/** An object of Kubernetes has at most 1.5 MiB, and a review holds two. */
const BODY_BYTES = 8 * 1024 * 1024;

/** @throws E_SETTING where the files are wrong or the address cannot be listened on */
export async function serveAdmission(
  host: string,
  port: number,
  files: TlsFiles,
  handlers: AdmissionHandlers,
): Promise<Listening> {
  const pair = readTlsPair(files);
  const server = createServer({ ...pair, minVersion: 'TLSv1.2' }, (request, response) => {
    answer(request, response, handlers).catch((error: unknown) => {
      if (response.headersSent) response.end();
      else sendJson(response, 500, { error: messageOf(error) });
    });
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  server.maxConnections = 1000;
  // A port scanner's half a handshake is nothing to tell about.
  server.on('tlsClientError', () => {});
  const address = await listenOn(server, '--listen', host, port);
  const unwatch = watchTlsPair(
    files,
    (fresh) => {
      server.setSecureContext({ ...fresh, minVersion: 'TLSv1.2' });
      handlers.certificate(null);
    },
    (error) => handlers.certificate(messageOf(error)),
  );
  return {
    address,
    async close() {
      unwatch();
      await closeServer(server);
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: AdmissionHandlers,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  const asked = `${request.method === 'HEAD' ? 'GET' : request.method} ${path}`;
  switch (asked) {
    case 'POST /validate': {
      const text = await bodyOf(request);
      if (text === null) return sendJson(response, 413, { error: `longer than ${BODY_BYTES} bytes` });
      const { code, body } = await handlers.review(
        text,
        () => !response.destroyed && !request.socket.destroyed,
      );
      return sendJson(response, code, body);
    }
    case 'GET /healthz':
      return sendJson(response, 200, { ok: true });
    case 'GET /readyz': {
      const { ready, reason } = handlers.readiness();
      return sendJson(response, ready ? 200 : 503, { ready, reason });
    }
    default:
      return sendJson(response, 404, { error: 'there are POST /validate, and GET /healthz and /readyz' });
  }
}

/** Null where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > BODY_BYTES) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
