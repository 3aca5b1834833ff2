/** What the kernel of a host routes, and every deletion that it sees. */
import { isDeepStrictEqual } from 'node:util';
import { debianTools } from '../../scripts/debian.ts';
import type { Host } from './namespaces.ts';
import { runToEnd } from './processes.ts';
import { until } from './until.ts';

export type Family = 4 | 6;

export interface KernelRoute {
  readonly prefix: string;
  /** Next hops; none for a blackhole. */
  readonly via: readonly string[];
  readonly type: string;
  readonly protocol: string;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** Routes that BIRD put into the host's main table, sorted by prefix. */
export async function kernelRoutes(host: Host, family: Family): Promise<readonly KernelRoute[]> {
  const output = await runToEnd(debianTools().ip, [
    '-n',
    host.namespace,
    `-${family}`,
    '-j',
    'route',
    'show',
    'proto',
    'bird',
  ]);
  const parsed: unknown = output.trim() === '' ? [] : JSON.parse(output);
  if (!Array.isArray(parsed)) throw new Error(`ip printed no list of routes: ${output}`);
  const rows: readonly unknown[] = parsed;
  return rows
    .map((row) => {
      const hops = field(row, 'nexthops');
      const gateways = Array.isArray(hops)
        ? hops.map((hop: unknown) => text(field(hop, 'gateway')))
        : [text(field(row, 'gateway'))];
      return {
        prefix: text(field(row, 'dst')) ?? '',
        via: gateways.filter((gateway) => gateway !== undefined).sort(),
        type: text(field(row, 'type')) ?? 'unicast',
        protocol: text(field(row, 'protocol')) ?? 'bird',
      };
    })
    .sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
}

/** Prefix to next hops of the routes that lead to another host. */
export async function forwardingTable(host: Host, family: Family): Promise<Readonly<Record<string, string>>> {
  const routes = await kernelRoutes(host, family);
  return Object.fromEntries(
    routes.filter((route) => route.via.length > 0).map((route) => [route.prefix, route.via.join(' ')]),
  );
}

/** Waits until a host forwards exactly like this. */
export async function untilForwards(
  host: Host,
  family: Family,
  expected: Readonly<Record<string, string>>,
  ms: number,
): Promise<void> {
  await until(
    async () => isDeepStrictEqual(await forwardingTable(host, family), expected),
    async () => {
      const seen = await forwardingTable(host, family);
      const lines = [...new Set([...Object.keys(seen), ...Object.keys(expected)])]
        .sort()
        .filter((prefix) => seen[prefix] !== expected[prefix])
        .map(
          (prefix) =>
            `${prefix} via ${seen[prefix] ?? 'nothing'} instead of ${expected[prefix] ?? 'nothing'}`,
        );
      return `${host.name} to have the right IPv${family} routes: ${lines.join(', ')}`;
    },
    ms,
  );
}

export interface RouteEvent {
  readonly host: string;
  /** Milliseconds of performance.now() when it was read. */
  readonly at: number;
  readonly kind: 'deleted' | 'added';
  /** As `ip monitor` prints it, without the leading word. */
  readonly route: string;
}

export interface RouteMonitor {
  /** Milliseconds since the last change that was read, or since the monitor started. */
  quietMs(): number;
  /** Waits until everything that happened so far was read, then ends. */
  finish(): Promise<readonly RouteEvent[]>;
}

/** Documentation prefixes (RFC 5737, RFC 3849) that no test routes, to see that the monitor is awake. */
const PROBES = ['203.0.113.77', '2001:db8:ffff::77'];

/**
 * Records every change of a host's routes from now on. It proves itself: before it starts and before it finishes, a
 * route of its own is added and deleted in both families, and the monitor must have told both.
 */
export async function monitorRoutes(host: Host): Promise<RouteMonitor> {
  const ip = debianTools().ip;
  const monitor = await host.start(ip, ['-o', 'monitor', 'route']);
  const events: RouteEvent[] = [];
  let deletionsOfProbes = 0;
  monitor.onLine((line) => {
    const deleted = line.startsWith('Deleted ');
    const route = (deleted ? line.slice('Deleted '.length) : line).trim();
    if (PROBES.some((probe) => route.includes(probe))) {
      if (deleted) deletionsOfProbes += 1;
      return;
    }
    // The kernel's own entries (local, broadcast, multicast) follow addresses, not BGP.
    if (/\btable local\b|^(local|broadcast|multicast|anycast) /.test(route)) return;
    events.push({ host: host.name, at: performance.now(), kind: deleted ? 'deleted' : 'added', route });
  });
  const probe = async (): Promise<void> => {
    const before = deletionsOfProbes;
    await until(
      async () => {
        for (const address of PROBES) {
          const family = address.includes(':') ? '-6' : '-4';
          for (const verb of ['add', 'delete'])
            await runToEnd(ip, ['-n', host.namespace, family, 'route', verb, 'blackhole', address]);
        }
        return deletionsOfProbes >= before + PROBES.length;
      },
      `ip monitor in ${host.name} to tell of its probe routes`,
      30_000,
    );
  };
  await probe();
  const started = performance.now();
  return {
    quietMs: () => performance.now() - Math.max(started, events.at(-1)?.at ?? 0),
    async finish() {
      await probe();
      await monitor.stop('SIGTERM');
      return events;
    },
  };
}

/** Monitors several hosts; `finish` gives all their events in the order of time. */
export async function monitorAllRoutes(hosts: Iterable<Host>): Promise<RouteMonitor> {
  const monitors = await Promise.all([...hosts].map(monitorRoutes));
  return {
    quietMs: () => Math.min(...monitors.map((monitor) => monitor.quietMs())),
    async finish() {
      const events = await Promise.all(monitors.map((monitor) => monitor.finish()));
      return events.flat().sort((a, b) => a.at - b.at);
    },
  };
}
