/**
 * The control socket over the network, for `--address` of the verbs: the same requests, with a bearer token (RFC 6750)
 * on each, and TLS everywhere but on loopback addresses. Off unless asked for; docs/agent.md.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer as createPlainServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { CalicoRrError, messageOf } from '../model/errors.ts';
import { answerControl, type ControlHandlers, closeServer, type Listening } from './control-server.ts';
import { listenOn } from './listen.ts';

export interface KeyPair {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface RemoteControlOptions {
  readonly host: string;
  readonly port: number;
  /** Null: without TLS. */
  readonly keyPair: (() => KeyPair) | null;
  /** What a request must bring; asked for each, so that a new token counts at once. May throw: nobody gets in then. */
  readonly token: () => string;
  readonly handlers: ControlHandlers;
  /** Somebody came without the token. */
  readonly refused: (from: string, why: string) => void;
}

export interface RemoteControl extends Listening {
  /** `https://ADDRESS:PORT`, or `http://` on loopback. */
  readonly url: string;
  /** Takes a certificate that was renewed. @throws what reading it throws; the old one stays */
  reload(): void;
}

/** @throws E_SETTING where the address cannot be listened on, or certificate and key do not fit */
export async function serveRemoteControl(options: RemoteControlOptions): Promise<RemoteControl> {
  const { host, port, keyPair } = options;
  const { server, renew } = makeServer(keyPair);
  server.on('request', (request, response) => {
    const why = whyRefused(request.headers.authorization, options.token);
    if (why === null) {
      void answerControl(request, response, options.handlers);
      return;
    }
    options.refused(request.socket.remoteAddress ?? 'unknown', why);
    refuse(response);
  });
  server.requestTimeout = 10_000;
  server.maxConnections = 100;
  const address = await listenOn(server, '--control', host, port);
  return {
    address,
    url: `${keyPair === null ? 'http' : 'https'}://${address}`,
    close: () => closeServer(server),
    reload: renew,
  };
}

function makeServer(keyPair: (() => KeyPair) | null): { server: Server; renew: () => void } {
  if (keyPair === null) return { server: createPlainServer(), renew: () => undefined };
  try {
    const server = createTlsServer({ ...keyPair(), minVersion: 'TLSv1.2' });
    // A caller that speaks no TLS is its own fault and no event of ours.
    server.on('tlsClientError', () => undefined);
    return { server, renew: () => server.setSecureContext({ ...keyPair(), minVersion: 'TLSv1.2' }) };
  } catch (error) {
    if (error instanceof CalicoRrError) throw error;
    throw new CalicoRrError(
      'E_SETTING',
      `--control-cert and --control-key cannot be used (${messageOf(error)})`,
      {
        hint: 'Give a certificate and its private key as PEM files.',
        cause: error,
      },
    );
  }
}

function whyRefused(authorization: string | undefined, token: () => string): string | null {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) return 'it brought no token';
  try {
    // Digests, so that neither the time nor the length tells anything of the token.
    return timingSafeEqual(digest(given), digest(token())) ? null : 'its token is not ours';
  } catch (error) {
    return `our token cannot be read: ${messageOf(error)}`;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refuse(response: ServerResponse): void {
  const error = {
    code: 'E_AGENT_REFUSED',
    message: 'the agent does not know this token',
    hint: 'Give the file with the token of this agent: --token-file or CALICO_RR_TOKEN_FILE.',
  };
  response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Bearer' });
  response.end(`${JSON.stringify({ error })}\n`);
}
