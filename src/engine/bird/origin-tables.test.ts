/** What the numbers and entries have to be; what BIRD makes of them is in test/contract/engine-origins.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf, prefix } from '../../../test/contract/engine.ts';
import { originNumbers, originTables } from './origin-tables.ts';

const net = { port: 179, address: (host: number) => `10.0.0.${host}` };
const sessions = [11, 12].map((host) => clientOf(net, host));
const all = (): boolean => true;

test('a node keeps its number whoever is beside it, and those that are not judged have none', () => {
  const both = originNumbers(sessions, all);
  const alone = originNumbers(sessions.slice(1), all);
  assert.equal(both.size, 2);
  assert.equal(alone.get('n12'), both.get('n12'));
  assert.deepEqual([...originNumbers(sessions, (name) => name === 'n12')], [...alone]);
  const fellow = clientOf(net, 13, { kind: 'reflector' });
  assert.deepEqual([...originNumbers([...sessions, fellow], all)], [...both]);
});

test('two nodes of one hash have numbers of their own', () => {
  // The SHA-256 of both begins with c43c4589.
  const names = ['n18622', 'n41826'];
  const numbers = originNumbers(
    names.map((peerName, at) => clientOf(net, 20 + at, { peerName })),
    all,
  );
  const [first, second] = names.map((name) => numbers.get(name));
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(second, first + 1);
});

test('what nobody here may announce has a number that nobody has', () => {
  const numbers = new Map([['n11', 7]]);
  const owned = new Map([
    [prefix('10.64.12.0/26'), ['n12', 'n13']],
    [prefix('10.64.11.0/26'), ['n12', 'n11']],
    [prefix('fd64::/122'), ['n11']],
  ]);
  const shared = [prefix('10.96.0.0/12'), prefix('10.96.0.0/12')];
  const { blocks, ranges } = originTables({ isJudged: all, owned, shared }, numbers, true);
  assert.deepEqual(blocks, [
    '  route 10.64.11.0/26 max 32 as 7;',
    '  route 10.64.12.0/26 max 32 as 0;',
    '  route fd64::/122 max 128 as 7;',
  ]);
  assert.deepEqual(ranges, ['  route 10.96.0.0/12 max 32 as 1;']);
});
