/**
 * A client of etcd's v2 key API over HTTP (etcd v2 documentation, "api.md"): reads with quorum, conditional
 * writes by `prevIndex`/`prevExist`, and long polls.
 *
 * A read goes to the next member when one gives no answer. A write does so only when it is sure that it never
 * left, because a write that is sent twice can fail at its own first success.
 */
import { Agent, request } from 'undici';
import { CalicoRrError } from '../../model/errors.ts';
import { parseJson } from '../../model/json.ts';
import type { Json } from '../../model/resource.ts';
import { withAuthorities } from '../authorities.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import type { Condition, EtcdV2Client, Place, V2Listing, WriteOutcome } from './api.ts';
import {
  authRefused,
  explain,
  type NoAnswer,
  NoV2ApiError,
  noAnswer,
  unexpectedReply,
  unknownOutcome,
} from './failure.ts';
import { createMembers } from './members.ts';
import { errorCodeOf, errorWordsOf, readEvent, V2_ERROR } from './reply.ts';

const CONNECT_MS = 3_000;
/** etcd itself gives up on a request that finds no quorum after about 7 s. */
const ANSWER_MS = 8_000;
/** Copying a directory of some 100,000 nodes takes a member a while. */
const LISTING_MS = 30_000;
/** A long poll's headers come at once, whatever it waits for. */
const POLL_OPENS_MS = 5_000;
/** Longer than any of ours: an idle connection is closed by us and not found closed by a proxy. */
const IDLE_MS = 10_000;
const REDIRECTS = 3;
/** A key that is small or absent, and that whoever may read Calico's data may read. */
const SMALL_KEY = '/calico/bgp/v1/global/node_mesh';

interface Answer extends Place {
  readonly endpoint: string;
  readonly status: number;
  readonly json: Json | undefined;
}

