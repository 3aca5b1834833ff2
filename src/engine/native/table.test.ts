/** Peers that change between update groups, at any time and as often as they like. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nativeStage, stageSession } from '../../../test/support/native-stage.ts';
import { REFRESH } from '../../bgp/index.ts';
import { prefixText } from './prefix-text.ts';

const PREFIXES = ['10.0.0.0/26', '10.0.1.0/26', '10.1.0.0/26', '10.1.1.0/26'] as const;

interface Bound {
  /** What a peer may be told; null: all. */
  readonly within: readonly string[] | null;
  readonly prefixes: readonly string[];
}

const ALL: Bound = { within: null, prefixes: PREFIXES };
const BOUNDS: readonly Bound[] = [
  ALL,
  { within: ['10.0.0.0/16'], prefixes: ['10.0.0.0/26', '10.0.1.0/26'] },
  { within: ['10.1.0.0/16', '10.0.0.0/24'], prefixes: ['10.1.0.0/26', '10.1.1.0/26', '10.0.0.0/26'] },
];
const NAMES = ['peer1', 'peer2', 'peer3', 'peer4'] as const;

const events = fc.array(
  fc.record({
    what: fc.constantFrom(
      ...([
        'announce',
        'announce',
        'withdraw',
        'bound',
        'bound',
        'bounds',
        'work',
        'work',
        'settle',
      ] as const),
      ...(['refresh', 'slow', 'drained', 'lost', 'closed', 'up', 'up'] as const),
    ),
    name: fc.constantFrom(...NAMES),
    number: fc.nat(3),
  }),
  { minLength: 1, maxLength: 60, size: 'max' },
);

test('who comes back is not left with a route that its own has taken the place of meanwhile', () => {
  const stage = nativeStage([1, 2, 3].map((host) => stageSession(host)));
  const [listening, other, returning] = ['peer1', 'peer2', 'peer3'].map(stage.peer);
  assert.ok(listening !== undefined && other !== undefined && returning !== undefined);
  other.up();
  other.announce(['10.0.0.0/26']);
  returning.up();
  returning.announce(['10.0.0.0/26'], { localPref: 50 });
  returning.endOfRib();
  returning.down(undefined, [{ family: 4, seconds: 120, longLivedSeconds: 0 }]);
  listening.up();
  stage.settle();
  other.withdraw(['10.0.0.0/26']);
  stage.settle();
  returning.up();
  stage.settle();
  assert.equal(listening.ear.routes.size, 1);
  assert.deepEqual([...returning.ear.routes.keys()], []);
});

test('whatever policies peers are given, and when, each ends up with what its last one says, and is told one end', () => {
  fc.assert(
    fc.property(events, (list) => {
      const sessions = NAMES.map((_, index) => stageSession(index + 1));
      const stage = nativeStage(sessions, {}, {}, null, 200);
      const bounds = new Map<string, Bound>();
      const bind = (names: readonly string[], bound: Bound): void => {
        const terms = names.flatMap((name) => {
          const { peer } = stage.peer(name);
          const before = peer.terms();
          if (before === null) return [];
          bounds.set(name, bound);
          return [[peer.source, { ...before, within: bound.within }] as const];
        });
        stage.table.retarget(new Map(terms));
      };
      for (const name of NAMES) stage.peer(name).up();
      for (const { what, name, number } of list) {
        const { announce, down, drained, peer, slow, up, withdraw } = stage.peer(name);
        const prefix = PREFIXES[number] ?? assert.fail();
        const isUp = peer.negotiated !== null;
        let left = number;
        switch (what) {
          case 'announce':
            if (isUp) announce([prefix], { med: number });
            break;
          case 'withdraw':
            if (isUp) withdraw([prefix]);
            break;
          case 'bound':
            bind([name], BOUNDS[number % BOUNDS.length] ?? ALL);
            break;
          case 'bounds':
            bind(NAMES, BOUNDS[number % BOUNDS.length] ?? ALL);
            break;
          case 'slow':
            slow(number + 1);
            break;
          case 'drained':
            drained();
            break;
          case 'lost':
            if (isUp) down(undefined, [{ family: 4, seconds: 120, longLivedSeconds: 0 }]);
            break;
          case 'closed':
            if (isUp) down();
            break;
          case 'up':
            if (isUp) break;
            bounds.delete(name);
            up();
            break;
          case 'work':
            if (number > 1) stage.table.begin();
            stage.table.work(() => left-- > 0);
            break;
          case 'settle':
            stage.settle();
            break;
          case 'refresh':
            peer.events.routeRefresh({ afi: 1, safi: 1, subtype: REFRESH.request });
            break;
          default:
            what satisfies never;
        }
      }
      for (const name of NAMES) stage.peer(name).drained();
      stage.settle();
      const { rib } = stage.table;
      for (const name of NAMES) {
        const { ear, peer } = stage.peer(name);
        if (peer.negotiated === null) continue;
        const expected: string[] = [];
        for (let id = 0; id < rib.prefixes.bound; id++) {
          const best = rib.best(id);
          const text = prefixText(rib.prefixes, id);
          if (best === undefined || best.source.index === peer.source) continue;
          if ((bounds.get(name) ?? ALL).prefixes.includes(text)) {
            expected.push(`${text} ${best.source.routerId}`);
          }
        }
        const told = [...ear.routes].map(([text, said]) => {
          const nextHop = said.split(' ')[1] ?? '';
          return `${text} ${Number.parseInt(nextHop, 16)}`;
        });
        assert.deepEqual(told.sort(), expected.sort(), name);
        assert.equal(ear.endOfRibs, 1, name);
      }
    }),
    { numRuns: 300 },
  );
});

test('numbers that a slow peer still needs are kept for as long as it does, and then given to others', () => {
  const stage = nativeStage([stageSession(1), stageSession(2), stageSession(3)]);
  for (const name of ['peer1', 'peer2']) stage.peer(name).up();
  const { announce, withdraw } = stage.peer('peer1');
  announce(['10.9.0.0/26']);
  const { peer: slow } = stage.peer('peer3');
  const terms = stage.peer('peer2').peer.terms() ?? assert.fail();
  const heard: number[] = [];
  let takes = false;
  stage.table.join({ source: slow.source, write: (chunks) => heard.push(chunks.length) > 0 && takes }, terms);
  stage.settle();
  const prefixes = [...Array(200).keys()].map((host) => `10.1.${host}.0/26`);
  announce(prefixes);
  stage.settle();
  withdraw(prefixes);
  stage.settle();
  announce(['10.2.0.0/26']);
  withdraw(['10.2.0.0/26']);
  stage.settle();
  const { rib } = stage.table;
  assert.equal(rib.empty, 201);
  takes = true;
  stage.table.drained(slow.source);
  stage.settle();
  stage.table.tidy();
  stage.settle();
  assert.deepEqual([rib.empty, rib.prefixes.count], [0, 1]);
  assert.equal(heard.length, 2);
});
