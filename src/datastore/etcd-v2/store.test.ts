/** Writes of several keys when somebody else writes one of them between two of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalicoRrError } from '../../model/errors.ts';
import { KINDS, type Resource } from '../../model/resource.ts';
import type { EtcdV2Client, WriteOutcome } from './api.ts';
import { V2_ERROR, type V2Node } from './reply.ts';
import { createEtcdV2Store } from './store.ts';

const HOST = '/calico/bgp/v1/host/n1';
const node: Resource = {
  apiVersion: KINDS.Node,
  kind: 'Node',
  metadata: { name: 'n1' },
  spec: { bgp: { ipv4Address: '10.0.0.1/24', asNumber: 64513 } },
};

/** An etcd in which the write of one key is refused, as if somebody had been faster. */
function losing(
  keys: Record<string, string>,
  lost: string,
  errorCode: number,
): EtcdV2Client & { writes: string[] } {
  const writes: string[] = [];
  const leaf = (name: string, value: string): V2Node => ({
    key: `${HOST}/${name}`,
    value,
    modifiedIndex: 5,
    nodes: [],
  });
  const write = (key: string, value: string): Promise<WriteOutcome> => {
    const name = key.slice(HOST.length + 1);
    if (name === lost) return Promise.resolve({ done: false, errorCode });
    writes.push(name);
    return Promise.resolve({ done: true, node: { ...leaf(name, value), modifiedIndex: 9 } });
  };
  const place = { index: 7, clusterId: 'c1' };
  const children = Object.entries(keys).map(([name, value]) => leaf(name, value));
  const directory: V2Node = { key: HOST, value: undefined, modifiedIndex: 1, nodes: children };
  const listing = { ...place, node: children.length === 0 ? undefined : directory };
  return {
    location: 'a test',
    writes,
    get: () => Promise.resolve(listing),
    list: () => Promise.resolve(listing),
    prove: () => Promise.resolve(place),
    put: write,
    delete: (key) => write(key, ''),
    poll: () => Promise.reject(new Error('nothing is polled here')),
    close: () => Promise.resolve(),
  };
}

async function failure(promise: Promise<unknown>): Promise<CalicoRrError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CalicoRrError, String(error));
  return error;
}

test('a node that somebody else begins to create first is E_EXISTS, and nothing was written', async () => {
  const client = losing({}, 'as_num', V2_ERROR.keyExists);
  const error = await failure(createEtcdV2Store(client).create(node));
  assert.equal(error.code, 'E_EXISTS');
  assert.deepEqual(client.writes, []);
});

test('a write that loses its second key says E_CONFLICT, which key was written, and stops there', async () => {
  const keys = { ip_addr_v4: '10.0.0.9', ip_addr_v6: '', as_num: '1' };
  const client = losing(keys, 'network_v4', V2_ERROR.keyExists);
  const error = await failure(
    createEtcdV2Store(client).update({ ...node, metadata: { name: 'n1', resourceVersion: '5.3' } }),
  );
  assert.equal(error.code, 'E_CONFLICT');
  assert.match(error.message, /Node\/n1 .* \/calico\/bgp\/v1\/host\/n1\/as_num was written already/);
  assert.deepEqual(client.writes, ['as_num']);
});

test('a patch that keeps losing ends with E_CONFLICT', async () => {
  const client = losing({ ip_addr_v4: '10.0.0.9', ip_addr_v6: '' }, 'as_num', V2_ERROR.keyExists);
  const error = await failure(
    createEtcdV2Store(client).patch('Node', 'n1', { spec: { bgp: { asNumber: 5 } } }),
  );
  assert.equal(error.code, 'E_CONFLICT');
  assert.deepEqual(client.writes, []);
});

test('a key where a directory should be is said, not taken for a conflict', async () => {
  const client = losing({}, 'as_num', V2_ERROR.notADirectory);
  const error = await failure(createEtcdV2Store(client).create(node));
  assert.equal(error.code, 'E_DATASTORE_REPLY');
  assert.match(error.message, /host\/n1\/as_num/);
});
