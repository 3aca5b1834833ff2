/**
 * A route reflector as somebody writes it by hand for BIRD 2, with graceful restart on: what calico-rr is compared
 * with where a test has to show what goes wrong without it.
 */
import { RACK_AS, RACK_NODES, type RackReflector, reflectorsOf } from './rack.ts';

/** @param fellows the other reflectors that run */
export function plainReflectorConfig(own: RackReflector, fellows: readonly RackReflector[]): string {
  const clients = RACK_NODES.filter((node) =>
    reflectorsOf(node).some((reflector) => reflector.name === own.name),
  );
  const session = (
    name: string,
    family: 4 | 6,
    peer: { ipv4: string; ipv6: string },
    client: boolean,
  ): string => `
protocol bgp rr_${name}_${family} {
  local ${family === 4 ? own.ipv4 : own.ipv6} as ${RACK_AS};
  neighbor ${family === 4 ? peer.ipv4 : peer.ipv6} as ${RACK_AS};
  multihop;
  ${client ? `rr client; rr cluster id ${own.clusterId};` : ''}
  graceful restart on;
  long lived graceful restart on;
  connect delay time 1; connect retry time 2; error wait time 1, 4;
  ipv${family} { import all; export all; gateway recursive; };
}`;
  const sessions = ([4, 6] as const).flatMap((family) => [
    ...clients.map((node) => session(node.name, family, node, true)),
    ...fellows.map((other) => session(other.name, family, other, false)),
  ]);
  return `log stderr all;\nrouter id ${own.ipv4};\nprotocol device {}\n${sessions.join('\n')}\n`;
}
