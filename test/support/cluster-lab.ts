/**
 * A small Calico cluster in a laboratory, IPv4 and IPv6: nodes that run stock BIRD on what is rendered for them, and
 * nodes that run `calico-rr run`. Each has a block of the pool and a workload in it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianTools } from '../../scripts/debian.ts';
import type { Resource } from '../../src/model/resource.ts';
import { untilForwards } from './kernel-routes.ts';
import type { LabHome } from './lab-homes.ts';
import type { HostPlan, Lab } from './namespaces.ts';
import { type AgentSettings, type ReflectorAgent, startAgent } from './reflector-agent.ts';
import { type NodeDialect, type RenderedNode, startRenderedNode } from './rendered-node.ts';
import { configuration, node, resource } from './resources.ts';
import { until } from './until.ts';

const FAMILIES = [4, 6] as const;

export const POOL4 = '10.65.0.0/16';
export const POOL6 = 'fd00:65::/32';

export interface ClusterNode extends HostPlan {
  readonly ipv6: string;
  readonly block4: string;
  readonly block6: string;
  readonly workload4: string;
  readonly workload6: string;
  /** What runs its BGP: `calico-rr run`, or a BIRD on what `calico-rr render` prints. */
  readonly runs: NodeDialect | 'agent';
}

/** @param number 1 to 250: last number of its addresses, and number of its blocks */
export function clusterNode(name: string, number: number, runs: ClusterNode['runs']): ClusterNode {
  const workload4 = `10.65.${number}.2`;
  const workload6 = `fd00:65:0:${number}::2`;
  return {
    name,
    ipv4: `10.0.0.${number}`,
    ipv6: `fd00:10::${number}`,
    block4: `10.65.${number}.0/26`,
    block6: `fd00:65:0:${number}::/122`,
    workload4,
    workload6,
    workloads: [workload4, workload6],
    runs,
  };
}

/** What Calico itself writes: the nodes with their addresses, their blocks, the pools, and an empty configuration. */
export function clusterResources(nodes: readonly ClusterNode[]): readonly Resource[] {
  return [
    configuration({ logSeverityScreen: 'Info' }),
    resource('IPPool', 'pool-v4', { cidr: POOL4, ipipMode: 'Never', vxlanMode: 'Never' }),
    resource('IPPool', 'pool-v6', { cidr: POOL6, ipipMode: 'Never', vxlanMode: 'Never' }),
    ...nodes.map((plan) => nodeResource(plan)),
    ...nodes.flatMap((plan) =>
      [plan.block4, plan.block6].map((cidr, index) =>
        resource('BlockAffinity', `${plan.name}-v${index === 0 ? 4 : 6}`, {
          state: 'confirmed',
          node: plan.name,
          cidr,
        }),
      ),
    ),
  ];
}

/** The Node of a plan, with more of `spec.bgp` and with labels. */
export function nodeResource(
  plan: ClusterNode,
  bgp: Parameters<typeof node>[2] = {},
  labels: Readonly<Record<string, string>> = {},
): Resource {
  const made = node(plan.name, [`${plan.ipv4}/24`, `${plan.ipv6}/64`], bgp);
  return { ...made, metadata: { ...made.metadata, labels } };
}

/** Prefix to next hop of the blocks of all `others`. */
export function routesTo(
  others: readonly ClusterNode[],
  family: 4 | 6,
  except?: ClusterNode,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    others
      .filter((other) => other !== except)
      .map((other) => (family === 4 ? [other.block4, other.ipv4] : [other.block6, other.ipv6])),
  );
}

export interface ClusterLab {
  agent(name: string): ReflectorAgent;
  rendered(name: string): RenderedNode;
  /** Renders anew for all nodes that run on what is rendered, as their own Calico does after a change. */
  refresh(): Promise<void>;
  /** Names of a node's sessions that are Established, sorted. */
  established(name: string): Promise<readonly string[]>;
  /** Waits until each of `nodes` forwards to the blocks of all others of them, and to nothing else. */
  converged(nodes: readonly ClusterNode[]): Promise<void>;
  stop(): Promise<void>;
}

/** Long enough for BIRD's slowest timers on a loaded machine. */
export const CONVERGE_MS = 60_000;

/** Starts everything on the hosts of `nodes`, which are in the laboratory; the datastore is filled. */
export async function startCluster(
  lab: Lab,
  folder: string,
  home: LabHome,
  nodes: readonly ClusterNode[],
  settings: Omit<AgentSettings, 'env' | 'node'> & { readonly renderArgs?: readonly string[] } = {},
): Promise<ClusterLab> {
  const agents = new Map<string, ReflectorAgent>();
  const rendered = new Map<string, RenderedNode>();
  await Promise.all(
    nodes.map(async ({ name, runs }) => {
      const host = lab.host(name);
      rmSync(join(folder, name), { recursive: true, force: true });
      if (runs !== 'agent') {
        const args = settings.renderArgs ?? [];
        rendered.set(name, await startRenderedNode(host, runs, folder, { env: home.env, args }));
        return;
      }
      const env = { ...home.env, NODENAME: name };
      agents.set(name, await startAgent(host, folder, { ...settings, node: true, env }));
    }),
  );
  const find = <T>(map: ReadonlyMap<string, T>, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw new Error(`there is no ${name} of this kind`);
    return found;
  };
  return {
    agent: (name) => find(agents, name),
    rendered: (name) => find(rendered, name),
    async refresh() {
      for (const one of rendered.values()) await one.refresh();
    },
    async established(name) {
      const own = rendered.get(name);
      if (own === undefined) {
        const sessions = await find(agents, name).sessions();
        return [...sessions.values()]
          .filter((one) => one.established)
          .map((one) => one.name)
          .sort();
      }
      const sessions = await own.sessions();
      return [...sessions]
        .filter(([, info]) => info.startsWith('Established'))
        .map(([session]) => session)
        .sort();
    },
    async converged(present) {
      for (const plan of present) {
        for (const family of FAMILIES) {
          await untilForwards(lab.host(plan.name), family, routesTo(present, family, plan), CONVERGE_MS);
        }
      }
    },
    async stop() {
      await Promise.all([...agents.values()].map((agent) => agent.crash()));
      await Promise.all([...rendered.values()].map((one) => one.stop()));
      // What BIRD leaves in the kernel (persist) belongs to no later run.
      await Promise.all(
        nodes.flatMap(({ name }) =>
          FAMILIES.map((family) =>
            lab
              .host(name)
              .run('sh', ['-c', `${debianTools().ip} -${family} route flush proto bird 2>/dev/null; true`]),
          ),
        ),
      );
    },
  };
}

/** Waits until a speaker has exactly these sessions, all Established. */
export async function untilSessions(
  cluster: ClusterLab,
  name: string,
  wanted: readonly string[],
): Promise<void> {
  const sorted = [...wanted].sort();
  await until(
    async () => (await cluster.established(name)).join() === sorted.join(),
    async () =>
      `${name} to have just the sessions ${sorted.join(', ')}; it has ${(await cluster.established(name)).join(', ')}`,
    CONVERGE_MS,
  );
}

/** Waits until an agent holds a change that is meant, and returns it. */
export async function untilHeld(
  agent: ReflectorAgent,
  isMeant: (held: { readonly id: string; readonly text: string }) => boolean = () => true,
): Promise<{ readonly id: string; readonly text: string }> {
  return until(
    async () => (await agent.status()).held.find(isMeant),
    async () => `${agent.host.name} to hold a change: ${JSON.stringify((await agent.status()).held)}`,
    CONVERGE_MS,
  );
}
