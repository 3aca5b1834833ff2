/** GoBGP (3.10 in Debian). Spoken to through `gobgp`, on a socket in its folder. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDebian } from '../../scripts/debian.ts';
import type { RunningProcess } from '../support/processes.ts';
import {
  familyOf,
  fields,
  HERE,
  items,
  numberOr,
  type Partner,
  type PartnerPath,
  type PartnerPeer,
  type PartnerSettings,
  textOr,
  untilAnswers,
} from './partner.ts';

export async function startGobgp(folder: string, settings: PartnerSettings): Promise<Partner> {
  const tools = await prepareDebian(['gobgpd', 'gobgp']);
  const own = join(folder, settings.name);
  mkdirSync(own, { recursive: true });
  const file = join(own, 'gobgpd.toml');
  const target = `unix://${join(own, 'api.sock')}`;
  writeFileSync(file, configuration(settings));
  const gobgp = (...words: readonly string[]): Promise<string> =>
    HERE.run(tools.gobgp, ['--target', target, ...words]);
  const launch = async (...words: readonly string[]): Promise<RunningProcess> => {
    rmSync(join(own, 'api.sock'), { force: true });
    const daemon = await HERE.start(
      tools.gobgpd,
      ['-f', file, '--api-hosts', target, '--pprof-disable', ...words],
      { cwd: own, logFile: join(own, 'gobgpd.log') },
    );
    await untilAnswers(() => gobgp('global'), daemon, settings.name);
    for (const prefix of settings.prefixes) {
      await gobgp('global', 'rib', 'add', '-a', `ipv${familyOf(prefix)}`, prefix, 'origin', 'igp');
    }
    // Only now, so that it does not end its restart (RFC 4724) before it has anything to announce.
    for (const { peer } of settings.peers) await gobgp('neighbor', peer, 'enable');
    return daemon;
  };
  let daemon = await launch();
  return {
    name: settings.name,
    settings,
    async paths(prefix) {
      const text = await gobgp('global', 'rib', '-j', '-a', `ipv${familyOf(prefix)}`, prefix).catch(
        () => '{}',
      );
      return pathsIn(text);
    },
    // Its soft reset works on what it remembers.
    refresh: null,
    crash: async () => void (await daemon.stop('SIGKILL')),
    async comeBack() {
      daemon = await launch('-r');
    },
    log: () => daemon.output(),
  };
}

function configuration(settings: PartnerSettings): string {
  const { as, port, routerId, peers } = settings;
  const addresses = [...new Set(peers.map(({ own }) => `"${own}"`))];
  return `[global.config]
as = ${as}
router-id = "${routerId}"
port = ${port}
local-address-list = [${addresses.join(', ')}]
${peers.map((peer) => neighbor(settings, peer)).join('')}`;
}

function neighbor({ as, port, clusterId }: PartnerSettings, peer: PartnerPeer): string {
  const reflects = clusterId !== undefined && peer.client === true;
  return `[[neighbors]]
[neighbors.config]
neighbor-address = "${peer.peer}"
peer-as = ${as}
admin-down = true
${peer.password === undefined ? '' : `auth-password = "${peer.password}"`}
[neighbors.transport.config]
local-address = "${peer.own}"
remote-port = ${port}
[neighbors.timers.config]
connect-retry = 1
idle-hold-time-after-reset = 1
[neighbors.graceful-restart.config]
enabled = true
restart-time = 120
${peer.near === true ? '[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255' : ''}
${reflects ? `[neighbors.route-reflector.config]\nroute-reflector-client = true\nroute-reflector-cluster-id = "${clusterId}"` : ''}
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv${peer.family}-unicast"
[neighbors.afi-safis.mp-graceful-restart.config]
enabled = true
`;
}

/** Attributes by their numbers: 3 NEXT_HOP, 5 LOCAL_PREF, 9 ORIGINATOR_ID, 10 CLUSTER_LIST, 14 MP_REACH_NLRI. */
function pathsIn(text: string): readonly PartnerPath[] {
  const parsed: unknown = JSON.parse(text);
  const routes = Array.isArray(parsed) ? parsed : [...fields(parsed).values()].flatMap(items);
  return routes.map(fields).flatMap((route) => {
    const attributes = new Map(
      items(route.get('attrs')).map((value) => [fields(value).get('type'), fields(value)]),
    );
    if (route.get('source-id') === undefined) return [];
    return [
      {
        nextHop: textOr(attributes.get(3)?.get('nexthop') ?? attributes.get(14)?.get('nexthop')) ?? '',
        originatorId: textOr(attributes.get(9)?.get('value')),
        clusterList: items(attributes.get(10)?.get('value')).map(String),
        localPreference: numberOr(attributes.get(5)?.get('value')),
        stale: route.get('stale') === true,
      },
    ];
  });
}
