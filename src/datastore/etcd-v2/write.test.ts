import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CalicoRrError } from '../../model/errors.ts';
import { KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { readOwner } from './read.ts';
import { type Directory, emptyTree, partsOf, replaceAt } from './tree.ts';
import { planWrite } from './write.ts';

const BGP = '/calico/bgp/v1';

function resource(kind: Kind, name: string, spec: Resource['spec'], rest: Partial<Resource> = {}): Resource {
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec, ...rest };
}

function treeOf(keys: Readonly<Record<string, string>>): Directory {
  const tree = emptyTree();
  for (const [index, [key, value]] of Object.entries(keys).entries())
    replaceAt(tree, partsOf(key), { key, value, modifiedIndex: index + 1, nodes: [] }, () => undefined);
  return tree;
}

/** `KEY = VALUE if REVISION`, in order. */
function plan(wanted: Resource, keys: Readonly<Record<string, string>> = {}): string[] {
  const tree = treeOf(keys);
  const read = readOwner(tree, { kind: wanted.kind, name: wanted.metadata.name });
  const before = read?.is === 'resource' ? read.resource : undefined;
  return planWrite(tree, wanted, before).map(
    ({ key, value, revision }) =>
      `${key.replace(`${BGP}/`, '')} ${value === undefined ? 'deleted' : `= ${value}`}${revision === undefined ? ' if absent' : ` if ${revision}`}`,
  );
}

