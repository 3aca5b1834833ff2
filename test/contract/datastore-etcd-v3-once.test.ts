/** etcd v3 as a short command reads it: without a gRPC library where that goes, and with it wherever it does not. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { glean } from '../../src/datastore/datastore.ts';
import type { EtcdV3Client } from '../../src/datastore/etcd-v3/client.ts';
import { openEtcdV3 } from '../../src/datastore/etcd-v3/etcd-v3.ts';
import { gleanKeys } from '../../src/datastore/etcd-v3/gleaning.ts';
import { createGrpcClient } from '../../src/datastore/etcd-v3/grpc-client.ts';
import { documentKey } from '../../src/datastore/etcd-v3/keys.ts';
import { openQuickRange } from '../../src/datastore/etcd-v3/quick-range.ts';
import type { Resource } from '../../src/model/resource.ts';
import { ETCD_ROOT_PASSWORD, type Etcd, startEtcd } from '../support/etcd.ts';
import { unusedPort } from '../support/ports.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { rejectsWith } from './datastore.ts';

/** More than two pages of a listing. */
const NODES = 4_100;
const BROKEN = documentKey('Node', 'n-02000');

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
  const client = createGrpcClient({ endpoints: etcd.endpoints });
  for (let first = 0; first < NODES; first += 100)
    await client.txn({
      compare: [],
      failure: [],
      success: Array.from({ length: 100 }, (_, index) => {
        const name = `n-${String(first + index).padStart(5, '0')}`;
        const value = JSON.stringify({ metadata: { name, labels: { index: first + index } }, spec: {} });
        return { requestPut: { key: Buffer.from(documentKey('Node', name)), value: Buffer.from(value) } };
      }),
    });
  client.close();
  await etcd.putV3(BROKEN, '{"metadata": ');
});
after(() => etcd?.stop());

const nameOf = ({ metadata }: Resource): string => metadata.name;

test('a listing is the same, page after page, with what is broken told', async () => {
  const once = openEtcdV3({ endpoints: etcd.endpoints }, { once: true });
  const long = openEtcdV3({ endpoints: etcd.endpoints });
  try {
    const listing = await once.list('Node');
    assert.equal(listing.resources.length, NODES - 1);
    assert.deepEqual(listing, await long.list('Node'));
    assert.deepEqual(await once.get('Node', 'n-04000'), await long.get('Node', 'n-04000'));
    const gleaned = await glean(once, 'Node', nameOf);
    assert.deepEqual(gleaned, { kept: listing.resources.map(nameOf), broken: listing.broken });
    assert.equal(gleaned.broken[0]?.name, 'n-02000');
    const some = await glean(once, 'Node', ({ metadata }) =>
      metadata.labels?.index?.endsWith('99') ? metadata.labels.index : undefined,
    );
    assert.deepEqual(some.kept.slice(0, 2), ['99', '199']);
    assert.equal(some.kept.length, NODES / 100);
  } finally {
    await once.close();
    await long.close();
  }
});

test('of a listing that loses its history half way everything counts once', async () => {
  const client = createGrpcClient({ endpoints: etcd.endpoints });
  let pages = 0;
  const forgetful: EtcdV3Client = {
    ...client,
    async range(request, signal) {
      pages += 1;
      if (pages === 2) {
        await etcd.putV3('/other', 'x');
        await etcd.compactV3();
      }
      return client.range(request, signal);
    },
  };
  try {
    const { kept, broken } = await gleanKeys(forgetful, 'Node', nameOf);
    assert.ok(pages > 3, `${pages} pages: the listing did not begin again`);
    assert.equal(new Set(kept).size, NODES - 1);
    assert.equal(kept.length, NODES - 1);
    assert.equal(broken.length, 1);
  } finally {
    client.close();
  }
});

test('what goes by itself goes without gRPC: plain and with client certificates', async () => {
  const key = Buffer.from(documentKey('Node', 'n-00001'));
  const plain = openQuickRange({ endpoints: etcd.endpoints });
  assert.equal((await plain?.range({ key }))?.kvs[0]?.key, String(key));
  plain?.close();
  const secure = await startEtcd({ tls: true });
  try {
    assert.ok(secure.certificates);
    const { ca, client } = secure.certificates;
    const [cert, authority, own] = await Promise.all(
      [client.cert, ca, client.key].map((file) => readFile(file)),
    );
    assert.ok(cert && authority && own);
    await secure.putV3(String(key), '{}');
    const { endpoints } = secure;
    const quick = openQuickRange({ endpoints, tls: { ca: authority, cert, key: own } });
    assert.equal((await quick?.range({ key }))?.kvs[0]?.value, '{}');
    quick?.close();
    const stranger = openEtcdV3({ endpoints, tls: { ca: authority } }, { once: true });
    await rejectsWith(stranger.get('Node', 'n-00001'), 'E_DATASTORE_TLS');
    await stranger.close();
  } finally {
    await secure.stop();
  }
});

test('a user’s password is asked for and sent; without it, it says who is not let in', async () => {
  const guarded = await startEtcd({ auth: 'v3' });
  try {
    await guarded.putV3(documentKey('Node', 'n1'), '{}');
    const { endpoints } = guarded;
    const root = openEtcdV3({ endpoints, username: 'root', password: ETCD_ROOT_PASSWORD }, { once: true });
    assert.equal((await root.get('Node', 'n1')).metadata.name, 'n1');
    await root.close();
    const nobody = openEtcdV3({ endpoints }, { once: true });
    await rejectsWith(nobody.list('Node'), 'E_DATASTORE_AUTH', 'a client without a user');
    await nobody.close();
  } finally {
    await guarded.stop();
  }
});

test('a first member that hangs is left for the next; where none answers, each is named', async () => {
  const proxy = await startTcpProxy(etcd.members[0]?.port ?? 0);
  proxy.hang();
  const hanging = `http://127.0.0.1:${proxy.port}`;
  try {
    const two = openEtcdV3({ endpoints: [hanging, ...etcd.endpoints] }, { once: true });
    assert.equal((await two.get('Node', 'n-00001')).metadata.name, 'n-00001');
    await two.close();
    const dead = `http://127.0.0.1:${await unusedPort()}`;
    const none = openEtcdV3({ endpoints: [dead] }, { once: true });
    await rejectsWith(none.list('Node'), 'E_DATASTORE_UNREACHABLE', dead);
    await none.close();
  } finally {
    await proxy.close();
  }
});
