/**
 * The rack laboratory as a whole: fifteen hosts and an etcd, brought up once for a test file, with the questions that
 * its checks ask again and again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareDebian } from '../../scripts/debian.ts';
import { type CalicoNode, type NodeSources, startNode } from './calico-node.ts';
import type { EtcdTree } from './calico-v2-config.ts';
import { type Family, monitorAllRoutes, untilForwards } from './kernel-routes.ts';
import { type LabEtcd, startLabEtcd } from './lab-etcd.ts';
import { createLab, type Host, type Lab } from './namespaces.ts';
import { startPings } from './ping.ts';
import {
  ETCD_HOST,
  expectedRoutes,
  RACK_ENTRIES,
  RACK_NODES,
  RACK_REFLECTORS,
  type RackNode,
  type RackReflector,
} from './rack.ts';
import type { Observation } from './rack-observation.ts';
import { type AgentSettings, CALICO_RR, type ReflectorAgent, startAgent } from './reflector-agent.ts';
import { until } from './until.ts';

export const FAMILIES: readonly Family[] = [4, 6];

/** Longest that routes may take to be everywhere: BIRD 1.6's own timers are slow (5 s to connect, 120 s to retry). */
export const CONVERGE_MS = 90_000;

/** Without any change for so long, kernel routes have settled: BIRD's slowest step between two is its scan of 2 s. */
const SETTLED_MS = 2_500;

export interface RackLab {
  readonly lab: Lab;
  readonly folder: string;
  readonly nodes: ReadonlyMap<string, CalicoNode>;
  readonly reflectors: Map<string, ReflectorAgent>;
  node(name: string): CalicoNode;
  reflector(name: string): ReflectorAgent;
  /** Starts the nine nodes' BIRDs. */
  startNodes(env?: Readonly<Record<string, string>>): Promise<void>;
  /** Starts one node's BIRD, again after it was stopped. */
  startNode(name: string, env?: Readonly<Record<string, string>>): Promise<void>;
  /** Computes the nodes' configurations anew, as their own Calico does after a change. */
  refreshNodes(names?: readonly string[]): Promise<void>;
  /** Starts `calico-rr run` for a reflector whose host is there. */
  startReflector(plan: RackReflector, settings?: Partial<AgentSettings>): Promise<ReflectorAgent>;
  /** Waits until every node in `present` forwards to every other one, and to nothing else. */
  converged(present?: readonly RackNode[], ms?: number): Promise<void>;
  /**
   * Monitors all nodes' kernel routes and pings between the racks while `act` runs. Begins once what came before has
   * settled, so that an observation tells of `act` alone.
   */
  watched(act: () => Promise<void>): Promise<Observation>;
  close(failed: boolean): void;
}

export interface RackOptions {
  /** Environment that tells calico-rr where the datastore is. */
  readonly datastore: Readonly<Record<string, string>>;
  /** The keys that Calico v2's nodes are configured from. */
  readonly tree: () => Promise<EtcdTree>;
  /** Where `calico-rr render` is run for nodes on BIRD 2. */
  readonly renderOn: string;
}

/** The keys of the rack topology as a tree, where no etcd v2 holds them. */
export const RACK_TREE: EtcdTree = new Map(RACK_ENTRIES);

/** Makes the hosts; nothing runs on them yet. */
export async function createRackHosts(): Promise<{ lab: Lab; folder: string }> {
  await prepareDebian();
  const folder = mkdtempSync(join(tmpdir(), 'crr-'));
  // A run that was interrupted (128 and the signal's number) has no logs that anybody waits for.
  process.on('exit', (code) => {
    if (code > 128) rmSync(folder, { recursive: true, force: true });
  });
  const lab = await createLab([...RACK_NODES, ...RACK_REFLECTORS, ETCD_HOST]);
  return { lab, folder };
}

/** The hosts, an etcd with the topology in its v2 keys, and the nodes; no reflector runs yet. */
export async function startRackOnEtcd(): Promise<{ readonly rack: RackLab; readonly etcd: LabEtcd }> {
  const { lab, folder } = await createRackHosts();
  const etcd = await startLabEtcd(lab.host('etcd'), `${folder}/etcd`);
  const rack = rackLab(lab, folder, {
    datastore: { DATASTORE_TYPE: 'etcdv2', ETCD_ENDPOINTS: etcd.url },
    tree: () => etcd.tree(),
    renderOn: 'n2',
  });
  await etcd.put(RACK_ENTRIES);
  await rack.startNodes();
  return { rack, etcd };
}

