/**
 * A reflector that runs for months: what it keeps after millions of changes. Sixty clients and a fellow reflector announce,
 * withdraw, go and come back, gracefully or not; prefixes and attributes are new ones all the time. Everything of the
 * native engine but sockets runs, in simulated time. `--changes N` does fewer.
 */
import assert from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { type NativeStage, nativeStage, stageFellow, stageSession } from '../test/support/native-stage.ts';
import { type BenchRow, printResult } from './result.ts';

const CLIENTS = 60;
const LOOKS = 20;
/** Prefixes of one announcement or withdrawal. */
const TOGETHER = 10;
/** Prefixes come from so many; those of the first thousand come again and again, the others in turn. */
const PREFIXES = 2 ** 20;
const OFTEN = 800;
const MIB = 2 ** 20;

interface Look {
  readonly changes: number;
  readonly heap: number;
  readonly arrays: number;
  readonly rss: number;
  readonly prefixes: number;
  readonly numbers: number;
  readonly routes: number;
  readonly sets: number;
}

/** The same numbers in every run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

function prefixText(number: number): string {
  return `${10 + (number >> 18)}.${(number >> 10) & 255}.${(number >> 2) & 255}.${(number & 3) << 6}/26`;
}

function lookAt({ table: { rib } }: NativeStage, changes: number): Look {
  assert(globalThis.gc !== undefined, 'run by bench/run.ts');
  globalThis.gc();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return {
    changes,
    heap: heapUsed / MIB,
    arrays: arrayBuffers / MIB,
    rss: rss / MIB,
    prefixes: rib.prefixes.count,
    numbers: rib.prefixes.bound,
    routes: rib.routes,
    sets: rib.sets.count,
  };
}

function soak(most: number): readonly Look[] {
  const sessions = [...Array(CLIENTS).keys()].map((index) => stageSession(index + 1));
  const stage = nativeStage([...sessions, stageFellow(200)]);
  const names = [...sessions.map(({ name }) => name), 'peer200'];
  const below = chance(1);
  // What peers were told is their memory and not ours.
  for (const name of names) Object.assign(stage.peer(name).ear, { hear: () => undefined });
  const looks: Look[] = [];
  let changes = 0;
  let fresh = 0;
  while (changes < most) {
    const { announce, down, endOfRib, peer, up, withdraw } = stage.peer(names[below(names.length)] ?? '');
    const what = below(1000);
    if (peer.negotiated === null) up();
    else if (what === 0) down(undefined, [{ family: 4, seconds: 60, longLivedSeconds: below(2) * 100 }]);
    else if (what === 1) down();
    else if (what === 2) endOfRib();
    else if (what === 3) {
      stage.time.advance(30_000);
      stage.table.tidy();
    } else if (what < 100) stage.settle();
    else {
      const first = below(OFTEN);
      const prefixes = Array.from({ length: TOGETHER }, (_, index) =>
        prefixText(what < 300 ? fresh++ % PREFIXES : first + index),
      );
      if (what < 600) announce(prefixes, { communities: [fresh & 0xffffff], med: below(5) });
      else withdraw(prefixes);
      changes += TOGETHER;
    }
    if (changes >= ((looks.length + 1) * most) / LOOKS) {
      stage.settle();
      looks.push(lookAt(stage, changes));
    }
  }
  for (const name of names) stage.peer(name).peer.remove();
  stage.settle();
  looks.push(lookAt(stage, changes));
  return looks;
}

const { values } = parseArgs({ options: { changes: { type: 'string', default: '3000000' } } });
const looks = soak(Number(values.changes));
const [last, end] = looks.slice(-2);
const early = looks[Math.floor(LOOKS / 2) - 1];
assert(early !== undefined && last !== undefined && end !== undefined);
const mib = (value: number): string => `${value.toFixed(1)} MiB`;
const growth = (last.heap + last.arrays) / (early.heap + early.arrays);
const left = end.prefixes + end.routes + end.sets;
const rows: readonly BenchRow[] = [
  {
    what: 'heap and arrays after all changes, to those after half of them',
    measured: `${growth.toFixed(2)} times`,
    target: '1.25 times',
    met: growth <= 1.25,
  },
  {
    what: 'numbers of prefixes after all changes, to those after half of them',
    measured: `${(last.numbers / early.numbers).toFixed(2)} times`,
    target: '1.25 times',
    met: last.numbers <= early.numbers * 1.25,
  },
  {
    what: 'routes, prefixes and sets of attributes that are left when all peers are gone',
    measured: String(left),
    target: '0',
    met: left === 0,
  },
];
printResult({
  title: 'What is kept after millions of changes',
  how: `${CLIENTS} clients and a fellow reflector announce and withdraw, go and come back; prefixes and attributes are new ones all the time, so that none may be kept for good. Everything of the native engine but sockets runs, in simulated time.`,
  rows,
  tables: [
    {
      title: 'On the way',
      columns: ['changes', 'heap', 'arrays', 'RSS', 'prefixes', 'their numbers', 'routes', 'sets'],
      rows: looks
        .filter((_, index) => index % 4 === 3 || index === looks.length - 1)
        .map((look) => [
          look === end ? 'all peers gone' : String(look.changes),
          ...[look.heap, look.arrays, look.rss].map(mib),
          ...[look.prefixes, look.numbers, look.routes, look.sets].map(String),
        ]),
    },
  ],
});
