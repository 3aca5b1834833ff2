/**
 * A Calico node of a laboratory that runs stock BIRD on what `calico-rr render NAME` prints: one BIRD 2, or the two
 * daemons of BIRD 1.6. Rendered anew when a test says so, as Calico's own agent does after each change.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BirdDaemon, type BirdRoute, bgpRoutes, bgpSessions, startBird } from './bird-daemon.ts';
import type { Host } from './namespaces.ts';
import { CALICO_RR } from './reflector-agent.ts';

export type NodeDialect = 'bird2' | 'bird1';

export interface RenderedNode {
  readonly host: Host;
  readonly dialect: NodeDialect;
  /** Renders and loads what changed. */
  refresh(): Promise<void>;
  /** Its routes to a prefix, the best one first. */
  routes(prefix: string): Promise<readonly BirdRoute[]>;
  /** Sessions of all its daemons by name, with the last column of `show protocols`. */
  sessions(): Promise<ReadonlyMap<string, string>>;
  /** One command of birdc; to the daemon of a family where there are two. */
  ask(command: string, family?: 4 | 6): Promise<string>;
  stop(): Promise<void>;
}

/**
 * @param source flags and environment that lead `render` to the resources and passwords
 */
export async function startRenderedNode(
  host: Host,
  dialect: NodeDialect,
  folder: string,
  source: { readonly env: Readonly<Record<string, string>>; readonly args?: readonly string[] },
): Promise<RenderedNode> {
  const own = join(folder, host.name);
  mkdirSync(own, { recursive: true });
  const render = (...args: readonly string[]): Promise<string> =>
    host.run(CALICO_RR, ['render', host.name, ...args, ...(source.args ?? [])], { env: source.env });
  const texts = (): Promise<readonly string[]> =>
    dialect === 'bird2'
      ? Promise.all([render()])
      : Promise.all(['4', '6'].map((family) => render('--dialect', 'bird1', '--family', family)));
  const [first = '', second = ''] = await texts();
  const birds: readonly BirdDaemon[] =
    dialect === 'bird2'
      ? [await startBird(host, '2', own, 'bird', first)]
      : [await startBird(host, '1', own, 'bird', first), await startBird(host, '1-6', own, 'bird6', second)];
  const birdOf = (family: 4 | 6): BirdDaemon => {
    const bird = family === 6 ? birds.at(-1) : birds[0];
    if (bird === undefined) throw new Error(`${host.name} runs no BIRD`);
    return bird;
  };
  return {
    host,
    dialect,
    async refresh() {
      const fresh = await texts();
      for (const [index, bird] of birds.entries()) await bird.configure(fresh[index] ?? '');
    },
    routes: (prefix) => bgpRoutes(birdOf(prefix.includes(':') ? 6 : 4), prefix),
    async sessions() {
      const all = await Promise.all(birds.map(bgpSessions));
      return new Map(all.flatMap((sessions) => [...sessions]));
    },
    ask: (command, family = 4) => birdOf(family).ask(command),
    async stop() {
      await Promise.all(birds.map((bird) => bird.stop()));
    },
  };
}
