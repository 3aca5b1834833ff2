/**
 * The native engine beside other makers' reflectors: BIRD 1.6.8, BIRD 2 and FRR reflect in its own cluster to a client that
 * it has too, another FRR in a cluster of its own to a client that it knows nothing of, and GoBGP is a fellow without clients:
 * what those announce it would pass on to fellows without ORIGINATOR_ID and CLUSTER_LIST.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { familiesHere } from '../differential/ground.ts';
import { staysTrue, until } from '../support/until.ts';
import { familyOf, type PartnerPath } from './partner.ts';
import { startBird1, startBird2 } from './partner-bird.ts';
import { startFrr } from './partner-frr.ts';
import { startGobgp } from './partner-gobgp.ts';
import { CLUSTER, type Guest, type PartnerLab, partnerLab } from './partner-lab.ts';

const ANOTHER_CLUSTER = '2.0.0.2';
const SHARED = 31;
const ALONE = 32;
const BEYOND = 33;
const FELLOWS: readonly Guest[] = [
  { name: 'bird2', host: 21, start: startBird2, fellow: { clients: [SHARED] }, password: 'between-us' },
  {
    ...{ name: 'bird1', host: 25, start: startBird1, families: [4] },
    ...{ fellow: { clients: [SHARED] }, password: 'calicos' },
  },
  { name: 'frr', host: 22, start: startFrr, fellow: { clients: [SHARED] }, near: true },
  { name: 'gobgp', host: 23, start: startGobgp, fellow: { clients: [] }, password: 'gobgps-own' },
  { name: 'frr2', host: 24, start: startFrr, fellow: { clients: [BEYOND], clusterId: ANOTHER_CLUSTER } },
];
/** FRR takes no route with its own cluster ID. */
const HOLDERS = FELLOWS.map(({ name }) => name).filter((name) => name !== 'frr');
const GUESTS: readonly Guest[] = [
  ...FELLOWS,
  { name: 'shared', host: SHARED, start: startBird2 },
  { name: 'alone', host: ALONE, start: startBird1, families: [4] },
  { name: 'beyond', host: BEYOND, start: startBird1, families: [4], beyond: true },
];

const skip = (await familiesHere()).includes(6)
  ? false
  : 'needs a network namespace: test/differential/network.sh';
let lab: PartnerLab;

before(async () => {
  if (skip === false) lab = await partnerLab(GUESTS);
});
after(() => lab?.close());

/** A path as reflection leaves it. */
function reflected(
  owner: number,
  prefix: string,
  clusterList: readonly string[],
): (path: PartnerPath) => boolean {
  const nextHop = lab.address(familyOf(prefix), owner);
  const originatorId = lab.address(4, owner);
  return (path) =>
    path.nextHop === nextHop &&
    path.originatorId === originatorId &&
    path.clusterList.join() === clusterList.join();
}

test('what a fellow of whatever make announces is told to the clients, and their blocks to the fellows', {
  skip,
}, async () => {
  await lab.untilUp(GUESTS.filter(({ beyond }) => beyond !== true).map(({ name }) => name));
  for (const { name, host } of FELLOWS) {
    for (const prefix of lab.partner(name).settings.prefixes) {
      const ours = reflected(host, prefix, [CLUSTER]);
      await lab.untilPaths('shared', prefix, (paths) => paths.some(ours));
    }
    const prefix = lab.block(4, host);
    await lab.untilPaths(
      'alone',
      prefix,
      ([path]) => path !== undefined && reflected(host, prefix, [CLUSTER])(path),
    );
  }
  const prefix = lab.block(4, ALONE);
  for (const name of HOLDERS) {
    await lab.untilPaths(name, prefix, (paths) => paths.some(reflected(ALONE, prefix, [CLUSTER])));
  }
});

