/**
 * What both etcd homes bring to the datastore contract, and what only an etcd can do to its clients: members that
 * die or hang, certificates, passwords. An etcd home plugs in with its API and its `open`.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { suite, test } from 'node:test';
import type { Datastore } from '../../src/datastore/datastore.ts';
import type { EtcdSettings } from '../../src/datastore/etcd-settings.ts';
import type { Json, Kind } from '../../src/model/resource.ts';
import { ETCD_ROOT_PASSWORD, type Etcd, type EtcdOptions, startEtcd } from '../support/etcd.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { type ContractHome, node, rejectsWith } from './datastore.ts';
import { follow } from './watched.ts';

export interface EtcdHome {
  readonly api: 'v2' | 'v3';
  readonly readOnly: readonly Kind[];
  open(settings: EtcdSettings): Datastore | Promise<Datastore>;
}

const BROKEN_KEY = '/calico/bgp/v1/rr_v4/10.9.9.9';
const VENDOR_KEY = '/calico/bgp/v1/rr_v4/10.9.9.8';
/** etcd v2 remembers its last 1000 events. */
const V2_EVENTS_REMEMBERED = 1000;

export async function startEtcdHome({ api, readOnly, open }: EtcdHome): Promise<ContractHome> {
  const etcd = await startEtcd();
  const proxy = await startTcpProxy(etcd.members[0]?.port ?? 0);
  const put = (key: string, value: string): Promise<void> =>
    api === 'v2' ? etcd.putV2(key, value) : etcd.putV3(key, value);
  const remove = (key: string): Promise<void> => (api === 'v2' ? etcd.deleteV2(key) : etcd.deleteV3(key));
  const read = (key: string): Promise<string | undefined> =>
    api === 'v2' ? etcd.getV2(key) : etcd.getV3(key);

  return {
    readOnly,
    inPieces: api === 'v2',
    open: async () => open({ endpoints: [`http://127.0.0.1:${proxy.port}`] }),
    openAsOther: async () => open({ endpoints: etcd.endpoints }),
    wipe: () =>
      api === 'v2' ? etcd.deleteV2('/calico', { recursive: true }) : etcd.deletePrefixV3('/calico/'),
    async putBroken() {
      await put(BROKEN_KEY, '{"ip": "10.9.9.9", "cluster_id"');
      return { kind: 'RouteReflector', name: '10.9.9.9' };
    },
    mendBroken: () => put(BROKEN_KEY, '{"ip": "10.9.9.9", "cluster_id": "1.0.0.9"}'),
    removeBroken: () => remove(BROKEN_KEY),
    async putUnknownField() {
      const value: Json = { deep: [1, { very: true }], text: 'ä' };
      await put(VENDOR_KEY, JSON.stringify({ ip: '10.9.9.8', cluster_id: '1.0.0.9', x_vendor: value }));
      return {
        kind: 'RouteReflector',
        name: '10.9.9.8',
        value,
        read: async () => JSON.parse((await read(VENDOR_KEY)) ?? 'null').x_vendor,
      };
    },
    server: { stop: etcd.kill, start: etcd.start },
    link: proxy,
    async forgetHistory() {
      if (api === 'v3') {
        await put('/unrelated', 'x');
        return etcd.compactV3();
      }
      const events = Array.from({ length: V2_EVENTS_REMEMBERED + 100 }, (_, index) => index);
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          for (let event = events.pop(); event !== undefined; event = events.pop())
            await etcd.putV2('/unrelated', String(event));
        }),
      );
    },
    async close() {
      await proxy.close();
      await etcd.stop();
    },
  };
}

