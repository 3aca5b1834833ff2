/**
 * Services and EndpointSlices of all namespaces, as one node sees them (Calico's confd, routes.go): followed only while
 * that node announces services. Of a slice only that counts which decides about a route: whether a ready endpoint of
 * its service is on the node. What alters nothing of that is not told.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Family, type IpAddress, parseAddress } from '../../model/address.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Problem } from '../../model/problem.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import type { Service } from '../../model/service.ts';
import { type ApiCollection, fullName } from './collection.ts';
import { connectTo } from './connection.ts';
import { rbacRule } from './failure.ts';
import { follow, type Told } from './follow.ts';
import type { KubernetesSettings } from './settings.ts';

/** How long the first lists may take before the rest goes on without them. */
const PATIENCE_MS = 3000;

export interface ServiceWatch {
  /** Follows the services of this node from now on, or of none. */
  want(node: string | null): void;
  /**
   * As the wanted node sees them; null where none is wanted or they were not all heard of yet. The same list while
   * nothing of it turned.
   */
  services(): readonly Service[] | null;
  /** Resolves when they are known or cannot be, after a bounded time at the latest. */
  heard(): Promise<void>;
  /** What the server does not let us see. */
  problems(): readonly Problem[];
  close(): Promise<void>;
}

type ServiceMeaning = Omit<Service, 'endpoints'>;

/** A slice with a ready endpoint on the node. */
interface LocalSlice {
  /** `NAMESPACE/NAME` */
  readonly service: string;
  readonly family: Family;
}

interface Followed {
  readonly node: string;
  readonly ending: AbortController;
  readonly running: Promise<unknown>;
  readonly services: ReturnType<typeof createTable<ServiceMeaning>>;
  readonly slices: ReturnType<typeof createTable<LocalSlice>>;
  readonly settled: Promise<void>;
}

/** @param changed called after something turned that routes or problems depend on */
export function watchServices(
  settings: KubernetesSettings,
  changed: () => void,
  patienceMs = PATIENCE_MS,
): ServiceWatch {
  const connection = connectTo(settings);
  const ended = new Set<Promise<unknown>>();
  let followed: Followed | null = null;
  let joined: readonly Service[] | null = null;
  let closed = false;

  function begin(node: string): Followed {
    const ending = new AbortController();
    const settled = Promise.withResolvers<void>();
    const timer = setTimeout(settled.resolve, patienceMs);
    ending.signal.addEventListener('abort', () => settled.resolve());
    void settled.promise.then(() => clearTimeout(timer));
    const services = createTable(SERVICES);
    const slices = createTable(slicesOn(node));
    const tables = [services, slices];
    const turned = (isNews: boolean): void => {
      if (ending.signal.aborted) return;
      if (tables.every((table) => table.state() !== 'unknown')) settled.resolve();
      if (!isNews) return;
      joined = null;
      changed();
    };
    const running = Promise.all([
      follow(connection, SERVICES, ending.signal, (told) => turned(services.take(told))),
      follow(connection, slicesOn(node), ending.signal, (told) => turned(slices.take(told))),
    ]);
    return { node, ending, running, services, slices, settled: settled.promise };
  }

  function end(): void {
    if (followed === null) return;
    const { ending, running } = followed;
    followed = null;
    joined = null;
    ending.abort();
    ended.add(running);
    void running.then(() => ended.delete(running));
  }

  return {
    want(node) {
      if (closed || node === (followed?.node ?? null)) return;
      end();
      if (node !== null) followed = begin(node);
    },
    services() {
      if (followed === null) return null;
      const { services, slices } = followed;
      if (!services.isKnown() || !slices.isKnown()) return null;
      joined ??= join(services.entries(), slices.values());
      return joined;
    },
    async heard() {
      await followed?.settled;
    },
    problems: () =>
      followed === null ? [] : [followed.services, followed.slices].flatMap((table) => table.problem() ?? []),
    async close() {
      closed = true;
      end();
      await Promise.all(ended);
      await connection.close();
    },
  };
}

function join(
  services: readonly (readonly [string, ServiceMeaning])[],
  slices: readonly LocalSlice[],
): readonly Service[] {
  const endpoints = new Map<string, Set<Family>>();
  for (const { service, family } of slices) {
    const families = endpoints.get(service) ?? new Set();
    endpoints.set(service, families.add(family));
  }
  return services.map(([name, service]) => ({
    ...service,
    endpoints: [...(endpoints.get(name) ?? [])].sort(),
  }));
}

