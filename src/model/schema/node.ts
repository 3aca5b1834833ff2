/** Calico's Node, field by field (reader: ../node.ts). On Kubernetes it is annotations and labels of the core Node. */
import { accepted, honoured, type KindSchema, list, object, text } from './shape.ts';

const addressText = accepted('v3.7', text, 'Address of the tunnel.');

export const NODE: KindSchema = {
  description: 'A node of the cluster: where it is for BGP, its AS, and whether it reflects.',
  names: 'The name of the host, as Calico on it says it (NODENAME).',
  spec: {
    bgp: honoured(
      'v3.0',
      object({
        asNumber: honoured('v3.0', { type: 'as-number' }, 'AS of this node.', {
          default: 'that of BGPConfiguration default, else 64512',
        }),
        ipv4Address: honoured('v3.0', { type: 'host-address', family: 4 }, 'IPv4 address for BGP.', {
          note: 'with or without a prefix length',
        }),
        ipv6Address: honoured('v3.0', { type: 'host-address', family: 6 }, 'IPv6 address for BGP.', {
          note: 'with or without a prefix length',
        }),
        ipv4IPIPTunnelAddr: accepted('v3.0', text, 'Address of the IPIP tunnel.'),
        routeReflectorClusterID: honoured(
          'v3.3',
          { type: 'cluster-id' },
          'Makes the node a route reflector of this cluster (RFC 4456), written like an IPv4 address.',
          { note: 'the node reflects, and is in no mesh; before Calico v3.22 it was otherwise' },
        ),
      }),
      'What makes the node a BGP speaker.',
      { default: 'the node has no sessions' },
    ),
    ipv4VXLANTunnelAddr: addressText,
    vxlanTunnelMACAddr: accepted('v3.7', text, 'MAC address of the tunnel.'),
    ipv6VXLANTunnelAddr: accepted('v3.23', text, 'Address of the tunnel.'),
    vxlanTunnelMACAddrV6: accepted('v3.23', text, 'MAC address of the tunnel.'),
    orchRefs: accepted(
      'v3.0',
      list(
        object({
          nodeName: accepted('v3.0', text, 'What the orchestrator calls the node.'),
          orchestrator: accepted('v3.0', text, 'Which orchestrator, such as k8s.', { required: true }),
        }),
      ),
      'The same node elsewhere.',
    ),
    wireguard: accepted(
      'v3.14',
      object({
        interfaceIPv4Address: accepted('v3.14', text, 'Address of the WireGuard interface.'),
        interfaceIPv6Address: accepted('v3.23', text, 'Address of the WireGuard interface.'),
      }),
      'Encryption between nodes.',
    ),
    addresses: accepted(
      'v3.16',
      list(
        object({
          address: accepted('v3.16', text, 'The address.', { required: true }),
          type: accepted('v3.16', text, 'What for, such as InternalIP.'),
        }),
      ),
      'All addresses of the host.',
    ),
    interfaces: accepted(
      'v3.30',
      list(
        object({
          name: accepted('v3.30', text, 'Name of the interface.'),
          addresses: accepted('v3.30', list(text), 'Its addresses.'),
        }),
      ),
      'Network interfaces of the host.',
    ),
  },
  status: {
    wireguardPublicKey: accepted('v3.14', text, 'Public key of the node.'),
    wireguardPublicKeyV6: accepted('v3.23', text, 'Public key of the node.'),
    podCIDRs: accepted('v3.13', list(text), 'Ranges that Kubernetes gave the node.'),
  },
  rules: [
    {
      says: 'bgp, where it is given, holds something.',
      field: 'spec.bgp',
      example: { bgp: {} },
      broken: ({ bgp }) => typeof bgp === 'object' && bgp !== null && Object.keys(bgp).length === 0,
    },
  ],
  example: `apiVersion: projectcalico.org/v3
kind: Node
metadata:
  name: rack1-rr1
  labels:
    route-reflector: "true"
spec:
  bgp:
    ipv4Address: 10.0.1.250/24
    asNumber: 64512
    routeReflectorClusterID: 1.0.0.1
`,
};
