/** FRR's bgpd (8.4 in Debian), without zebra: it programs nothing. Spoken to through vtysh. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDebian } from '../../scripts/debian.ts';
import { FAMILIES } from '../../src/bgp/index.ts';
import type { RunningProcess } from '../support/processes.ts';
import {
  familyOf,
  fields,
  HERE,
  items,
  numberOr,
  type Partner,
  type PartnerPath,
  type PartnerSettings,
  textOr,
  untilAnswers,
} from './partner.ts';

export async function startFrr(folder: string, settings: PartnerSettings): Promise<Partner> {
  const tools = await prepareDebian(['frr-bgpd', 'vtysh']);
  const own = join(folder, settings.name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, 'bgpd.conf'), configuration(settings));
  writeFileSync(join(own, 'vtysh.conf'), 'username root nopassword\n');
  const addresses = settings.peers.flatMap((peer) => ['-l', peer.own]);
  const vtysh = (command: string): Promise<string> =>
    HERE.run(tools.vtysh, ['--config_dir', own, '--vty_socket', own, '-d', 'bgpd', '-c', command]);
  const launch = async (): Promise<RunningProcess> => {
    const words = ['-n', '-Z', '-S', '-f', join(own, 'bgpd.conf'), '-p', String(settings.port), ...addresses];
    const daemon = await HERE.start(
      tools['frr-bgpd'],
      [...words, '--vty_socket', own, '-P', '0', '-i', join(own, 'bgpd.pid')],
      { cwd: own, logFile: join(own, 'bgpd.log') },
    );
    await untilAnswers(() => vtysh('show version'), daemon, settings.name);
    return daemon;
  };
  let daemon = await launch();
  return {
    name: settings.name,
    settings,
    async paths(prefix) {
      return pathsIn(await vtysh(`show bgp ipv${familyOf(prefix)} unicast ${prefix} json`));
    },
    async refresh() {
      for (const family of FAMILIES) {
        if (settings.peers.some((peer) => peer.family === family)) await vtysh(`clear bgp ipv${family} * in`);
      }
    },
    crash: async () => void (await daemon.stop('SIGKILL')),
    async comeBack() {
      daemon = await launch();
    },
    log: () => daemon.output(),
  };
}

function configuration({ as, port, routerId, clusterId, peers, prefixes }: PartnerSettings): string {
  const neighbors = peers.flatMap(({ own, peer, password, near }) => [
    ` neighbor ${peer} remote-as ${as}`,
    ` neighbor ${peer} port ${port}`,
    ` neighbor ${peer} update-source ${own}`,
    ` neighbor ${peer} timers connect 1`,
    ...(password === undefined ? [] : [` neighbor ${peer} password ${password}`]),
    ...(near === true ? [` neighbor ${peer} ttl-security hops 1`] : []),
  ]);
  const families = FAMILIES.flatMap((family) => [
    ` address-family ipv${family} unicast`,
    ...prefixes.filter((prefix) => familyOf(prefix) === family).map((prefix) => `  network ${prefix}`),
    ...peers
      .filter((peer) => peer.family === family)
      .flatMap(({ peer, client }) => [
        `  neighbor ${peer} activate`,
        ...(client === true ? [`  neighbor ${peer} route-reflector-client`] : []),
      ]),
    ' exit-address-family',
  ]);
  return [
    'frr defaults traditional',
    'log stdout informational',
    `router bgp ${as}`,
    ` bgp router-id ${routerId}`,
    ...(clusterId === undefined ? [] : [` bgp cluster-id ${clusterId}`]),
    ' no bgp default ipv4-unicast',
    ' no bgp network import-check',
    ' bgp graceful-restart',
    // Its kernel's routes are said to have outlived its restart.
    ' bgp graceful-restart preserve-fw-state',
    ' coalesce-time 10',
    ...neighbors,
    ...families,
    '',
  ].join('\n');
}

function pathsIn(text: string): readonly PartnerPath[] {
  const parsed: unknown = JSON.parse(text);
  return items(fields(parsed).get('paths'))
    .map(fields)
    .filter((path) => fields(path.get('peer')).get('peerId') !== undefined && path.get('local') !== true)
    .map((path) => {
      const hops = items(path.get('nexthops')).map(fields);
      return {
        nextHop: textOr(hops[0]?.get('ip')) ?? '',
        originatorId: textOr(path.get('originatorId')),
        clusterList: items(fields(path.get('clusterList')).get('list')).map(String),
        localPreference: numberOr(path.get('locPrf')),
        stale: path.get('stale') === true,
      };
    });
}
