import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listing, resource } from '../../test/support/resources.ts';
import { familyOf, overlap, type Prefix, parsePrefix } from '../model/address.ts';
import type { Change } from '../model/change.ts';
import type { Resource } from '../model/resource.ts';
import type { OriginLists } from './origins.ts';
import { createTopology } from './topology.ts';

const put = (one: Resource): Change => ({ op: 'put', resource: one });
const gone = ({ kind, metadata }: Resource): Change => ({ op: 'delete', kind, name: metadata.name });
const node = (name: string, host: number, clusterId?: string) =>
  resource('Node', name, {
    bgp: {
      ipv4Address: `10.0.0.${host}/24`,
      ...(clusterId === undefined ? {} : { routeReflectorClusterID: clusterId }),
    },
  });
const block = (cidr: string, of: string, state = 'confirmed') =>
  resource('BlockAffinity', `${of}-${cidr.replace(/[./:]/g, '-')}`, {
    node: of,
    cidr,
    state,
    deleted: 'false',
  });

const RESOURCES: readonly Resource[] = [
  node('n1', 1),
  node('n2', 2),
  node('rr', 3, '1.0.0.1'),
  resource('IPPool', 'pods', { cidr: '10.64.0.0/16' }),
  resource('IPPool', 'old', { cidr: '10.70.0.0/16', disabled: true }),
  resource('BGPConfiguration', 'default', {
    asNumber: 64512,
    serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
    serviceLoadBalancerIPs: [{ cidr: '198.51.100.0/24' }],
  }),
  block('10.64.1.0/26', 'n1'),
  block('10.64.2.0/26', 'n2'),
  block('10.64.3.0/26', 'n2', 'pending'),
  block('10.64.4.0/26', 'n1', 'pending'),
  block('10.64.4.0/26', 'n2'),
  block('10.64.5.8/32', 'n2'),
  block('10.64.6.0/24', 'n2'),
  block('10.64.6.64/26', 'n1', 'pending'),
  block('192.0.2.128/26', 'n2', 'pending'),
  block('fd64:0:0:1::/122', 'n2'),
];

/** Judges by lists alone, as route origins are judged (RFC 6811): what is covered, and by whose. */
function byLists({ isJudged, owned, shared }: OriginLists, name: string, prefix: Prefix): boolean {
  const lengthOf = (text: Prefix): number => Number(text.slice(text.indexOf('/') + 1));
  const covers = (range: Prefix): boolean =>
    familyOf(range) === familyOf(prefix) && lengthOf(range) <= lengthOf(prefix) && overlap(range, prefix);
  if (!isJudged(name)) return true;
  if (lengthOf(prefix) === 0) return false;
  const covering = [...owned].filter(([cidr]) => covers(cidr));
  if (covering.some(([, nodes]) => nodes.includes(name))) return true;
  if (covering.length > 0) return lengthOf(prefix) === (familyOf(prefix) === 4 ? 32 : 128);
  return shared.some(covers);
}

function originsOf(resources: readonly Resource[]) {
  const topology = createTopology();
  topology.load(listing(...resources));
  const origins = topology.origins();
  const fault = (name: string, text: string): string | null => {
    const prefix = parsePrefix(text);
    assert.ok(prefix !== undefined, text);
    const found = origins.faultOf(name, prefix);
    assert.equal(byLists(origins.lists(), name, prefix), found === null, 'the lists say otherwise');
    return found;
  };
  return { topology, origins, fault };
}

