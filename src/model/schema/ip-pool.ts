/** Calico's IPPool, field by field, as BGP needs it (reader: ../ip-pool.ts). */
import {
  accepted,
  choice,
  enterprise,
  flag,
  honoured,
  integer,
  type KindSchema,
  list,
  object,
} from './shape.ts';

const encapsulation = choice('Never', 'Always', 'CrossSubnet');

export const IP_POOL: KindSchema = {
  description: 'A range that pods get their addresses from. Nodes announce their blocks of it.',
  names: 'Any name. On etcd v2, where pools have none, it is the range with "-" for "/".',
  spec: {
    cidr: honoured('v3.0', { type: 'prefix' }, 'The range.', { required: true }),
    disabled: honoured('v3.0', flag, 'No new addresses are given out.', {
      default: false,
      note: 'the range is not announced',
    }),
    disableBGPExport: honoured('v3.22', flag, 'The range is not announced over BGP.', { default: false }),
    ipipMode: honoured('v3.0', encapsulation, 'When packets between nodes travel in an IPIP tunnel.', {
      default: 'Never',
      note: 'its tunnel routes are not programmed by stock BIRD, and that is reported',
    }),
    vxlanMode: honoured('v3.7', encapsulation, 'When packets between nodes travel in a VXLAN tunnel.', {
      default: 'Never',
      note: 'not programmed: that is the part of Felix',
    }),
    natOutgoing: accepted('v3.0', flag, 'Hides pods behind their node’s address to the outside.', {
      default: false,
    }),
    blockSize: accepted('v3.0', integer(20, 128), 'Prefix length of the blocks that nodes get.', {
      default: '26 (IPv4), 122 (IPv6)',
    }),
    nodeSelector: accepted('v3.6', { type: 'selector' }, 'Nodes that may use the range.', {
      default: 'all()',
    }),
    namespaceSelector: accepted('v3.30', { type: 'selector' }, 'Namespaces that may use the range.'),
    allowedUses: accepted('v3.20', list(choice('Workload', 'Tunnel', 'LoadBalancer')), 'What for.', {
      default: 'Workload and Tunnel',
    }),
    assignmentMode: accepted('v3.27', choice('Automatic', 'Manual'), 'Who gives out the addresses.', {
      default: 'Automatic',
    }),
    ipip: honoured(
      'v2',
      object({
        enabled: honoured('v2', flag, 'Whether there is a tunnel.', { default: false }),
        mode: honoured('v2', choice('always', 'cross-subnet'), 'When.', { default: 'always' }),
      }),
      'The older form of ipipMode.',
      { note: 'where ipipMode is absent' },
    ),
    'nat-outgoing': accepted('v2', flag, 'The older form of natOutgoing.', { default: false }),
    awsSubnetID: enterprise('The AWS subnet of the range.'),
  },
  rules: [
    {
      says: 'A pool has one kind of tunnel at most.',
      field: 'spec.vxlanMode',
      example: { cidr: '10.65.0.0/16', ipipMode: 'Always', vxlanMode: 'Always' },
      broken: ({ ipipMode, vxlanMode }) => isTunnel(ipipMode) && isTunnel(vxlanMode),
    },
  ],
  example: `apiVersion: projectcalico.org/v3
kind: IPPool
metadata:
  name: pods
spec:
  cidr: 10.65.0.0/16
  natOutgoing: true
`,
};

function isTunnel(mode: unknown): boolean {
  return mode === 'Always' || mode === 'CrossSubnet';
}
