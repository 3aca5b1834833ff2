/** Calico's IPPool, field by field, as BGP needs it (reader: ../ip-pool.ts). */
import { type Prefix, parseAddress, parsePrefix } from '../address.ts';
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
    {
      says: 'The range has no bits set beyond its length.',
      field: 'spec.cidr',
      example: { cidr: '10.65.0.1/16' },
      broken: ({ cidr }) => prefixOf(cidr) !== undefined && !isNetwork(cidr),
    },
    {
      says: 'Blocks are of 20 to 32 bits in IPv4, of 116 to 128 in IPv6, and no larger than the range.',
      field: 'spec.blockSize',
      example: { cidr: '10.65.0.0/16', blockSize: 64 },
      broken: ({ cidr, blockSize }) => !fits(prefixOf(cidr), blockSize),
    },
    {
      says: 'There are no IPIP tunnels for IPv6.',
      field: 'spec.ipipMode',
      example: { cidr: 'fd00:65::/64', ipipMode: 'Always' },
      broken: ({ cidr, ipipMode }) => isTunnel(ipipMode) && prefixOf(cidr)?.includes(':') === true,
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

function prefixOf(cidr: unknown): Prefix | undefined {
  return typeof cidr === 'string' ? parsePrefix(cidr) : undefined;
}

/** True where the address of a range is the one that its length leaves: `10.65.0.0/16`, in whatever spelling. */
function isNetwork(cidr: unknown): boolean {
  const [address = '', length = ''] = String(cidr).split('/');
  const base = parseAddress(address);
  return base !== undefined && `${base}/${Number(length)}` === prefixOf(cidr);
}

/** Whether a range can be cut into blocks of this length; absent is Calico's own length. */
function fits(range: Prefix | undefined, blockSize: unknown): boolean {
  if (range === undefined) return true;
  const [low, usual, high] = range.includes(':') ? [116, 122, 128] : [20, 26, 32];
  const length = blockSize === undefined || blockSize === null ? usual : Number(blockSize);
  return length >= low && length <= high && Number(range.split('/')[1]) <= length;
}

function isTunnel(mode: unknown): boolean {
  return mode === 'Always' || mode === 'CrossSubnet';
}