const CASES: readonly (readonly [string, string, string, string | null])[] = [
  ['its own block', 'n1', '10.64.1.0/26', null],
  ['another node’s block', 'n1', '10.64.2.0/26', 'the block is n2’s'],
  ['a part of another node’s block', 'n1', '10.64.2.0/27', 'it lies in 10.64.2.0/26, a block of n2’s'],
  ['a part of its own block', 'n1', '10.64.1.32/27', null],
  ['an address that it borrowed from another’s block, or a floating one', 'n1', '10.64.2.7/32', null],
  ['a block that is only pending for another', 'n1', '10.64.3.0/26', null],
  ['a block that is pending for itself and another’s still', 'n1', '10.64.4.0/26', null],
  ['a block that IPAM gave to nobody', 'n1', '10.64.9.0/26', null],
  ['a range of several blocks in a pool', 'n1', '10.64.0.0/20', null],
  ['a block of a disabled pool', 'n1', '10.70.1.0/26', null],
  ['the range of services', 'n1', '10.96.0.0/12', null],
  ['the address of a load balancer', 'n1', '198.51.100.7/32', null],
  ['the one address of another’s block of one', 'n1', '10.64.5.8/32', null],
  ['its own block within a larger one of another’s', 'n1', '10.64.6.64/26', null],
  ['what is beside that', 'n1', '10.64.6.128/26', 'it lies in 10.64.6.0/24, a block of n2’s'],
  ['what is another’s and pending, though in no pool any more', 'n1', '192.0.2.128/26', null],
  ['another node’s IPv6 block', 'n1', 'fd64:0:0:1::/122', 'the block is n2’s'],
  ['an IPv6 address of it', 'n1', 'fd64:0:0:1::7/128', null],
  ['an IPv6 default route', 'n1', '::/0', 'a node has no default route to give'],
  ['a default route', 'n1', '0.0.0.0/0', 'a node has no default route to give'],
  ['what lies outside every pool', 'n1', '192.0.2.0/24', 'it lies in no IP pool and no service range'],
  ['an address outside every pool', 'n1', '192.0.2.7/32', 'it lies in no IP pool and no service range'],
  ['more than a pool', 'n1', '10.64.0.0/12', 'it lies in no IP pool and no service range'],
  ['anything, from a node that reflects', 'rr', '10.64.2.0/26', null],
  ['anything, from who is no node', 'edge', '192.0.2.0/24', null],
];

for (const [what, name, prefix, expected] of CASES) {
  test(`a node may${expected === null ? '' : ' not'} announce ${what}`, () => {
    assert.equal(originsOf(RESOURCES).fault(name, prefix), expected);
  });
}

test('before the datastore has spoken nothing has a fault, and whoever will be judged is', () => {
  const origins = createTopology().origins();
  const prefix = parsePrefix('10.64.2.0/26');
  assert.ok(prefix !== undefined);
  assert.equal(origins.faultOf('n1', prefix), null);
  const { isJudged, owned, shared } = origins.lists();
  assert.equal(isJudged('n1'), true);
  assert.deepEqual([[...owned], [...shared]], [[], ['0.0.0.0/0', '::/0']]);
});

test('with no pool in the datastore nothing lies outside', () => {
  const { fault } = originsOf(RESOURCES.filter(({ kind }) => kind !== 'IPPool'));
  assert.equal(fault('n1', '192.0.2.0/24'), null);
});

test('a block that moves changes its own prefix alone; a pool may change any', () => {
  const { topology, origins, fault } = originsOf(RESOURCES);
  assert.equal(origins.takeChanged(), 'all');
  assert.deepEqual(origins.takeChanged(), []);
  assert.equal(fault('n1', '10.64.2.0/26'), 'the block is n2’s');
  topology.apply([gone(block('10.64.2.0/26', 'n2')), put(block('10.64.2.0/26', 'n1'))]);
  assert.deepEqual(origins.takeChanged(), ['10.64.2.0/26']);
  assert.equal(fault('n1', '10.64.2.0/26'), null);
  assert.equal(fault('n2', '10.64.2.0/26'), 'the block is n1’s');
  topology.apply([put(resource('IPPool', 'more', { cidr: '192.0.2.0/24' }))]);
  assert.equal(origins.takeChanged(), 'all');
  assert.equal(fault('n1', '192.0.2.0/24'), null);
});
