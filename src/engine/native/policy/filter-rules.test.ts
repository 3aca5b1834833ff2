/** Calico's BGPFilters on our own engine; test/contract/engine-bird-filters.test.ts has the same on BIRD. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { octetsOf, setOf } from '../../../../test/support/routes.ts';
import { decodeAttributes, type PathAttributes } from '../../../bgp/index.ts';
import { type FilterOperation, type FilterRule, readBgpFilter } from '../../../model/bgp-filter.ts';
import type { Json } from '../../../model/resource.ts';
import { createAttributeSets } from '../rib/attribute-sets.ts';
import { compileRules, decidingRule, operate } from './filter-rules.ts';

const sets = createAttributeSets();

/** Rules as a resource has them, read by the reader of resources. */
function rulesOf(...rules: Json[]): readonly FilterRule[] {
  const { value, problems } = readBgpFilter({
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPFilter',
    metadata: { name: 'f' },
    spec: { importV4: rules },
  });
  assert(value !== undefined, JSON.stringify(problems));
  return value.importV4;
}

function decide(
  rules: readonly Json[],
  prefix: string,
  attributes: Partial<PathAttributes> = {},
  internal = true,
): 'accept' | 'reject' | undefined {
  const [address = '', bits] = prefix.split('/');
  const compiled = compileRules(rulesOf(...rules), 4, internal);
  return decidingRule(compiled, octetsOf(address), Number(bits), setOf(sets, attributes))?.action;
}

const inTen = (operator: string, prefixLength: Json = null): Json => ({
  action: 'Accept',
  cidr: '10.0.0.0/8',
  matchOperator: operator,
  ...(prefixLength === null ? {} : { prefixLength }),
});

const CASES: readonly (readonly [string, Json, string, Partial<PathAttributes>, boolean])[] = [
  ['Equal is the CIDR itself', inTen('Equal'), '10.0.0.0/8', {}, true],
  ['Equal is nothing inside it', inTen('Equal'), '10.1.0.0/16', {}, false],
  ['In is the CIDR itself', inTen('In'), '10.0.0.0/8', {}, true],
  ['In is what is inside it', inTen('In'), '10.1.2.0/26', {}, true],
  ['In is not what covers it', inTen('In'), '10.0.0.0/7', {}, false],
  ['In is not what is beside it', inTen('In'), '11.0.0.0/26', {}, false],
  ['NotIn is what is beside it', inTen('NotIn'), '11.0.0.0/26', {}, true],
  ['NotIn is not what is inside it', inTen('NotIn'), '10.1.2.0/26', {}, false],
  ['NotEqual is what is inside it', inTen('NotEqual'), '10.1.2.0/26', {}, true],
  ['a length within bounds', inTen('In', { min: 24, max: 26 }), '10.1.2.0/26', {}, true],
  ['a length beyond bounds', inTen('In', { min: 24, max: 26 }), '10.1.2.0/27', {}, false],
  ['source RemotePeers is every route', { action: 'Accept', source: 'RemotePeers' }, '10.0.0.0/8', {}, true],
  ['an interface is no route of a reflector', { action: 'Accept', interface: '*' }, '10.0.0.0/8', {}, false],
  ['iBGP within the AS', { action: 'Accept', peerType: 'iBGP' }, '10.0.0.0/8', {}, true],
  ['eBGP within the AS', { action: 'Accept', peerType: 'eBGP' }, '10.0.0.0/8', {}, false],
  [
    'a community',
    { action: 'Accept', communities: { values: ['65000:7'] } },
    '10.0.0.0/8',
    { communities: [65000 * 65536 + 7] },
    true,
  ],
  ['no community', { action: 'Accept', communities: { values: ['65000:7'] } }, '10.0.0.0/8', {}, false],
  [
    'a large community',
    { action: 'Accept', communities: { values: ['65000:7:8'] } },
    '10.0.0.0/8',
    { largeCommunities: [{ global: 65000, one: 7, two: 8 }] },
    true,
  ],
  [
    'the beginning of a path',
    { action: 'Accept', asPathPrefix: [65001, 65002] },
    '10.0.0.0/8',
    { asPath: [{ type: 'sequence', asNumbers: [65001, 65002, 65003] }] },
    true,
  ],
  [
    'another path',
    { action: 'Accept', asPathPrefix: [65001, 65002] },
    '10.0.0.0/8',
    { asPath: [{ type: 'sequence', asNumbers: [65001, 65003] }] },
    false,
  ],
  ['a priority', { action: 'Accept', priority: 1000 }, '10.0.0.0/8', { localPref: 2147482647 }, true],
  ['another priority', { action: 'Accept', priority: 1000 }, '10.0.0.0/8', {}, false],
];

for (const [what, rule, prefix, attributes, matches] of CASES) {
  test(`${what}: ${matches ? 'matches' : 'does not match'}`, () => {
    assert.equal(decide([rule], prefix, attributes), matches ? 'accept' : undefined);
  });
}

test('a rule for eBGP counts on eBGP', () => {
  assert.equal(decide([{ action: 'Accept', peerType: 'eBGP' }], '10.0.0.0/8', {}, false), 'accept');
});

test('the first rule that matches decides', () => {
  const reject: Json = { action: 'Reject', cidr: '10.0.0.0/8', matchOperator: 'In' };
  const rules = [reject, inTen('In'), { action: 'Reject' }];
  assert.equal(decide(rules, '10.1.0.0/26'), 'reject');
  assert.equal(decide(rules.slice(1), '10.1.0.0/26'), 'accept');
  assert.equal(decide(rules.slice(1), '11.1.0.0/26'), 'reject');
});

test('operations change the attributes in their order and leave the rest alone', () => {
  const before = setOf(sets, { med: 4, asPath: [{ type: 'sequence', asNumbers: [65009] }] });
  const [rule] = rulesOf({
    action: 'Accept',
    operations: [
      { addCommunity: { value: '65000:7' } },
      { addCommunity: { value: '65000:7:8' } },
      { prependASPath: { prefix: [65001, 65002] } },
      { setPriority: { value: 1000 } },
    ],
  });
  assert(rule !== undefined);
  const attributes = decodeAttributes(operate(before.bytes, rule.operations));
  assert.deepEqual(attributes.communities, [65000 * 65536 + 7]);
  assert.deepEqual(attributes.largeCommunities, [{ global: 65000, one: 7, two: 8 }]);
  assert.deepEqual(attributes.asPath, [{ type: 'sequence', asNumbers: [65001, 65002, 65009] }]);
  assert.deepEqual([attributes.localPref, attributes.med], [2147482647, 4]);
  const none: readonly FilterOperation[] = [];
  assert.equal(operate(before.bytes, none), before.bytes);
});
