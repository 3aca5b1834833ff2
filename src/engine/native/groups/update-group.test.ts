import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Listener,
  listener,
  octetsOf,
  prefixIn,
  setOf,
  sourceOf,
} from '../../../../test/support/routes.ts';
import { decodeRouteRefresh, formatPrefix, REFRESH } from '../../../bgp/index.ts';
import { createAttributeSets, sameBytes } from '../rib/attribute-sets.ts';
import { createRib, type NumberedRoute, pathIdTold, type Rib } from '../rib/rib.ts';
import { countMessages } from '../session/message-count.ts';
import { createUpdateGroup, type Export, type PathChoice, type UpdateGroup } from './update-group.ts';

/** Tells everything as it is. */
const PLAIN: Export = (_prefix, _source, attributes) => attributes;

interface Stage {
  readonly rib: Rib;
  readonly group: UpdateGroup;
  announce(source: number, prefix: string, med: number, path?: number): void;
  withdraw(source: number, prefix: string, path?: number): void;
  /** Passes on what changed, and lets everybody have what they take. */
  flush(): void;
  /** As `flush`, but nobody has anything of it yet: time is over. */
  note(): void;
  join(source: number): Peer;
  leave(source: number): void;
  /** What a peer has to know in the end. */
  expected(source: number): ReadonlyMap<string, string>;
}

interface Peer extends Listener {
  /** How many writes it takes before it takes no more. */
  room: number;
}

/** The used route is told; or all routes; or so many, each with another next hop. */
type Told = 'best' | 'all' | number;

function stage(keptOctets?: number, told: Told = 'best'): Stage {
  const rib = createRib(4, createAttributeSets());
  for (let index = 0; index < 6; index++) rib.addSource((number) => sourceOf(number));
  const byPath = told !== 'best';
  const paths: PathChoice = {
    forEach: rib.forEachPath,
    choose: rib.choose,
    most: told === 'all' ? null : Number(told),
  };
  const options = {
    table: byPath ? rib.paths : rib.prefixes,
    longest: 4096,
    best: rib.best,
    paths: byPath ? paths : null,
  };
  rib.tellByNumber(byPath);
  const group = createUpdateGroup(keptOctets === undefined ? options : { ...options, keptOctets }, PLAIN);
  const isFree = (id: number): boolean => !group.isTold(id) && group.changedAt(id) <= group.settled;
  const note = (): void => group.flush(rib.takeChanged(1_000_000));
  const flush = (): void => {
    note();
    assert(group.distribute(() => true));
    rib.freePaths(isFree);
    assert(rib.freeEmpty(byPath ? () => true : isFree, 1_000_000));
  };
  const chosen = (prefix: number): readonly NumberedRoute[] => {
    if (!byPath) return [rib.best(prefix) ?? []].flat();
    const left = rib.routesOf(prefix).flatMap(({ route, source, used }): NumberedRoute[] => {
      return used === null ? [] : [{ route, source, attributes: used }];
    });
    if (told === 'all') return left;
    const list: NumberedRoute[] = [];
    while (left.length > 0 && list.length < told) {
      for (const best of left.splice(rib.choose(left), 1)) {
        const { nextHop } = best.attributes;
        if (!list.some(({ attributes }) => sameBytes(attributes.nextHop, nextHop))) list.push(best);
      }
    }
    return list;
  };
  return {
    rib,
    group,
    announce(source, prefix, med, path = 0) {
      const nextHop = octetsOf(`10.0.0.${1 + ((source + path) % 3)}`);
      const set = setOf(rib.sets, { med, originatorId: source + 1, ...(byPath ? { nextHop } : {}) });
      rib.put(source, prefixIn(rib.prefixes, prefix), set, rib.sets.hold(set), path);
    },
    withdraw(source, prefix, path = 0) {
      rib.remove(source, prefixIn(rib.prefixes, prefix), path);
      rib.abandon(prefixIn(rib.prefixes, prefix));
    },
    flush,
    note,
    join(source) {
      const peer: Peer = Object.assign(
        listener(() => byPath),
        { room: Number.POSITIVE_INFINITY },
      );
      group.join({
        source,
        write(chunks, messages) {
          assert(peer.room > 0, 'nothing may be written before `drained`');
          const counted = chunks.reduce((sum, chunk) => sum + countMessages(chunk), 0);
          assert.equal(messages, counted, 'messages that are told of');
          peer.hear(chunks);
          peer.room--;
          return peer.room > 0;
        },
      });
      return peer;
    },
    leave: (source) => group.leave(source),
    expected(source) {
      const routes = new Map<string, string>();
      for (let prefix = 0; prefix < rib.prefixes.bound; prefix++) {
        for (const one of chosen(prefix)) {
          if (one.source.index === source) continue;
          const { bytes, nextHop } = one.attributes;
          const text = `${Buffer.from(bytes).toString('hex')} ${Buffer.from(nextHop).toString('hex')}`;
          const name = formatPrefix(rib.prefixes.prefixOf(prefix));
          routes.set(byPath ? `${name} path ${pathIdTold(one.route)}` : name, text);
        }
      }
      return routes;
    },
  };
}