test('a route from another cluster comes with both cluster IDs, the last one first', { skip }, async () => {
  const prefix = lab.block(4, BEYOND);
  const both = reflected(BEYOND, prefix, [CLUSTER, ANOTHER_CLUSTER]);
  for (const name of ['alone', 'shared']) await lab.untilPaths(name, prefix, (paths) => paths.some(both));
  const own = lab.block(4, ALONE);
  const back = reflected(ALONE, own, [ANOTHER_CLUSTER, CLUSTER]);
  await lab.untilPaths('beyond', own, (paths) => paths.some(back));
});

test('a route with our own cluster ID in its list is dropped and counted, whichever make passed it on', {
  skip,
}, async () => {
  for (const name of ['bird2', 'bird1', 'frr']) {
    for (const { family } of lab.partner(name).settings.peers.filter(({ client }) => client === true)) {
      const detail = () => lab.engine.details().find((one) => one.name === `${name}_${family}`);
      await until(
        () => (detail()?.dropped.clusterLoop ?? 0) > 0,
        () => `${name} to have passed on what its client announces: ${JSON.stringify(detail())}`,
        30_000,
      );
      assert.equal(detail()?.accepted, 1, `${name} gives its own block and no other`);
    }
  }
  const prefix = lab.block(4, SHARED);
  await lab.untilPaths(
    'alone',
    prefix,
    ([path]) => path !== undefined && reflected(SHARED, prefix, [CLUSTER])(path),
  );
});

test('no fellow is told what another fellow announces', { skip }, async () => {
  await staysTrue(
    async () => {
      for (const { name, host } of FELLOWS) {
        for (const other of FELLOWS) {
          if (other.host === host) continue;
          for (const family of other.families ?? lab.families) {
            if (!lab.partner(name).settings.peers.some((peer) => peer.family === family)) continue;
            if ((await lab.partner(name).paths(lab.block(family, other.host))).length > 0) return false;
          }
        }
      }
      return true;
    },
    'no fellow’s block is with another fellow',
    1_000,
  );
});

test('a fellow that asks for its routes anew is told them, and no session ends', { skip }, async () => {
  for (const { name } of FELLOWS) await lab.askAnew(name);
  for (const { name, status } of lab.engine.details()) assert.equal(status.counters.established, 1, name);
});

test('fellows that restart gracefully are killed and come back, and no client is told to forget a route', {
  skip,
}, async () => {
  const names = FELLOWS.map(({ name }) => name).filter((name) => name !== 'frr2');
  const sessions = () => lab.engine.details().filter(({ name }) => names.includes(name.replace(/_.$/, '')));
  const before = lab.withdrawn().length;
  await Promise.all(names.map((name) => lab.partner(name).crash()));
  await until(
    () => sessions().every(({ status }) => status.state !== 'Established'),
    'their sessions to be down',
    60_000,
  );
  for (const { name, stale } of sessions()) assert.equal(stale, 1, `${name} keeps its block`);
  await Promise.all(names.map((name) => lab.partner(name).comeBack()));
  await lab.untilUp(names);
  await until(
    () => sessions().every(({ stale, accepted }) => stale === 0 && accepted === 1),
    () => `no stale routes: ${sessions().map(({ name, stale }) => `${name} ${stale}`)}`,
    60_000,
  );
  assert.deepEqual(lab.withdrawn().slice(before), []);
});

test('our own restart takes no route from a fellow, nor a fellow’s from a client', { skip }, async () => {
  const own = lab.block(4, ALONE);
  const before = lab.withdrawn().length;
  await lab.stopEngine();
  for (const name of HOLDERS) {
    await lab.untilPaths(name, own, (paths) => paths.some(({ stale }) => stale));
  }
  await lab.startEngine();
  await lab.untilUp(GUESTS.filter(({ beyond }) => beyond !== true).map(({ name }) => name));
  for (const name of HOLDERS) {
    await lab.untilPaths(name, own, (paths) => paths.length > 0 && paths.every(({ stale }) => !stale));
  }
  for (const { host } of FELLOWS) {
    const prefix = lab.block(4, host);
    await lab.untilPaths('alone', prefix, ([path]) => path !== undefined && !path.stale);
  }
  assert.deepEqual(lab.withdrawn().slice(before), []);
});
