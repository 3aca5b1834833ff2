/**
 * What the datastore asks of this speaker, with one exception: the entry that makes the speaker what it is.
 * When that vanishes, the speaker would turn into a standalone one and drop its mesh, so the entry is kept in
 * the topology as it last was, until its loss is approved or an entry is back. All other entries come and go as
 * the datastore says, and so does everything that follows from the kept one.
 */
import { type Family, parseHostAddress } from '../model/address.ts';
import { type Broken, type Change, keyOfChange, type Listing } from '../model/change.ts';
import type { Problem } from '../model/problem.ts';
import {
  type Json,
  type JsonObject,
  type Kind,
  keyOf,
  type Resource,
  type ResourceKey,
} from '../model/resource.ts';
import type { Service } from '../model/service.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import {
  createTopology,
  type SpeakerIdentity,
  type Standing,
  type Topology,
  type TopologyOptions,
} from '../topology/topology.ts';

export interface DesiredState {
  readonly topology: Topology;
  load(listing: Listing): void;
  /** `settled`: subjects whose warnings hold no more. */
  apply(changes: readonly Change[], warnings: readonly Problem[], settled?: readonly string[]): void;
  config(): SpeakerConfig;
  standing(): Standing;
  /** The resource that would make this speaker something, and that is too broken for it; null: there is none. */
  unusableOwn(): ResourceKey | null;
  /** The Node whose services have to be known; null: none have. */
  serviceNode(): string | null;
  /** @param services as that Node sees them; null: nothing is known */
  setServices(node: string, services: readonly Service[] | null): void;
  /** Of resources and of this speaker's sessions. */
  problems(): readonly Problem[];
  /** True where the datastore holds nothing at all. */
  isEmpty(): boolean;
  nodeExists(name: string): boolean;
  /** How many reflectors besides this one a node is configured with in this family. */
  otherReflectors(node: string, family: Family): number;
  /** Nodes whose reflectors may be others than when this was last asked. */
  takeChangedNodes(): ReadonlySet<string> | 'all';
  /** Every name that this speaker goes by among reflectors. */
  ownNames(): ReadonlySet<string>;
  /** The resources that make this speaker what it is, kept ones included. */
  ownResources(): readonly Resource[];
  /** Says what the speaker was when last approved, and by which resources. */
  setApproved(standing: Standing, resources: readonly Resource[]): void;
  /** Own resources that are gone from the datastore and kept here. */
  vanished(): readonly ResourceKey[];
  /** What this speaker would be asked to do without them. */
  configWithoutVanished(): SpeakerConfig;
  /** Their loss is approved: they are kept no longer. */
  letVanish(): void;
}

