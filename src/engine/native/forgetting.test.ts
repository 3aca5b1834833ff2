/** A reflector runs for months: what is not needed any more is let go of, whatever happened before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addressOf,
  type NativeStage,
  nativeStage,
  stageExternal,
  stageFellow,
  stageSession,
} from '../../../test/support/native-stage.ts';
import { REFRESH } from '../../bgp/index.ts';
import { parsePrefix } from '../../model/address.ts';
import type { SessionConfig } from '../../topology/speaker-config.ts';

const ONLY = [parsePrefix('10.0.0.0/15') ?? assert.fail()];
const NARROW = { exportPolicy: 'listed', exportFilters: ONLY } as const;

/** Two clients, one of which is bound to three routes, a fellow and a router of another AS. */
function sessions(narrow: boolean): readonly SessionConfig[] {
  const policy = narrow ? NARROW : {};
  return [
    stageSession(1, { maxPrefixes: 3, ...policy }),
    stageSession(2),
    stageFellow(3),
    stageExternal(4, { importFilters: narrow ? ONLY : [], importPolicy: narrow ? 'listed' : 'accept' }),
  ];
}

const NAMES = ['peer1', 'peer2', 'peer3', 'peer4'] as const;
const EVENTS = [
  'announce',
  'announce',
  'announce',
  'withdraw',
  'end-of-rib',
  'up',
  'lost',
  'closed',
  'refresh',
  'refreshed',
  'policy',
  'time',
  'settle',
] as const;

const events = fc.array(
  fc.record({
    what: fc.constantFrom(...EVENTS),
    name: fc.constantFrom(...NAMES),
    prefix: fc.nat(5),
    value: fc.nat(3),
  }),
  { minLength: 1, maxLength: 80 },
);

type Step = (typeof events extends fc.Arbitrary<infer List> ? List : never)[number];

function take(stage: NativeStage, { what, name, prefix, value }: Step): void {
  const one = stage.peer(name);
  const isUp = one.peer.negotiated !== null;
  const refresh = (subtype: number) => one.peer.events.routeRefresh({ afi: 1, safi: 1, subtype });
  switch (what) {
    case 'announce':
      if (isUp) one.announce([`10.${prefix}.0.0/26`, '10.9.0.0/26'], { communities: [value] }, value % 2);
      break;
    case 'withdraw':
      if (isUp) one.withdraw([`10.${prefix}.0.0/26`], value % 2);
      break;
    case 'end-of-rib':
      if (isUp) one.endOfRib();
      break;
    case 'up':
      if (!isUp) one.up({ forwarding: value > 0 });
      break;
    case 'lost':
      if (isUp) one.down(undefined, [{ family: 4, seconds: 60, longLivedSeconds: value * 100 }]);
      break;
    case 'closed':
      if (isUp) one.down();
      break;
    case 'refresh':
      if (isUp) refresh(value > 1 ? REFRESH.begin : REFRESH.request);
      break;
    case 'refreshed':
      if (isUp) refresh(REFRESH.end);
      break;
    case 'policy':
      stage.change(sessions(value > 1));
      break;
    case 'time':
      stage.time.advance(value * 50_000);
      break;
    case 'settle':
      stage.settle();
      break;
    default:
      what satisfies never;
  }
}

function sizes({ table: { rib } }: NativeStage): readonly number[] {
  return [rib.routes, rib.gone, rib.prefixes.count, rib.sets.count];
}

