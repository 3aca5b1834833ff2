/** What a node announces of services: which of their addresses, beside and instead of the ranges. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuration, listing, node, reflector } from '../../test/support/resources.ts';
import { at, topologyOf, topologyWith } from '../../test/support/topology.ts';
import { type IpAddress, parseAddress, parsePrefix } from '../model/address.ts';
import type { JsonObject, Resource } from '../model/resource.ts';
import type { Service } from '../model/service.ts';

const ips = (...texts: readonly string[]): readonly IpAddress[] =>
  texts.flatMap((text) => parseAddress(text) ?? []);

/** A service with an address of each kind, in ranges that `announced` names. */
function service(local: boolean, endpoints: Service['endpoints'] = []): Service {
  return {
    clusterIps: ips('10.96.0.10', 'fd96::a'),
    externalIps: ips('192.0.2.10'),
    loadBalancerIps: ips('198.51.100.10'),
    local,
    endpoints,
  };
}

const RANGES = {
  serviceClusterIPs: [{ cidr: '10.96.0.0/12' }, { cidr: 'fd96::/112' }],
  serviceExternalIPs: [{ cidr: '192.0.2.0/24' }],
  serviceLoadBalancerIPs: [{ cidr: '198.51.100.0/24' }],
};
const WHOLE = ['10.96.0.0/12', '192.0.2.0/24', '198.51.100.0/24', 'fd96::/112'];

/** What node `a` announces with these services. */
function announced(spec: JsonObject, services: readonly Service[] | null): readonly string[] {
  const topology = topologyOf(configuration(spec), node('a', ['10.0.0.1']));
  topology.setServices('a', services);
  return topology.speaker(at('10.0.0.1')).config().serviceRoutes;
}

test('ranges go out as they are, and for a service of the policy Cluster nothing else does', () => {
  assert.deepEqual(announced(RANGES, null), WHOLE);
  assert.deepEqual(announced(RANGES, []), WHOLE);
  assert.deepEqual(announced(RANGES, [service(false, [4, 6])]), WHOLE);
});

test('with the policy Local each address goes out beside the ranges, in families with an endpoint on the node', () => {
  const v4 = ['10.96.0.10/32', '192.0.2.10/32', '198.51.100.10/32'];
  assert.deepEqual(announced(RANGES, [service(true)]), WHOLE);
  assert.deepEqual(announced(RANGES, [service(true, [4])]), [...WHOLE, ...v4].sort());
  assert.deepEqual(announced(RANGES, [service(true, [6])]), [...WHOLE, 'fd96::a/128'].sort());
});

test('cluster IPs of the environment count instead of those of the default configuration, and only those', () => {
  const range = parsePrefix('10.112.0.0/16');
  assert.ok(range !== undefined);
  const config = (...resources: readonly Resource[]) => {
    const topology = topologyWith({ serviceClusterIps: [range] }, node('a', ['10.0.0.1']), ...resources);
    topology.setServices('a', [service(true, [4])]);
    return topology.speaker(at('10.0.0.1')).config();
  };
  const alone = config();
  assert.deepEqual(alone.serviceRoutes, ['10.112.0.0/16']);
  assert.deepEqual(alone.serviceRanges, ['10.112.0.0/16']);
  const beside = config(configuration(RANGES));
  const others = ['192.0.2.0/24', '198.51.100.0/24'];
  assert.deepEqual(beside.serviceRanges, ['10.112.0.0/16', ...others]);
  const single = ['192.0.2.10/32', '198.51.100.10/32'];
  assert.deepEqual(beside.serviceRoutes, ['10.112.0.0/16', ...others, ...single].sort());
});

test('an address outside of the ranges of its kind goes nowhere', () => {
  const spec = { serviceExternalIPs: [{ cidr: '10.96.0.0/12' }, { cidr: '198.51.100.0/24' }] };
  assert.deepEqual(announced(spec, [service(true, [4])]), ['10.96.0.0/12', '198.51.100.0/24']);
});

test('without aggregation load-balancer addresses go out one by one, and not their range', () => {
  const spec = { ...RANGES, serviceLoadBalancerAggregation: 'Disabled' };
  const others = WHOLE.filter((range) => range !== '198.51.100.0/24');
  assert.deepEqual(announced(spec, null), others);
  assert.deepEqual(announced(spec, []), others);
  assert.deepEqual(announced(spec, [service(false)]), [...others, '198.51.100.10/32'].sort());
  assert.deepEqual(announced(spec, [service(true)]), others);
});

test('a range that is one address goes out for the service that has it', () => {
  const spec = { serviceLoadBalancerIPs: [{ cidr: '198.51.100.10/32' }, { cidr: '198.51.100.11/32' }] };
  assert.deepEqual(announced(spec, [service(false)]), ['198.51.100.10/32']);
  assert.deepEqual(announced(spec, [service(true)]), []);
  assert.deepEqual(announced(spec, [service(true, [4])]), ['198.51.100.10/32']);
  // Where services are not known, as in etcd, it is a range like others.
  assert.deepEqual(announced(spec, null), ['198.51.100.10/32', '198.51.100.11/32']);
});

test('a node that is labelled out of load balancing announces no service, and keeps the ranges for its kernel', () => {
  const label = { 'node.kubernetes.io/exclude-from-external-load-balancers': 'true' };
  const plain = node('a', ['10.0.0.1']);
  const topology = topologyOf(configuration(RANGES), plain);
  const view = topology.speaker(at('10.0.0.1'));
  assert.deepEqual([view.config().serviceRoutes, view.serviceNode], [WHOLE, 'a']);
  topology.apply([{ op: 'put', resource: { ...plain, metadata: { name: 'a', labels: label } } }]);
  assert.deepEqual([view.config().serviceRoutes, view.serviceNode], [[], null]);
  assert.deepEqual(view.config().serviceRanges, WHOLE);
});

test('services have to be known of a node with ranges alone, and those of another node change nothing', () => {
  const topology = topologyOf(node('a', ['10.0.0.1']), reflector('rr1', ['10.0.0.9']));
  const view = topology.speaker(at('10.0.0.1'));
  assert.equal(view.serviceNode, null);
  topology.load(listing(configuration(RANGES), node('a', ['10.0.0.1']), reflector('rr1', ['10.0.0.9'])));
  assert.equal(view.serviceNode, 'a');
  assert.equal(topology.speaker(at('10.0.0.9')).serviceNode, null);
  assert.deepEqual(topology.speaker(at('10.0.0.9')).config().serviceRoutes, []);
  const before = view.config();
  topology.setServices('b', [service(true, [4])]);
  assert.equal(view.config(), before);
  topology.setServices('a', [service(false)]);
  assert.equal(view.config(), before);
  topology.setServices('a', [service(true, [4])]);
  assert.notEqual(view.config(), before);
});
