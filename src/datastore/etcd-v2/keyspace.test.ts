import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Change, Listing } from '../../model/change.ts';
import { KINDS, type Kind, type Resource } from '../../model/resource.ts';
import { createKeyspace, type Keyspace, listingOf } from './keyspace.ts';
import type { V2Event, V2Node } from './reply.ts';

const ALL = Object.keys(KINDS).filter((key): key is Kind => key in KINDS);
const BGP = '/calico/bgp/v1';

/** What etcd lists, of keys and values; a key that ends in `/` is an empty directory. */
function listing(root: string, keys: Readonly<Record<string, string>>, firstIndex = 1): V2Node {
  const build = (directory: string, below: readonly string[]): V2Node => {
    const names = [...new Set(below.map((key) => key.slice(directory.length + 1).split('/')[0] ?? ''))];
    const nodes = names
      .filter((name) => name !== '')
      .map((name): V2Node => {
        const key = `${directory}/${name}`;
        const value = keys[key];
        if (value === undefined)
          return build(
            key,
            below.filter((one) => one.startsWith(`${key}/`)),
          );
        return { key, value, modifiedIndex: firstIndex + Object.keys(keys).indexOf(key), nodes: [] };
      });
    return { key: directory, value: undefined, modifiedIndex: 1, nodes };
  };
  return build(
    root,
    Object.keys(keys).filter((key) => key.startsWith(`${root}/`)),
  );
}

function stored(key: string, value: string | undefined, modifiedIndex: number): V2Event {
  return { action: 'stored', node: { key, value, modifiedIndex, nodes: [] } };
}

function gone(key: string): V2Event {
  return { action: 'gone', node: { key, value: undefined, modifiedIndex: 99, nodes: [] } };
}

function fill(keyspace: Keyspace, keys: Readonly<Record<string, string>>): void {
  for (const root of [BGP, '/calico/v1/ipam', '/calico/ipam/v2/host'])
    keyspace.replace(root.slice(1).split('/'), listing(root, keys));
}

function read(keys: Readonly<Record<string, string>>): Listing {
  const keyspace = createKeyspace(ALL);
  fill(keyspace, keys);
  return listingOf(keyspace.take());
}

function one(keys: Readonly<Record<string, string>>, kind: Kind): Resource {
  const { resources, broken } = read(keys);
  assert.deepEqual(broken, []);
  const found = resources.filter((resource) => resource.kind === kind);
  assert.equal(found.length, 1, JSON.stringify(resources));
  const [resource] = found;
  assert.ok(resource !== undefined);
  return resource;
}

function told(changes: readonly Change[]): string[] {
  return changes.map((change) => {
    if (change.op === 'put') return `put ${change.resource.kind}/${change.resource.metadata.name}`;
    if (change.op === 'broken') return `broken ${change.broken.kind}/${change.broken.name}`;
    return `delete ${change.kind}/${change.name}`;
  });
}

