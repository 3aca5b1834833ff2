/** etcd v3 beside Calico's own clients: what they leave is read, what we write is what they would have written. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { hasCalicoDataV3, openEtcdV3 } from '../../src/datastore/etcd-v3/etcd-v3.ts';
import type { KINDS } from '../../src/model/resource.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { node, rejectsWith } from './datastore.ts';
import { follow } from './watched.ts';

const ROOT = '/calico/resources/v3/projectcalico.org';
const fixtures = join(import.meta.dirname, '../fixtures/etcd-v3');

let etcd: Etcd;
let datastore: Datastore;
let recorded: { kvs: { key: string; value: string }[] };

before(async () => {
  recorded = JSON.parse(await readFile(join(fixtures, 'after-calicoctl-apply.json'), 'utf8'));
  assert.ok(recorded.kvs.length > 10, 'the recorded data is empty');
  etcd = await startEtcd();
  datastore = openEtcdV3({ endpoints: etcd.endpoints });
});
after(async () => {
  await datastore?.close();
  await etcd?.stop();
});
afterEach(() => etcd.deletePrefixV3('/calico/'));

const putRecorded = async (): Promise<void> => {
  for (const { key, value } of recorded.kvs) await etcd.putV3(key, value);
};
const names = async (kind: keyof typeof KINDS): Promise<string[]> => {
  const listing = await datastore.list(kind);
  assert.deepEqual([listing.broken, listing.warnings], [[], []]);
  return listing.resources.map((resource) => resource.metadata.name);
};

test('what calicoctl left is read, every resource with its version', async () => {
  await putRecorded();
  assert.deepEqual(await names('Node'), ['node1', 'node2', 'rr1']);
  assert.deepEqual(await names('BGPPeer'), ['node2-v6', 'peer-to-rrs', 'tor-global', 'via-calicoctl']);
  assert.deepEqual(await names('BGPConfiguration'), ['default', 'node.node2']);
  assert.deepEqual(await names('IPPool'), ['pool4', 'pool6']);
  const one = await datastore.get('Node', 'node1');
  assert.deepEqual(one.metadata.labels, { 'route-reflector': 'true', zone: 'a' });
  assert.match(one.metadata.resourceVersion ?? '', /^\d+$/);
  assert.equal(await hasCalicoDataV3({ endpoints: etcd.endpoints }), true);
});

test('deleting a node leaves what it leaves after calicoctl deleted it', async () => {
  await putRecorded();
  const before = await etcd.listV3('/calico/');
  await datastore.delete('Node', 'node2');
  const after = await etcd.listV3('/calico/');
  const deletedByCalico = (await readFile(join(fixtures, 'watch.ndjson'), 'utf8'))
    .trim()
    .split('\n')
    .flatMap((line) => JSON.parse(line).events)
    .filter((event) => event.type === 'DELETE')
    .map((event) => event.key);
  assert.deepEqual([...before.keys()].filter((key) => !after.has(key)).sort(), deletedByCalico.sort());
});

test('a node whose version is old is not deleted, and nothing of it', async () => {
  await putRecorded();
  const { metadata } = await datastore.get('Node', 'node2');
  await datastore.patch('Node', 'node2', { metadata: { labels: { a: 'b' } } });
  const before = await etcd.listV3('/calico/');
  await rejectsWith(
    datastore.delete('Node', 'node2', { resourceVersion: metadata.resourceVersion ?? '' }),
    'E_CONFLICT',
  );
  assert.deepEqual(await etcd.listV3('/calico/'), before);
});

test('a patch changes what it names; unknown fields and metadata stay, the version is not stored', async () => {
  const key = `${ROOT}/bgppeers/p`;
  const stored = {
    kind: 'BGPPeer',
    apiVersion: 'projectcalico.org/v3',
    metadata: {
      name: 'p',
      uid: '5f72c55f-4095-48cd-b19d-daef9c93a33d',
      creationTimestamp: '2026-11-21T00:48:03Z',
      finalizers: ['example.org/x'],
    },
    spec: { peerIP: '10.0.0.254', asNumber: 64999, fromTheFuture: { a: [1, null] } },
    extra: [true],
  };
  await etcd.putV3(key, JSON.stringify(stored));
  await datastore.patch('BGPPeer', 'p', { spec: { asNumber: 64998 } });
  const now = JSON.parse((await etcd.getV3(key)) ?? '');
  assert.deepEqual(now, { ...stored, spec: { ...stored.spec, asNumber: 64998 } });
});

test('a new resource gets a uid and the time; an update keeps them without being told', async () => {
  const created = await datastore.create(node('n1', '10.0.0.1/24'));
  assert.match(created.metadata.uid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  assert.match(created.metadata.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const { resourceVersion = '' } = created.metadata;
  const updated = await datastore.update({
    ...node('n1', '10.0.0.2/24'),
    metadata: { name: 'n1', resourceVersion },
  });
  assert.equal(updated.metadata.uid, created.metadata.uid);
  assert.equal(updated.metadata.creationTimestamp, created.metadata.creationTimestamp);
  const stored = JSON.parse((await etcd.getV3(`${ROOT}/nodes/n1`)) ?? '');
  assert.deepEqual(Object.keys(stored).slice(0, 2), ['kind', 'apiVersion']);
  assert.equal(stored.metadata.resourceVersion, undefined);
});

test('an update without a version is refused', async () => {
  await datastore.create(node('n1', '10.0.0.1/24'));
  await rejectsWith(datastore.update(node('n1', '10.0.0.2/24')), 'E_INVALID_RESOURCE', 'resourceVersion');
});

test('the key is who a resource is: a value that says otherwise is warned about', async () => {
  await etcd.putV3(`${ROOT}/nodes/n1`, '{"kind":"X","metadata":{"name":"other"},"spec":{}}');
  const listing = await datastore.list('Node');
  assert.equal(listing.resources[0]?.metadata.name, 'n1');
  assert.equal(listing.resources[0]?.kind, 'Node');
  assert.equal(listing.warnings[0]?.code, 'key-mismatch');
});

test('a value that is no JSON is broken, and its words are not repeated', async () => {
  await etcd.putV3(`${ROOT}/bgppeers/p`, '{"spec": {"password": "hush" "peerIP"');
  const { broken } = await datastore.list('BGPPeer');
  assert.equal(broken[0]?.problem.code, 'bad-json');
  assert.ok(!JSON.stringify(broken).includes('hush'));
});

test('block affinities are their keys; every value that was ever written is taken', async () => {
  const at = (host: string, family: string, block: string): string =>
    `/calico/ipam/v2/host/${host}/${family}/block/${block}`;
  await etcd.putV3(at('n-1', 'ipv4', '10.65.1.0-26'), '');
  await etcd.putV3(at('n-1', 'ipv4', '10.65.2.0-26'), '{}');
  await etcd.putV3(at('n-1', 'ipv6', 'fd00:10:65::40-122'), '{"state":"confirmed","deleted":false}');
  await etcd.putV3(at('n2', 'ipv4', '10.65.3.0-26'), '{"state":"pending"}');
  await etcd.putV3(at('n2', 'ipv4', 'nonsense'), '{}');
  await etcd.putV3('/calico/ipam/v2/host/n2/other', '{}');
  const { resources, broken } = await datastore.list('BlockAffinity');
  assert.deepEqual(
    resources.map(({ metadata, spec }) => [metadata.name, spec.node, spec.cidr, spec.state]),
    [
      ['n-1-10-65-1-0-26', 'n-1', '10.65.1.0/26', 'confirmed'],
      ['n-1-10-65-2-0-26', 'n-1', '10.65.2.0/26', 'confirmed'],
      ['n-1-fd00-10-65--40-122', 'n-1', 'fd00:10:65::40/122', 'confirmed'],
      ['n2-10-65-3-0-26', 'n2', '10.65.3.0/26', 'pending'],
    ],
  );
  assert.deepEqual(
    broken.map(({ name, problem }) => [name, problem.code]),
    [['n2-nonsense', 'bad-prefix']],
  );
  assert.equal((await datastore.get('BlockAffinity', 'n2-10-65-3-0-26')).spec.node, 'n2');
});

test('more resources than fit into one answer are all listed, once', async () => {
  const count = 4_500;
  const numbers = Array.from({ length: count }, (_, index) => index);
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let number = numbers.pop(); number !== undefined; number = numbers.pop())
        await etcd.putV3(`${ROOT}/nodes/n${number}`, `{"metadata":{"name":"n${number}"},"spec":{}}`);
    }),
  );
  const { resources } = await datastore.list('Node');
  assert.equal(new Set(resources.map((resource) => resource.metadata.name)).size, count);
  assert.equal(resources.length, count);
});

test('a peer deleted with its node is told as deleted to a watch, and the node too', async () => {
  await putRecorded();
  const watched = follow(datastore, ['Node', 'BGPPeer', 'BGPConfiguration']);
  await watched.until(() => watched.snapshots === 1, 'the snapshot');
  await datastore.delete('Node', 'node2');
  await watched.until(() => watched.changes.length === 3, 'three deletions');
  assert.deepEqual(watched.told().sort(), [
    'delete BGPConfiguration/node.node2',
    'delete BGPPeer/node2-v6',
    'delete Node/node2',
  ]);
  await watched.stop();
});

test('an etcd put up anew with other data, its revisions lower, is listed anew: only the difference is told', async () => {
  const anew = await startEtcd();
  const proxy = await startTcpProxy(etcd.members[0]?.port ?? 0);
  const through = openEtcdV3({ endpoints: [`http://127.0.0.1:${proxy.port}`] });
  try {
    const value = '{"metadata":{"name":"x"},"spec":{"a":1}}';
    for (const name of ['stays', 'goes', 'changes'])
      await etcd.putV3(`${ROOT}/ippools/${name}`, value.replace('x', name));
    const watched = follow(through, ['IPPool']);
    await watched.until(() => watched.snapshots === 1, 'the snapshot');
    assert.ok((await anew.revisionV3()) < (await etcd.revisionV3()));
    await anew.putV3(`${ROOT}/ippools/stays`, value.replace('x', 'stays'));
    await anew.putV3(`${ROOT}/ippools/changes`, value.replace('x', 'changes').replace('1', '2'));
    proxy.cut();
    proxy.retarget(anew.members[0]?.port ?? 0);
    proxy.restore();
    await watched.until(() => !watched.resources.has('IPPool/goes'), 'the deletion of IPPool/goes');
    assert.deepEqual(watched.resources.get('IPPool/changes')?.spec, { a: 2 });
    assert.ok(watched.resources.has('IPPool/stays'));
    assert.deepEqual(
      watched.told().filter((line) => line.startsWith('delete')),
      ['delete IPPool/goes'],
    );
    await watched.stop();
  } finally {
    await through.close();
    await proxy.close();
    await anew.stop();
  }
});

test('nothing of Calico in the keyspace is said to be nothing', async () => {
  await etcd.putV3('/other', 'x');
  assert.equal(await hasCalicoDataV3({ endpoints: etcd.endpoints }), false);
  assert.deepEqual(await datastore.list('Node'), { resources: [], broken: [], warnings: [] });
});