test('a route goes to everybody but to the peer that it came from', () => {
  const { group, announce, flush, join, withdraw } = stage();
  const peers = [0, 1, 2].map(join);
  announce(0, '10.1.0.0/26', 1);
  announce(1, '10.2.0.0/26', 1);
  flush();
  assert.deepEqual(
    peers.map((peer) => [...peer.routes.keys()].sort()),
    [['10.2.0.0/26'], ['10.1.0.0/26'], ['10.1.0.0/26', '10.2.0.0/26']],
  );
  assert.deepEqual([0, 1, 2, 3].map(group.countFor), [1, 1, 2, 0]);
  withdraw(0, '10.1.0.0/26');
  flush();
  assert.deepEqual([...(peers[2]?.routes.keys() ?? [])], ['10.2.0.0/26']);
  assert.equal(peers[0]?.told, 1, 'it is not told that its own route is gone');
});

test('a peer whose own route becomes the best loses the one that it was told', () => {
  const { announce, flush, join, withdraw } = stage();
  const [first, second] = [0, 1].map(join);
  announce(1, '10.1.0.0/26', 5);
  flush();
  assert.deepEqual([...(first?.routes.keys() ?? [])], ['10.1.0.0/26']);
  announce(0, '10.1.0.0/26', 1);
  flush();
  assert.deepEqual([...(first?.routes.keys() ?? [])], []);
  assert.deepEqual([...(second?.routes.keys() ?? [])], ['10.1.0.0/26']);
  withdraw(0, '10.1.0.0/26');
  flush();
  assert.deepEqual([...(first?.routes.keys() ?? [])], ['10.1.0.0/26']);
  assert.deepEqual([...(second?.routes.keys() ?? [])], []);
});

test('a new peer is told the table and then End-of-RIB', () => {
  const { announce, flush, join } = stage();
  for (let index = 0; index < 9000; index++)
    announce(index % 3, `10.${index >> 8}.${index & 255}.0/26`, index % 7);
  flush();
  const peer = join(4);
  flush();
  assert.equal(peer.routes.size, 9000);
  assert.equal(peer.told, 9000);
  assert.equal(peer.endOfRibs, 1);
});

test('peers that start together share the encoded pieces', () => {
  const { announce, flush, join, rib } = stage();
  for (let index = 0; index < 5000; index++) announce(0, `10.${index >> 8}.${index & 255}.0/26`, 1);
  flush();
  const chunks: (readonly Uint8Array[])[] = [];
  const group = createUpdateGroup({ table: rib.prefixes, longest: 4096, best: rib.best, paths: null }, PLAIN);
  group.prime(0, rib.prefixes.bound);
  for (const source of [3, 4]) {
    group.join({ source, write: (written) => chunks.push(written) > 0 });
  }
  group.distribute(() => true);
  assert.equal(chunks.length, 2);
  assert(chunks[0]?.[0] !== undefined && chunks[0][0].length > 0);
  assert.equal(chunks[0]?.[0]?.buffer, chunks[1]?.[0]?.buffer, 'the same octets, not a copy');
  join(5);
});

test('what was superseded is never sent to a slow peer', () => {
  const { announce, flush, group, join } = stage(1000);
  const slow = join(4);
  flush();
  slow.room = 1;
  announce(0, '10.0.0.0/26', 0);
  flush();
  const before = slow.octets;
  for (let round = 0; round < 2000; round++) {
    for (let index = 0; index < 5; index++) announce(0, `10.0.${index}.0/26`, round + 1);
    flush();
  }
  slow.room = Number.POSITIVE_INFINITY;
  group.drained(4);
  flush();
  assert.equal(slow.routes.size, 5);
  assert(slow.octets - before < 1000, `${slow.octets - before} octets for five routes`);
});