export function createEtcdV2Client(settings: EtcdSettings): EtcdV2Client {
  const endpoints = settings.endpoints.map((endpoint) => new URL(endpoint).origin);
  const members = createMembers(endpoints);
  const tls = settings.tls && withAuthorities(settings.tls);
  const agent = new Agent({
    connect: { ...tls, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: 10_000 },
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
  });
  const { username, password } = settings;
  const authorization =
    username === undefined || password === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };

  /** Polls that wait at a member, by what ends them. One that fails another request is not waited for. */
  const waiting = new Map<() => void, string>();
  const failed = (endpoint: string): void => {
    members.failed(endpoint);
    for (const [leave, at] of waiting) if (at === endpoint) leave();
  };

  type Send = (url: string) => ReturnType<typeof request>;

  /** Follows redirects, from https to https only: the password must not leave the encrypted connection. */
  const open = async (endpoint: string, path: string, send: Send): ReturnType<typeof request> => {
    let url = `${endpoint}/v2/keys${path}`;
    for (let hop = 0; ; hop += 1) {
      const response = await send(url);
      const { location } = response.headers;
      if (response.statusCode !== 307 || typeof location !== 'string') return response;
      await response.body.dump();
      const next = new URL(location, url);
      if (hop === REDIRECTS) throw unexpectedReply(endpoint, 'it redirects in a circle');
      if (url.startsWith('https:') && next.protocol !== 'https:')
        throw unexpectedReply(endpoint, `it redirects to ${next.origin}, which is not encrypted`);
      url = next.href;
    }
  };

  const placeOf = (headers: Record<string, string | string[] | undefined>): Place => {
    const index = Number(headers['x-etcd-index']);
    const clusterId = headers['x-etcd-cluster-id'];
    return {
      index: Number.isSafeInteger(index) ? index : 0,
      clusterId: typeof clusterId === 'string' ? clusterId : '',
    };
  };

  /** Refusals that no other member would take back, and answers that are none of etcd's. */
  const judge = (answer: Answer): Answer => {
    const { endpoint, status, json } = answer;
    const errorCode = errorCodeOf(json);
    if (status === 401 || errorCode === V2_ERROR.unauthorized || (status === 403 && errorCode === undefined))
      throw authRefused(endpoint, username, errorWordsOf(json) ?? `HTTP status ${status}`);
    if (json === undefined)
      throw status === 404 ? new NoV2ApiError(endpoint) : unexpectedReply(endpoint, `HTTP status ${status}`);
    return answer;
  };

  const ask = async (endpoint: string, path: string, send: Send): Promise<Answer> => {
    const response = await open(endpoint, path, send);
    const json = parseJson(await response.body.text());
    return { endpoint, status: response.statusCode, json, ...placeOf(response.headers) };
  };

  /** @param resend whether the request may be done twice */
  const exchange = async (path: string, send: Send, resend: boolean): Promise<Answer> => {
    const tried: NoAnswer[] = [];
    for (const endpoint of members.order()) {
      let failure: NoAnswer;
      try {
        const answer = await ask(endpoint, path, send);
        if (answer.status < 500) {
          members.succeeded(endpoint);
          return judge(answer);
        }
        const reason = errorWordsOf(answer.json) ?? `HTTP status ${answer.status}`;
        failure = { endpoint, reason, tls: false, unsent: false, cause: undefined };
      } catch (error) {
        if (error instanceof CalicoRrError || isAbort(error)) throw error;
        failure = await explain(endpoint, tls, error);
      }
      failed(endpoint);
      if (!resend && !failure.unsent) throw unknownOutcome(path.replace(/\?.*/, ''), failure);
      tried.push(failure);
    }
    throw noAnswer(tried);
  };

  const write = async (method: 'PUT' | 'DELETE', path: string, body?: string): Promise<WriteOutcome> => {
    const headers = { ...authorization, 'content-type': 'application/x-www-form-urlencoded' };
    const timeouts = { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS };
    const send: Send = (url) =>
      request(url, {
        dispatcher: agent,
        method,
        headers,
        ...timeouts,
        ...(body === undefined ? {} : { body }),
      });
    const answer = await exchange(path, send, false);
    const errorCode = errorCodeOf(answer.json);
    if (errorCode !== undefined) return { done: false, errorCode };
    const event = readEvent(answer.json);
    if (event === undefined) throw unexpectedReply(answer.endpoint, 'a write without a key');
    return { done: true, node: event.node };
  };

  const read = async (
    key: string,
    { recursive = false, signal }: { readonly recursive?: boolean; readonly signal?: AbortSignal },
    headersTimeout: number,
  ): Promise<V2Listing> => {
    const query = `?quorum=true${recursive ? '&recursive=true' : ''}`;
    const send: Send = (url) =>
      request(url, {
        dispatcher: agent,
        headers: authorization,
        headersTimeout,
        bodyTimeout: ANSWER_MS,
        ...(signal === undefined ? {} : { signal }),
      });
    const { endpoint, index, clusterId, json } = await exchange(`${pathOf(key)}${query}`, send, true);
    if (index === 0) throw unexpectedReply(endpoint, 'it carries no X-Etcd-Index');
    const errorCode = errorCodeOf(json);
    if (errorCode === V2_ERROR.keyNotFound || errorCode === V2_ERROR.notADirectory)
      return { index, clusterId, node: undefined };
    const event = readEvent(json);
    if (event === undefined) throw unexpectedReply(endpoint, errorWordsOf(json) ?? 'a read without a key');
    return { index, clusterId, node: event.node };
  };

  return {
    location: endpoints.join(', '),

    get: (key, options = {}) => read(key, options, ANSWER_MS),

    async list(key, options = {}) {
      // A member that hangs is found out by a small question, not by the time that a big one may take.
      await read(SMALL_KEY, options, ANSWER_MS);
      return read(key, { ...options, recursive: true }, LISTING_MS);
    },

    prove: (options = {}) => read(SMALL_KEY, options, ANSWER_MS),

    put(key, value, condition) {
      const query = condition === undefined ? '' : `?${new URLSearchParams(textsOf(condition))}`;
      return write('PUT', `${pathOf(key)}${query}`, new URLSearchParams({ value }).toString());
    },

    delete(key, { prevIndex, directory = false, recursive = false } = {}) {
      const query = new URLSearchParams({
        ...(prevIndex === undefined ? {} : { prevIndex: String(prevIndex) }),
        ...(directory ? { dir: 'true' } : {}),
        ...(recursive ? { recursive: 'true' } : {}),
      });
      return write('DELETE', `${pathOf(key)}?${query}`);
    },

    async poll(key, { waitIndex, quietMs, signal, onOpen }) {
      const path = `${pathOf(key)}?wait=true&recursive=true&waitIndex=${waitIndex}`;
      const tried: NoAnswer[] = [];
      for (const endpoint of members.order()) {
        signal.throwIfAborted();
        const abort = new AbortController();
        let timer: NodeJS.Timeout | undefined;
        let outcome: 'quiet' | 'left' | 'distrusted' | undefined;
        const end = (as: 'quiet' | 'left' | 'distrusted'): void => {
          outcome ??= as;
          abort.abort();
        };
        const stop = (): void => abort.abort();
        const leave = (): void => end('distrusted');
        signal.addEventListener('abort', stop);
        waiting.set(leave, endpoint);
        try {
          const response = await open(endpoint, path, (url) =>
            request(url, {
              dispatcher: agent,
              headers: authorization,
              headersTimeout: POLL_OPENS_MS,
              bodyTimeout: 0,
              signal: abort.signal,
            }),
          );
          const { statusCode: status } = response;
          const place = placeOf(response.headers);
          if (status === 200) {
            members.succeeded(endpoint);
            if (!onOpen(place)) end('left');
            timer = setTimeout(() => end('quiet'), quietMs);
          }
          const json = parseJson(await response.body.text());
          if (errorCodeOf(json) === V2_ERROR.eventIndexCleared) return { is: 'cleared' };
          if (status >= 500) throw new Error(errorWordsOf(json) ?? `HTTP status ${status}`);
          judge({ endpoint, status, json: status === 200 ? (json ?? null) : json, ...place });
          const event = readEvent(json);
          // A member that stops ends its polls properly, with nothing in them.
          if (event === undefined) throw new Error('it ended the poll without an event');
          return { is: 'event', event };
        } catch (error) {
          signal.throwIfAborted();
          if (outcome === 'quiet' || outcome === 'left') return { is: outcome };
          if (error instanceof CalicoRrError) throw error;
          if (outcome === 'distrusted') {
            tried.push({
              endpoint,
              reason: 'it left another request unanswered',
              tls: false,
              unsent: false,
              cause: error,
            });
            continue;
          }
          members.failed(endpoint);
          tried.push(await explain(endpoint, tls, error));
        } finally {
          clearTimeout(timer);
          waiting.delete(leave);
          signal.removeEventListener('abort', stop);
        }
      }
      throw noAnswer(tried);
    },

    close: () => agent.destroy(),
  };
}

function pathOf(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

function textsOf(condition: Condition): Record<string, string> {
  return Object.fromEntries(Object.entries(condition).map(([name, value]) => [name, String(value)]));
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