suite('what the keys of etcd v2 mean', () => {
  const nodes: [string, Readonly<Record<string, string>>, Resource['spec']][] = [
    [
      'a node has the addresses, networks and AS that its keys say',
      {
        ip_addr_v4: '10.0.0.4',
        network_v4: '10.0.0.0/24',
        ip_addr_v6: 'fd00::4',
        network_v6: 'fd00::/64',
        as_num: '64513',
      },
      { bgp: { ipv4Address: '10.0.0.4/24', ipv6Address: 'fd00::4/64', asNumber: 64513 } },
    ],
    [
      'a node without a known network has an address without a length',
      { ip_addr_v4: '10.0.0.4', ip_addr_v6: '' },
      { bgp: { ipv4Address: '10.0.0.4' } },
    ],
    [
      'a network that the address is not in does not count',
      { ip_addr_v4: '10.0.0.4', network_v4: '192.168.0.0/16' },
      { bgp: { ipv4Address: '10.0.0.4' } },
    ],
    ['empty addresses are none', { ip_addr_v4: '', ip_addr_v6: '' }, {}],
    [
      'an address and an AS number that are none stand as they were written',
      { ip_addr_v4: '10.0.0.400', network_v4: '10.0.0.0/24', as_num: '0' },
      { bgp: { ipv4Address: '10.0.0.400', asNumber: '0' } },
    ],
    [
      'a dotted AS number is its number',
      { ip_addr_v4: '10.0.0.4', as_num: '1.10' },
      { bgp: { ipv4Address: '10.0.0.4', asNumber: 65546 } },
    ],
    ['a node that only has a peer is a node without an address', { 'peer_v4/10.0.0.9': '{}' }, {}],
    [
      'keys that nobody knows are ignored',
      { ip_addr_v4: '10.0.0.4', vendor: 'x' },
      { bgp: { ipv4Address: '10.0.0.4' } },
    ],
  ];
  for (const [what, leaves, spec] of nodes)
    test(what, () => {
      const keys = Object.fromEntries(
        Object.entries(leaves).map(([leaf, value]) => [`${BGP}/host/n1/${leaf}`, value]),
      );
      const node = one(keys, 'Node');
      assert.equal(node.metadata.name, 'n1');
      assert.equal(node.apiVersion, 'projectcalico.org/v3');
      assert.deepEqual(node.spec, spec);
    });

  test('the global keys are BGPConfiguration default', () => {
    const { metadata, spec } = one(
      {
        [`${BGP}/global/as_num`]: '64512',
        [`${BGP}/global/node_mesh`]: '{ "enabled" :false }',
        [`${BGP}/global/loglevel`]: 'none',
        [`${BGP}/global/listen_port`]: '1790',
      },
      'BGPConfiguration',
    );
    assert.equal(metadata.name, 'default');
    assert.deepEqual(spec, {
      asNumber: 64512,
      nodeToNodeMeshEnabled: false,
      logSeverityScreen: 'Fatal',
      listenPort: 1790,
    });
  });

  test('a mesh flag that is none takes the AS number beside it not away', () => {
    const { spec } = one(
      { [`${BGP}/global/as_num`]: '64512', [`${BGP}/global/node_mesh`]: '{"enabled"' },
      'BGPConfiguration',
    );
    assert.deepEqual(spec, { asNumber: 64512, nodeToNodeMeshEnabled: '{"enabled"' });
  });

  test("a node's log level and port are its own BGPConfiguration", () => {
    const { metadata, spec } = one(
      { [`${BGP}/host/n1/loglevel`]: 'debug', [`${BGP}/host/n1/listen_port`]: '1790' },
      'BGPConfiguration',
    );
    assert.equal(metadata.name, 'node.n1');
    assert.deepEqual(spec, { logSeverityScreen: 'Debug', listenPort: 1790 });
  });

  const peers: [string, string, string, Resource['spec']][] = [
    [
      'of a global peer',
      'global/peer_v4/10.0.0.9',
      '{"ip": "10.0.0.9", "as_num": "64512"}',
      { peerIP: '10.0.0.9', asNumber: 64512 },
    ],
    [
      'of a node',
      'host/n1/peer_v6/fd00::9',
      '{"ip":"FD00:0::9","as_num":64512}',
      { node: 'n1', peerIP: 'fd00::9', asNumber: 64512 },
    ],
    [
      'with a dotted AS',
      'global/peer_v4/10.0.0.9',
      '{"ip":"10.0.0.9","as_num":"1.10"}',
      { peerIP: '10.0.0.9', asNumber: 65546 },
    ],
    ['without an AS', 'global/peer_v4/10.0.0.9', '{"ip":"10.0.0.9"}', { peerIP: '10.0.0.9' }],
    ['without an address', 'global/peer_v4/10.0.0.9', '{"as_num":"1"}', { peerIP: '10.0.0.9', asNumber: 1 }],
    [
      'with an AS that is none',
      'global/peer_v4/10.0.0.9',
      '{"ip":"x","as_num":"0"}',
      { peerIP: 'x', asNumber: '0' },
    ],
    [
      'with fields that have a meaning only in v3',
      'global/peer_v4/10.0.0.9',
      '{"ip":"10.0.0.9","node":"n7","nodeSelector":"all()"}',
      { peerIP: '10.0.0.9' },
    ],
  ];
  for (const [what, key, value, spec] of peers)
    test(`the entry ${what} is a BGPPeer`, () => {
      assert.deepEqual(one({ [`${BGP}/${key}`]: value }, 'BGPPeer').spec, spec);
    });

  test('a peer whose key and value differ goes by the value, and is warned about', () => {
    const { resources, warnings } = read({ [`${BGP}/global/peer_v4/10.0.0.9`]: '{"ip":"10.0.0.8"}' });
    assert.equal(resources[0]?.spec.peerIP, '10.0.0.8');
    assert.deepEqual(
      warnings.map(({ code, subject }) => [code, subject]),
      [['key-mismatch', `${BGP}/global/peer_v4/10.0.0.9`]],
    );
  });

  test('bad JSON breaks that one entry, which is named', () => {
    const { resources, broken } = read({
      [`${BGP}/global/peer_v4/10.0.0.9`]: '{"ip":',
      [`${BGP}/global/peer_v4/10.0.0.8`]: '{}',
      [`${BGP}/rr_v4/10.0.0.7`]: '',
      [`${BGP}/rr_status/rr1`]: '[]',
      '/calico/v1/ipam/v4/pool/10.5.0.0-16': 'x',
      '/calico/ipam/v2/host/n1/ipv4/block/nonsense': '',
    });
    assert.deepEqual(
      broken.map(({ kind, name, problem }) => `${kind}/${name} ${problem.code}`),
      [
        'BGPPeer/global.10.0.0.9 bad-json',
        'BlockAffinity/n1-nonsense bad-prefix',
        'IPPool/10.5.0.0-16 bad-json',
        'RouteReflector/10.0.0.7 bad-json',
        'RouteReflectorStatus/rr1 bad-json',
      ],
    );
    assert.deepEqual(
      resources.map((resource) => resource.metadata.name),
      ['global.10.0.0.8'],
    );
  });

  const pools: [string, string, Resource['spec']][] = [
    [
      "Python's pool with a tunnel",
      '{"cidr": "10.5.0.0/16", "ipip": "tunl0", "masquerade": true}',
      { cidr: '10.5.0.0/16', ipipMode: 'Always', natOutgoing: true, disabled: false },
    ],
    [
      "Go's pool without a tunnel",
      '{"cidr":"10.5.0.0/16","ipip":"","ipip_mode":"","masquerade":false,"ipam":true,"disabled":true}',
      { cidr: '10.5.0.0/16', ipipMode: 'Never', natOutgoing: false, disabled: true },
    ],
    [
      "Go's pool across subnets",
      '{"cidr":"10.5.0.0/16","ipip":"tunl0","ipip_mode":"cross-subnet"}',
      { cidr: '10.5.0.0/16', ipipMode: 'CrossSubnet', natOutgoing: false, disabled: false },
    ],
    [
      'a pool that leaves all to its key',
      '{}',
      { cidr: '10.5.0.0/16', ipipMode: 'Never', natOutgoing: false, disabled: false },
    ],
  ];
  for (const [what, value, spec] of pools)
    test(`${what} is an IPPool`, () => {
      const pool = one({ '/calico/v1/ipam/v4/pool/10.5.0.0-16': value }, 'IPPool');
      assert.equal(pool.metadata.name, '10.5.0.0-16');
      assert.deepEqual(pool.spec, spec);
    });

  test('a block belongs to its node, whatever its value', () => {
    for (const value of ['', '{}', 'nonsense'])
      assert.deepEqual(
        one({ '/calico/ipam/v2/host/n-1.x/ipv6/block/FD00:10::40-122': value }, 'BlockAffinity').spec,
        {
          node: 'n-1.x',
          cidr: 'fd00:10::40/122',
          state: 'confirmed',
        },
      );
  });

  test('custom filters are raw text by family', () => {
    const { resources } = read({
      [`${BGP}/global/custom_filters/v4/a`]: 'if net ~ 10.0.0.0/8 then accept;',
      [`${BGP}/global/custom_filters/v6/a`]: 'reject;',
    });
    assert.deepEqual(
      resources.map(({ metadata, spec }) => [metadata.name, spec]),
      [
        ['v4.a', { family: 4, text: 'if net ~ 10.0.0.0/8 then accept;' }],
        ['v6.a', { family: 6, text: 'reject;' }],
      ],
    );
  });
});

