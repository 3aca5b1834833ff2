/**
 * Validating admission webhooks, as an API server calls them (Kubernetes, "Dynamic Admission Control"): each
 * ValidatingWebhookConfiguration that is stored, its rules and its conditions (in CEL) matched, an AdmissionReview sent over
 * TLS, its answer obeyed, a failure taken as the policy says. Selectors of webhooks are not looked at.
 */
import { randomUUID } from 'node:crypto';
import { evaluate } from '@marcbachmann/cel-js';
import { Agent, request as send } from 'undici';
import { isJsonObject, parseJson } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';
import type { User } from './access.ts';
import { failure, Refused } from './refusals.ts';
import type { Route } from './routes.ts';
import { apiVersionOf, type Served } from './served.ts';
import type { Store } from './store.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

export interface Admission {
  readonly operation: Operation;
  readonly route: Route;
  readonly name: string;
  /** Null for a deletion. */
  readonly object: JsonObject | null;
  /** Null for a creation. */
  readonly oldObject: JsonObject | null;
  readonly dryRun: boolean;
  readonly user: User;
}

/** What a Service of the cluster is on this machine: `NAMESPACE/NAME` to `https://HOST:PORT`. */
export type Services = Readonly<Record<string, string>>;

const CONFIGURATIONS = 'validatingwebhookconfigurations.admissionregistration.k8s.io';

/** Whether any webhook is configured at all. */
export function hasWebhooks(store: Store): boolean {
  return (store.list(CONFIGURATIONS) ?? []).length > 0;
}

/**
 * Asks every webhook whose rules match.
 * @param onCall is called before each
 * @returns the warnings of those that agreed
 * @throws a refusal in the words of the API server
 */
export async function askWebhooks(
  store: Store,
  services: Services,
  admission: Admission,
  onCall: () => void,
): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const configuration of store.list(CONFIGURATIONS) ?? []) {
    const hooks = Array.isArray(configuration.webhooks) ? configuration.webhooks : [];
    for (const hook of hooks) {
      if (!isJsonObject(hook) || !matches(hook, admission)) continue;
      const review = reviewOf(admission);
      if (!meetsConditions(hook, review)) continue;
      onCall();
      warnings.push(...(await askOne(hook, services, review)));
    }
  }
  return warnings;
}

/** @throws Error where an expression is none; an API server would not have stored it */
function meetsConditions(hook: JsonObject, review: JsonObject): boolean {
  const request = isJsonObject(review.request) ? review.request : {};
  const { object = null, oldObject = null } = request;
  return (Array.isArray(hook.matchConditions) ? hook.matchConditions : []).every(
    (condition) =>
      isJsonObject(condition) &&
      evaluate(String(condition.expression), { request, object, oldObject }) === true,
  );
}

function matches(hook: JsonObject, { route, operation }: Admission): boolean {
  const { group, version, resource } = route.served;
  const full = route.subresource === undefined ? resource : `${resource}/${route.subresource}`;
  const covers = (list: Json | undefined, value: string): boolean =>
    Array.isArray(list) && (list.includes(value) || list.includes('*'));
  return (Array.isArray(hook.rules) ? hook.rules : []).some(
    (rule) =>
      isJsonObject(rule) &&
      covers(rule.apiGroups, group) &&
      covers(rule.apiVersions, version) &&
      covers(rule.operations, operation) &&
      covers(rule.resources, full),
  );
}

async function askOne(hook: JsonObject, services: Services, review: JsonObject): Promise<readonly string[]> {
  const name = String(hook.name);
  let answer: JsonObject;
  try {
    answer = await call(hook, services, review);
  } catch (error) {
    if (hook.failurePolicy === 'Ignore') return [];
    const reason = error instanceof Error ? error.message : String(error);
    throw failure(
      500,
      'InternalError',
      `Internal error occurred: failed calling webhook "${name}": failed to call webhook: ${reason}`,
      {
        details: {
          causes: [{ message: `failed calling webhook "${name}": failed to call webhook: ${reason}` }],
        },
      },
    );
  }
  const warnings = (Array.isArray(answer.warnings) ? answer.warnings : []).map(String);
  if (answer.allowed === true) return warnings;
  throw denied(name, isJsonObject(answer.status) ? answer.status : {});
}

