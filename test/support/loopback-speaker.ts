/**
 * BGP neighbors for tests of an engine: real BIRDs of both generations on addresses of 127.0.0.0/8 and an
 * unprivileged port, so that neither root nor a network namespace is needed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDebian } from '../../scripts/debian.ts';
import { type ControlSocket, openControlSocket } from '../../src/engine/bird/control-socket.ts';
import { unusedPort } from './ports.ts';
import { start } from './processes.ts';
import { until } from './until.ts';

export interface LoopbackNet {
  /** The same port on every address; free on the first one when this was made. */
  readonly port: number;
  /** The nth address, 1..254. */
  address(host: number): string;
}

let nets = 0;

/** A /24 of 127.0.0.0/8 that no other test process uses, as far as process IDs tell. */
export async function loopbackNet(): Promise<LoopbackNet> {
  nets += 1;
  const base = `127.${64 + (process.pid % 128)}.${((process.pid >> 7) * 31 + nets) % 256}`;
  const port = await unusedPort(`${base}.1`);
  return { port, address: (host) => `${base}.${host}` };
}

export interface NeighborOptions {
  readonly generation?: 1 | 2;
  readonly as?: number;
  readonly speakerAs?: number;
  /** Static routes that it announces. */
  readonly routes?: readonly string[];
  readonly password?: string;
  readonly restartSeconds?: number;
  /** It takes and tells several paths to one prefix (RFC 7911). */
  readonly addPaths?: boolean;
  /** Each of its routes has a second path, with MED 20. */
  readonly twice?: boolean;
  /** BIRD 2: it takes IPv6 next hops (RFC 8950), and this is the one of its routes; null: it only takes them. */
  readonly ipv6NextHop?: string | null;
  /** Further lines inside the BGP protocol. */
  readonly extra?: string;
}

export interface NeighborRoute {
  readonly prefix: string;
  readonly nextHop: string | undefined;
  readonly originatorId: string | undefined;
  readonly clusterList: string | undefined;
  readonly communities: string;
  readonly localPreference: number | undefined;
  readonly asPath: string;
  /** Kept by graceful restart while the session is down. */
  readonly stale: boolean;
}

