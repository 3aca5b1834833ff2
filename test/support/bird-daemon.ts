/** A BIRD that a test runs by hand, and what it says of its routes. Both generations; spoken to through birdc. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import type { Host } from './namespaces.ts';
import type { RunningProcess } from './processes.ts';
import { until } from './until.ts';

/** Generation and family: `1-6` is BIRD 1.6's daemon for IPv6. */
export type BirdFlavour = '2' | '1' | '1-6';

export interface BirdDaemon {
  readonly flavour: BirdFlavour;
  readonly process: RunningProcess;
  /** One command of birdc; returns what it prints. */
  ask(command: string): Promise<string>;
  /** Gives it a new configuration; does nothing and returns false when the text is the one it has. */
  configure(text: string): Promise<boolean>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts BIRD with this configuration in `folder/NAME.*` and waits until it answers.
 * @param env for example the settings of libfaketime
 */
export async function startBird(
  host: Pick<Host, 'name' | 'start' | 'run'>,
  flavour: BirdFlavour,
  folder: string,
  name: string,
  text: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<BirdDaemon> {
  const tools = debianTools();
  const [daemon, client] = {
    '2': [tools.bird2, tools.birdc2],
    '1': [tools.bird1, tools.birdc1],
    '1-6': [tools['bird1-6'], tools['birdc1-6']],
  }[flavour];
  if (daemon === undefined || client === undefined) throw new Error(`no BIRD ${flavour}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.conf`);
  const socket = join(folder, `${name}.ctl`);
  writeFileSync(file, text);
  const process = await host.start(
    daemon,
    ['-f', '-c', file, '-s', socket, '-P', join(folder, `${name}.pid`), ...args],
    {
      env,
      // A configuration of ours logs to a file beside it.
      cwd: folder,
      logFile: join(folder, `${name}.log`),
    },
  );
  const ask = (command: string): Promise<string> => host.run(client, ['-s', socket, ...command.split(' ')]);
  await until(
    async () => {
      if (!process.running) throw new Error(`BIRD ${name} on ${host.name} ended: ${process.output()}`);
      return /up and running/.test(await ask('show status').catch(() => ''));
    },
    () => `BIRD ${name} on ${host.name} to answer: ${process.output()}`,
    30_000,
  );
  return {
    flavour,
    process,
    ask,
    async configure(next) {
      if (readFileSync(file, 'utf8') === next) return false;
      writeFileSync(file, next);
      const reply = await ask('configure');
      if (!/Reconfigur/.test(reply))
        throw new Error(`BIRD ${name} on ${host.name} refused ${file}: ${reply}`);
      return true;
    },
    stop: async (signal) => void (await process.stop(signal)),
  };
}

export interface BirdRoute {
  readonly nextHop: string;
  readonly originatorId: string | undefined;
  readonly clusterList: readonly string[];
  readonly communities: string;
  readonly localPreference: number | undefined;
  /** Protocol that it was learned by, such as `Node_10_0_0_101`. */
  readonly from: string;
}

/** All BGP routes to a prefix that this daemon holds, the best one first, as `show route PREFIX all` tells them. */
export async function bgpRoutes(bird: BirdDaemon, prefix: string): Promise<readonly BirdRoute[]> {
  const reply = await bird.ask(`show route ${prefix} all`).catch(() => '');
  // A route begins at a line that names its protocol and time in brackets.
  const blocks = reply.split(/\n(?=[^\n]*\[[A-Za-z_0-9]+ [^\]]*\])/);
  return blocks.flatMap((block) => {
    const nextHop = /BGP\.next_hop: (\S+)/.exec(block)?.[1];
    if (nextHop === undefined) return [];
    const preference = /BGP\.local_pref: (\d+)/.exec(block)?.[1];
    return [
      {
        nextHop,
        originatorId: /BGP\.originator_id: (\S+)/.exec(block)?.[1],
        clusterList: (/BGP\.cluster_list: ?(.*)/.exec(block)?.[1] ?? '').trim().split(' ').filter(Boolean),
        communities: /BGP\.community: ?(.*)/.exec(block)?.[1] ?? '',
        localPreference: preference === undefined ? undefined : Number(preference),
        from: /\[([A-Za-z_0-9]+) /.exec(block)?.[1] ?? '',
      },
    ];
  });
}

/** BGP sessions by name, with the last column (`Established`, `Active`, ...). */
export async function bgpSessions(bird: BirdDaemon): Promise<ReadonlyMap<string, string>> {
  const reply = await bird.ask('show protocols');
  return new Map(
    [...reply.matchAll(/^(\S+)\s+BGP\s+\S+\s+\S+\s+\S+\s*(.*)$/gm)].map((match) => [
      match[1] ?? '',
      (match[2] ?? '').trim(),
    ]),
  );
}