/** What one collection holds, kept current by what is told of it. */
function createTable<Meant>(collection: ApiCollection<Meant>) {
  let objects: Map<string, Meant> | null = null;
  let problem: Problem | null = null;
  let lost = false;

  function settle(next: Map<string, Meant>): boolean {
    lost = false;
    const same = objects !== null && isDeepStrictEqual(objects, next);
    objects = next;
    return !same;
  }

  return {
    isKnown: () => objects !== null,
    /** `unknown`: neither heard of nor refused yet. */
    state: () => (objects !== null ? 'known' : problem !== null || lost ? 'refused' : 'unknown'),
    problem: () => problem,
    values: (): readonly Meant[] => [...(objects?.values() ?? [])],
    entries: (): readonly (readonly [string, Meant])[] => [...(objects ?? [])],
    /** @returns whether anything is new */
    take(told: Told<Meant>): boolean {
      switch (told.type) {
        case 'list': {
          const next = new Map<string, Meant>();
          for (const [name, [meaning]] of told.objects) if (meaning !== undefined) next.set(name, meaning);
          return settle(next);
        }
        case 'absent':
          return settle(new Map());
        case 'events': {
          let isNews = false;
          for (const { name, meanings } of told.events) {
            const [meaning] = meanings;
            if (isDeepStrictEqual(objects?.get(name), meaning)) continue;
            isNews = true;
            if (meaning === undefined) objects?.delete(name);
            else objects?.set(name, meaning);
          }
          return isNews;
        }
        case 'forbidden': {
          const before = problem;
          problem = forbidden(collection, told);
          return !isDeepStrictEqual(before, problem);
        }
        case 'allowed': {
          const had = problem !== null;
          problem = null;
          return had;
        }
        case 'lost':
          lost = true;
          return false;
        case 'alive':
          lost = false;
          return false;
        default:
          return told satisfies never;
      }
    },
  };
}

function forbidden<Meant>(
  collection: ApiCollection<Meant>,
  told: Extract<Told, { readonly type: 'forbidden' }>,
): Problem {
  return {
    code: 'no-permission',
    severity: 'error',
    subject: `permission/${fullName(collection)}`,
    message: `Routes to single services cannot be kept current: ${told.message}`,
    hint: `Add this rule to the role of that user: ${rbacRule(told.permission, ['list', 'watch'])}`,
  };
}

const SERVICES: ApiCollection<ServiceMeaning> = {
  group: '',
  resource: 'services',
  path: '/api/v1/services',
  namespaced: true,
  decode(object) {
    const spec = objectOf(object.spec);
    if (spec.type === 'ExternalName') return [];
    const balancer = objectOf(objectOf(object.status).loadBalancer);
    return [
      {
        clusterIps: addresses(spec.clusterIPs ?? [spec.clusterIP ?? null]),
        externalIps: addresses(spec.externalIPs),
        loadBalancerIps:
          spec.type === 'LoadBalancer'
            ? addresses(list(balancer.ingress).map((one) => objectOf(one).ip ?? null))
            : [],
        local: spec.externalTrafficPolicy === 'Local',
      },
    ];
  },
};

function slicesOn(node: string): ApiCollection<LocalSlice> {
  return {
    group: 'discovery.k8s.io',
    resource: 'endpointslices',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    namespaced: true,
    decode(object) {
      const { namespace, labels } = objectOf(object.metadata);
      const service = objectOf(labels)['kubernetes.io/service-name'];
      const family = object.addressType === 'IPv4' ? 4 : object.addressType === 'IPv6' ? 6 : undefined;
      if (typeof service !== 'string' || family === undefined) return [];
      // A condition that is not stated means ready (API reference of EndpointSlice).
      const isHere = list(object.endpoints)
        .map(objectOf)
        .some((one) => one.nodeName === node && objectOf(one.conditions).ready !== false);
      return isHere ? [{ service: `${String(namespace)}/${service}`, family }] : [];
    },
  };
}

/** Those that are addresses: a headless service has `None`. */
function addresses(value: Json | undefined): readonly IpAddress[] {
  return list(value).flatMap((text) => (typeof text === 'string' ? (parseAddress(text) ?? []) : []));
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
