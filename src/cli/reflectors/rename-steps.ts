/** What `rr rename-cluster` writes, one step for each reflector. Pure. */
import { parseClusterId } from '../../model/cluster-id.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Resource } from '../../model/resource.ts';
import { type NamedReport, namesOf, reportOf } from './agent-of.ts';

/** One reflector: an entry or a node, or the two halves of one that are two entries. */
export interface RenameStep {
  readonly name: string;
  readonly names: readonly string[];
  readonly before: readonly Resource[];
}

/** The reflectors that have this cluster ID, those that report first and each by its name. */
export function renameSteps(
  resources: readonly Resource[],
  reports: readonly NamedReport[],
  clusterId: string,
): readonly RenameStep[] {
  const steps = new Map<string, RenameStep>();
  for (const resource of resources) {
    if (clusterIdOf(resource) !== clusterId) continue;
    const name = reportOf(reports, namesOf(resource))?.name ?? resource.metadata.name;
    const half = steps.get(name);
    steps.set(name, {
      name,
      names: [...new Set([name, ...(half?.names ?? []), ...namesOf(resource)])],
      before: [...(half?.before ?? []), resource],
    });
  }
  return [...steps.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Every cluster ID that a reflector has. */
export function clusterIdsOf(resources: readonly Resource[]): readonly string[] {
  return [...new Set(resources.flatMap((resource) => clusterIdOf(resource) ?? []))].sort();
}

function clusterIdOf({ kind, spec }: Resource): string | undefined {
  const bgp = isJsonObject(spec.bgp) ? spec.bgp : {};
  const text =
    kind === 'RouteReflector' ? spec.clusterID : kind === 'Node' ? bgp.routeReflectorClusterID : undefined;
  return typeof text === 'string' ? parseClusterId(text) : undefined;
}

/** The same resource with another cluster ID. */
export function renamed(resource: Resource, clusterId: string): Resource {
  const { kind, spec } = resource;
  if (kind === 'RouteReflector') return { ...resource, spec: { ...spec, clusterID: clusterId } };
  const bgp = isJsonObject(spec.bgp) ? spec.bgp : {};
  return { ...resource, spec: { ...spec, bgp: { ...bgp, routeReflectorClusterID: clusterId } } };
}
