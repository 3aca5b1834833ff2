/**
 * One node of the rack laboratory with BGP running: either as Calico v2 ran it (BIRD 1.6, one daemon for each family,
 * configured by Calico's own rules from etcd v2), or on one BIRD 2 with a text that is handed in.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BirdDaemon, type BirdRoute, bgpRoutes, bgpSessions, startBird } from './bird-daemon.ts';
import { calicoV2Config, type EtcdTree } from './calico-v2-config.ts';
import type { Family } from './kernel-routes.ts';
import type { Host } from './namespaces.ts';
import type { RackNode } from './rack.ts';

export interface NodeSources {
  /** Every key under /calico, for nodes that run as Calico v2 did; undefined where there is no etcd v2. */
  readonly tree: EtcdTree | undefined;
  /** The BIRD 2 configuration of a node, as `calico-rr render NAME` prints it. */
  readonly render: (name: string) => Promise<string>;
}

export interface CalicoNode {
  readonly plan: RackNode;
  readonly host: Host;
  /** Computes the configuration anew and reloads what changed. */
  refresh(sources: NodeSources): Promise<void>;
  /** Its routes to a prefix, the best one first. */
  routes(prefix: string): Promise<readonly BirdRoute[]>;
  sessions(family: Family): Promise<ReadonlyMap<string, string>>;
  /** What its daemon of this family has written. */
  log(family: Family): string;
  stop(): Promise<void>;
}

/** Starts a node's BGP in `folder`. */
export async function startNode(
  host: Host,
  plan: RackNode,
  folder: string,
  sources: NodeSources,
  env: Readonly<Record<string, string>> = {},
): Promise<CalicoNode> {
  const own = join(folder, plan.name);
  const texts = (from: NodeSources): Promise<readonly string[]> => configurations(plan, from);
  const [first = '', second = ''] = await texts(sources);
  const birds: readonly BirdDaemon[] =
    plan.flavour === 'bird2'
      ? [await startBird(host, '2', own, 'bird', first, env)]
      : [
          await startBird(host, '1', own, 'bird', first, env),
          await startBird(host, '1-6', own, 'bird6', second, env),
        ];
  const birdOf = (family: Family): BirdDaemon => {
    const bird = family === 6 ? birds.at(-1) : birds[0];
    if (bird === undefined) throw new Error(`${plan.name} runs no BIRD`);
    return bird;
  };
  return {
    plan,
    host,
    async refresh(from) {
      const fresh = await texts(from);
      for (const [index, bird] of birds.entries()) await bird.configure(fresh[index] ?? '');
    },
    routes: (prefix) => bgpRoutes(birdOf(prefix.includes(':') ? 6 : 4), prefix),
    async sessions(family) {
      const all = await bgpSessions(birdOf(family));
      return new Map(
        [...all].filter(([name]) => /^[A-Z][a-z]+_\d+_\d+_\d+_\d+$/.test(name) === (family === 4)),
      );
    },
    log: (family) =>
      readFileSync(join(own, family === 6 && birds.length > 1 ? 'bird6.log' : 'bird.log'), 'utf8'),
    async stop() {
      await Promise.all(birds.map((bird) => bird.stop()));
    },
  };
}

async function configurations(plan: RackNode, { tree, render }: NodeSources): Promise<readonly string[]> {
  if (plan.flavour === 'bird2') return [await render(plan.name)];
  if (tree === undefined) throw new Error(`${plan.name} runs as Calico v2 did and needs etcd v2`);
  const identity = { name: plan.name, ip: plan.ipv4, ip6: plan.ipv6 };
  // Calico's own text names no log; a test reads one.
  return ([4, 6] as const).map((family) => `log stderr all;\n${calicoV2Config(tree, identity, family)}`);
}
