/**
 * The same rack topology from etcd v3 and from a file. The nodes stay as they are, peering by the same addresses; the
 * reflectors move from one datastore to the other, and everything must come out the same.
 */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { debianTools } from '../../scripts/debian.ts';
import { checksOf } from '../support/checks.ts';
import { forwardingTable } from '../support/kernel-routes.ts';
import { type LabEtcd, startLabEtcd } from '../support/lab-etcd.ts';
import { expectedRoutes, RACK_NODES, RACK_REFLECTORS } from '../support/rack.ts';
import {
  createRackHosts,
  FAMILIES,
  RACK_TREE,
  type RackLab,
  rackLab,
  untilEstablished,
} from '../support/rack-lab.ts';
import { peerName, RACK_ENTRIES_V3, rackFile, resourceKey } from '../support/rack-resources.ts';
import { reflectorSessions } from '../support/rack-sessions.ts';
import { touchedSessions } from '../support/reflector-agent.ts';
import { until } from '../support/until.ts';

const checks = checksOf('rack-homes');
const { check } = checks;

let rack: RackLab;
let etcd: LabEtcd;
let file = '';

const GONE = { peer: peerName('n2', 'rr1', 4), session: 'Node_10_0_0_2' };
const [RR1] = RACK_REFLECTORS;
assert.ok(RR1);

before(async () => {
  const { lab, folder } = await createRackHosts();
  etcd = await startLabEtcd(lab.host('etcd'), `${folder}/etcd`);
  file = join(folder, 'rack.yaml');
  writeFileSync(file, rackFile());
  rack = rackLab(lab, folder, {
    datastore: { DATASTORE_TYPE: 'file', CALICO_RR_FILE: file },
    tree: async () => RACK_TREE,
    renderOn: 'n2',
  });
  await rack.startNodes();
});

after(() => rack?.close(checks.incomplete));

function etcdctl(args: readonly string[]): Promise<string> {
  return rack.lab
    .host('etcd')
    .run(debianTools().etcdctl, [`--endpoints=${etcd.url}`, ...args], { env: { ETCDCTL_API: '3' } });
}

/** What the rack topology must come out as, wherever it was read from. */
async function assertRack(): Promise<void> {
  for (const one of RACK_REFLECTORS) await untilEstablished(rack.reflector(one.name), reflectorSessions(one));
  await rack.converged();
  for (const plan of RACK_NODES) {
    for (const family of FAMILIES) {
      assert.deepEqual(await forwardingTable(rack.lab.host(plan.name), family), expectedRoutes(plan, family));
    }
    const [own] = reflectorsOfRack(plan.rack);
    for (const other of RACK_NODES.filter(({ rack: number }) => number !== plan.rack)) {
      const [far] = reflectorsOfRack(other.rack);
      for (const route of await rack.node(plan.name).routes(other.block6)) {
        assert.equal(route.originatorId, other.ipv4);
        assert.deepEqual(route.clusterList, [own, far]);
      }
    }
  }
}

function reflectorsOfRack(number: number): readonly string[] {
  return RACK_REFLECTORS.filter(({ rack: one }) => one === number).map(({ clusterId }) => clusterId);
}

/** The change is held because n2 would have one reflector; once approved, one session goes and no other is touched. */
async function assertHeldThenGone(change: () => Promise<void>): Promise<void> {
  const rr1 = rack.reflector('rr1');
  const before = await rr1.sessions();
  await change();
  const held = await until(
    async () => (await rr1.status()).held[0],
    async () => `RR1 to hold the change: ${JSON.stringify(await rr1.status())}`,
    60_000,
  );
  assert.match(held.text, /n2/);
  assert.deepEqual(touchedSessions(before, await rr1.sessions()), [], 'what is held is not applied');
  await rr1.verb(['approve', held.id]);
  await until(
    async () => !(await rr1.sessions()).has(GONE.session),
    async () => `RR1 to drop ${GONE.session}: ${JSON.stringify(await rr1.status())}`,
    60_000,
  );
  assert.deepEqual((await rr1.status()).held, []);
  assert.deepEqual(touchedSessions(before, await rr1.sessions()), [GONE.session]);
}

check('etcd-v3-empty', async () => {
  for (const one of RACK_REFLECTORS) {
    await rack.startReflector(one, { env: { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: etcd.url } });
  }
  const rr1 = rack.reflector('rr1');
  await until(
    async () => (await rr1.status().catch(() => undefined))?.connected,
    'RR1 to reach etcd',
    60_000,
  );
  assert.equal((await rr1.status()).ready, false);
  assert.equal((await rr1.sessions()).size, 0);
  assert.deepEqual(await forwardingTable(rack.lab.host('n1'), 4), {});
});

check('etcd-v3', async () => {
  for (const [key, value] of RACK_ENTRIES_V3) await etcdctl(['put', key, value]);
  await assertRack();
});

check('etcd-v3-change', async () => {
  await assertHeldThenGone(async () => void (await etcdctl(['del', resourceKey('BGPPeer', GONE.peer)])));
});

check('file', async () => {
  for (const { name, ipv4, ipv6 } of RACK_REFLECTORS) {
    const agent = rack.reflector(name);
    await agent.stop();
    await agent.restart({ env: { IP: ipv4, IP6: ipv6, DATASTORE_TYPE: 'file', CALICO_RR_FILE: file } });
  }
  await assertRack();
});

check('file-change', async () => {
  await assertHeldThenGone(async () => {
    writeFileSync(`${file}.new`, rackFile(GONE.peer));
    renameSync(`${file}.new`, file);
  });
});

checks.allShown();
