/**
 * OpenBGPD (7.7 in Debian). Spoken to through `bgpctl`. It runs as root and drops to a user of its own, which need not
 * exist here: it gets /etc/passwd and /etc/group with that user in a mount namespace that nobody else sees.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDebian } from '../../scripts/debian.ts';
import type { RunningProcess } from '../support/processes.ts';
import {
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

/** Number of its user. */
const USER = 65_533;

/** Whether it can be run here: as root, of a user namespace at most in which its user has a number. */
export function runsOpenbgpd(): boolean {
  if (process.getuid?.() !== 0) return false;
  return readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .some((line) => {
      const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return first <= USER && USER < first + count;
    });
}

const INSIDE = 'mount --bind passwd /etc/passwd && mount --bind group /etc/group && exec "$@"';

export async function startOpenbgpd(folder: string, settings: PartnerSettings): Promise<Partner> {
  const tools = await prepareDebian(['openbgpd', 'openbgpctl']);
  const own = join(folder, settings.name);
  mkdirSync(join(own, 'empty'), { recursive: true });
  // Its user looks for its socket there.
  chmodSync(folder, 0o755);
  writeFileSync(join(own, 'bgpd.conf'), configuration(own, settings), { mode: 0o600 });
  const user = `_openbgpd:x:${USER}:${USER}::${own}/empty:/usr/sbin/nologin\n`;
  writeFileSync(join(own, 'passwd'), `${readFileSync('/etc/passwd', 'utf8')}${user}`);
  writeFileSync(join(own, 'group'), `${readFileSync('/etc/group', 'utf8')}_openbgpd:x:${USER}:\n`);
  const bgpctl = (...words: readonly string[]): Promise<string> =>
    HERE.run(tools.openbgpctl, ['-s', join(own, 'bgpd.sock'), ...words]);
  const launch = async (): Promise<RunningProcess> => {
    const words = ['-d', '-f', join(own, 'bgpd.conf')];
    const daemon = await HERE.start(
      'unshare',
      ['--mount', 'sh', '-c', INSIDE, 'sh', tools.openbgpd, ...words],
      {
        cwd: own,
        logFile: join(own, 'bgpd.log'),
      },
    );
    await untilAnswers(() => bgpctl('show'), daemon, settings.name);
    return daemon;
  };
  let daemon = await launch();
  return {
    name: settings.name,
    settings,
    paths: async (prefix) => pathsIn(await bgpctl('-j', 'show', 'rib', 'detail', prefix)),
    async refresh() {
      for (const { peer } of settings.peers) await bgpctl('neighbor', peer, 'refresh');
    },
    crash: async () => void (await daemon.stop('SIGKILL')),
    async comeBack() {
      daemon = await launch();
    },
    log: () => daemon.output(),
  };
}

function configuration(folder: string, { as, port, routerId, peers, prefixes }: PartnerSettings): string {
  const neighbors = peers.map(
    ({ own, peer, password, near }) => `neighbor ${peer} {
  remote-as ${as}
  local-address ${own}
  port ${port}
  ${password === undefined ? '' : `tcp md5sig password ${password}`}
  ${near === true ? 'ttl-security yes' : ''}
}`,
  );
  return `AS ${as}
router-id ${routerId}
fib-update no
socket "${folder}/bgpd.sock"
${peers.map(({ own }) => `listen on ${own} port ${port}`).join('\n')}
${prefixes.map((prefix) => `network ${prefix}`).join('\n')}
${neighbors.join('\n')}
allow from any
allow to any
`;
}

function pathsIn(text: string): readonly PartnerPath[] {
  const parsed: unknown = JSON.parse(text);
  return items(fields(parsed).get('rib'))
    .map(fields)
    .filter((route) => fields(route.get('neighbor')).get('description') !== 'LOCAL')
    .map((route) => {
      const attributes = items(route.get('attributes')).map(fields);
      const attribute = (type: string): ReadonlyMap<string, unknown> | undefined =>
        attributes.find((one) => one.get('type') === type);
      return {
        nextHop: textOr(route.get('exit_nexthop')) ?? '',
        originatorId: textOr(attribute('Originator Id')?.get('originator')),
        clusterList: items(attribute('Cluster Id List')?.get('cluster_list')).map(String),
        localPreference: numberOr(route.get('localpref')),
        stale: route.get('stale') === true,
      };
    });
}
