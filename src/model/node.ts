/** A Calico Node as BGP sees it: its addresses, its AS, and whether it reflects (v3 `Node.spec.bgp`). */
import { type IpAddress, type Prefix, parsePrefix } from './address.ts';
import type { AsNumber } from './as-number.ts';
import { type ClusterId, parseClusterId } from './cluster-id.ts';
import {
  type Findings,
  isUnset,
  quote,
  type Reading,
  readAsNumber,
  readHostAddress,
  readObject,
  reject,
  startReading,
} from './reading.ts';
import type { Json, Resource } from './resource.ts';
import { noticeFields } from './schema/notices.ts';
import { type Labels, NO_LABELS } from './selector/selector.ts';

export interface Node {
  readonly name: string;
  readonly ipv4: IpAddress | null;
  readonly ipv6: IpAddress | null;
  /** The network of the IPv4 address, where a length is given with it (`10.0.0.4/24`). */
  readonly ipv4Network: Prefix | null;
  /** Its own AS, or null: the global one. */
  readonly asNumber: AsNumber | null;
  /** Set on a node that is a route reflector of Calico v3.3+; such a node is no member of the mesh. */
  readonly clusterId: ClusterId | null;
  /** What selectors ask for. */
  readonly labels: Labels;
  /** Labelled by Kubernetes' own label as one that announces no services. */
  readonly withoutServices: boolean;
}

/** A well-known label of Kubernetes; Calico's nodes obey the value "true". */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** A bad address takes its family away; a bad AS or cluster ID the whole node, since no session could be right. */
export function readNode(resource: Resource): Reading<Node> {
  const { name } = resource.metadata;
  const findings = startReading('Node', name);
  const bgp = readObject(findings, resource.spec.bgp, 'spec.bgp');
  const ipv4 = readHostAddress(findings, bgp?.ipv4Address, 'spec.bgp.ipv4Address', 4);
  const ipv6 = readHostAddress(findings, bgp?.ipv6Address, 'spec.bgp.ipv6Address', 6);
  const faultsOfAddresses = findings.problems.length;
  const asNumber = readAsNumber(findings, bgp?.asNumber, 'spec.bgp.asNumber');
  const clusterId = readClusterId(findings, bgp?.routeReflectorClusterID, 'spec.bgp.routeReflectorClusterID');
  const usable = findings.problems.length === faultsOfAddresses;
  noticeFields(findings, resource.spec, 'Node');
  return {
    value: usable
      ? {
          name,
          ipv4,
          ipv6,
          ipv4Network: ipv4 === null ? null : networkOf(bgp?.ipv4Address),
          asNumber,
          clusterId,
          labels: resource.metadata.labels ?? NO_LABELS,
          withoutServices: resource.metadata.labels?.[EXCLUDED] === 'true',
        }
      : undefined,
    problems: findings.problems,
  };
}

function networkOf(value: Json | undefined): Prefix | null {
  return typeof value === 'string' ? (parsePrefix(value) ?? null) : null;
}

/** A cluster ID that may be absent; null, with a problem, where it is none. */
export function readClusterId(findings: Findings, value: Json | undefined, field: string): ClusterId | null {
  if (isUnset(value)) return null;
  const clusterId = typeof value === 'string' ? parseClusterId(value) : undefined;
  if (clusterId === undefined) {
    reject(
      findings,
      'bad-cluster-id',
      field,
      `is ${quote(value)}, not a cluster ID.`,
      'A cluster ID has the form of an IPv4 address, such as 1.0.0.1, and is not 0.0.0.0.',
    );
  }
  return clusterId ?? null;
}