export function rackLab(lab: Lab, folder: string, options: RackOptions): RackLab {
  const nodes = new Map<string, CalicoNode>();
  const reflectors = new Map<string, ReflectorAgent>();
  const node = (name: string): CalicoNode => find(nodes, name);
  const render = (name: string): Promise<string> =>
    lab.host(options.renderOn).run(CALICO_RR, ['render', name], { env: options.datastore });
  const sources = async (): Promise<NodeSources> => ({ tree: await options.tree(), render });

  const bringUp = async (
    plan: RackNode,
    from: NodeSources,
    env?: Readonly<Record<string, string>>,
  ): Promise<void> => {
    nodes.set(plan.name, await startNode(lab.host(plan.name), plan, folder, from, env));
  };

  const converged: RackLab['converged'] = async (present = RACK_NODES, ms = CONVERGE_MS) => {
    for (const plan of present) {
      for (const family of FAMILIES) {
        await untilForwards(lab.host(plan.name), family, expectedRoutes(plan, family, present), ms);
      }
    }
  };

  return {
    lab,
    folder,
    nodes,
    reflectors,
    node,
    reflector: (name) => find(reflectors, name),
    async startNodes(env) {
      const from = await sources();
      await Promise.all(RACK_NODES.map((plan) => bringUp(plan, from, env)));
    },
    async startNode(name, env) {
      const plan = RACK_NODES.find((one) => one.name === name);
      if (plan === undefined) throw new Error(`the rack topology has no node ${name}`);
      await bringUp(plan, await sources(), env);
    },
    async refreshNodes(names = [...nodes.keys()]) {
      const from = await sources();
      await Promise.all(names.map((name) => node(name).refresh(from)));
    },
    async startReflector(plan, settings = {}) {
      const agent = await startAgent(lab.host(plan.name), folder, {
        ...settings,
        env: { IP: plan.ipv4, IP6: plan.ipv6, ...options.datastore, ...settings.env },
      });
      reflectors.set(plan.name, agent);
      return agent;
    },
    converged,
    async watched(act) {
      const monitor = await monitorAllRoutes(nodeHosts(lab));
      await until(() => monitor.quietMs() > SETTLED_MS, "the nodes' kernel routes to settle", CONVERGE_MS);
      const pings = await startPings(pingPairs(lab));
      const begin = performance.now();
      await act();
      const reports = await pings.finish();
      return { pings: reports, events: (await monitor.finish()).filter(({ at }) => at >= begin) };
    },
    close(failed) {
      lab.close();
      if (failed) process.stdout.write(`logs of all daemons are in ${folder}\n`);
      else rmSync(folder, { recursive: true, force: true });
    },
  };
}

function find<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`nothing runs on ${name}`);
  return found;
}

function nodeHosts(lab: Lab): readonly Host[] {
  return RACK_NODES.flatMap((plan) => lab.hosts.get(plan.name) ?? []);
}

/** Every node's workload pings one in the next rack, in both families: all nodes send, all receive. */
export function pingPairs(lab: Lab): readonly { host: Host; source: string; target: string }[] {
  return RACK_NODES.flatMap((plan, index) => {
    const host = lab.host(plan.name);
    const other = RACK_NODES[(index + 3) % RACK_NODES.length];
    if (other === undefined) return [];
    return [
      { host, source: plan.workload4, target: other.workload4 },
      { host, source: plan.workload6, target: other.workload6 },
    ];
  });
}

/** Waits until a reflector has exactly these sessions, all Established. */
export async function untilEstablished(
  agent: ReflectorAgent,
  names: readonly string[],
  ms = CONVERGE_MS,
): Promise<void> {
  const wanted = [...names].sort();
  await until(
    async () => {
      const sessions = [...(await agent.sessions()).values()];
      const up = sessions
        .filter((session) => session.established)
        .map((session) => session.name)
        .sort();
      return sessions.length === wanted.length && up.join() === wanted.join();
    },
    async () => {
      const sessions = [...(await agent.sessions()).values()].map(
        (one) => `${one.name}${one.established ? '' : ' (down)'}`,
      );
      return `${agent.host.name} to have exactly the sessions ${wanted.join(', ')}; it has ${sessions.sort().join(', ')}`;
    },
    ms,
  );
}
