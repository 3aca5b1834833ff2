/**
 * FRR as a router at the edge of a laboratory: bgpd, and zebra to program its kernel. Spoken to through vtysh.
 *
 * zebra insists on the group frrvty, which the FRR package would make in the system. Here it sees one in a mount
 * namespace of its own, and the system's file stays as it is.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import type { Host } from './namespaces.ts';
import { until } from './until.ts';

export interface Frr {
  readonly host: Host;
  /** One command of vtysh to bgpd, such as `show bgp summary`; returns what it prints. */
  ask(command: string): Promise<string>;
  /** The paths that bgpd has to a prefix. */
  paths(prefix: string): Promise<readonly FrrPath[]>;
  stop(): Promise<void>;
}

export interface FrrPath {
  /** Address of the peer that gave it. */
  readonly peer: string;
  readonly nextHops: readonly string[];
  readonly asPath: string;
  readonly communities: string;
}

/** @param bgp lines of bgpd's configuration, from `router bgp` on */
export async function startFrr(host: Host, folder: string, bgp: readonly string[]): Promise<Frr> {
  const own = join(folder, host.name);
  mkdirSync(own, { recursive: true });
  const tools = debianTools();
  writeFileSync(join(own, 'vtysh.conf'), 'username root nopassword\n');
  writeFileSync(join(own, 'zebra.conf'), 'log stdout\n');
  writeFileSync(join(own, 'bgpd.conf'), ['log stdout', ...bgp, ''].join('\n'));
  writeFileSync(join(own, 'group'), `${readFileSync('/etc/group', 'utf8')}frrvty:x:60999:root\n`);
  const flags = (name: string): readonly string[] => [
    ...['-u', 'root', '-g', 'root', '-P', '0', '-f', join(own, `${name}.conf`)],
    ...['-z', join(own, 'zserv'), '--vty_socket', own, '-i', join(own, `${name}.pid`)],
  ];
  const inside = 'mount --bind "$1" /etc/group && shift && exec "$@"';
  const zebra = await host.start(
    'unshare',
    [
      ...['--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh', join(own, 'group')],
      ...[tools['frr-zebra'], ...flags('zebra')],
    ],
    { logFile: join(own, 'zebra.log') },
  );
  const vtysh = (daemon: string, command: string): Promise<string> =>
    host.run(tools.vtysh, ['--config_dir', own, '--vty_socket', own, '-d', daemon, '-c', command]);
  const untilAnswers = (daemon: string, output: () => string): Promise<unknown> =>
    until(
      async () => (await vtysh(daemon, 'show version').catch(() => '')).includes('FRRouting'),
      () => `${daemon} of FRR to answer: ${output()}`,
      30_000,
    );
  await untilAnswers('zebra', zebra.output);
  const bgpd = await host.start(tools['frr-bgpd'], ['-S', ...flags('bgpd')], {
    logFile: join(own, 'bgpd.log'),
  });
  await untilAnswers('bgpd', bgpd.output);
  return {
    host,
    ask: (command) => vtysh('bgpd', command),
    async paths(prefix) {
      const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
      return pathsIn(await vtysh('bgpd', `show bgp ${family} unicast ${prefix} json`));
    },
    async stop() {
      await bgpd.stop();
      await zebra.stop();
    },
  };
}

function record(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function list(value: unknown): readonly ReadonlyMap<string, unknown>[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function pathsIn(text: string): readonly FrrPath[] {
  const parsed: unknown = JSON.parse(text);
  return list(record(parsed).get('paths')).map((path) => ({
    peer: String(record(path.get('peer')).get('peerId')),
    nextHops: list(path.get('nexthops'))
      .filter((hop) => hop.get('scope') !== 'link-local')
      .map((hop) => String(hop.get('ip'))),
    asPath: String(record(path.get('aspath')).get('string')),
    communities: String(record(path.get('community')).get('string') ?? ''),
  }));
}
