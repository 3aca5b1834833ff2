/** Opening a datastore whose API the settings leave open, on a real etcd that serves both. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Datastore } from '../../src/datastore/datastore.ts';
import { type DatastoreSettings, openDatastore } from '../../src/datastore/open.ts';
import type { Problem } from '../../src/model/problem.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { node, rejectsWith } from './datastore.ts';

const NODE_V3 = '/calico/resources/v3/projectcalico.org/nodes/n1';
const NODE_V2 = '/calico/bgp/v1/host/n1/ip_addr_v4';
const ENTRY = '/calico/bgp/v1/rr_v4/10.0.0.9';

let etcd: Etcd;
const opened: Datastore[] = [];

before(async () => {
  etcd = await startEtcd();
});
after(() => etcd?.stop());
afterEach(async () => {
  for (const datastore of opened.splice(0)) await datastore.close();
  await etcd.deletePrefixV3('/calico/');
  await etcd.deleteV2('/calico', { recursive: true });
});

async function open(
  type: Exclude<DatastoreSettings['type'], 'file' | 'kubernetes'>,
  onWaiting: (reason: string) => void = () => assert.fail('it waited'),
): Promise<{ datastore: Datastore; warnings: Problem[] }> {
  const warnings: Problem[] = [];
  const datastore = await openDatastore(
    { type, etcd: { endpoints: etcd.endpoints } },
    { onWaiting, onWarning: (problem) => warnings.push(problem), signal: AbortSignal.timeout(30_000) },
  );
  opened.push(datastore);
  return { datastore, warnings };
}

test('data in the v3 keyspace only opens etcdv3 and says so', async () => {
  await etcd.putV3(NODE_V3, JSON.stringify(node('n1', '10.0.0.1/24')));
  const { datastore, warnings } = await open('undecided');
  assert.equal(datastore.type, 'etcdv3');
  assert.equal((await datastore.list('Node')).resources.length, 1);
  assert.deepEqual(
    warnings.map((problem) => problem.code),
    ['datastore-guessed'],
  );
  assert.match(warnings[0]?.hint ?? '', /DATASTORE_TYPE=etcdv3/);
});

test('data in the v2 keyspace only opens etcdv2 and says so', async () => {
  await etcd.putV2(NODE_V2, '10.0.0.1');
  const { datastore, warnings } = await open('undecided');
  assert.equal(datastore.type, 'etcdv2');
  assert.equal((await datastore.list('Node')).resources.length, 1);
  assert.deepEqual(
    warnings.map((problem) => problem.code),
    ['datastore-guessed'],
  );
});

test('data in both keyspaces is refused', async () => {
  await etcd.putV2(NODE_V2, '10.0.0.1');
  await etcd.putV3(NODE_V3, '{}');
  await rejectsWith(open('undecided'), 'E_DATASTORE_AMBIGUOUS', 'DATASTORE_TYPE');
});

test('data in neither is waited for', async () => {
  const { datastore } = await open('undecided', (reason) => {
    assert.match(reason, /neither keyspace/);
    void etcd.putV3(NODE_V3, JSON.stringify(node('n1', '10.0.0.1/24')));
  });
  assert.equal(datastore.type, 'etcdv3');
});

test('what a reflector reported of itself is not taken for data of Calico', async () => {
  const report = '{"state":"running"}';
  await etcd.putV2('/calico/bgp/v1/rr_status/rr1', report);
  await etcd.putV3('/calico/bgp/v1/rr_status/rr1', report);
  const { datastore } = await open('undecided', () => {
    void etcd.putV2(NODE_V2, '10.0.0.1');
  });
  assert.equal(datastore.type, 'etcdv2');
});

test('on etcdv3, reflector entries in the v2 keyspace are warned about, by their keys', async () => {
  await etcd.putV2(ENTRY, '{"ip":"10.0.0.9","cluster_id":"1.0.0.1"}');
  const { datastore, warnings } = await open('etcdv3');
  assert.deepEqual(
    warnings.map((problem) => problem.code),
    ['stale-entry'],
  );
  assert.ok(warnings[0]?.message.includes(ENTRY));
  assert.deepEqual((await datastore.list('RouteReflector')).resources, []);
});

test('a type that is set is obeyed, whatever the other keyspace holds', async () => {
  await etcd.putV2(NODE_V2, '10.0.0.1');
  const { datastore, warnings } = await open('etcdv3');
  assert.equal(datastore.type, 'etcdv3');
  assert.deepEqual((await datastore.list('Node')).resources, []);
  assert.deepEqual(warnings, []);
});