/** What every etcd home must also do: several members, TLS, passwords. */
export function etcdContract(name: string, { api, open }: EtcdHome): void {
  suite(`${name} stands what an etcd can do to it`, () => {
    const withEtcd = async (options: EtcdOptions, use: (etcd: Etcd) => Promise<void>): Promise<void> => {
      const etcd = await startEtcd(options);
      try {
        await use(etcd);
      } finally {
        await etcd.stop();
      }
    };
    const withDatastore = async (
      settings: EtcdSettings,
      use: (datastore: Datastore) => Promise<void>,
    ): Promise<void> => {
      const datastore = await open(settings);
      try {
        await use(datastore);
      } finally {
        await datastore.close();
      }
    };

    test('with any one of three members dead, reads, writes and the watch go on', () =>
      withEtcd({ members: 3 }, (etcd) =>
        withDatastore({ endpoints: etcd.endpoints }, async (datastore) => {
          const watched = follow(datastore, ['Node']);
          await watched.until(() => watched.snapshots === 1, 'the snapshot');
          for (const [index, member] of etcd.members.entries()) {
            await member.kill();
            await createThroughElection(datastore, `n${index}`);
            await watched.until(() => watched.resources.has(`Node/n${index}`), `Node/n${index}`);
            await member.start();
          }
          assert.equal((await datastore.list('Node')).resources.length, 3);
          // A node is several keys on etcd v2: when the member dies between two of them, it is told twice.
          const told = [...new Set(watched.told())];
          assert.deepEqual(told, ['put Node/n0', 'put Node/n1', 'put Node/n2']);
          await watched.stop();
        }),
      ));

    test('a member that is dead at the start is passed over', () =>
      withEtcd({ members: 3 }, async (etcd) => {
        await etcd.members[0]?.kill();
        await withDatastore({ endpoints: etcd.endpoints }, async (datastore) => {
          await createThroughElection(datastore, 'n1');
          const watched = follow(datastore, ['Node']);
          await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
          await watched.stop();
        });
      }));

    test('a member that hangs with its connections open is noticed and left', () =>
      withEtcd({ members: 3 }, (etcd) =>
        withDatastore({ endpoints: etcd.endpoints }, async (datastore) => {
          const watched = follow(datastore, ['Node']);
          await watched.until(() => watched.snapshots === 1, 'the snapshot');
          for (const [index, member] of etcd.members.entries()) {
            member.pause();
            try {
              await createThroughElection(datastore, `n${index}`);
              await watched.until(() => watched.resources.has(`Node/n${index}`), `Node/n${index}`);
            } finally {
              member.resume();
            }
          }
          await watched.stop();
        }),
      ));

    test('TLS with client certificates works; a wrong certificate or authority says E_DATASTORE_TLS', () =>
      withEtcd({ tls: true }, async (etcd) => {
        assert.ok(etcd.certificates);
        const { ca, client, otherCa, otherClient } = etcd.certificates;
        const read = async (files: { cert: string; key: string }) => ({
          cert: await readFile(files.cert),
          key: await readFile(files.key),
        });
        const { endpoints } = etcd;
        const right = { ca: await readFile(ca), ...(await read(client)) };
        await withDatastore({ endpoints, tls: right }, async (datastore) => {
          const watched = follow(datastore, ['Node']);
          await watched.until(() => watched.snapshots === 1, 'the snapshot');
          await datastore.create(node('n1', '10.0.0.1/24'));
          await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
          await watched.stop();
        });
        for (const tls of [
          { ca: await readFile(ca), ...(await read(otherClient)) },
          { ca: await readFile(otherCa), ...(await read(client)) },
          { ca: await readFile(ca) },
        ])
          await withDatastore({ endpoints, tls }, (datastore) =>
            rejectsWith(datastore.list('Node'), 'E_DATASTORE_TLS', endpoints[0]),
          );
      }));

    test('the right password lets in, a wrong one or none says E_DATASTORE_AUTH and not the password', () =>
      withEtcd({ auth: api }, async (etcd) => {
        const { endpoints } = etcd;
        const username = 'root';
        await withDatastore({ endpoints, username, password: ETCD_ROOT_PASSWORD }, async (datastore) => {
          const watched = follow(datastore, ['Node']);
          await watched.until(() => watched.snapshots === 1, 'the snapshot');
          await datastore.create(node('n1', '10.0.0.1/24'));
          await watched.until(() => watched.resources.has('Node/n1'), 'Node/n1');
          // A restart forgets the tokens that v3 gave out.
          await etcd.restart();
          await watched.until(() => watched.connections.at(-1) === true, 'word of the connection regained');
          await datastore.create(node('n2', '10.0.0.2/24'));
          await watched.until(() => watched.resources.has('Node/n2'), 'Node/n2');
          await watched.stop();
        });
        await withDatastore({ endpoints, username, password: 'wrong-secret' }, async (datastore) => {
          await rejectsWith(datastore.list('Node'), 'E_DATASTORE_AUTH', username);
          await assert.rejects(
            datastore.list('Node'),
            (error: Error) => !error.message.includes('wrong-secret'),
          );
        });
        await withDatastore({ endpoints }, (datastore) =>
          rejectsWith(datastore.list('Node'), 'E_DATASTORE_AUTH'),
        );
      }));
  });
}

/**
 * Creates a node while a cluster that lost its leader elects another: a request in that time is refused or lost,
 * and one that was lost may have been done.
 */
async function createThroughElection(datastore: Datastore, name: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await datastore.create(node(name, '10.0.0.1/24'));
      return;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'E_EXISTS') return;
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