suite('changes of etcd v2 keys', () => {
  const n1 = `${BGP}/host/n1`;
  const base = {
    [`${n1}/ip_addr_v4`]: '10.0.0.1',
    [`${n1}/as_num`]: '64512',
    [`${n1}/peer_v4/10.0.0.9`]: '{}',
    [`${BGP}/rr_v4/10.0.0.9`]: '{"name":"rr1"}',
    [`${BGP}/rr_v6/fd00::9`]: '{"name":"rr1"}',
    // Last, so that a listing without it gives the others the same indices.
    [`${BGP}/host/n2/ip_addr_v4`]: '10.0.0.2',
  };
  const started = (): Keyspace => {
    const keyspace = createKeyspace(ALL);
    fill(keyspace, base);
    keyspace.take();
    return keyspace;
  };

  test('a change of any key of a resource changes its version, and nothing else is told', () => {
    const versions = new Set<string | undefined>();
    for (const event of [
      stored(`${n1}/as_num`, '64513', 50),
      stored(`${n1}/ip_addr_v6`, '', 51),
      gone(`${n1}/as_num`),
    ]) {
      const keyspace = started();
      keyspace.apply(event);
      const { changes } = keyspace.take();
      assert.deepEqual(told(changes), ['put Node/n1']);
      const [change] = changes;
      versions.add(change?.op === 'put' ? change.resource.metadata.resourceVersion : undefined);
    }
    assert.equal(versions.size, 3);
  });

  test('several keys of one resource that are due are one change', () => {
    const keyspace = started();
    keyspace.apply(stored(`${BGP}/host/n3/as_num`, '1', 50));
    keyspace.apply(stored(`${BGP}/host/n3/ip_addr_v4`, '10.0.0.3', 51));
    assert.equal(keyspace.due, 'parts');
    assert.deepEqual(told(keyspace.take().changes), ['put Node/n3']);
    assert.equal(keyspace.due, 'nothing');
  });

  test('a key that came and went before it was told is no change', () => {
    const keyspace = started();
    keyspace.apply(stored(`${BGP}/global/peer_v4/10.0.0.8`, '{}', 50));
    keyspace.apply(gone(`${BGP}/global/peer_v4/10.0.0.8`));
    assert.deepEqual(keyspace.take(), { changes: [], warnings: [], settled: [] });
  });

  test('a node that lost its last key is still one; without its directory it is gone, and its peers', () => {
    const keyspace = started();
    keyspace.apply(gone(`${BGP}/host/n2/ip_addr_v4`));
    assert.deepEqual(told(keyspace.take().changes), ['put Node/n2']);
    keyspace.apply(gone(`${BGP}/host/n2`));
    assert.deepEqual(told(keyspace.take().changes), ['delete Node/n2']);
    keyspace.apply(gone(n1));
    assert.deepEqual(told(keyspace.take().changes).sort(), [
      'delete BGPPeer/node.n1.10.0.0.9',
      'delete Node/n1',
    ]);
  });

  test('an ancestor that is deleted takes everything along', () => {
    const keyspace = started();
    keyspace.apply(gone('/calico'));
    assert.deepEqual(told(keyspace.take().changes).sort(), [
      'delete BGPPeer/node.n1.10.0.0.9',
      'delete Node/n1',
      'delete Node/n2',
      'delete RouteReflector/rr1',
    ]);
  });

  test('a directory that is made is a node; one that is made again keeps what is in it', () => {
    const keyspace = started();
    keyspace.apply(stored(`${BGP}/host/n4`, undefined, 50));
    keyspace.apply(stored(n1, undefined, 51));
    assert.deepEqual(told(keyspace.take().changes), ['put Node/n4']);
  });

  test('a listing of the same keys is no change, one that differs tells what differs', () => {
    const keyspace = started();
    fill(keyspace, base);
    assert.deepEqual(keyspace.take(), { changes: [], warnings: [], settled: [] });
    const { [`${BGP}/host/n2/ip_addr_v4`]: _gone, ...rest } = base;
    keyspace.replace(BGP.slice(1).split('/'), listing(BGP, { ...rest, [`${n1}/ip_addr_v6`]: 'fd00::1' }));
    assert.deepEqual(told(keyspace.take().changes).sort(), ['delete Node/n2', 'put Node/n1']);
  });

  test('another value under the same index is a change: an etcd restored from a backup counts again', () => {
    const keyspace = started();
    keyspace.replace(BGP.slice(1).split('/'), listing(BGP, { ...base, [`${n1}/as_num`]: '64999' }));
    assert.deepEqual(told(keyspace.take().changes), ['put Node/n1']);
  });

  test('a half of a reflector that turns bad is told as the reflector being broken, not deleted', () => {
    const keyspace = started();
    keyspace.apply(stored(`${BGP}/rr_v4/10.0.0.9`, '{"name":', 50));
    assert.deepEqual(told(keyspace.take().changes), ['broken RouteReflector/rr1']);
    keyspace.apply(stored(`${BGP}/rr_v4/10.0.0.9`, '{"name":"rr1"}', 51));
    assert.deepEqual(told(keyspace.take().changes), ['put RouteReflector/rr1']);
  });

  test('a warning is told once, and again only when it changed', () => {
    const keyspace = started();
    const key = `${BGP}/global/peer_v4/10.0.0.8`;
    keyspace.apply(stored(key, '{"ip":"10.0.0.7"}', 50));
    assert.equal(keyspace.take().warnings.length, 1);
    keyspace.apply(stored(key, '{"ip":"10.0.0.7","as_num":"1"}', 51));
    assert.equal(keyspace.take().warnings.length, 0);
    keyspace.apply(stored(key, '{"ip":"10.0.0.6"}', 52));
    assert.equal(keyspace.take().warnings.length, 1);
  });

  test('a warning that holds no more is settled, whether its key was mended or deleted', () => {
    const keyspace = started();
    const [peer, entry] = [`${BGP}/global/peer_v4/10.0.0.8`, `${BGP}/rr_v4/10.0.0.8`];
    for (const key of [peer, entry]) {
      keyspace.apply(stored(key, '{"ip":"10.0.0.7"}', 50));
      const [warning] = keyspace.take().warnings;
      assert.ok(warning !== undefined);
      keyspace.apply(stored(key, '{"ip":"10.0.0.8"}', 51));
      assert.deepEqual(keyspace.take().settled, [warning.subject]);
      keyspace.apply(stored(key, '{"ip":"10.0.0.7"}', 52));
      keyspace.take();
      keyspace.apply(gone(key));
      assert.deepEqual(keyspace.take().settled, [warning.subject]);
    }
  });
});
