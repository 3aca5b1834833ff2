/**
 * What the reflectors are made to do, and which of bgpload's numbers tell how well they did it. Sizes are those of
 * a Calico cluster: a block of addresses is a /26, a node announces one to ten of them.
 */
import { type Measured, numberOf } from './load.ts';

/** One number of a run, always "less is better". */
export interface Metric {
  readonly id: MetricId;
  readonly title: string;
  readonly unit: 's' | 'ms' | 'MB' | '%' | 'us';
  of(fields: Measured): number;
}

export type MetricId =
  | 'wall'
  | 'established'
  | 'withdrawn'
  | 'cpu'
  | 'rss'
  | 'p50'
  | 'p99'
  | 'withdrawP99'
  | 'idleCpu'
  | 'idleRss'
  | 'joinCpu'
  | 'octets'
  | 'each';

export interface Work {
  readonly id: string;
  readonly title: string;
  /** Sessions that the reflector is configured with. */
  readonly clients: number;
  /** Clients that it is told of while it runs. */
  readonly extra?: number;
  readonly args: readonly string[];
  /** Prefixes that are delivered, all clients taken together: how large the work is. */
  readonly deliveries: number;
  /** After so many seconds a reflector has not done it. */
  readonly limitSeconds: number;
  readonly metrics: readonly Metric[];
  /** The first metric decides which of several runs is the median one. */
  readonly quick?: true;
  /** Only these are measured. */
  readonly only?: readonly string[];
}

function metric(id: MetricId, title: string, unit: Metric['unit'], ...fields: readonly string[]): Metric {
  return { id, title, unit, of: (run) => fields.reduce((sum, name) => sum + numberOf(run, name), 0) };
}

const WALL = metric('wall', 'wall', 's', 'converge_s');
const ESTABLISHED = metric('established', 'sessions up', 's', 'establish_s');
const CPU = metric('cpu', 'CPU', 's', 'rr_converge_cpu_s');
const RSS = metric('rss', 'peak RSS', 'MB', 'rr_peak_rss_mb');
const EACH: Metric = {
  id: 'each',
  title: 'CPU per delivered prefix',
  unit: 'us',
  of: (run) => (numberOf(run, 'rr_converge_cpu_s') / numberOf(run, 'converge_prefixes')) * 1e6,
};

function converge(clients: number, routes: number, quick: { quick?: true } = {}): Work {
  return {
    id: `converge-${clients}x${routes}`,
    title: `${clients.toLocaleString('en')} clients announce ${routes} prefixes each, all at once`,
    clients,
    args: ['converge', '-n', String(clients), '-r', String(routes)],
    deliveries: clients * clients * routes,
    limitSeconds: 90,
    metrics: [WALL, CPU, RSS, ESTABLISHED],
    ...quick,
  };
}

function single(table: number, sinks: number): Work {
  return {
    id: `single-${sinks}`,
    title: `one client announces ${table.toLocaleString('en')} prefixes, ${sinks} receive them`,
    clients: sinks + 1,
    args: ['single', '--feeders', '1', '--sinks', String(sinks), '--table', String(table)],
    deliveries: table * sinks,
    limitSeconds: 150,
    metrics: [WALL, CPU, RSS],
  };
}

/** The same table for more and more clients. */
function growth(sinks: number, quick: { quick?: true } = {}): Work {
  const table = 10_000;
  return {
    ...single(table, sinks),
    id: `growth-${sinks}`,
    metrics: [EACH, CPU, WALL],
    only: ['native', 'bird'],
    ...quick,
  };
}

function churn(id: string, clients: number, rate: number, changes: Partial<Work> = {}): Work {
  const of = ['--flap-rate', String(rate), '--duration', '10', '--samples', '16'];
  return {
    id,
    title: `${clients} clients, ${rate} prefixes a second are withdrawn and announced again, for 10 s`,
    clients,
    args: ['churn', '-n', String(clients), '-r', '20', '--flap-clients', '10', ...of],
    deliveries: clients * (clients * 20 + rate * 20),
    limitSeconds: 120,
    metrics: [
      metric('p50', 'announcement 50 %', 'ms', 'announce_p50_ms'),
      metric('p99', 'announcement 99 %', 'ms', 'announce_p99_ms'),
      metric('withdrawP99', 'withdrawal 99 %', 'ms', 'withdraw_p99_ms'),
      metric('cpu', 'CPU', 's', 'rr_churn_cpu_s'),
      RSS,
    ],
    ...changes,
  };
}

export const WORKS: readonly Work[] = [
  converge(100, 10, { quick: true }),
  converge(100, 100),
  converge(500, 10, { quick: true }),
  converge(1000, 10),
  converge(2000, 5),
  single(100_000, 500),
  churn('churn', 500, 500),
  churn('trickle-20', 20, 5, { quick: true }),
  churn('trickle-500', 500, 5, { only: ['native', 'bird', 'frr-tuned', 'openbgpd'] }),
  {
    id: 'join',
    title: 'a reflector with 2,000 clients is told of one more, which dials every 5 ms',
    clients: 2000,
    extra: 1,
    args: ['join', '-n', '2000', '-r', '1', '--extra', '1', '--retry-ms', '5'],
    deliveries: 2000 * 2000,
    limitSeconds: 120,
    metrics: [
      metric('established', 'until Established', 's', 'join_established_s'),
      metric('wall', 'until it has all routes', 's', 'join_converged_s'),
      metric('joinCpu', 'CPU until Established', 's', 'rr_join_established_cpu_s'),
      metric('cpu', 'CPU in all', 's', 'rr_join_settled_cpu_s'),
      RSS,
    ],
  },
  {
    id: 'restart',
    title: '100 of 1,000 clients vanish and come back, 10 prefixes each',
    clients: 1000,
    args: ['restart', '-n', '1000', '-r', '10', '--percent', '10', '--gap-ms', '1000'],
    deliveries: 1000 * 10_000 + 1000 * 2000,
    limitSeconds: 200,
    metrics: [
      metric('wall', 'until all have all routes again', 's', 'reconverge_s'),
      metric('withdrawn', 'until their routes are gone', 's', 'withdraw_s'),
      metric('cpu', 'CPU', 's', 'rr_withdraw_cpu_s', 'rr_reconverge_cpu_s'),
      RSS,
    ],
  },
  growth(100, { quick: true }),
  growth(500),
  growth(1000),
  growth(2000),
  {
    id: 'idle',
    title: '2,500 clients announce 250,000 paths to 100,000 prefixes, then only KEEPALIVEs go for 60 s',
    clients: 2500,
    args: ['idle', '-n', '2500', '-r', '100', '--table', '100000', '--duration', '60'],
    deliveries: 2500 * 100_000,
    limitSeconds: 480,
    metrics: [
      metric('idleRss', 'RSS when idle', 'MB', 'rr_idle_rss_mb'),
      {
        id: 'idleCpu',
        title: 'share of a core when idle',
        unit: '%',
        of: (run) => (numberOf(run, 'rr_idle_cpu_s') / numberOf(run, 'idle_s')) * 100,
      },
      WALL,
      CPU,
      RSS,
    ],
    only: ['native', 'bird'],
  },
];
