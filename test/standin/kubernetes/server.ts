/**
 * A Kubernetes API server for tests: answers as recordings of a real one do (test/fixtures/kube-api, replayed against
 * it by replay.test.ts), over HTTP or HTTPS, and fails in the ways that real ones were seen to fail. It has no
 * controllers, no admission but Node's defaults and validating webhooks, no server-side apply and no CEL in CRDs.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { isJsonObject } from '../../../src/model/json.ts';
import type { JsonObject } from '../../../src/model/resource.ts';
import { type Attributes, allows, type Rule, type User } from './access.ts';
import { discoveryDocument } from './discovery.ts';
import { formOf, show, showList } from './forms.ts';
import { listPage, matcherOf } from './lists.ts';
import {
  createObject,
  deleteObject,
  getObject,
  metadataOf,
  patchObject,
  removeObject,
  updateObject,
} from './objects.ts';
import { failure, forbidden, Refused, unauthorized, unknownPath } from './refusals.ts';
import { collectionKey, isWatch, nameAskedFor, type Route, routeOf, verbOf } from './routes.ts';
import { CALICO_CRDS, CORE, readCrds, type Served } from './served.ts';
import { createStore, type Store } from './store.ts';
import { type OpenWatch, serveWatch } from './watches.ts';
import { askWebhooks, hasWebhooks, type Operation, type Services } from './webhooks.ts';

/** A request as a test sees it. */
export interface Asked extends Attributes {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly user: string;
  readonly allowed: boolean;
}

/** `hang`: no answer, ever; `cut`: the connection goes. */
export type Intervention = Refused | 'hang' | 'cut' | undefined;

export interface StandInOptions {
  readonly served?: readonly Served[];
  readonly firstVersion?: number;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer };
  /** Who a token is. Absent: everybody is let in and may do everything. */
  readonly tokens?: Readonly<Record<string, User>>;
  /** What users may do; absent: everything. */
  readonly rules?: (user: User) => readonly Rule[] | undefined;
  readonly bookmarkEvery?: number;
  readonly longestWatch?: number;
  /** Where webhooks are that are named by Service. */
  readonly services?: Services;
  /** Absent: a free port of 127.0.0.1. */
  readonly listen?: { readonly host: string; readonly port: number };
}

export interface StandIn {
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  /** Everything asked so far, refused or not. */
  readonly asked: Asked[];
  readonly openWatches: number;
  /** How often a webhook was called. */
  readonly webhookCalls: number;
  /** Decides about each request before it is served, until the returned function is called. */
  intervene(decide: (asked: Asked) => Intervention): () => void;
  cutWatches(options?: { readonly midLine?: boolean }): void;
  setTokens(tokens: Readonly<Record<string, User>>): void;
  serve(served: readonly Served[]): void;
  /** Lists from the cache are of this version until it is undefined again. */
  freezeCache(version: number | undefined): void;
  /** The process ends, with all connections; the data stays. */
  stop(): Promise<void>;
  /** It begins again at the same port, its watch cache empty. */
  start(): Promise<void>;
}

