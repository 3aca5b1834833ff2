/** What only etcd v2 has: leaves that make one resource, directories, keys that expire, an index that can go back. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { hasCalicoDataV2, openEtcdV2, reflectorKeysInV2 } from '../../src/datastore/etcd-v2/etcd-v2.ts';
import { KINDS, type Kind } from '../../src/model/resource.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { node, rejectsWith } from './datastore.ts';
import { follow, type Watched } from './watched.ts';

const BGP = '/calico/bgp/v1';
const ALL = Object.keys(KINDS).filter((key): key is Kind => key in KINDS);

suite('etcd v2 as Calico v0 to v2.6 filled it', () => {
  let etcd: Etcd;
  let datastore: Datastore;
  const followed: Watched[] = [];

  const watch = async (kinds: readonly Kind[] = ALL): Promise<Watched> => {
    const watched = follow(datastore, kinds);
    followed.push(watched);
    await watched.until(() => watched.snapshots === 1, 'the snapshot');
    return watched;
  };
  const form = 'application/x-www-form-urlencoded';

  before(async () => {
    etcd = await startEtcd();
    datastore = openEtcdV2({ endpoints: etcd.endpoints });
  });
  afterEach(async () => {
    for (const watched of followed.splice(0)) await watched.stop();
    await etcd.deleteV2('/calico', { recursive: true });
  });
  after(async () => {
    await datastore?.close();
    await etcd?.stop();
  });

  test('the keys of the documented recipe are resources of every kind', async () => {
    const keys: Record<string, string> = {
      [`${BGP}/global/as_num`]: '64512',
      [`${BGP}/global/node_mesh`]: '{"enabled": false}',
      [`${BGP}/global/peer_v4/10.0.0.250`]: '{"ip": "10.0.0.250", "as_num": "64512"}',
      [`${BGP}/global/custom_filters/v4/a`]: 'accept;',
      [`${BGP}/host/n1/ip_addr_v4`]: '10.0.0.1',
      [`${BGP}/host/n1/ip_addr_v6`]: '',
      [`${BGP}/host/n1/peer_v6/fd00::250`]: '{"ip": "fd00::250", "as_num": "64512"}',
      [`${BGP}/rr_v4/10.0.0.250`]: '{"ip":"10.0.0.250","cluster_id":"1.0.0.1"}',
      '/calico/v1/ipam/v4/pool/192.168.0.0-16':
        '{"cidr": "192.168.0.0/16", "ipip": "tunl0", "masquerade": true}',
      '/calico/ipam/v2/host/n1/ipv4/block/192.168.1.0-26': '',
      '/calico/v1/host/n1/metadata': '{}',
    };
    for (const [key, value] of Object.entries(keys)) await etcd.putV2(key, value);
    const expected = [
      'BGPConfiguration/default',
      'BGPPeer/global.10.0.0.250',
      'BGPPeer/node.n1.fd00::250',
      'BlockAffinity/n1-192-168-1-0-26',
      'CustomFilter/v4.a',
      'IPPool/192.168.0.0-16',
      'Node/n1',
      'RouteReflector/10.0.0.250',
    ];
    const watched = await watch();
    assert.deepEqual([...watched.resources.keys()].sort(), expected);
    const listed: string[] = [];
    for (const kind of ALL)
      for (const resource of (await datastore.list(kind)).resources) {
        listed.push(`${kind}/${resource.metadata.name}`);
        assert.deepEqual(await datastore.get(kind, resource.metadata.name), resource);
        assert.deepEqual(watched.resources.get(`${kind}/${resource.metadata.name}`), resource);
      }
    assert.deepEqual(listed.sort(), expected);
  });

  test('a watch begun before there is a /calico tells what comes, and what goes with it', async () => {
    const watched = await watch();
    await etcd.putV2(`${BGP}/host/n1/ip_addr_v4`, '10.0.0.1');
    await etcd.putV2('/calico/v1/ipam/v4/pool/10.5.0.0-16', '{}');
    await etcd.putV2('/calico/ipam/v2/host/n1/ipv4/block/10.5.0.0-26', '');
    await watched.until(() => watched.resources.size === 3, 'three resources');
    await etcd.deleteV2('/calico', { recursive: true });
    await watched.until(() => watched.resources.size === 0, 'no resource');
    await etcd.putV2(`${BGP}/host/n1/ip_addr_v4`, '10.0.0.1');
    await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1 again');
  });

  test('a key that expires is deleted', async () => {
    const watched = await watch();
    const key = `${BGP}/rr_v4/10.0.0.250`;
    const body = new URLSearchParams({ value: '{"cluster_id":"1.0.0.1"}', ttl: '1' }).toString();
    assert.equal((await etcd.request('PUT', `/v2/keys${key}`, body, form)).status, 201);
    await watched.until(() => watched.resources.has('RouteReflector/10.0.0.250'), 'the reflector');
    await watched.until(() => !watched.resources.has('RouteReflector/10.0.0.250'), 'its end');
  });

  test('an empty directory is a node, and is gone with it', async () => {
    const watched = await watch(['Node']);
    assert.equal((await etcd.request('PUT', `/v2/keys${BGP}/host/n1`, 'dir=true', form)).status, 201);
    await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
    assert.deepEqual((await datastore.get('Node', 'n1')).spec, {});
    await datastore.delete('Node', 'n1', { resourceVersion: '0' });
    await watched.until(() => !watched.resources.has('Node/n1'), 'its end');
  });

  test('an index cleared by what others write, while our keys are quiet, loses nothing', async () => {
    const watched = await watch(['Node']);
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let count = 0; count < 400; count += 1) await etcd.putV2(`/felix/${writer}`, String(count));
    });
    await Promise.all(writers);
    await etcd.putV2(`${BGP}/host/n1/ip_addr_v4`, '10.0.0.1');
    await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
    assert.deepEqual(watched.told(), ['put Node/n1']);
  });

  test('an etcd that was put up anew with other data is noticed although it counts from the start', async () => {
    for (let count = 0; count < 50; count += 1) await etcd.putV2('/others', String(count));
    await etcd.putV2(`${BGP}/host/n1/ip_addr_v4`, '10.0.0.1');
    await etcd.putV2(`${BGP}/host/n2/ip_addr_v4`, '10.0.0.2');
    const watched = await watch(['Node']);
    await etcd.kill();
    await rm(join(etcd.folder, 'm0'), { recursive: true });
    await etcd.start();
    await etcd.putV2(`${BGP}/host/n1/ip_addr_v4`, '10.0.0.1');
    await etcd.putV2(`${BGP}/host/n3/ip_addr_v4`, '10.0.0.3');
    await watched.until(() => watched.resources.has('Node/n3'), 'Node/n3');
    await watched.until(() => !watched.resources.has('Node/n2'), 'the end of Node/n2');
    assert.equal(watched.snapshots, 1);
    assert.deepEqual(watched.resources.get('Node/n1'), await datastore.get('Node', 'n1'));
  });

  test('the keys of a node written one after the other are told as one change', async () => {
    const watched = await watch(['Node']);
    await datastore.create(node('n1', '10.0.0.1/24', 64513));
    await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
    // However slow the machine is, nobody is told of an address without the AS and the network that go with it.
    for (const change of watched.changes)
      if (change.op === 'put' && JSON.stringify(change.resource.spec).includes('ipv4Address'))
        assert.deepEqual(change.resource.spec, { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 64513 } });
  });

  test('a node of a given version goes with its peers and configuration; one that got a key meanwhile stays', async () => {
    const created = await datastore.create(node('n1', '10.0.0.1/24'));
    await datastore.create({
      apiVersion: KINDS.BGPPeer,
      kind: 'BGPPeer',
      metadata: { name: 'node.n1.10.0.0.250' },
      spec: { node: 'n1', peerIP: '10.0.0.250', asNumber: 64512 },
    });
    await datastore.create({
      apiVersion: KINDS.BGPConfiguration,
      kind: 'BGPConfiguration',
      metadata: { name: 'node.n1' },
      spec: { listenPort: 1790 },
    });
    const { resourceVersion = '' } = created.metadata;
    await etcd.putV2(`${BGP}/host/n1/as_num`, '64513');
    await rejectsWith(datastore.delete('Node', 'n1', { resourceVersion }), 'E_CONFLICT', 'n1');
    const now = await datastore.get('Node', 'n1');
    assert.deepEqual(now.spec, { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 64513 } });
    await datastore.delete('Node', 'n1', { resourceVersion: now.metadata.resourceVersion ?? '' });
    assert.deepEqual((await datastore.list('BGPPeer')).resources, []);
    assert.deepEqual((await datastore.list('BGPConfiguration')).resources, []);
    assert.equal((await etcd.request('GET', `/v2/keys${BGP}/host/n1`)).status, 404);
  });

  test('a change of any leaf is a conflict for who read the node before', async () => {
    for (const [leaf, value] of [
      ['as_num', '64999'],
      ['ip_addr_v6', 'fd00::1'],
      ['network_v4', '10.0.0.0/8'],
    ] as const) {
      const created = await datastore.create(node('n1', '10.0.0.1/24', 64512));
      await etcd.putV2(`${BGP}/host/n1/${leaf}`, value);
      const update = { ...created, spec: { bgp: { ipv4Address: '10.0.0.2/24', asNumber: 64512 } } };
      await rejectsWith(datastore.update(update), 'E_CONFLICT', 'n1');
      await datastore.delete('Node', 'n1');
    }
  });

  test('what is broken can be deleted by its name', async () => {
    for (const [kind, name, key] of [
      ['RouteReflector', '10.0.0.250', `${BGP}/rr_v4/10.0.0.250`],
      ['BGPPeer', 'node.n1.10.0.0.250', `${BGP}/host/n1/peer_v4/10.0.0.250`],
    ] as const) {
      await etcd.putV2(key, '{"ip');
      await rejectsWith(datastore.get(kind, name), 'E_INVALID_RESOURCE', name);
      await datastore.delete(kind, name);
      assert.equal(await etcd.getV2(key), undefined);
    }
  });

  test('whether Calico has data here, and which reflector entries, is found without opening it', async () => {
    const settings = { endpoints: etcd.endpoints };
    assert.equal(await hasCalicoDataV2(settings), false);
    assert.deepEqual(await reflectorKeysInV2(settings), []);
    await etcd.putV2(`${BGP}/rr_v6/fd00::1`, '{}');
    await etcd.putV2(`${BGP}/rr_v4/10.0.0.250`, '{}');
    assert.equal(await hasCalicoDataV2(settings), true);
    assert.deepEqual(await reflectorKeysInV2(settings), [`${BGP}/rr_v4/10.0.0.250`, `${BGP}/rr_v6/fd00::1`]);
  });
});
