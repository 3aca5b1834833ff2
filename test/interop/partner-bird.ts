/** BIRD of both generations; 1.6.8 has a daemon for each family. Spoken to through birdc. */
import { prepareDebian } from '../../scripts/debian.ts';
import { FAMILIES } from '../../src/bgp/index.ts';
import {
  type BirdDaemon,
  type BirdFlavour,
  bgpRoutes,
  bgpSessions,
  startBird,
} from '../support/bird-daemon.ts';
import { familyOf, HERE, type Partner, type PartnerPeer, type PartnerSettings } from './partner.ts';

/** BIRD 2, both families. */
export async function startBird2(folder: string, settings: PartnerSettings): Promise<Partner> {
  return await partnerOf(folder, settings, '2');
}

/** BIRD 1.6.8, which Calico's nodes run: the peers and prefixes of one family. */
export async function startBird1(folder: string, settings: PartnerSettings): Promise<Partner> {
  return await partnerOf(folder, settings, settings.peers[0]?.family === 6 ? '1-6' : '1');
}

async function partnerOf(folder: string, settings: PartnerSettings, flavour: BirdFlavour): Promise<Partner> {
  await prepareDebian(['bird2', 'birdc2', 'bird1', 'birdc1', 'bird1-6', 'birdc1-6']);
  const { name, peers } = settings;
  const launch = (...words: readonly string[]): Promise<BirdDaemon> =>
    startBird(HERE, flavour, folder, name, configuration(settings, flavour), {}, words);
  let daemon = await launch();
  return {
    name,
    settings,
    async paths(prefix) {
      const [routes, sessions] = [await bgpRoutes(daemon, prefix), await bgpSessions(daemon)];
      // It marks long-lived stale routes only; what it holds of a session that is down it keeps for its return.
      return routes.map((route) => ({
        ...route,
        stale: sessions.get(route.from)?.startsWith('Established') !== true,
      }));
    },
    async refresh() {
      for (const index of peers.keys()) await daemon.ask(`reload in peer${index}`);
    },
    crash: () => daemon.stop('SIGKILL'),
    async comeBack() {
      daemon = await launch('-R');
    },
    log: () => daemon.process.output(),
  };
}

function configuration(settings: PartnerSettings, flavour: BirdFlavour): string {
  const { routerId, port, peers, prefixes } = settings;
  const statics = FAMILIES.flatMap((family) => {
    const routes = prefixes.filter((prefix) => familyOf(prefix) === family);
    if (routes.length === 0) return [];
    const lines = routes.map((route) => `route ${route} ${flavour === '2' ? 'blackhole' : 'unreachable'};`);
    return [`protocol static { ${flavour === '2' ? `ipv${family};` : ''} ${lines.join(' ')} }`];
  });
  return `log stderr all;
router id ${routerId};
${flavour === '2' ? '' : `listen bgp ${flavour === '1-6' ? 'v6only ' : ''}address ${peers[0]?.own} port ${port};`}
protocol device {}
${statics.join('\n')}
${peers.map((peer, index) => session(settings, flavour, peer, index)).join('')}`;
}

function session(
  { as, port, clusterId }: PartnerSettings,
  flavour: BirdFlavour,
  { family, own, peer, client, password, near }: PartnerPeer,
  index: number,
): string {
  const channel = 'import all; export all; next hop keep;';
  return `
protocol bgp peer${index} {
  ${flavour === '2' ? `local ${own} port ${port} as ${as}; strict bind yes;` : `local as ${as}; source address ${own};`}
  neighbor ${peer} port ${port} as ${as};
  ${near === true ? 'multihop 1; ttl security;' : 'multihop;'}
  ${password === undefined ? '' : `password "${password}";`}
  ${clusterId === undefined ? '' : `${client === true ? 'rr client;' : ''} rr cluster id ${clusterId};`}
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  graceful restart on; graceful restart time 120;
  ${flavour === '2' ? `ipv${family} { ${channel} };` : channel}
}
`;
}