function reviewOf(admission: Admission): JsonObject {
  const { route, operation, object, oldObject, dryRun, user } = admission;
  const { served, subresource, namespace } = route;
  const kind = { group: served.group, version: served.version, kind: served.kind };
  const resource = { group: served.group, version: served.version, resource: served.resource };
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: randomUUID(),
      ...{ kind, resource, requestKind: kind, requestResource: resource },
      ...(subresource === undefined ? {} : { subResource: subresource, requestSubResource: subresource }),
      name: admission.name,
      ...(namespace === undefined ? {} : { namespace }),
      operation,
      userInfo: { username: user.name, groups: [...user.groups] },
      object: object === null ? null : withKind(served, object),
      oldObject: oldObject === null ? null : withKind(served, oldObject),
      dryRun,
      options: {
        kind: OPTIONS[operation],
        apiVersion: 'meta.k8s.io/v1',
        ...(dryRun ? { dryRun: ['All'] } : {}),
      },
    },
  };
}

const OPTIONS = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions' } as const;

function withKind(served: Served, object: JsonObject): JsonObject {
  return { kind: served.kind, apiVersion: apiVersionOf(served), ...object };
}

/** @throws Error for whatever the API server takes for a failed call */
async function call(hook: JsonObject, services: Services, review: JsonObject): Promise<JsonObject> {
  const client = isJsonObject(hook.clientConfig) ? hook.clientConfig : {};
  const seconds = typeof hook.timeoutSeconds === 'number' ? hook.timeoutSeconds : 10;
  const url = new URL(urlOf(client, services));
  url.searchParams.set('timeout', `${seconds}s`);
  const bundle =
    typeof client.caBundle === 'string' ? Buffer.from(client.caBundle, 'base64').toString() : undefined;
  const dispatcher = new Agent({ connect: bundle === undefined ? {} : { ca: bundle } });
  try {
    const answer = await send(url, {
      method: 'POST',
      dispatcher,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(review),
      signal: AbortSignal.timeout(seconds * 1000),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`an error on the server (${text.trim()}) has prevented the request from succeeding`);
    const value = parseJson(text);
    const response = isJsonObject(value) ? value.response : undefined;
    if (!isJsonObject(value) || !isJsonObject(response))
      throw new Error('webhook response is no AdmissionReview');
    const asked = isJsonObject(review.request) ? review.request.uid : undefined;
    if (value.kind !== 'AdmissionReview' || value.apiVersion !== review.apiVersion)
      throw new Error(
        `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${value.apiVersion}, Kind=${value.kind}`,
      );
    if (response.uid !== asked) throw new Error(`expected response.uid="${asked}", got "${response.uid}"`);
    return response;
  } finally {
    await dispatcher.destroy();
  }
}

function urlOf(client: JsonObject, services: Services): string {
  if (typeof client.url === 'string') return client.url;
  const service = isJsonObject(client.service) ? client.service : {};
  const base = services[`${service.namespace}/${service.name}`];
  if (base === undefined) throw new Error(`service "${service.name}" not found`);
  return `${base}${typeof service.path === 'string' ? service.path : '/'}`;
}

function denied(name: string, status: JsonObject): Refused {
  const by = `admission webhook "${name}" denied the request`;
  const why = [status.message, status.reason].find((text) => typeof text === 'string' && text !== '');
  return new Refused(Math.max(typeof status.code === 'number' ? status.code : 400, 400), {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    ...status,
    status: 'Failure',
    message: why === undefined ? `${by} without explanation` : `${by}: ${why}`,
    code: Math.max(typeof status.code === 'number' ? status.code : 400, 400),
  });
}
