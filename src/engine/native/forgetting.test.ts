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