export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { host, port: wanted } = options.listen ?? { host: '127.0.0.1', port: 0 };
  const store = createStore(options.firstVersion);
  let served = options.served ?? [...CORE, ...CALICO_CRDS, ...readCrds()];
  let tokens = options.tokens;
  let frozen: number | undefined;
  let webhookCalls = 0;
  const asked: Asked[] = [];
  const watches = new Set<OpenWatch>();
  const interventions = new Set<(asked: Asked) => Intervention>();
  const sockets = new Set<Socket>();

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const { pathname: path, searchParams: query } = url;
    const body = await bodyOf(request);
    const method = request.method ?? 'GET';
    const route = routeOf(path, served);
    const user = whoIs(request, tokens);
    const attributes = attributesOf(method, route, path, query);
    const rules = user === undefined ? [] : options.rules?.(user);
    const allowed = route === undefined || rules === undefined || allows(rules, attributes);
    const accept = request.headers.accept ?? '';
    const one = { ...attributes, method, path, query, accept, user: user?.name ?? '', allowed };
    asked.push(one);
    for (const decide of interventions) {
      const intervention = decide(one);
      if (intervention === 'hang') return;
      if (intervention === 'cut') return void request.socket.destroy();
      if (intervention !== undefined) throw intervention;
    }
    if (user === undefined) throw unauthorized();
    if (user.name === ANONYMOUS.name && tokens !== undefined) throw refuse(attributes, user, route);
    if (method === 'GET' && (path === '/readyz' || path === '/healthz'))
      return send(response, { code: 200, body: 'ok' });
    const document = method === 'GET' ? discoveryDocument(path, served) : undefined;
    if (document !== undefined) return send(response, { code: 200, body: document });
    if (path === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' && method === 'POST')
      return send(response, { code: 201, body: reviewAccess(body, rules) });
    if (route === undefined) throw unknownPath();
    if (!allowed) throw refuse(attributes, user, route);
    const warnings = await admit(request, route, method, query, body, user);
    const answer = serveRoute(request, response, route, method, query, body, warnings);
    if (answer !== undefined) send(response, answer);
  };

  /** Lets the webhooks judge what a write would make. @returns their warnings. @throws a refusal */
  const admit = async (
    request: IncomingMessage,
    route: Route,
    method: string,
    query: URLSearchParams,
    body: string,
    user: User,
  ): Promise<readonly string[]> => {
    if (method === 'GET' || !hasWebhooks(store)) return [];
    const dryQuery = new URLSearchParams(query);
    dryQuery.set('dryRun', 'All');
    const write = { store, route, body, query: dryQuery, warn: () => undefined };
    const dryRun = query.get('dryRun') === 'All';
    const ask = (operation: Operation, object: JsonObject | null, oldObject: JsonObject | null) => {
      const name = String(metadataOf(object ?? oldObject ?? {}).name);
      const asked = { operation, name, object, oldObject, dryRun, user, route: { ...route, name } };
      return askWebhooks(store, options.services ?? {}, asked, () => {
        webhookCalls += 1;
      });
    };
    if (route.name === undefined) {
      if (method === 'POST') return ask('CREATE', createObject(write), null);
      if (method !== 'DELETE') return [];
      const gone = (store.list(collectionKey(route)) ?? []).filter(matcherOf(query, route.namespace));
      const warnings: string[] = [];
      for (const object of gone) warnings.push(...(await ask('DELETE', null, object)));
      return warnings;
    }
    const stored = getObject(store, route);
    if (method === 'DELETE') return ask('DELETE', null, stored);
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    if (method === 'PUT') return ask('UPDATE', updateObject(write), stored);
    return method === 'PATCH' ? ask('UPDATE', patchObject(write, type), stored) : [];
  };

  /** @returns undefined where the answer is a stream that has begun */
  const serveRoute = (
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    method: string,
    query: URLSearchParams,
    body: string,
    admitted: readonly string[],
  ): Answer | undefined => {
    const form = formOf(request.headers.accept);
    const warnings = [...admitted];
    const write = { store, route, body, query, warn: (text: string) => void warnings.push(text) };
    const written = (code: number, object: JsonObject): Answer => ({
      code,
      body: show(object, form),
      warnings,
    });
    if (method === 'GET' && isWatch(query)) {
      const watch = serveWatch(
        {
          ...{ store, route, query, form, response },
          bookmarkEvery: options.bookmarkEvery ?? 60_000,
          longest: options.longestWatch ?? 1_800_000,
        },
        () => {
          if (watch !== undefined) watches.delete(watch);
        },
      );
      if (watch !== undefined) watches.add(watch);
      return undefined;
    }
    if (route.name === undefined) {
      if (method === 'POST') return written(201, createObject(write));
      if (method === 'GET') {
        const cached = frozen ?? store.cacheVersion(collectionKey(route));
        const { objects, metadata } = listPage(store, route, query, cached);
        return { code: 200, body: showList(route.served, objects, form, metadata) };
      }
      if (method === 'DELETE') {
        const matches = matcherOf(query, route.namespace);
        const gone = (store.list(collectionKey(route)) ?? []).filter(matches);
        for (const object of gone) removeObject(store, route, String(metadataOf(object).name));
        const metadata = { resourceVersion: String(store.version) };
        return { code: 200, body: showList(route.served, gone, form, metadata) };
      }
    } else {
      if (method === 'GET') return { code: 200, body: show(getObject(store, route), form) };
      if (method === 'PUT') return written(200, updateObject(write));
      if (method === 'PATCH') {
        const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
        return written(200, patchObject(write, type));
      }
      if (method === 'DELETE') return { code: 200, body: deleteObject(write) };
    }
    throw failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      if (!(error instanceof Refused)) {
        response.destroy();
        // A fault of the stand-in must fail the test and not look like a fault of the network.
        queueMicrotask(() => {
          throw error;
        });
        return;
      }
      response.writeHead(error.code, {
        'content-type': error.isJson ? 'application/json' : 'text/plain; charset=utf-8',
        ...error.headers,
      });
      response.end(error.body);
    });
  };

  const listen = (port: number): Promise<Server> => {
    const server =
      options.tls === undefined
        ? createHttpServer(listener)
        : createHttpsServer({ ...options.tls, requestCert: true, rejectUnauthorized: false }, listener);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve(server));
    });
  };

  let server: Server | undefined = await listen(wanted);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the stand-in listens on no port');
  const { port } = address;

  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    store,
    asked,
    get openWatches() {
      return watches.size;
    },
    get webhookCalls() {
      return webhookCalls;
    },
    intervene(decide) {
      interventions.add(decide);
      return () => interventions.delete(decide);
    },
    cutWatches({ midLine = false } = {}) {
      for (const watch of watches) watch.cut(midLine);
    },
    setTokens(now) {
      tokens = now;
    },
    serve(now) {
      served = now;
    },
    freezeCache(version) {
      frozen = version;
    },
    async stop() {
      const stopping = server;
      server = undefined;
      if (stopping === undefined) return;
      const stopped = new Promise((resolve) => stopping.close(resolve));
      for (const socket of sockets) socket.destroy();
      await stopped;
    },
    async start() {
      store.restartCache();
      server ??= await listen(port);
    },
  };
}