for (const addPaths of ['receive', 'all'] as const) {
  test(`when all peers are gone, nothing is left of them (--add-paths ${addPaths})`, () => {
    fc.assert(
      fc.property(events, (list) => {
        const stage = nativeStage(sessions(false), { ipv4: addressOf('10.0.0.254') }, { addPaths });
        for (const name of NAMES) stage.peer(name).up();
        for (const step of list) take(stage, step);
        for (const name of NAMES) stage.peer(name).peer.remove();
        stage.settle();
        assert.deepEqual(sizes(stage), [0, 0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
}

test('ever new prefixes and attributes take the places of those that went', () => {
  const stage = nativeStage([stageSession(1), stageSession(2)]);
  stage.peer('peer1').up();
  stage.peer('peer2').up();
  stage.settle();
  const { announce, withdraw } = stage.peer('peer1');
  for (let round = 0; round < 200; round++) {
    const prefixes = [0, 1, 2].map((host) => `10.${round}.${host}.0/26`);
    announce(prefixes, { communities: [round] });
    stage.settle();
    withdraw(prefixes);
    stage.settle();
  }
  assert.deepEqual(sizes(stage), [0, 0, 0, 1], 'the last set may come again');
  assert(stage.table.rib.prefixes.bound <= 6, `${stage.table.rib.prefixes.bound} numbers`);
});

/** peer1 has told 50,000 routes, peer2 knows them. */
function many(): NativeStage {
  const stage = nativeStage([stageSession(1), stageSession(2)], {}, { maxPrefixes: 50_000 });
  stage.peer('peer1').up();
  stage.peer('peer2').up();
  tellMany(stage, 10);
  stage.settle();
  assert.equal(stage.peer('peer2').ear.routes.size, 50_000);
  return stage;
}

function tellMany(stage: NativeStage, first: number): void {
  for (let block = 0; block < 100; block++) {
    const prefixes = Array.from({ length: 500 }, (_, index) => {
      return `${first}.${block}.${index >> 2}.${(index & 3) * 64}/26`;
    });
    stage.peer('peer1').announce(prefixes);
  }
}

test('many routes are let go of in steps, between which the event loop has its turn', () => {
  const stage = many();
  const { table, time, wakes } = stage;
  stage.peer('peer1').down();
  const left = [table.rib.routes];
  const step = (): boolean => table.rib.routes < (left.at(-1) ?? 0);
  while (table.rib.routes > 0) {
    time.advanceUntil('the next step', step, 100);
    left.push(table.rib.routes);
  }
  assert.deepEqual(left, [30_000, 10_000, 0]);
  assert(stage.wakes >= wakes + 3, 'each of them is passed on');

  table.begin();
  const seen = new Set<number>();
  for (let turns = 0; table.rib.empty > 0; turns++) {
    assert(turns < 1000);
    let asked = 0;
    table.work(() => ++asked <= 4);
    seen.add(table.rib.empty);
  }
  assert.deepEqual(sizes(stage), [0, 0, 0, 0]);
  assert(seen.size > 5, 'their numbers are freed in steps too');
  assert.equal(stage.peer('peer2').ear.routes.size, 0);
});

test('who is back before all its many routes are let go of has what it tells now, and nothing else', () => {
  const stage = many();
  stage.peer('peer1').down();
  assert.equal(stage.table.rib.routes, 30_000);
  stage.peer('peer1').up();
  stage.peer('peer1').announce(['10.1.0.0/26', '10.99.0.0/26']);
  stage.time.advance(1000);
  stage.settle();
  assert.deepEqual([...stage.peer('peer2').ear.routes.keys()], ['10.1.0.0/26', '10.99.0.0/26']);
});

test('what goes with End-of-RIB goes in steps, and a session that ends meanwhile keeps what was told again', () => {
  const stage = many();
  const { time, table } = stage;
  const retained = [{ family: 4, seconds: 120, longLivedSeconds: 0 }] as const;
  stage.peer('peer1').down(undefined, retained);
  stage.peer('peer1').up();
  stage.peer('peer1').announce(['10.1.0.0/26']);
  stage.peer('peer1').endOfRib();
  assert.equal(table.rib.routes, 30_000);
  stage.peer('peer1').down(undefined, retained);
  assert.equal(table.rib.routes, 1);
  time.advance(119_000);
  assert.equal(table.rib.routes, 1);
  time.advance(2_000);
  assert.equal(table.rib.routes, 0);
});

test('what is about to go does not count where the routes of a peer are limited', () => {
  const stage = many();
  const { peer, up, down, endOfRib } = stage.peer('peer1');
  down(undefined, [{ family: 4, seconds: 120, longLivedSeconds: 0 }]);
  up();
  endOfRib();
  assert.equal(stage.table.rib.acceptedCount(peer.source), 30_000);
  tellMany(stage, 11);
  assert.equal(peer.dropped.overLimit, 0);
  assert.equal(stage.table.rib.acceptedCount(peer.source), 50_000);
});

test('a peer that is gone for good is forgotten when its many routes are', () => {
  const stage = many();
  const { peer } = stage.peer('peer1');
  peer.remove();
  assert.equal(stage.table.rib.sourceAt(peer.source)?.name, 'peer1');
  stage.time.advance(1000);
  assert.equal(stage.table.rib.sourceAt(peer.source), undefined);
  stage.settle();
  assert.deepEqual(sizes(stage), [0, 0, 0, 0]);
});
