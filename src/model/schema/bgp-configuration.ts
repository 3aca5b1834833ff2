/** Calico's BGPConfiguration, field by field (reader: ../bgp-configuration.ts). */
import { asObject, isUnset } from '../reading.ts';
import type { Json, JsonObject } from '../resource.ts';
import {
  choice,
  type Field,
  honoured,
  integer,
  type KindSchema,
  list,
  object,
  passwordReference,
  reported,
  text,
} from './shape.ts';

/** A list of ranges of services. */
function ranges(since: string, what: string): Field {
  const cidr = honoured(since, { type: 'prefix' }, 'The range.', { required: true });
  return honoured(since, list(object({ cidr })), `Ranges of the ${what} of services that nodes announce.`, {
    note: 'in default only; single services of it on Kubernetes alone',
  });
}

const priority = integer(1, 2147483646);
const DEFAULT_ONLY = 'in default only';

export const BGP_CONFIGURATION: KindSchema = {
  description: 'BGP settings of the whole cluster (default) or of one node (node.NAME).',
  names: 'default, or node.NAME with the name of a node. Others are taken, and passed over.',
  spec: {
    logSeverityScreen: honoured(
      'v3.0',
      {
        type: 'choice',
        of: ['Trace', 'Debug', 'Info', 'Warning', 'Error', 'Critical', 'Fatal', 'None'],
        anyCase: true,
      },
      'How much the BGP daemon of a node logs.',
      { default: 'Info', note: 'Debug and Info as they are; every other one is silence' },
    ),
    nodeToNodeMeshEnabled: honoured('v3.0', { type: 'flag' }, 'Whether all nodes peer with one another.', {
      default: true,
      note: DEFAULT_ONLY,
    }),
    asNumber: honoured('v3.0', { type: 'as-number' }, 'AS of every node that names none of its own.', {
      default: 64512,
      note: 'in default only; the AS of one node is set in its own spec.bgp',
    }),
    serviceClusterIPs: ranges('v3.10', 'cluster addresses'),
    serviceExternalIPs: ranges('v3.10', 'external addresses'),
    serviceLoadBalancerIPs: ranges('v3.18', 'load-balancer addresses'),
    serviceLoadBalancerAggregation: honoured(
      'v3.31',
      choice('Enabled', 'Disabled'),
      'Whether the load-balancer ranges are announced as they are, or each service by itself.',
      { default: 'Enabled', note: 'single services on Kubernetes alone' },
    ),
    listenPort: honoured('v3.16', integer(1, 65535), 'Port that nodes listen on and are reached at.', {
      default: 179,
      note: 'in default and node.NAME',
    }),
    bindMode: honoured(
      'v3.23',
      choice('None', 'NodeIP'),
      'Whether a node listens on all its addresses or on its BGP address alone.',
      { default: 'None', note: 'a speaker listens on its own addresses only, whatever is set' },
    ),
    communities: honoured(
      'v3.16',
      list(
        object({
          name: honoured('v3.16', text, 'Name that prefixAdvertisements use.', { required: true }),
          value: honoured('v3.16', { type: 'community' }, 'AS:VALUE or AS:VALUE:VALUE.', { required: true }),
        }),
      ),
      'Names for communities.',
    ),
    prefixAdvertisements: honoured(
      'v3.16',
      list(
        object({
          cidr: honoured('v3.16', { type: 'prefix' }, 'Routes inside this range.', { required: true }),
          communities: honoured('v3.16', list(text), 'Communities they get, by name or as they are.'),
        }),
      ),
      'Communities that a node puts on the routes that it announces.',
      { note: 'on Calico nodes; those of node.NAME replace those of default' },
    ),
    nodeMeshPassword: honoured('v3.23', passwordReference, 'Password of the sessions of the mesh.', {
      note: 'in default only; without its secret the sessions are not brought up',
    }),
    nodeMeshMaxRestartTime: honoured(
      'v3.23',
      { type: 'duration' },
      'How long nodes of the mesh keep the routes of one that restarts.',
      { default: '2m', note: DEFAULT_ONLY },
    ),
    ignoredInterfaces: honoured(
      'v3.25',
      list({ type: 'interface', notAll: true }),
      'Interfaces whose networks nodes do not announce; * stands for any letters.',
      { note: 'on Calico nodes; those of node.NAME replace those of default' },
    ),
    localWorkloadPeeringIPV4: reported(
      'v3.30',
      { type: 'address', family: 4 },
      'Address at which local workloads find their node.',
      'see BGPPeer localWorkloadSelector',
    ),
    localWorkloadPeeringIPV6: reported(
      'v3.30',
      { type: 'address', family: 6 },
      'Address at which local workloads find their node.',
      'see BGPPeer localWorkloadSelector',
    ),
    programClusterRoutes: reported(
      'v3.32',
      choice('Enabled', 'Disabled', 'EnabledIPIPOnly', 'EnabledNoEncapOnly'),
      'Which routes to other nodes the BGP daemon programs.',
      "nodes program every route but those of VXLAN pools; IPIP needs Calico's own BIRD",
      { default: 'EnabledNoEncapOnly' },
    ),
    ipv4NormalRoutePriority: reported(
      'v3.32',
      priority,
      'Metric of the IPv4 routes that are programmed.',
      "routes have BIRD's own metric",
      { default: 1024 },
    ),
    ipv6NormalRoutePriority: reported(
      'v3.32',
      priority,
      'Metric of the IPv6 routes that are programmed.',
      "routes have BIRD's own metric",
      { default: 1024 },
    ),
  },
  rules: [
    {
      says: 'Every name in communities is used by some prefixAdvertisements.',
      field: 'spec.communities',
      example: { communities: [{ name: 'rack', value: '65000:7' }] },
      broken: hasIdleCommunity,
    },
    {
      says: 'nodeMeshPassword needs the node-to-node mesh.',
      field: 'spec.nodeMeshPassword',
      example: {
        nodeToNodeMeshEnabled: false,
        nodeMeshPassword: { secretKeyRef: { name: 'bgp', key: 'mesh' } },
      },
      broken: (spec) => spec.nodeToNodeMeshEnabled === false && !isUnset(spec.nodeMeshPassword),
    },
    {
      says: 'nodeMeshMaxRestartTime needs the node-to-node mesh.',
      field: 'spec.nodeMeshMaxRestartTime',
      example: { nodeToNodeMeshEnabled: false, nodeMeshMaxRestartTime: '60s' },
      broken: (spec) => spec.nodeToNodeMeshEnabled === false && !isUnset(spec.nodeMeshMaxRestartTime),
    },
  ],
  example: `apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata:
  name: default
spec:
  nodeToNodeMeshEnabled: false
  asNumber: 64512
`,
};

/** A community that nothing uses is a typing error in one of the two places. */
function hasIdleCommunity(spec: JsonObject): boolean {
  const used = new Set(
    listOf(spec.prefixAdvertisements).flatMap((item) => listOf(asObject(item)?.communities)),
  );
  return listOf(spec.communities).some((item) => {
    const name = asObject(item)?.name;
    return typeof name === 'string' && !used.has(name);
  });
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
