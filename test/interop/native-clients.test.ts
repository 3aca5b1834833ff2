/**
 * The native engine as the reflector of other makers' daemons: BIRD 1.6.8 (which Calico's nodes run), BIRD 2, FRR, GoBGP
 * and OpenBGPD are clients of one cluster, over IPv4 and IPv6, signed (RFC 2385) and near (RFC 5082) where they know how
 * to: OpenBGPD does the latter for other ASes only.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FAMILIES } from '../../src/bgp/index.ts';
import { familiesHere } from '../differential/ground.ts';
import { until } from '../support/until.ts';
import { familyOf, type PartnerPath } from './partner.ts';
import { startBird1, startBird2 } from './partner-bird.ts';
import { startFrr } from './partner-frr.ts';
import { startGobgp } from './partner-gobgp.ts';
import { CLUSTER, type Guest, type PartnerLab, partnerLab } from './partner-lab.ts';
import { runsOpenbgpd, startOpenbgpd } from './partner-openbgpd.ts';

const OPENBGPD: Guest = { name: 'openbgpd', host: 16, start: startOpenbgpd, password: 'openbsds-own' };
/** Those that announce that they keep forwarding while they restart. */
const GRACEFUL: readonly Guest[] = [
  { name: 'bird2', host: 11, start: startBird2, password: 'between-us', near: true },
  { name: 'bird1', host: 12, start: startBird1, families: [4], password: 'calicos', near: true },
  { name: 'bird1v6', host: 13, start: startBird1, families: [6], password: 'calicos', near: true },
  { name: 'frr', host: 14, start: startFrr, password: 'frrs-own', near: true },
  { name: 'gobgp', host: 15, start: startGobgp, password: 'gobgps-own', near: true },
];
const GUESTS = runsOpenbgpd() ? [...GRACEFUL, OPENBGPD] : GRACEFUL;

const skip = (await familiesHere()).includes(6)
  ? false
  : 'needs a network namespace: test/differential/network.sh';
let lab: PartnerLab;

before(async () => {
  if (skip === false) lab = await partnerLab(GUESTS);
});
after(() => lab?.close());

/** What each of these has to hold: the blocks of all others that speak the family. */
function expected(
  guests: readonly Guest[],
): readonly { readonly holder: string; readonly owner: number; readonly prefix: string }[] {
  const blocks = lab.partners.flatMap(({ settings }) => settings.prefixes);
  return guests.flatMap(({ name }) => {
    const { settings } = lab.partner(name);
    const families = settings.peers.map(({ family }) => family);
    return blocks
      .filter((prefix) => families.includes(familyOf(prefix)) && !settings.prefixes.includes(prefix))
      .map((prefix) => ({ holder: name, owner: ownerOf(prefix), prefix }));
  });
}

function ownerOf(prefix: string): number {
  const found = lab.partners.find(({ settings }) => settings.prefixes.includes(prefix));
  return GUESTS.find(({ name }) => name === found?.name)?.host ?? 0;
}

/** Everybody has every block, as reflection leaves it, and none of it is stale. */
async function untilWhole(): Promise<void> {
  await lab.untilUp();
  for (const { holder, owner, prefix } of expected(GUESTS)) {
    const [path] = await lab.untilPaths(
      holder,
      prefix,
      (paths) => paths.length === 1 && paths[0]?.stale === false,
    );
    const said = {
      nextHop: lab.address(familyOf(prefix), owner),
      originatorId: lab.address(4, owner),
      clusterList: [CLUSTER],
      localPreference: 100,
    };
    const { nextHop, originatorId, clusterList, localPreference } = path ?? {};
    assert.deepEqual({ nextHop, originatorId, clusterList, localPreference }, said, `${holder}, ${prefix}`);
  }
}

test(
  'BIRD 1.6.8, BIRD 2, FRR, GoBGP and OpenBGPD have each other’s blocks with the attributes of reflection',
  { skip },
  () => untilWhole(),
);

test('whichever of them asks for its routes anew is told them anew, and no session ends', {
  skip,
}, async () => {
  for (const { name } of GUESTS) await lab.askAnew(name);
  for (const { name, status } of lab.engine.details()) assert.equal(status.counters.established, 1, name);
  assert.deepEqual(lab.withdrawn(), []);
});

test('those that restart gracefully are killed and come back, and nobody is told to forget a route', {
  skip,
}, async () => {
  const names = GRACEFUL.map(({ name }) => name);
  const sessions = () => lab.engine.details().filter(({ name }) => names.includes(name.replace(/_.$/, '')));
  await Promise.all(names.map((name) => lab.partner(name).crash()));
  await until(
    () => sessions().every(({ status }) => status.state !== 'Established'),
    'their sessions to be down',
    60_000,
  );
  for (const { name, stale } of sessions()) assert.equal(stale, 1, `${name} keeps its block`);
  await Promise.all(names.map((name) => lab.partner(name).comeBack()));
  await untilWhole();
  await until(
    () => sessions().every(({ stale, accepted }) => stale === 0 && accepted === 1),
    () => `no stale routes: ${sessions().map(({ name, stale }) => `${name} ${stale}`)}`,
    60_000,
  );
  assert.deepEqual(lab.withdrawn(), []);
});

test('our own restart takes no route from any of them', { skip }, async () => {
  await lab.stopEngine();
  for (const { holder, prefix } of expected(GUESTS)) {
    await lab.untilPaths(holder, prefix, (paths) => paths.length === 1 && paths[0]?.stale === true);
  }
  await lab.startEngine();
  await untilWhole();
  assert.deepEqual(lab.withdrawn(), []);
});

test('FRR, which takes several paths unless told otherwise, is told all, and who does not is told the best', {
  skip,
}, async () => {
  for (const family of FAMILIES) {
    const shared = lab.block(family, 11);
    const hops = (paths: readonly PartnerPath[]): string => paths.map(({ nextHop }) => nextHop).join(' ');
    const both = [11, 99].map((host) => lab.address(family, host));
    lab.announce(family, shared);
    await lab.untilPaths('frr', shared, (paths) => both.every((hop) => hops(paths).includes(hop)));
    await lab.untilPaths('gobgp', shared, (paths) => hops(paths) === lab.address(family, 11));
    lab.withdraw(family, shared);
    await lab.untilPaths('frr', shared, (paths) => hops(paths) === lab.address(family, 11));
  }
});

test('one that does not restart gracefully is forgotten at once, by everybody', {
  skip: skip !== false || GUESTS === GRACEFUL ? skip || 'OpenBGPD needs root' : false,
}, async () => {
  const own = lab.partner(OPENBGPD.name);
  await own.crash();
  for (const { name } of GRACEFUL) {
    for (const prefix of own.settings.prefixes)
      await lab.untilPaths(name, prefix, (paths) => paths.length === 0);
  }
  await until(
    () => own.settings.prefixes.every((prefix) => lab.withdrawn().includes(prefix)),
    'the onlooker to be told so',
    60_000,
  );
});