export interface Neighbor {
  readonly address: string;
  /** Lines of a reply of its control socket, joined. */
  ask(command: string): Promise<string>;
  /** State and last error of its only session. */
  session(): Promise<string>;
  /** Routes learned from the speaker, by prefix. */
  routes(): Promise<ReadonlyMap<string, NeighborRoute>>;
  /** Each path to a prefix that it learned from the speaker, as `NEXT_HOP MED`, sorted. */
  untilPaths(prefix: string, paths: readonly string[]): Promise<void>;
  /** Waits until it has learned just these prefixes. */
  untilRoutes(prefixes: readonly string[], ms?: number): Promise<ReadonlyMap<string, NeighborRoute>>;
  untilUp(ms?: number): Promise<void>;
  /** Announces these and no others from now on. */
  announce(routes: readonly string[]): Promise<void>;
  log(): string;
  /**
   * How often its session changed its state, by its log. Not the time that BIRD shows, which it computes anew for each
   * reply and which differs by a millisecond.
   */
  stateChanges(): number;
  /**
   * Texts of the NOTIFICATIONs that it was sent, by its log. Without those that settle which of two connections stays
   * (RFC 4271 section 6.8): whether both sides have dialled is a matter of chance, and no session ends by them.
   */
  notifications(): readonly string[];
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a neighbor on the nth address whose only peer is the speaker. */
export async function startNeighbor(
  folder: string,
  net: LoopbackNet,
  host: number,
  speaker: string,
  options: NeighborOptions = {},
): Promise<Neighbor> {
  const tools = await prepareDebian();
  const generation = options.generation ?? 2;
  const own = join(folder, `neighbor-${host}`);
  mkdirSync(own, { recursive: true });
  const write = (routes: readonly string[]): void =>
    writeFileSync(
      join(own, 'bird.conf'),
      configuration(net, host, speaker, generation, { ...options, routes }),
    );
  write(options.routes ?? []);
  const daemon = await start(
    generation === 2 ? tools.bird2 : tools.bird1,
    ['-f', '-c', 'bird.conf', '-s', 'bird.ctl', '-P', 'bird.pid'],
    { cwd: own },
  );
  const control: ControlSocket = await until(
    async () => {
      if (!daemon.running) throw new Error(`BIRD on ${net.address(host)} ended: ${daemon.output()}`);
      return openControlSocket(join(own, 'bird.ctl')).catch(() => undefined);
    },
    `BIRD on ${net.address(host)} to answer`,
    30_000,
  );
  const ask = async (command: string): Promise<string> =>
    (await control.request(command)).lines.map((line) => line.text).join('\n');

  async function routes(): Promise<ReadonlyMap<string, NeighborRoute>> {
    return parseLearned(await ask('show route all protocol speaker'));
  }

  async function session(): Promise<string> {
    const row = /^speaker .*$/m.exec(await ask('show protocols'))?.[0] ?? '';
    return row.trim().split(/\s+/).slice(5).join(' ');
  }

  const log = (): string => readFileSync(join(own, 'bird.log'), 'utf8');

  return {
    address: net.address(host),
    ask,
    routes,
    session,
    async untilRoutes(prefixes, ms = 60_000) {
      const wanted = [...prefixes].sort().join(' ');
      return until(
        async () => {
          const found = await routes();
          return [...found.keys()].sort().join(' ') === wanted ? found : undefined;
        },
        async () =>
          `${net.address(host)} to hold "${wanted}"; it holds "${[...(await routes()).keys()].join(' ')}"`,
        ms,
      );
    },
    async untilPaths(prefix, paths) {
      const found = async (): Promise<string> => pathsIn(await ask(`show route ${prefix} all`));
      await until(
        async () => (await found()) === [...paths].sort().join(', '),
        async () => `${net.address(host)} to hold ${paths.join(', ')}; it holds ${await found()}`,
        60_000,
      );
    },
    async untilUp(ms = 60_000) {
      await until(
        async () => (await session()).startsWith('Established'),
        async () => `the session of ${net.address(host)} to come up: ${await session()}`,
        ms,
      );
    },
    async announce(next) {
      write(next);
      await ask('configure');
    },
    log,
    stateChanges: () => log().split('speaker: State changed to').length - 1,
    notifications: () =>
      [...log().matchAll(/speaker: Received: (.*)/g)]
        .map(([, text = '']) => text)
        .filter((text) => !/collision/i.test(text)),
    async stop(signal = 'SIGKILL') {
      control.close();
      await daemon.stop(signal);
    },
  };
}

function configuration(
  net: LoopbackNet,
  host: number,
  speaker: string,
  generation: 1 | 2,
  options: NeighborOptions,
): string {
  const own = net.address(host);
  const as = options.as ?? 64512;
  const { ipv6NextHop } = options;
  const hop = ipv6NextHop == null ? '' : `bgp_next_hop = ${ipv6NextHop};`;
  const second = 'if proto = "again" then bgp_med = 20;';
  const several = options.addPaths === true ? 'add paths on;' : '';
  const channel = `import all; export filter { if source != RTS_STATIC then reject; ${second} ${hop} accept; }; ${several}
    ${ipv6NextHop === undefined ? '' : 'extended next hop on;'} ${hop === '' ? 'next hop self;' : ''}`;
  const statics = (options.routes ?? []).map((route) => `  route ${route} blackhole;`).join('\n');
  return `log "bird.log" all;
router id ${own};
${generation === 1 ? `listen bgp address ${own} port ${net.port};` : ''}
protocol device {}
protocol static {
  ${generation === 2 ? 'ipv4;' : ''}
${statics}
}
${options.twice === true ? again(generation, statics) : ''}
protocol bgp speaker {
  debug { states };
  local ${own} ${generation === 2 ? `port ${net.port} ` : ''}as ${as};
  neighbor ${speaker} port ${net.port} as ${options.speakerAs ?? 64512};
  ${generation === 2 ? 'strict bind yes;' : ''}
  multihop;
  connect delay time 1; connect retry time 1; error wait time 1, 1;
  graceful restart on; graceful restart time ${options.restartSeconds ?? 120};
  ${options.password === undefined ? '' : `password "${options.password}";`}
  ${options.extra ?? ''}
  ${generation === 2 ? `ipv4 { ${channel} };` : channel}
}
`;
}

function again(generation: 1 | 2, statics: string): string {
  const preference = generation === 2 ? 'ipv4 { preference 190; };' : 'preference 190;';
  return `protocol static again {\n  ${preference}\n${statics}\n}`;
}

/** Paths of `show route PREFIX all`, of either generation: only the first one has the prefix on its line. */
function pathsIn(text: string): string {
  const blocks = text.split(/\n(?=[^\t\n]*\[\w+ )/).filter((block) => block.includes('[speaker '));
  const value = (block: string, name: string): string =>
    new RegExp(`BGP\\.${name}: ?(.*)`).exec(block)?.[1]?.trim() ?? '-';
  return blocks
    .map((block) => `${value(block, 'next_hop')} ${value(block, 'med')}`)
    .sort()
    .join(', ');
}

/** Routes of `show route all protocol NAME`, of either generation. */
function parseLearned(text: string): ReadonlyMap<string, NeighborRoute> {
  const found = new Map<string, NeighborRoute>();
  for (const block of text.split(/\n(?=\S+\/\d+ )/)) {
    const head = /^(\S+\/\d+) .*\[speaker [^\]]*\](.*)$/m.exec(block);
    const prefix = head?.[1];
    if (prefix === undefined) continue;
    const value = (name: string): string | undefined =>
      new RegExp(`BGP\\.${name}: ?(.*)`).exec(block)?.[1]?.trim();
    const preference = value('local_pref');
    found.set(prefix, {
      prefix,
      nextHop: value('next_hop'),
      originatorId: value('originator_id'),
      clusterList: value('cluster_list'),
      communities: value('community') ?? '',
      localPreference: preference === undefined ? undefined : Number(preference),
      asPath: value('as_path') ?? '',
      stale: /\(\d+s/.test(head?.[2] ?? ''),
    });
  }
  return found;
}
