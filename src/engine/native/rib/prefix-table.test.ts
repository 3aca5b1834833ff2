import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePrefix, type Family, formatPrefix, type Prefix, parsePrefix } from '../../../bgp/index.ts';
import { createPrefixTable } from './prefix-table.ts';

function read(text: string): Prefix {
  return parsePrefix(text) ?? assert.fail(text);
}

/** Few enough that the same ones come again. */
function prefixes(family: Family): fc.Arbitrary<Prefix> {
  const octets = family === 4 ? 4 : 16;
  return fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: octets * 8 }))
    .map(([seed, length]) => {
      const address = new Uint8Array(octets);
      for (let bit = 0; bit < length; bit++) {
        if (((seed * 2654435761) >>> (bit % 31)) & 1)
          address[bit >> 3] = (address[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
      }
      return { family, length, address };
    });
}

for (const family of [4, 6] as const) {
  test(`IPv${family}: numbers stand for prefixes as a map of their texts would have it`, () => {
    const steps = fc.array(fc.tuple(prefixes(family), fc.boolean()), { minLength: 1, maxLength: 3000 });
    fc.assert(
      fc.property(steps, (list) => {
        const table = createPrefixTable(family);
        const model = new Map<string, number>();
        for (const [prefix, forget] of list) {
          const nlri = encodePrefix(prefix);
          const text = formatPrefix(prefix);
          const known = model.get(text);
          assert.equal(table.find(nlri, 1, prefix.length), known ?? -1);
          if (forget) {
            if (known !== undefined) table.free(known);
            model.delete(text);
            continue;
          }
          const id = table.intern(nlri, 1, prefix.length);
          if (known !== undefined) assert.equal(id, known);
          model.set(text, id);
          const written = new Uint8Array(17);
          const end = table.writeNlri(id, written, 0);
          assert.deepEqual([...written.subarray(0, end)], [...nlri]);
          assert.equal(formatPrefix(table.prefixOf(id)), text);
        }
        assert.equal(table.count, model.size);
        assert.equal(new Set(model.values()).size, model.size, 'one number, one prefix');
        assert(table.bound <= list.length);
      }),
      { numRuns: 30 },
    );
  });
}

test('bits beyond the length do not matter', () => {
  const table = createPrefixTable(4);
  const id = table.intern(Uint8Array.of(26, 10, 1, 2, 0xff), 1, 26);
  assert.equal(table.find(Uint8Array.of(26, 10, 1, 2, 0xc0), 1, 26), id);
  assert.equal(formatPrefix(table.prefixOf(id)), '10.1.2.192/26');
});

test('a prefix and what lies in it are found together, and nothing beside it', () => {
  const cases = {
    '10.64.2.0/26': ['10.64.2.0/26', '10.64.2.32/27', '10.64.2.63/32'],
    '0.0.0.0/0': [
      '0.0.0.0/0',
      '10.64.2.0/26',
      '10.64.2.32/27',
      '10.64.2.63/32',
      '10.64.2.64/26',
      '10.64.2.0/25',
    ],
    'fd64:0:0:1::/122': ['fd64:0:0:1::/122', 'fd64:0:0:1::3f/128'],
    'fd64:0:0:1::/64': ['fd64:0:0:1::/64', 'fd64:0:0:1::/122', 'fd64:0:0:1::3f/128', 'fd64:0:0:1::40/122'],
  };
  const beside = ['fd64::/48', 'fd64:0:0:2::/64'];
  const all = [...new Set([...Object.values(cases).flat(), ...beside])].map((text) => read(text));
  for (const [outer, inner] of Object.entries(cases)) {
    const { family, length } = read(outer);
    const table = createPrefixTable(family);
    for (const prefix of all) {
      if (prefix.family === family) table.intern(encodePrefix(prefix), 1, prefix.length);
    }
    const found = table
      .within(encodePrefix(read(outer)), 1, length)
      .map((id) => formatPrefix(table.prefixOf(id)));
    assert.deepEqual(found.sort(), [...inner].sort(), outer);
  }
});

test('a hundred thousand prefixes are found again', () => {
  const table = createPrefixTable(4);
  const nlri = (index: number): Uint8Array =>
    Uint8Array.of(26, 10 + (index >> 16), (index >> 8) & 0xff, index & 0xff, (index & 3) << 6);
  for (let index = 0; index < 100_000; index++) assert.equal(table.intern(nlri(index), 1, 26), index);
  for (let index = 0; index < 100_000; index += 7) table.free(index);
  for (let index = 0; index < 100_000; index++) {
    assert.equal(table.find(nlri(index), 1, 26), index % 7 === 0 ? -1 : index);
  }
});
