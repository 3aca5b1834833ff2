/**
 * A client of an etcd v3 cluster: single requests and watch streams over gRPC, to whichever member answers.
 *
 * - Members are tried in turn, beginning with the one that answered last. A member that is dead, has no leader or
 *   gives no answer within the deadline is passed over; keepalive finds one that hangs under a silent stream.
 * - A write that got no answer may have been done. It is tried at the next member all the same, and the caller is
 *   told (`repeated`), so that it can recognise its own work where the condition no longer holds.
 * - With a user, a token is fetched and sent; members forget tokens when they restart, then a new one is fetched.
 */
import { Client, type ClientOptions, credentials, Metadata } from '@grpc/grpc-js';
import { CalicoRrError } from '../../model/errors.ts';
import { withAuthorities } from '../authorities.ts';
import type { EtcdSettings } from '../etcd-settings.ts';
import { tlsTrouble } from '../tls-probe.ts';
import { CompactedError, type EtcdV3Client } from './client.ts';
import { authRefused, judge, type NoAnswer, noAnswer, unexpectedReply, wordsOf } from './failure.ts';
import { AUTHENTICATE, type Method, RANGE, TXN, WATCH, type WatchResponse } from './messages.ts';

/** A request that a member has not answered by then is given to the next one. */
const REQUEST_MS = 5_000;

const CHANNEL: ClientOptions = {
  // A list of nodes is larger than gRPC's 4 MiB.
  'grpc.max_receive_message_length': -1,
  // etcd ends a connection that is pinged more often than every 5 s, or without a call.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 0,
  // gRPC would wait up to two minutes before it looks whether a dead member is back.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // Connections end with their client, not some time later with the process.
  'grpc.use_local_subchannel_pool': 1,
};

export function createGrpcClient(settings: EtcdSettings): EtcdV3Client {
  const { endpoints, username, password } = settings;
  const tls = settings.tls && withAuthorities(settings.tls);
  const clients = new Map<string, Client>();
  let current = 0;
  let token: Promise<string> | undefined;
  let closed = false;

  const clientOf = (endpoint: string): Client => {
    if (closed) throw new CalicoRrError('E_INTERNAL', 'This datastore was closed.');
    const known = clients.get(endpoint);
    if (known !== undefined) return known;
    const url = new URL(endpoint);
    const secure =
      url.protocol === 'https:'
        ? credentials.createSsl(tls?.ca ?? null, tls?.key ?? null, tls?.cert ?? null)
        : credentials.createInsecure();
    const client = new Client(url.host, secure, CHANNEL);
    clients.set(endpoint, client);
    return client;
  };

  /** Only from the present member: of many requests that fail at once, one moves us on. */
  const moveOnFrom = (endpoint: string): void => {
    if (endpoints[current % endpoints.length] === endpoint) current += 1;
  };

  const callOnce = <Request, Response>(
    endpoint: string,
    method: Method<Request, Response>,
    request: Request,
    metadata: Metadata,
    signal?: AbortSignal,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const call = clientOf(endpoint).makeUnaryRequest(
        method.path,
        method.serialize,
        method.deserialize,
        request,
        metadata,
        { deadline: Date.now() + REQUEST_MS },
        (error, response) => {
          signal?.removeEventListener('abort', cancel);
          if (error !== null) reject(error);
          else if (response === undefined) reject(new Error('an answer without content'));
          else resolve(response);
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel);
    });

  const metadataFor = async (endpoint: string): Promise<Metadata> => {
    const metadata = new Metadata();
    if (username === undefined || password === undefined) return metadata;
    token ??= callOnce(endpoint, AUTHENTICATE, { name: username, password }, new Metadata()).catch(
      (error) => {
        // A password that nobody asks for is no error: authentication may be turned on later.
        if (wordsOf(error).includes('authentication is not enabled')) return '';
        token = undefined;
        throw error;
      },
    );
    const value = await token;
    if (value !== '') metadata.set('token', value);
    return metadata;
  };

  const whyNoAnswer = async (endpoint: string, error: unknown): Promise<NoAnswer> => {
    const trouble = endpoint.startsWith('https:') ? await tlsTrouble(endpoint, tls) : undefined;
    return { endpoint, reason: trouble ?? shorter(wordsOf(error)), tls: trouble !== undefined };
  };

  /** Runs `attempt` at each member in turn until one answers. */
  const atAnyMember = async <Result>(
    attempt: (endpoint: string, metadata: Metadata, repeated: boolean) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> => {
    const tried: NoAnswer[] = [];
    let renewals = 0;
    while (tried.length < endpoints.length) {
      const endpoint = endpoints[current % endpoints.length] ?? '';
      try {
        return await attempt(endpoint, await metadataFor(endpoint), tried.length > 0);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof CalicoRrError) throw error;
        const verdict = judge(error);
        switch (verdict) {
          case 'new-token':
            token = undefined;
            renewals += 1;
            if (renewals > 2 || username === undefined) throw authRefused(endpoint, username, error);
            break;
          case 'refused':
            throw authRefused(endpoint, username, error);
          case 'compacted':
            throw new CompactedError(wordsOf(error));
          case 'reply':
            throw unexpectedReply(endpoint, error);
          case 'elsewhere':
            moveOnFrom(endpoint);
            tried.push(await whyNoAnswer(endpoint, error));
            break;
          default:
            return verdict satisfies never;
        }
      }
    }
    throw noAnswer(tried);
  };

  return {
    location: endpoints.join(','),
    range: (request, signal) =>
      atAnyMember((endpoint, metadata) => callOnce(endpoint, RANGE, request, metadata, signal), signal),
    txn: (request) =>
      atAnyMember(async (endpoint, metadata, repeated) => ({
        ...(await callOnce(endpoint, TXN, request, metadata)),
        repeated,
      })),
    watch: (requests, listener, signal) =>
      atAnyMember(async (endpoint, metadata) => {
        // A member cut off from the others ends our stream instead of going silent.
        metadata.set('hasleader', 'true');
        const stream = clientOf(endpoint).makeBidiStreamRequest(
          WATCH.path,
          WATCH.serialize,
          WATCH.deserialize,
          metadata,
        );
        let open = true;
        const close = (): void => {
          open = false;
          signal.removeEventListener('abort', close);
          stream.cancel();
        };
        const end = async (error: unknown): Promise<void> => {
          if (!open) return;
          close();
          moveOnFrom(endpoint);
          if (judge(error) === 'new-token') token = undefined;
          const refused = judge(error) === 'refused';
          listener.onEnd(
            refused ? authRefused(endpoint, username, error) : noAnswer([await whyNoAnswer(endpoint, error)]),
          );
        };
        stream.on('data', (response: WatchResponse) => {
          if (open) listener.onResponse(response);
        });
        stream.on('error', (error) => void end(error));
        stream.on('end', () => void end(new Error('etcd ended the stream')));
        signal.addEventListener('abort', close);
        for (const request of requests) stream.write(request);
        return { close };
      }, signal),
    distrustMember() {
      current += 1;
      token = undefined;
    },
    close() {
      closed = true;
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

/** gRPC wraps a plain `connect ECONNREFUSED` in half a page. */
function shorter(words: string): string {
  const inner = /Last error: (.*?)(?:\. Resolution note.*)?$/s.exec(words)?.[1] ?? words;
  return inner.trim() === '' ? 'no reason given' : inner.trim();
}