test('a slow peer is told that a prefix is gone, even when the prefix was forgotten and its number used again', () => {
  const { announce, flush, group, join, withdraw } = stage(0);
  const slow = join(4);
  const quick = join(5);
  announce(0, '10.0.0.0/26', 0);
  flush();
  slow.room = 1;
  announce(0, '10.0.9.0/26', 0);
  flush();
  withdraw(0, '10.0.0.0/26');
  flush();
  announce(0, '10.0.1.0/26', 0);
  flush();
  assert.deepEqual([...quick.routes.keys()].sort(), ['10.0.1.0/26', '10.0.9.0/26']);
  slow.room = Number.POSITIVE_INFINITY;
  group.drained(4);
  flush();
  assert.deepEqual([...slow.routes.keys()].sort(), ['10.0.1.0/26', '10.0.9.0/26']);
});

test('a slow peer that knows the very first version is told what went since', () => {
  const { announce, flush, group, join, rib, withdraw } = stage(0);
  announce(0, '10.0.0.0/26', 0);
  rib.takeChanged(100);
  group.prime(0, rib.prefixes.bound);
  const slow = join(4);
  slow.room = 1;
  flush();
  assert.deepEqual([...slow.routes.keys()], ['10.0.0.0/26']);
  withdraw(0, '10.0.0.0/26');
  announce(0, '10.0.1.0/26', 0);
  flush();
  slow.room = Number.POSITIVE_INFINITY;
  group.drained(4);
  flush();
  assert.deepEqual([...slow.routes.keys()], ['10.0.1.0/26']);
});

test('who shares what was encoded before it came loses what its own route has taken the place of', () => {
  const { announce, flush, group, join } = stage(200);
  const slow = join(4);
  announce(0, '10.0.0.0/26', 0);
  flush();
  slow.room = 1;
  announce(0, '10.0.1.0/26', 0);
  flush();
  // More than is kept: the slow one will need a walk.
  for (let index = 0; index < 60; index++) announce(0, `10.1.${index}.0/26`, 0);
  announce(0, '10.0.9.0/26', 5);
  flush();
  join(5);
  flush();
  announce(1, '10.0.9.0/26', 0);
  flush();
  slow.room = Number.POSITIVE_INFINITY;
  group.drained(4);
  flush();
  // Begins with the walk of 5, goes on with that of 4.
  const late = join(1);
  for (let index = 0; index < 25; index++) announce(0, `10.2.${index}.0/26`, 0);
  flush();
  assert.equal(late.routes.size, 87);
  assert(!late.routes.has('10.0.9.0/26'));
});

test('a refresh tells everything again between BoRR and EoRR (RFC 7313)', () => {
  const { announce, flush, group, rib } = stage();
  const written: Uint8Array[] = [];
  group.join({ source: 4, write: (chunks) => written.push(...chunks) > 0 });
  announce(0, '10.0.0.0/26', 0);
  group.flush(rib.takeChanged(100));
  group.distribute(() => true);
  written.length = 0;
  group.refresh(4, true);
  flush();
  const [first, second, third, ...rest] = written;
  assert(first !== undefined && second !== undefined && third !== undefined);
  assert.equal(decodeRouteRefresh(first, true).subtype, REFRESH.begin);
  const ear = listener();
  ear.hear([second]);
  assert.deepEqual([...ear.routes.keys()], ['10.0.0.0/26']);
  assert.equal(decodeRouteRefresh(third, true).subtype, REFRESH.end);
  assert.deepEqual(rest, []);
});

test('a peer that moves in from another group is told the difference and no End-of-RIB', () => {
  const { announce, flush, rib } = stage();
  announce(0, '10.0.0.0/26', 0);
  announce(0, '10.0.1.0/26', 0);
  const options = { table: rib.prefixes, longest: 4096, best: rib.best, paths: null };
  const wide = createUpdateGroup(options, PLAIN);
  const narrow = createUpdateGroup(options, (prefix, _source, set) =>
    prefix === prefixIn(rib.prefixes, '10.0.1.0/26') ? set : null,
  );
  const ear = listener();
  const write = (chunks: readonly Uint8Array[]): boolean => {
    ear.hear(chunks);
    return true;
  };
  const serve = (group: UpdateGroup): void => assert(group.distribute(() => true));
  for (const group of [wide, narrow]) group.prime(0, rib.prefixes.bound);
  wide.join({ source: 4, write });
  serve(wide);
  assert.equal(ear.routes.size, 2);
  narrow.moveIn({ source: 4, write }, wide.standingOf(4) ?? assert.fail());
  wide.leave(4);
  serve(narrow);
  assert.deepEqual([...ear.routes.keys()], ['10.0.1.0/26']);
  assert.equal(ear.endOfRibs, 1, 'the one of the first group');
  flush();
});

