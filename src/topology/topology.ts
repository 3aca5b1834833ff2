/**
 * Resources in, every speaker's sessions out. Pure: no clock, no socket, no file. One `Topology` holds what the
 * datastore holds; one `SpeakerView` for each speaker asked about keeps that speaker's sessions current.
 * The rules are in docs/topology.md.
 */
import { type Family, type Prefix, parseAddress } from '../model/address.ts';
import type { Change, Listing } from '../model/change.ts';
import type { Problem } from '../model/problem.ts';
import type { Service } from '../model/service.ts';
import type { CheckOptions } from './check/check-cluster.ts';
import { type Cluster, createCluster } from './cluster/cluster.ts';
import type { ClusterView } from './cluster/cluster-view.ts';
import { createInventory, type DualStack, type Inventory } from './inventory.ts';
import { meshEraOf } from './mesh-rules.ts';
import { byName } from './name-order.ts';
import { createOrigins, type Origins, type TrackedOrigins } from './origins.ts';
import { orderedProblems } from './problem-order.ts';
import { reflectorsOf } from './reflectors-of-node.ts';
import { createResourceChecks } from './resource-checks.ts';
import type { SpeakerIdentity, SpeakerView } from './speaker.ts';
import { createSpeakerView, type TrackedView } from './speaker-view.ts';
import type { ChangeJudgement, JudgeOptions } from './what-if/judgement.ts';

export type { SpeakerIdentity, SpeakerView, Standing } from './speaker.ts';

export interface Topology {
  /**
   * Replaces everything. A resource that is broken in `listing` and was good before keeps its last good meaning;
   * one that is in neither list is gone. `listing.warnings` are not taken up: whoever lists, tells them.
   */
  load(listing: Listing): void;
  /** Takes changes in order; costs about what they concern. */
  apply(changes: readonly Change[]): void;
  /** The same view for the same identity. */
  speaker(identity: SpeakerIdentity): SpeakerView;
  /**
   * Says what services there are, as this node sees them; they are no resources of Calico's, and `load` leaves them.
   * @param services null: nothing is known of them, and whole ranges are announced
   */
  setServices(node: string, services: readonly Service[] | null): void;
  /** By name, else by address in any spelling; a RouteReflector before a Node. */
  resolve(nameOrAddress: string): SpeakerIdentity | undefined;
  /** RouteReflectors, then Nodes without one, each sorted by name. */
  speakers(): readonly SpeakerIdentity[];
  /** About how many these are, without making the list: one that is both is counted twice. */
  speakerCount(): number;
  /** What is wrong with resources, whoever the speaker is; sorted, each once. */
  problems(): readonly Problem[];
  /**
   * Names of the reflectors that this node is configured to peer with, sorted; in any family, or in one. A
   * reflector is a RouteReflector or a standalone speaker that this topology was asked about. The two halves of
   * one that carries no name are two names here, so redundancy is best judged for each family.
   */
  reflectorsOf(node: string, family?: Family): readonly string[];
  /** Names of the reflectors with an address in this group; sorted. */
  reflectorsOfGroup(group: string): readonly string[];
  /**
   * Everything that is found wrong, with all speakers looked at together (docs/check.md): `problems()`, what is
   * wrong with every speaker's sessions, and nodes that do not learn each other's routes. Sorted, each once.
   */
  check(options?: CheckOptions): readonly Problem[];
  /**
   * What these changes, taken together, would do to every speaker. Changes nothing. The first answer costs a
   * compile of all speakers; after that a change costs about what it concerns, and two looks at reachability.
   */
  judge(changes: readonly Change[], options?: JudgeOptions): ChangeJudgement;
  /** Which node may announce which addresses. */
  origins(): Origins;
  /** The networks of both families, and who does not learn whose routes. */
  cluster(): ClusterView;
}

