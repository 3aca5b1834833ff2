/**
 * Requests to one API server. Each waits a bounded time: an API server whose etcd is stalled lets a list hang for a
 * minute and more. 429 is obeyed (the server asks to wait and did nothing), 401 makes rotated credentials be read
 * anew once; all else is for the caller to judge.
 */
import type { Readable } from 'node:stream';
import { request as send } from 'undici';
import { CalicoRrError } from '../../model/errors.ts';
import { parseJson } from '../../model/json.ts';
import type { Json } from '../../model/resource.ts';
import { pause } from '../retry-pause.ts';
import { createCredentials, readPem } from './credentials.ts';
import { ApiRefusal } from './failure.ts';
import { type KubernetesSettings, PATIENCE, type Patience } from './settings.ts';
import { createTransport } from './transport.ts';

/** How often a request that the server was too busy for is sent again, and the longest wait before that. */
const BUSY_TRIES = 6;
const BUSY_WAIT_MS = 10_000;

export type Query = Readonly<Record<string, string | number | boolean>>;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the server's root: `/api/v1/nodes`. */
  readonly path: string;
  readonly query?: Query;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: Json;
  readonly signal?: AbortSignal;
}

export interface Connection {
  readonly location: string;
  readonly patience: Patience;
  /** @throws ApiRefusal, or what undici throws where there is no answer */
  json(request: ApiRequest): Promise<Json>;
  /**
   * The body of an answer as it comes.
   * @param silence milliseconds without a byte after which it counts as dead
   * @throws as `json` does, for the head of the answer
   */
  stream(request: ApiRequest, silence: number): Promise<Readable>;
  close(): Promise<void>;
}

/** @param onWarning what the server tells besides its answer to a write (a webhook's warning, a field that it does not know) */
export function connectTo(
  settings: KubernetesSettings,
  onWarning: (text: string) => void = () => {},
): Connection {
  const patience = { ...PATIENCE, ...settings.patience };
  const transport = createTransport(settings);
  const credentials = createCredentials(settings, async () =>
    settings.ca === undefined ? undefined : readPem(settings.ca),
  );
  const closing = new AbortController();

  const once = async (request: ApiRequest, silence: number): Promise<Readable> => {
    const proof = await credentials.current();
    const url = new URL(settings.server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {}))
      url.searchParams.set(name, String(value));
    const signals = [closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const answer = await send(url, {
      method: request.method,
      dispatcher: await transport.dispatcher(proof),
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': 'calico-rr',
        ...(proof.authorization === undefined ? {} : { authorization: proof.authorization }),
        ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        ...impersonation(settings),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      headersTimeout: patience.answer,
      bodyTimeout: silence,
      signal: AbortSignal.any(signals),
    });
    if (request.method !== 'GET') for (const text of warningsIn(answer.headers.warning)) onWarning(text);
    if (answer.statusCode < 300) return answer.body;
    const retryAfter = answer.headers['retry-after'];
    throw new ApiRefusal(
      answer.statusCode,
      await answer.body.text(),
      typeof retryAfter === 'string' ? retryAfter : undefined,
    );
  };

  const stream = async (request: ApiRequest, silence: number): Promise<Readable> => {
    const signal = AbortSignal.any([closing.signal, ...(request.signal ? [request.signal] : [])]);
    let renewed = false;
    for (let tries = 1; ; tries += 1) {
      try {
        return await once(request, silence);
      } catch (error) {
        if (closing.signal.aborted)
          throw new CalicoRrError('E_DATASTORE_UNREACHABLE', 'the datastore is closed');
        if (signal.aborted || !(error instanceof ApiRefusal)) {
          transport.refresh();
          throw error;
        }
        if (error.code === 401) {
          if (!credentials.refused() || renewed) throw error;
          renewed = true;
        } else if (error.code === 429 && tries < BUSY_TRIES) {
          // Spread out, so that all who were sent away do not come back in the same moment.
          await pause(Math.min(error.retryAfterMs ?? 1000, BUSY_WAIT_MS) * (1 + Math.random() / 4), signal);
          signal.throwIfAborted();
        } else throw error;
      }
    }
  };

  return {
    location: settings.server,
    patience,
    stream,
    async json(request) {
      const body = await stream(request, patience.piece);
      const text = await readAll(body);
      const value = parseJson(text);
      if (value !== undefined) return value;
      throw new CalicoRrError(
        'E_DATASTORE_REPLY',
        `${settings.server} answers ${request.method} ${request.path} with what is no JSON: ${text.slice(0, 80)}`,
        { hint: 'Is this the URL of a Kubernetes API server?' },
      );
    },
    async close() {
      closing.abort();
      await transport.close();
    },
  };
}

/** Texts of Warning headers (RFC 7234 section 5.5), as an API server writes them: `299 - "text"`. */
function warningsIn(header: string | string[] | undefined): readonly string[] {
  const text = [header ?? []].flat().join(', ');
  const quoted = [...text.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)];
  return quoted.map(([, inner = '']) => inner.replaceAll(/\\(.)/g, '$1'));
}

async function readAll(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function impersonation({ impersonate }: KubernetesSettings): Record<string, string | string[]> {
  if (impersonate === undefined) return {};
  const { user, uid, groups, extra } = impersonate;
  return {
    'impersonate-user': user,
    ...(uid === undefined ? {} : { 'impersonate-uid': uid }),
    ...(groups.length === 0 ? {} : { 'impersonate-group': [...groups] }),
    // A name may hold what a header's name may not.
    ...Object.fromEntries(
      Object.entries(extra).map(([name, values]) => [
        `impersonate-extra-${encodeURIComponent(name)}`,
        [...values],
      ]),
    ),
  };
}