test('peers that move in together share the encoded pieces', () => {
  const { announce, rib } = stage();
  for (let index = 0; index < 100; index++) announce(0, `10.0.${index}.0/26`, 1);
  const options = { table: rib.prefixes, longest: 4096, best: rib.best, paths: null };
  const [from, to] = [createUpdateGroup(options, () => null), createUpdateGroup(options, PLAIN)];
  for (const group of [from, to]) group.prime(0, rib.prefixes.bound);
  const chunks: (readonly Uint8Array[])[] = [];
  const members = [3, 4].map((source) => ({
    source,
    write: (one: readonly Uint8Array[]) => chunks.push(one) > 0,
  }));
  for (const member of members) from.join(member);
  from.distribute(() => true);
  chunks.length = 0;
  for (const member of members) {
    to.moveIn(member, from.standingOf(member.source) ?? assert.fail());
    from.leave(member.source);
  }
  to.distribute(() => true);
  assert.equal(chunks.length, 2);
  assert(chunks[0]?.[0] !== undefined && chunks[0][0].length > 0);
  assert.equal(chunks[0]?.[0]?.buffer, chunks[1]?.[0]?.buffer, 'the same octets, not a copy');
});

/** Anything that may happen, in any order. */
const events = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant('announce' as const), fc.nat(5), fc.nat(11), fc.nat(3)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('withdraw' as const), fc.nat(5), fc.nat(11), fc.nat(3)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('flush' as const), fc.nat(0), fc.nat(0), fc.nat(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('note' as const), fc.nat(0), fc.nat(0), fc.nat(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('join' as const), fc.nat(5), fc.nat(0), fc.nat(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('leave' as const), fc.nat(5), fc.nat(0), fc.nat(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('slow' as const), fc.nat(5), fc.nat(0), fc.nat(2)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('drained' as const), fc.nat(5), fc.nat(0), fc.nat(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('refresh' as const), fc.nat(5), fc.nat(0), fc.nat(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('tidy' as const), fc.nat(0), fc.nat(0), fc.nat(0)) },
  ),
  { minLength: 1, maxLength: 120, size: 'max' },
);

const RUNS: readonly (readonly [number, Told, string])[] = [
  ...[0, 200, 1_000_000].map((kept) => [kept, 'best', 'the best routes'] as const),
  ...[0, 300].map((kept) => [kept, 'all', 'all paths'] as const),
  [300, 2, 'the two best paths'],
];

for (const [kept, told, what] of RUNS) {
  test(`whatever happens, every peer ends up with ${what} (${kept} octets of batches kept)`, () => {
    fc.assert(
      fc.property(events, (list) => {
        const { announce, expected, flush, group, join, leave, note, rib, withdraw } = stage(kept, told);
        const peers = new Map<number, Peer>();
        // It was there before the group.
        announce(5, '10.0.0.0/26', 1);
        rib.takeChanged(1);
        group.prime(0, rib.prefixes.bound);
        for (const [event, source, host, med] of list) {
          const peer = peers.get(source);
          const prefix = `10.0.${told === 'best' ? host : host % 4}.0/26`;
          const path = told === 'best' ? 0 : host % 3;
          switch (event) {
            case 'announce':
              announce(source, prefix, med, path);
              break;
            case 'withdraw':
              withdraw(source, prefix, path);
              break;
            case 'flush':
              flush();
              break;
            case 'note':
              note();
              break;
            case 'join':
              if (peer === undefined) peers.set(source, join(source));
              break;
            case 'leave':
              peers.delete(source);
              leave(source);
              break;
            case 'slow':
              if (peer !== undefined && peer.room > 0) peer.room = med + 1;
              break;
            case 'drained':
              if (peer !== undefined && peer.room <= 0) {
                peer.room = med + 1;
                group.drained(source);
              }
              break;
            case 'refresh':
              group.refresh(source, false);
              break;
            case 'tidy':
              group.tidy();
              break;
            default:
              event satisfies never;
          }
        }
        for (const [source, peer] of peers) {
          const wasBlocked = peer.room <= 0;
          peer.room = Number.POSITIVE_INFINITY;
          if (wasBlocked) group.drained(source);
        }
        flush();
        for (const [source, peer] of peers) {
          assert.deepEqual(
            new Map([...peer.routes].sort()),
            new Map([...expected(source)].sort()),
            `peer ${source}`,
          );
          assert.equal(group.countFor(source), peer.routes.size);
          assert.equal(peer.endOfRibs, 1);
        }
        assert.equal(group.behind, 0);
      }),
      { numRuns: 400 },
    );
  });
}
