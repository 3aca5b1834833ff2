/** Our own kinds: RouteReflector, what it reports, and etcd v2's raw filters (readers: ../route-reflector.ts, ../custom-filter.ts). */
import { anything, honoured, integer, type KindSchema, list, object, type Shape, text } from './shape.ts';

const SINCE = '0.1';
const prefixes: Shape = list({ type: 'prefix' }, { max: 1000 });
const name: Shape = { type: 'text', longest: 253 };

export const ROUTE_REFLECTOR: KindSchema = {
  description: 'A BGP route reflector that is no Calico node.',
  names: 'Any name; on both etcds, where an entry names none, its address.',
  spec: {
    ipv4: honoured(
      SINCE,
      { type: 'address', family: 4, speaker: true },
      'The address that its peers know it by.',
    ),
    ipv6: honoured(
      SINCE,
      { type: 'address', family: 6, speaker: true },
      'The address that its peers know it by.',
    ),
    clusterID: honoured(
      SINCE,
      { type: 'cluster-id' },
      'The cluster ID (RFC 4456), in the form of an IPv4 address. Reflectors that serve the same clients share one.',
      { default: 'the router ID' },
    ),
    asNumber: honoured(SINCE, { type: 'as-number' }, 'Its own AS.', {
      default: 'that of BGPConfiguration default, else 64512',
    }),
    group: honoured(SINCE, name, 'Reflectors of one group mesh with each other.', { default: 'default' }),
    peers: honoured(
      SINCE,
      list(
        object({
          ip: honoured(
            SINCE,
            { type: 'endpoint' },
            'Address of the peer, with its port where it is not 179.',
            {
              required: true,
            },
          ),
          port: honoured(SINCE, integer(1, 65535), 'Port of the peer.', { default: 'that of ip, else 179' }),
          asNumber: honoured(SINCE, { type: 'as-number' }, 'AS of the peer.', {
            default: 'that of the reflector or node with this address',
          }),
          passwordRef: honoured(
            SINCE,
            { type: 'secret-name' },
            'The name of a password; never the password.',
          ),
          maxPrefixes: honoured(SINCE, integer(1, 4294967295), 'How many routes it may send.', {
            default: 'any number',
          }),
          import: honoured(SINCE, prefixes, 'Ranges whose routes are taken from it.', {
            default: 'within one AS everything, across ASes nothing',
          }),
          export: honoured(SINCE, prefixes, 'Ranges whose routes are given to it.', {
            default: 'within one AS everything, across ASes nothing',
          }),
        }),
        { max: 1000 },
      ),
      'Routers that are no Calico nodes, and reflectors of other groups. For eBGP peers nothing is imported or exported that import and export do not name.',
    ),
  },
  status: 'anything',
  rules: [
    {
      says: 'A reflector has an address, ipv4 or ipv6 or both.',
      field: '',
      example: { clusterID: '1.0.0.1' },
      cel: 'has(self.ipv4) || has(self.ipv6)',
    },
    {
      says: 'A reflector is not its own peer.',
      field: 'spec.peers[0]',
      example: { ipv4: '192.0.2.1', peers: [{ ip: '192.0.2.1', asNumber: 65001 }] },
    },
  ],
  example: `apiVersion: calico-rr.io/v1
kind: RouteReflector
metadata:
  name: rr1
  labels:
    rack: "1"
spec:
  ipv4: 10.0.1.250
  clusterID: 1.0.0.1
  peers:
    - ip: 192.0.2.1
      asNumber: 65001
      import: [0.0.0.0/0]
      export: [10.65.0.0/16]
`,
};

export const ROUTE_REFLECTOR_STATUS: KindSchema = {
  description: 'What a route reflector reports of itself.',
  names: 'The name of the reflector.',
  spec: 'anything',
  status: 'anything',
  rules: [],
};

export const CUSTOM_FILTER: KindSchema = {
  description:
    "Raw text of a BIRD filter, as etcd v2's global/custom_filters holds it. Obeyed for the role node.",
  names: 'v4.NAME or v6.NAME.',
  spec: {
    family: honoured(SINCE, anything, 'The family of the routes, 4 or 6.', { required: true }),
    text: honoured(SINCE, text, 'What stands in the filter.'),
  },
  rules: [],
};
