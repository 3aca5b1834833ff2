/** Which sessions a reflector of the rack topology must have, by the names that Calico gives them. */
import { RACK_NODES, RACK_REFLECTORS, type RackNode, type RackReflector } from './rack.ts';

function names(prefix: 'Mesh' | 'Node', { ipv4, ipv6 }: { ipv4: string; ipv6: string }): readonly string[] {
  return [ipv4, ipv6].map((address) => `${prefix}_${address.replaceAll(/[.:]/g, '_')}`);
}

/** Names in both families: the mesh with all other reflectors, and the nodes of its rack. */
export function reflectorSessions(
  own: RackReflector,
  reflectors: readonly RackReflector[] = RACK_REFLECTORS,
  nodes: readonly RackNode[] = RACK_NODES,
): readonly string[] {
  return [
    ...reflectors.filter(({ name }) => name !== own.name).flatMap((other) => names('Mesh', other)),
    ...nodes.filter(({ rack }) => rack === own.rack).flatMap((node) => names('Node', node)),
  ];
}
