/**
 * All reflectors dead: the nodes keep forwarding for as long as the reflectors asked them to (long-lived graceful
 * restart, RFC 9494). Ten minutes and more pass in seconds, because the nodes' BIRDs run on a clock of ours.
 */
import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { debianTools } from '../../scripts/debian.ts';
import { checksOf } from '../support/checks.ts';
import { forwardingTable } from '../support/kernel-routes.ts';
import { type LabEtcd, startLabEtcd } from '../support/lab-etcd.ts';
import { RACK_ENTRIES, RACK_NODES, RACK_REFLECTORS } from '../support/rack.ts';
import { createRackHosts, FAMILIES, type RackLab, rackLab, untilEstablished } from '../support/rack-lab.ts';
import { assertNoPingLost, lastingDeletions, losses } from '../support/rack-observation.ts';
import { reflectorSessions } from '../support/rack-sessions.ts';
import { staysTrue, until } from '../support/until.ts';

const checks = checksOf('rack-darkness');
const { check } = checks;

/** Restart time that reflectors announce (RFC 4724) and the long-lived stale time (RFC 9494), seconds. */
const RESTART_S = 120;
const LONG_LIVED_S = 3600;

let rack: RackLab;
let etcd: LabEtcd;
let clock = '';

/** Sets the nodes' clock to so many seconds after the true time, as a whole: BIRDs read it at any moment. */
function passTime(seconds: number): void {
  writeFileSync(`${clock}.new`, `+${seconds}\n`);
  renameSync(`${clock}.new`, clock);
}

before(async () => {
  const { lab, folder } = await createRackHosts();
  clock = join(folder, 'clock');
  passTime(0);
  etcd = await startLabEtcd(lab.host('etcd'), `${folder}/etcd`);
  rack = rackLab(lab, folder, {
    datastore: { DATASTORE_TYPE: 'etcdv2', ETCD_ENDPOINTS: etcd.url },
    tree: () => etcd.tree(),
    renderOn: 'n2',
  });
  await etcd.put(RACK_ENTRIES);
  await rack.startNodes({
    LD_PRELOAD: debianTools().libfaketime,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
  });
  for (const one of RACK_REFLECTORS) await rack.startReflector(one);
  await rack.converged();
  for (const one of RACK_REFLECTORS) await untilEstablished(rack.reflector(one.name), reflectorSessions(one));
});

after(() => rack?.close(checks.incomplete));

/** Every node marks what it holds as long-lived stale (community 65535:6): the restart time is over for it. */
async function untilLongLivedStale(): Promise<void> {
  for (const plan of RACK_NODES) {
    const other = RACK_NODES.find(({ rack: number }) => number !== plan.rack);
    assert.ok(other);
    for (const block of [other.block4, other.block6]) {
      await until(
        async () => {
          const routes = await rack.node(plan.name).routes(block);
          return routes.length > 0 && routes.every(({ communities }) => communities.includes('(65535,6)'));
        },
        async () =>
          `${plan.name} to mark ${block} long-lived stale: ${JSON.stringify(await rack.node(plan.name).routes(block))}`,
        60_000,
      );
    }
  }
}

check('all-dead', async () => {
  const observation = await rack.watched(async () => {
    await Promise.all(RACK_REFLECTORS.map(({ name }) => rack.reflector(name).crash()));
    for (const plan of RACK_NODES) {
      for (const family of FAMILIES) {
        await until(
          async () =>
            [...(await rack.node(plan.name).sessions(family)).values()].every(
              (info) => !info.startsWith('Established'),
            ),
          `${plan.name} to notice that its reflectors are dead`,
          60_000,
        );
      }
    }
    passTime(RESTART_S + 10);
    await untilLongLivedStale();
    passTime(RESTART_S + 10 + 600);
    // Two scans of the kernel and every timer of BIRD come by in this time.
    await staysTrue(
      async () => Object.keys(await forwardingTable(rack.lab.host('n1'), 4)).length === RACK_NODES.length - 1,
      'the routes of n1',
      6_000,
    );
    await rack.converged(RACK_NODES, 1_000);
  });
  assert.deepEqual(lastingDeletions(observation), []);
  assertNoPingLost(observation);
});

check('past-llgr', async () => {
  const observation = await rack.watched(async () => {
    passTime(RESTART_S + LONG_LIVED_S + 60);
    for (const plan of RACK_NODES) {
      for (const family of FAMILIES) {
        await until(
          async () => Object.keys(await forwardingTable(rack.lab.host(plan.name), family)).length === 0,
          `${plan.name} to lose its routes`,
          60_000,
        );
      }
    }
  });
  assert.equal(losses(observation).length, RACK_NODES.length * FAMILIES.length);
});

check('all-back', async () => {
  for (const { name } of RACK_REFLECTORS) await rack.reflector(name).restart();
  await rack.converged(RACK_NODES, 180_000);
  for (const one of RACK_REFLECTORS)
    await untilEstablished(rack.reflector(one.name), reflectorSessions(one), 180_000);
});

checks.allShown();
