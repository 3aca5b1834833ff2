import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createSelections } from './selections.ts';

test('a selector is followed until it was released as often as it was held', () => {
  const selections = createSelections('matches');
  selections.put({ name: 'n1', labels: { a: 'x' } });
  selections.hold('has(a)');
  selections.hold('has(a)');
  assert.deepEqual([...selections.foundBy('has(a)')], ['n1']);
  selections.release('has(a)');
  assert.deepEqual([...selections.foundBy('has(a)')], ['n1']);
  selections.release('has(a)');
  assert.deepEqual([...selections.foundBy('has(a)')], []);
  assert.deepEqual(selections.selectorsOf('n1'), []);
  selections.put({ name: 'n1', labels: { a: 'y' } });
  assert.deepEqual(selections.selectorsOf('n1'), []);
});

test('whoever is not put again in a reload is gone, and so is what nobody holds any more', () => {
  const selections = createSelections('matches');
  selections.hold('has(a)');
  selections.hold('has(b)');
  for (const name of ['n1', 'n2']) selections.put({ name, labels: { a: '', b: '' } });
  selections.startReload();
  selections.hold('has(a)');
  selections.put({ name: 'n2', labels: { a: '', b: '' } });
  selections.finishReload();
  assert.deepEqual([...selections.foundBy('has(a)')], ['n2']);
  assert.deepEqual([...selections.foundBy('has(b)')], []);
  assert.deepEqual(selections.selectorsOf('n1'), []);
  selections.put({ name: 'n2', labels: { a: 'x', b: 'x' } });
  assert.deepEqual(selections.selectorsOf('n2'), ['has(a)']);
});

test('it tells whether other selectors find one than before', () => {
  const selections = createSelections('matches');
  selections.hold("a == 'x'");
  assert.equal(selections.put({ name: 'n1', labels: {} }), false);
  assert.equal(selections.put({ name: 'n1', labels: { a: 'x' } }), true);
  assert.equal(selections.put({ name: 'n1', labels: { a: 'x', b: 'y' } }), false);
  assert.equal(selections.put({ name: 'n1', labels: { a: 'y' } }), true);
});

const TEXTS = [
  'all()',
  'has(a)',
  "a == 'x'",
  "a in {'x', 'y'}",
  "a != 'x'",
  "a == 'x' && has(b)",
  '!has(b)',
  'a in {}',
];
const anyLabels = fc.constantFrom<Readonly<Record<string, string>>[]>(
  {},
  { a: 'x' },
  { a: 'y' },
  { b: '' },
  { a: 'x', b: '' },
);
const anyAct = fc.record({
  act: fc.constantFrom('hold', 'hold', 'release', 'put', 'put', 'put', 'delete'),
  text: fc.constantFrom(...TEXTS),
  name: fc.constantFrom('n1', 'n2', 'n3'),
  labels: anyLabels,
});

test('however it came about, everyone is found by exactly those held selectors that match', () => {
  const alone = new Map(
    TEXTS.map((text) => {
      const single = createSelections('matches');
      single.hold(text);
      return [
        text,
        (labels: Readonly<Record<string, string>>) => {
          single.put({ name: 'it', labels });
          return single.foundBy(text).has('it');
        },
      ] as const;
    }),
  );
  fc.assert(
    fc.property(fc.array(anyAct, { maxLength: 40 }), (acts) => {
      const selections = createSelections('matches');
      const held = new Map<string, number>();
      const members = new Map<string, Readonly<Record<string, string>>>();
      for (const { act, text, name, labels } of acts) {
        if (act === 'hold') {
          selections.hold(text);
          held.set(text, (held.get(text) ?? 0) + 1);
        } else if (act === 'release') {
          selections.release(text);
          held.set(text, Math.max(0, (held.get(text) ?? 0) - 1));
        } else if (act === 'put') {
          selections.put({ name, labels });
          members.set(name, labels);
        } else {
          selections.delete(name);
          members.delete(name);
        }
      }
      for (const text of TEXTS) {
        const expected = [...members]
          .filter(([, labels]) => (held.get(text) ?? 0) > 0 && alone.get(text)?.(labels))
          .map(([name]) => name);
        assert.deepEqual([...selections.foundBy(text)].sort(), expected.sort());
        for (const name of ['n1', 'n2', 'n3']) {
          assert.equal(selections.selectorsOf(name).includes(text), expected.includes(name));
        }
      }
      for (const name of members.keys()) {
        const list = selections.selectorsOf(name);
        assert.deepEqual([...new Set(list)].sort(), list);
      }
    }),
  );
});