suite('writing the keys of etcd v2', () => {
  test("a new node gets Calico's keys, its IPv4 address last and both addresses always", () => {
    assert.deepEqual(plan(resource('Node', 'n1', { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 64513 } })), [
      'host/n1/as_num = 64513 if absent',
      'host/n1/network_v4 = 10.0.0.0/24 if absent',
      'host/n1/ip_addr_v6 =  if absent',
      'host/n1/ip_addr_v4 = 10.0.0.1 if absent',
    ]);
    assert.deepEqual(plan(resource('Node', 'n1', {})), [
      'host/n1/ip_addr_v6 =  if absent',
      'host/n1/ip_addr_v4 =  if absent',
    ]);
  });

  const n1 = {
    [`${BGP}/host/n1/ip_addr_v4`]: '10.0.0.1',
    [`${BGP}/host/n1/network_v4`]: '10.0.0.0/24',
    [`${BGP}/host/n1/ip_addr_v6`]: '',
    [`${BGP}/host/n1/as_num`]: '1.10',
  };
  test('what is read and written unchanged is not written', () => {
    assert.deepEqual(
      plan(resource('Node', 'n1', { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 65546 } }), n1),
      [],
    );
  });

  test('of a node only the keys that change are written, each on the condition that it is as it was read', () => {
    assert.deepEqual(
      plan(resource('Node', 'n1', { bgp: { ipv4Address: '10.0.1.1/24', asNumber: 65546 } }), n1),
      ['host/n1/network_v4 = 10.0.1.0/24 if 2', 'host/n1/ip_addr_v4 = 10.0.1.1 if 1'],
    );
    assert.deepEqual(
      plan(resource('Node', 'n1', { bgp: { ipv4Address: '10.0.0.1/24', asNumber: null } }), n1),
      ['host/n1/as_num deleted if 4'],
    );
    assert.deepEqual(plan(resource('Node', 'n1', { bgp: { ipv6Address: 'fd00::1', asNumber: 65546 } }), n1), [
      'host/n1/network_v4 deleted if 2',
      'host/n1/ip_addr_v6 = fd00::1 if 3',
      'host/n1/ip_addr_v4 =  if 1',
    ]);
  });

  test('the global configuration is four keys; fields in the mesh key that we do not know stay', () => {
    assert.deepEqual(
      plan(
        resource('BGPConfiguration', 'default', {
          asNumber: 64512,
          nodeToNodeMeshEnabled: false,
          logSeverityScreen: 'Warning',
          listenPort: 1790,
        }),
        { [`${BGP}/global/node_mesh`]: '{"x":1,"enabled":true}' },
      ),
      [
        'global/as_num = 64512 if absent',
        'global/node_mesh = {"x":1,"enabled":false} if 1',
        'global/loglevel = none if absent',
        'global/listen_port = 1790 if absent',
      ],
    );
  });

  test('a peer is JSON with the AS number as text, as Calico wrote it', () => {
    assert.deepEqual(plan(resource('BGPPeer', 'global.10.0.0.9', { peerIP: '10.0.0.9', asNumber: 64512 })), [
      'global/peer_v4/10.0.0.9 = {"ip":"10.0.0.9","as_num":"64512"} if absent',
    ]);
    assert.deepEqual(
      plan(resource('BGPPeer', 'node.n1.fd00::9', { node: 'n1', peerIP: 'fd00::9', asNumber: 64512 })),
      ['host/n1/peer_v6/fd00::9 = {"ip":"fd00::9","as_num":"64512"} if absent'],
    );
  });

  test('fields in a stored peer or pool that we do not know stay', () => {
    assert.deepEqual(
      plan(resource('BGPPeer', 'global.FD00::9', { peerIP: 'fd00::9', asNumber: 2 }), {
        [`${BGP}/global/peer_v6/FD00::9`]: '{"x":1,"ip":"FD00::9","as_num":"1"}',
      }),
      ['global/peer_v6/FD00::9 = {"x":1,"ip":"fd00::9","as_num":"2"} if 1'],
    );
    assert.deepEqual(
      plan(
        resource('IPPool', '10.5.0.0-16', {
          cidr: '10.5.0.0/16',
          ipipMode: 'CrossSubnet',
          natOutgoing: true,
          disabled: true,
        }),
        { '/calico/v1/ipam/v4/pool/10.5.0.0-16': '{"ipam":true}' },
      ),
      [
        '/calico/v1/ipam/v4/pool/10.5.0.0-16 = {"ipam":true,"cidr":"10.5.0.0/16","ipip":"tunl0","ipip_mode":"cross-subnet","masquerade":true,"disabled":true} if 1',
      ],
    );
  });

  const refused: [string, Resource][] = [
    ['a label', resource('Node', 'n1', {}, { metadata: { name: 'n1', labels: { rack: '7' } } })],
    ['a field of Calico v3', resource('Node', 'n1', { bgp: { routeReflectorClusterID: '1.0.0.1' } })],
    [
      'a selector on a peer',
      resource('BGPPeer', 'global.10.0.0.9', { peerIP: '10.0.0.9', nodeSelector: 'all()' }),
    ],
    ['a password on a peer', resource('BGPPeer', 'global.10.0.0.9', { peerIP: '10.0.0.9', password: {} })],
    ['a peer with a name of its own', resource('BGPPeer', 'tor', { peerIP: '10.0.0.9' })],
    ["a peer under another peer's name", resource('BGPPeer', 'global.10.0.0.8', { peerIP: '10.0.0.9' })],
    [
      "a node's peer under a global name",
      resource('BGPPeer', 'global.10.0.0.9', { node: 'n1', peerIP: '10.0.0.9' }),
    ],
    ['a peer without an address', resource('BGPPeer', 'global.10.0.0.9', { asNumber: 1 })],
    ['a peer with a port', resource('BGPPeer', 'global.10.0.0.9', { peerIP: '10.0.0.9:1790' })],
    ['a configuration that sets nothing', resource('BGPConfiguration', 'default', {})],
    ['a configuration of nobody', resource('BGPConfiguration', 'other', { listenPort: 1790 })],
    ["an AS number in a node's configuration", resource('BGPConfiguration', 'node.n1', { asNumber: 1 })],
    ['a pool with a name of its own', resource('IPPool', 'pool1', { cidr: '10.5.0.0/16' })],
    [
      'a tunnel of another kind',
      resource('IPPool', '10.5.0.0-16', { cidr: '10.5.0.0/16', vxlanMode: 'Always' }),
    ],
    ['a name that climbs up the tree', resource('RouteReflectorStatus', '..', {})],
  ];
  for (const [what, wanted] of refused)
    test(`${what} is refused and not dropped`, () => {
      assert.throws(
        () => plan(wanted),
        (error) =>
          error instanceof CalicoRrError &&
          error.code === 'E_INVALID_RESOURCE' &&
          error.message.includes(wanted.metadata.name),
      );
    });
});
