/**
 * HTTP for machines that look after the process: /healthz (it lives), /readyz (503 with the reason while it is
 * not ready), /status (what `calico-rr status -o json` prints). Read-only, no secrets, off unless asked for.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { messageOf } from '../model/errors.ts';
import { closeServer, type Listening, sendJson } from './control-server.ts';
import { listenOn } from './listen.ts';

export interface HttpHandlers {
  readiness(): { readonly ready: boolean; readonly reason: string };
  status(): Promise<unknown>;
}

/** @throws E_SETTING where the address cannot be listened on */
export async function serveHttp(host: string, port: number, handlers: HttpHandlers): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(request, response, handlers).catch((error: unknown) => {
      if (response.headersSent) response.end();
      else sendJson(response, 500, { error: messageOf(error) });
    });
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 100;
  const address = await listenOn(server, '--http', host, port);
  return { address, close: () => closeServer(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: HttpHandlers,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    sendJson(response, 405, { error: 'only GET and HEAD are answered here' });
    return;
  }
  switch (path) {
    case '/healthz':
      sendJson(response, 200, { ok: true });
      return;
    case '/readyz': {
      const { ready, reason } = handlers.readiness();
      sendJson(response, ready ? 200 : 503, { ready, reason });
      return;
    }
    case '/status':
      sendJson(response, 200, await handlers.status());
      return;
    default:
      sendJson(response, 404, { error: 'there are /healthz, /readyz and /status' });
  }
}
