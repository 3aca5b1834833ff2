/** Calico's BGPFilter, field by field (reader: ../bgp-filter.ts). */
import { addressBits, type Family } from '../address.ts';
import { choice, type Field, honoured, integer, type KindSchema, list, object, type Shape } from './shape.ts';

const SINCE = 'v3.26';
const priority = integer(1, 2147483646);
const path = (bounds: { readonly min?: number; readonly max?: number } = {}): Shape =>
  list({ type: 'as-number' }, bounds);

function rules(direction: 'import' | 'export', family: Family): Field {
  const longest = addressBits(family);
  const rule = object({
    action: honoured(SINCE, choice('Accept', 'Reject'), 'What becomes of a route that matches.', {
      required: true,
    }),
    cidr: honoured(SINCE, { type: 'prefix', family }, 'The range that the prefix is compared with.'),
    matchOperator: honoured(
      SINCE,
      choice('Equal', 'NotEqual', 'In', 'NotIn'),
      'How: it is the range, lies in it, or neither.',
    ),
    prefixLength: honoured(
      'v3.29',
      object({
        min: honoured('v3.29', integer(0, longest), 'The shortest.', { default: 'the length of cidr' }),
        max: honoured('v3.29', integer(0, longest), 'The longest.', { default: longest }),
      }),
      'Lengths of the prefixes that match.',
    ),
    source: honoured(SINCE, choice('RemotePeers'), 'Only routes that were learned by BGP.'),
    interface: honoured(
      SINCE,
      { type: 'interface' },
      'Only routes through this interface; * stands for any letters.',
    ),
    peerType: honoured('v3.32', choice('eBGP', 'iBGP'), 'Only on sessions of this type.'),
    communities: honoured(
      'v3.32',
      object({
        values: honoured('v3.32', list({ type: 'community' }, { min: 1, max: 1 }), 'The one community.', {
          required: true,
        }),
      }),
      'Only routes that carry this community.',
    ),
    asPathPrefix: honoured('v3.32', path(), 'Only routes whose AS path begins with these.'),
    priority: honoured(
      'v3.32',
      priority,
      'Only routes of this metric, carried as LOCAL_PREF 2147483647 - metric.',
    ),
    operations: honoured(
      'v3.32',
      list(
        object({
          addCommunity: honoured(
            'v3.32',
            object({
              value: honoured('v3.32', { type: 'community' }, 'The community.', { required: true }),
            }),
            'Puts a community on the route.',
          ),
          prependASPath: honoured(
            'v3.32',
            object({
              prefix: honoured('v3.32', path({ min: 1, max: 10 }), 'What the path begins with then.', {
                required: true,
              }),
            }),
            'Puts AS numbers before the AS path.',
          ),
          setPriority: honoured(
            'v3.32',
            object({ value: honoured('v3.32', priority, 'The metric.', { required: true }) }),
            'Gives the route a metric.',
          ),
        }),
        { max: 10 },
      ),
      'Done to a route before it is accepted, in this order; each is exactly one of the three.',
    ),
  });
  const what = direction === 'import' ? 'taken from' : 'given to';
  const description = `Rules for IPv${family} routes that are ${what} the peer, in order.`;
  return honoured(
    SINCE,
    list(rule),
    description,
    direction === 'import' && family === 4 ? {} : { like: 'importV4' },
  );
}

export const BGP_FILTER: KindSchema = {
  description:
    'Rules that BGPPeers name by filters. The first rule that matches decides; a rule without conditions matches every route. What no rule decides goes the way it would have gone without the filter.',
  names: 'Any name; BGPPeers use it.',
  spec: {
    importV4: rules('import', 4),
    exportV4: rules('export', 4),
    importV6: rules('import', 6),
    exportV6: rules('export', 6),
  },
  rules: [
    {
      says: 'cidr and matchOperator go together.',
      field: 'spec.importV4[0].matchOperator',
      example: { importV4: [{ action: 'Accept', cidr: '10.0.0.0/8' }] },
    },
    {
      says: 'prefixLength needs cidr.',
      field: 'spec.importV4[0].cidr',
      example: { importV4: [{ action: 'Accept', prefixLength: { min: 24 } }] },
    },
    {
      says: 'operations go with Accept only.',
      field: 'spec.exportV4[0]',
      example: { exportV4: [{ action: 'Reject', operations: [{ setPriority: { value: 100 } }] }] },
    },
    {
      says: 'Each of operations is exactly one of addCommunity, prependASPath and setPriority.',
      field: 'spec.exportV4[0].operations[0]',
      example: {
        exportV4: [
          {
            action: 'Accept',
            operations: [{ setPriority: { value: 100 }, addCommunity: { value: '65000:1' } }],
          },
        ],
      },
    },
  ],
  example: `apiVersion: projectcalico.org/v3
kind: BGPFilter
metadata:
  name: no-default-route
spec:
  importV4:
    - action: Reject
      matchOperator: Equal
      cidr: 0.0.0.0/0
`,
};
