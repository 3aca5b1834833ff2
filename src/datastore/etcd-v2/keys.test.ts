import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { keyOfPath, nameOfAffinity, ownerOf, pathsOfResource } from './keys.ts';
import { partsOf } from './tree.ts';

suite('keys of etcd v2', () => {
  const owned: [string, string, string][] = [
    ['/calico/bgp/v1/host/n1', 'Node', 'n1'],
    ['/calico/bgp/v1/host/n1.example.com/ip_addr_v4', 'Node', 'n1.example.com'],
    ['/calico/bgp/v1/host/n1/as_num', 'Node', 'n1'],
    ['/calico/bgp/v1/host/n1/network_v6', 'Node', 'n1'],
    ['/calico/bgp/v1/host/n1/loglevel', 'BGPConfiguration', 'node.n1'],
    ['/calico/bgp/v1/host/n1/listen_port', 'BGPConfiguration', 'node.n1'],
    ['/calico/bgp/v1/host/n1/peer_v4/10.0.0.1', 'BGPPeer', 'node.n1.10.0.0.1'],
    ['/calico/bgp/v1/host/n1/peer_v6/fd00::1', 'BGPPeer', 'node.n1.fd00::1'],
    ['/calico/bgp/v1/global/peer_v4/10.0.0.1', 'BGPPeer', 'global.10.0.0.1'],
    ['/calico/bgp/v1/global/peer_v6/FD00:0::1', 'BGPPeer', 'global.FD00:0::1'],
    ['/calico/bgp/v1/global/as_num', 'BGPConfiguration', 'default'],
    ['/calico/bgp/v1/global/node_mesh', 'BGPConfiguration', 'default'],
    ['/calico/bgp/v1/global/custom_filters/v4/a', 'CustomFilter', 'v4.a'],
    ['/calico/bgp/v1/rr_status/rr1', 'RouteReflectorStatus', 'rr1'],
    ['/calico/bgp/v1/rr_v4/10.0.0.1', 'RouteReflector', ''],
    ['/calico/v1/ipam/v4/pool/10.5.0.0-16', 'IPPool', '10.5.0.0-16'],
    ['/calico/ipam/v2/host/n-1/ipv4/block/10.65.1.0-26', 'BlockAffinity', 'n-1-10-65-1-0-26'],
    ['/calico/ipam/v2/host/n1/ipv6/block/fd00:10:65::40-122', 'BlockAffinity', 'n1-fd00-10-65--40-122'],
  ];
  for (const [key, kind, name] of owned)
    test(`${key} belongs to ${kind}/${name}`, () => {
      assert.deepEqual(ownerOf(partsOf(key)), { kind, name });
    });

  const ignored = [
    '/calico',
    '/calico/bgp/v1/host',
    '/calico/bgp/v1/host/n1/vendor',
    '/calico/bgp/v1/host/n1/peer_v4',
    '/calico/bgp/v1/host/n1/as_num/deeper',
    '/calico/bgp/v1/global/vendor',
    '/calico/bgp/v1/global/custom_filters/v4',
    '/calico/v1/host/n1/metadata',
    '/calico/ipam/v2/assignment/ipv4/block/10.65.1.0-26',
    '/other/bgp/v1/host/n1/as_num',
  ];
  for (const key of ignored)
    test(`${key} is nobody's`, () => {
      assert.equal(ownerOf(partsOf(key)), undefined);
    });

  const found: [Parameters<typeof pathsOfResource>[0], string, string | undefined][] = [
    ['Node', 'n1', '/calico/bgp/v1/host/n1'],
    ['Node', 'a/b', undefined],
    ['Node', '..', undefined],
    ['Node', '_hidden', undefined],
    ['BGPPeer', 'global.10.0.0.1', '/calico/bgp/v1/global/peer_v4/10.0.0.1'],
    ['BGPPeer', 'global.fd00::1', '/calico/bgp/v1/global/peer_v6/fd00::1'],
    ['BGPPeer', 'node.n1.10.0.0.1', '/calico/bgp/v1/host/n1/peer_v4/10.0.0.1'],
    ['BGPPeer', 'node.n1.10.10.0.0.1', '/calico/bgp/v1/host/n1.10/peer_v4/10.0.0.1'],
    ['BGPPeer', 'node.w3.example.com.fd00::1', '/calico/bgp/v1/host/w3.example.com/peer_v6/fd00::1'],
    ['BGPPeer', 'node.w3.::ffff:1.2.3.4', '/calico/bgp/v1/host/w3/peer_v6/::ffff:1.2.3.4'],
    ['BGPPeer', 'node.w3.nonsense', '/calico/bgp/v1/host/w3/peer_v4/nonsense'],
    ['BGPPeer', 'node.w3.10.0.0.1.v6', '/calico/bgp/v1/host/w3/peer_v6/10.0.0.1'],
    ['BGPPeer', 'rack-7-tor', undefined],
    ['BGPConfiguration', 'default', '/calico/bgp/v1/global'],
    ['BGPConfiguration', 'node.n1', '/calico/bgp/v1/host/n1'],
    ['BGPConfiguration', 'other', undefined],
    ['CustomFilter', 'v6.b', '/calico/bgp/v1/global/custom_filters/v6/b'],
    ['CustomFilter', 'b', undefined],
    ['IPPool', '10.5.0.0-16', '/calico/v1/ipam/v4/pool/10.5.0.0-16'],
    ['IPPool', 'fd00::-64', '/calico/v1/ipam/v6/pool/fd00::-64'],
  ];
  for (const [kind, name, key] of found)
    test(`${kind}/${name} is at ${key ?? 'no key'}`, () => {
      assert.deepEqual(pathsOfResource(kind, name)?.map(keyOfPath), key === undefined ? undefined : [key]);
    });

  test('every peer key that can be has a name that leads back to it', () => {
    for (const place of ['global', 'host/n1', 'host/n1.v6', 'host/w3.example.com'])
      for (const directory of ['peer_v4', 'peer_v6'])
        for (const address of ['10.0.0.1', 'fd00::1', '::ffff:1.2.3.4']) {
          const key = `/calico/bgp/v1/${place}/${directory}/${address}`;
          const owner = ownerOf(partsOf(key));
          assert.equal(owner?.kind, 'BGPPeer');
          assert.deepEqual(pathsOfResource('BGPPeer', owner.name)?.map(keyOfPath), [key]);
        }
  });

  test('an affinity is named as Calico names it', () => {
    assert.equal(nameOfAffinity('n1', '10.65.1.0-26'), 'n1-10-65-1-0-26');
  });
});