export interface TopologyOptions {
  /** Version of Calico on the nodes (`v3.12.1`); decides who is in the node-to-node mesh. Default: the latest. */
  readonly calicoVersion?: string;
  /** What nodes announce instead of `serviceClusterIPs` (CALICO_ADVERTISE_CLUSTER_IPS). */
  readonly serviceClusterIps?: readonly Prefix[];
}

export function createTopology({ calicoVersion, serviceClusterIps }: TopologyOptions = {}): Topology {
  const era = meshEraOf(calicoVersion);
  const views = new Map<string, TrackedView>();
  let problems: readonly Problem[] | undefined;
  const inventory = createInventory((change) => {
    checks.note(change);
    whole?.note(change);
    origins?.note(change);
    for (const view of views.values()) view.note(change);
  }, serviceClusterIps ?? null);
  const checks = createResourceChecks(inventory);
  /** Only for those who ask: a speaker's own process does not. */
  let whole: Cluster | undefined;
  let origins: TrackedOrigins | undefined;
  let isLoaded = false;

  function resourceProblems(): readonly Problem[] {
    return orderedProblems([...inventory.problems(), ...checks.problems()]);
  }

  function cluster(): Cluster {
    whole ??= createCluster(inventory, era, resourceProblems);
    return whole;
  }

  function speaker(identity: SpeakerIdentity): TrackedView {
    const { name, ipv4, ipv6, listenPort, gracefulRestartSeconds, routerId } = identity;
    const key = JSON.stringify([
      name,
      ipv4,
      ipv6,
      listenPort,
      gracefulRestartSeconds ?? null,
      routerId ?? null,
    ]);
    const view = views.get(key) ?? createSpeakerView(identity, inventory, era);
    views.set(key, view);
    return view;
  }

  return {
    load(listing) {
      problems = undefined;
      isLoaded = true;
      inventory.load(listing);
      checks.noteAll();
      whole?.noteAll();
      origins?.noteAll();
      for (const view of views.values()) view.noteAll();
    },
    apply(changes) {
      problems = undefined;
      for (const change of changes) inventory.apply(change);
    },
    speaker,
    setServices(node, services) {
      if (services === inventory.servicesOf(node)) return;
      inventory.setServices(node, services);
      for (const view of views.values()) view.noteServices(node);
    },
    resolve: (nameOrAddress) => resolve(inventory, nameOrAddress),
    speakers() {
      const reflectors = [...inventory.reflectors.values()].sort(byName);
      const nodes = [...inventory.nodes.values()].filter(({ name }) => !inventory.reflectors.has(name));
      return [...reflectors, ...nodes.sort(byName)].map(identityOf);
    },
    speakerCount: () => inventory.reflectors.size + inventory.nodes.size,
    problems() {
      problems ??= resourceProblems();
      return problems;
    },
    reflectorsOf: (node, family) => reflectorsOf(inventory, views.values(), node, family),
    reflectorsOfGroup: (group) =>
      [...inventory.reflectors.values()]
        .filter((one) => one.group === group)
        .map((one) => one.name)
        .sort(),
    check: (options) => cluster().check(options),
    judge: (changes, options) => cluster().judge(changes, options),
    cluster: () => cluster().view(),
    origins() {
      origins ??= createOrigins(inventory, () => isLoaded);
      return origins;
    },
  };
}

function identityOf({ name, ipv4, ipv6 }: { name: string } & DualStack): SpeakerIdentity {
  return { name, ipv4, ipv6, listenPort: null };
}

function resolve(inventory: Inventory, nameOrAddress: string): SpeakerIdentity | undefined {
  const address = parseAddress(nameOrAddress);
  const found =
    inventory.reflectors.get(nameOrAddress) ??
    (address === undefined ? undefined : inventory.reflectorsAt(address)[0]) ??
    inventory.nodes.get(nameOrAddress) ??
    (address === undefined ? undefined : inventory.nodesAt(address)[0]);
  return found === undefined ? undefined : identityOf(found);
}