export function createDesiredState(identity: SpeakerIdentity, options: TopologyOptions = {}): DesiredState {
  const topology = createTopology(options);
  const view = topology.speaker(identity);
  const nodes = new Set<string>();
  const present = new Map<ResourceKey, Resource>();
  /** Own ones of which the datastore could make no resource. */
  const brokenOwn = new Set<ResourceKey>();
  const kept = new Map<ResourceKey, Resource>();
  const warnings = new Map<string, readonly Problem[]>();
  const nodeOfPeer = new Map<string, string>();
  let changedNodes: Set<string> | 'all' = 'all';
  let resources = 0;
  let approved: { standing: Standing; resources: readonly Resource[] } | null = null;

  /** One node's own peers and addresses concern that node; all else may concern every node. */
  function noteNode(kind: Kind, name: string, spec: JsonObject | null): void {
    if (kind !== 'Node' && kind !== 'BGPPeer' && kind !== 'RouteReflector' && kind !== 'BGPConfiguration')
      return;
    const before = kind === 'BGPPeer' ? nodeOfPeer.get(name) : undefined;
    const after = kind === 'BGPPeer' && typeof spec?.node === 'string' ? spec.node : undefined;
    if (after !== undefined) nodeOfPeer.set(name, after);
    else if (before !== undefined) nodeOfPeer.delete(name);
    if (changedNodes === 'all') return;
    if (kind === 'Node') changedNodes.add(name);
    else if (before === undefined && after === undefined) changedNodes = 'all';
    else for (const node of [before, after]) if (node !== undefined) changedNodes.add(node);
  }

  function noteBroken({ kind, name }: Broken): void {
    if (kind !== 'RouteReflector' && kind !== 'Node') return;
    // On etcd an entry that cannot be read is named after its address.
    if ([identity.name, identity.ipv4, identity.ipv6].includes(name)) brokenOwn.add(`${kind}/${name}`);
  }

  function note(change: Change): void {
    if (change.op === 'broken') noteBroken(change.broken);
    else brokenOwn.delete(keyOfChange(change));
    if (change.op === 'put')
      noteNode(change.resource.kind, change.resource.metadata.name, change.resource.spec);
    else if (change.op === 'delete') noteNode(change.kind, change.name, null);
    if (change.op === 'put') {
      const key = keyOf(change.resource);
      if (change.resource.kind === 'Node') nodes.add(change.resource.metadata.name);
      if (isOwn(change.resource, identity)) present.set(key, change.resource);
      else present.delete(key);
      warnings.delete(key);
    } else if (change.op === 'delete') {
      const key: ResourceKey = `${change.kind}/${change.name}`;
      if (change.kind === 'Node') nodes.delete(change.name);
      present.delete(key);
      warnings.delete(key);
    }
  }

  /** Puts the own entry back where the speaker would otherwise become something else. */
  function keepOwn(): void {
    if (approved === null || approved.standing === 'standalone' || view.standing === approved.standing)
      return;
    if (approved.standing === 'node' && view.standing === 'entry') return;
    const missing = approved.resources.filter((resource) => !present.has(keyOf(resource)));
    for (const resource of missing) kept.set(keyOf(resource), resource);
    topology.apply(missing.map((resource) => ({ op: 'put', resource })));
  }

  function ownNames(): ReadonlySet<string> {
    const names = new Set([view.config().speaker]);
    for (const resources of [present, kept]) {
      for (const { kind, metadata } of resources.values()) {
        if (kind === 'RouteReflector') names.add(metadata.name);
      }
    }
    return names;
  }

  function keptAlone(): readonly Resource[] {
    return [...kept.values()].filter((resource) => !present.has(keyOf(resource)));
  }

  function removeFromTopology(resources: readonly Resource[]): void {
    topology.apply(resources.map(({ kind, metadata }) => ({ op: 'delete', kind, name: metadata.name })));
  }

  function dropKept(): void {
    const gone = keptAlone();
    kept.clear();
    removeFromTopology(gone);
  }

  return {
    topology,
    load(listing) {
      nodes.clear();
      present.clear();
      brokenOwn.clear();
      kept.clear();
      warnings.clear();
      nodeOfPeer.clear();
      changedNodes = 'all';
      for (const resource of listing.resources) note({ op: 'put', resource });
      for (const broken of listing.broken) noteBroken(broken);
      addWarnings(warnings, listing.warnings);
      resources = listing.resources.length + listing.broken.length;
      topology.load(listing);
      keepOwn();
    },
    apply(changes, told, settled = []) {
      for (const subject of settled) warnings.delete(subject);
      for (const change of changes) note(change);
      addWarnings(warnings, told);
      if (changes.some((change) => change.op !== 'delete')) resources++;
      topology.apply(changes);
      if (
        kept.size > 0 &&
        changes.some((change) => change.op === 'put' && isOwn(change.resource, identity))
      ) {
        dropKept();
      }
      keepOwn();
    },
    config: () => view.config(),
    standing: () => view.standing,
    unusableOwn() {
      if (view.standing !== 'standalone') return null;
      return [...present.keys(), ...brokenOwn][0] ?? null;
    },
    serviceNode: () => view.serviceNode,
    setServices: (node, services) => topology.setServices(node, services),
    problems: () => [...[...warnings.values()].flat(), ...topology.problems(), ...view.problems()],
    takeChangedNodes() {
      const taken = changedNodes;
      changedNodes = new Set();
      return taken;
    },
    isEmpty: () => resources === 0,
    nodeExists: (name) => nodes.has(name),
    otherReflectors(node, family) {
      const own = ownNames();
      return topology.reflectorsOf(node, family).filter((name) => !own.has(name)).length;
    },
    ownNames,
    ownResources: () => [...present.values(), ...keptAlone()],
    setApproved(standing, own) {
      approved = { standing, resources: own };
      keepOwn();
    },
    vanished: () => keptAlone().map(keyOf),
    configWithoutVanished() {
      const resources = keptAlone();
      removeFromTopology(resources);
      const config = view.config();
      topology.apply(resources.map((resource) => ({ op: 'put', resource })));
      return config;
    },
    letVanish() {
      approved = null;
      dropKept();
    },
  };
}

function addWarnings(all: Map<string, readonly Problem[]>, told: readonly Problem[]): void {
  for (const [subject, problems] of Map.groupBy(told, (problem) => problem.subject))
    all.set(subject, problems);
}

/** A RouteReflector or Node of this speaker's name, or with one of its addresses. */
function isOwn(resource: Resource, identity: SpeakerIdentity): boolean {
  const { kind, metadata, spec } = resource;
  if (kind !== 'RouteReflector' && kind !== 'Node') return false;
  if (identity.name !== null && metadata.name === identity.name) return true;
  const addresses =
    kind === 'RouteReflector'
      ? [spec.ipv4, spec.ipv6]
      : [objectOf(spec.bgp)?.ipv4Address, objectOf(spec.bgp)?.ipv6Address];
  return addresses.some((text) => {
    const address = typeof text === 'string' ? parseHostAddress(text) : undefined;
    return address !== undefined && (address === identity.ipv4 || address === identity.ipv6);
  });
}

function objectOf(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !isList(value) ? value : undefined;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