const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** @returns undefined for a token that nobody has */
function whoIs(
  request: IncomingMessage,
  tokens: Readonly<Record<string, User>> | undefined,
): User | undefined {
  const { authorization } = request.headers;
  if (authorization?.startsWith('Bearer '))
    return tokens === undefined ? EVERYBODY : tokens[authorization.slice(7)];
  const { socket } = request;
  if (socket instanceof TLSSocket && socket.authorized) {
    const { subject } = socket.getPeerCertificate();
    const name = [subject?.CN ?? subject?.O].flat().join(',');
    return { name, groups: [] };
  }
  return tokens === undefined ? EVERYBODY : ANONYMOUS;
}

const EVERYBODY: User = { name: 'everybody', groups: ['system:masters'] };

function attributesOf(
  method: string,
  route: Route | undefined,
  path: string,
  query: URLSearchParams,
): Attributes {
  if (route === undefined)
    return { verb: method.toLowerCase(), group: '', resource: path, name: undefined, namespace: undefined };
  const { served, subresource, namespace } = route;
  return {
    verb: verbOf(method, route, query),
    group: served.group,
    resource: subresource === undefined ? served.resource : `${served.resource}/${subresource}`,
    name: nameAskedFor(route, query),
    namespace,
  };
}

function refuse(attributes: Attributes, user: User, route: Route | undefined): Refused {
  const { verb, group, resource, namespace } = attributes;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const target = { group, kind: resource.split('/')[0] ?? '' };
  return forbidden(
    route?.name === undefined ? target : { ...target, name: route.name },
    user.name,
    verb,
    resource,
    where,
  );
}

function reviewAccess(body: string, rules: readonly Rule[] | undefined): JsonObject {
  const review: JsonObject = JSON.parse(body);
  const spec = isJsonObject(review.spec) ? review.spec : {};
  const wanted = isJsonObject(spec.resourceAttributes) ? spec.resourceAttributes : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const allowed =
    rules === undefined ||
    allows(rules, {
      verb: text(wanted.verb),
      group: text(wanted.group),
      resource: text(wanted.resource),
      name: typeof wanted.name === 'string' ? wanted.name : undefined,
      namespace: typeof wanted.namespace === 'string' ? wanted.namespace : undefined,
    });
  return { ...review, metadata: { creationTimestamp: null }, status: { allowed } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

interface Answer {
  readonly code: number;
  readonly body: JsonObject | string;
  readonly warnings?: readonly string[];
}

function send(response: ServerResponse, { code, body, warnings = [] }: Answer): void {
  const isText = typeof body === 'string';
  response.setHeader('content-type', isText ? 'text/plain' : 'application/json');
  if (warnings.length > 0)
    response.setHeader(
      'warning',
      warnings.map((text) => `299 - ${JSON.stringify(text)}`),
    );
  response.writeHead(code);
  response.end(isText ? body : `${JSON.stringify(body)}\n`);
}
