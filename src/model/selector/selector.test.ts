import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  describeFault,
  type Expression,
  isSelector,
  type Labels,
  parseSelector,
  type Selector,
  showFault,
} from './selector.ts';

function selector(text: string): Selector {
  const parsed = parseSelector(text);
  assert.ok(isSelector(parsed), `${JSON.stringify(text)}: ${isSelector(parsed) ? '' : parsed.message}`);
  return parsed;
}

/** Selector, labels that it matches, labels that it does not match. */
const MEANINGS: readonly (readonly [string, readonly Labels[], readonly Labels[]])[] = [
  ['all()', [{}, { a: 'x' }], []],
  ['all( \t)', [{}], []],
  ['global()', [{}], []],
  ['', [{}, { a: 'x' }], []],
  [' \t ', [{}], []],
  ['!all()', [], [{}]],
  ['has(a)', [{ a: '' }, { a: 'x' }], [{}, { b: 'x' }]],
  ['has( \ta )', [{ a: 'x' }], [{}]],
  ['!has(a)', [{}, { b: 'x' }], [{ a: 'x' }]],
  ['!!has(a)', [{ a: 'x' }], [{}]],
  ['! ! ! has(a)', [{}], [{ a: 'x' }]],
  ["a == 'x'", [{ a: 'x' }], [{}, { a: 'X' }, { a: 'xy' }]],
  ['a=="x"', [{ a: 'x' }], [{}]],
  ["a == ''", [{ a: '' }], [{}, { a: 'x' }]],
  ["a == 'it\"s'", [{ a: 'it"s' }], [{ a: "it's" }]],
  ["a != 'x'", [{}, { a: 'y' }], [{ a: 'x' }]],
  ["has(a) && a != 'x'", [{ a: 'y' }], [{}, { a: 'x' }]],
  ["!a == 'x'", [{}, { a: 'y' }], [{ a: 'x' }]],
  ['a in {\'x\', "y"}', [{ a: 'x' }, { a: 'y' }], [{}, { a: 'z' }]],
  ["a in{'x',}", [{ a: 'x' }], [{}]],
  ['a in {}', [], [{}, { a: '' }]],
  ['a not in {}', [{}, { a: 'x' }], []],
  ["a not in {'x'}", [{}, { a: 'y' }], [{ a: 'x' }]],
  ["a notin {'x'}", [{}], [{ a: 'x' }]],
  ["a not \t in{'x'}", [{}], [{ a: 'x' }]],
  ["a contains 'b'", [{ a: 'abc' }], [{}, { a: 'ac' }]],
  ["a contains ''", [{ a: '' }], [{}]],
  ["a starts with 'b'", [{ a: 'bc' }], [{}, { a: 'ab' }]],
  ["a startswith'b'", [{ a: 'bc' }], [{ a: 'ab' }]],
  ["a ends with 'b'", [{ a: 'ab' }], [{}, { a: 'bc' }]],
  ["a ends   with 'b'", [{ a: 'ab' }], [{}]],
  ["a == '1' || b == '1' && c == '1'", [{ a: '1' }, { b: '1', c: '1' }], [{ b: '1' }, { c: '1' }]],
  ["(a == '1' || b == '1') && c == '1'", [{ a: '1', c: '1' }], [{ a: '1' }, { c: '1' }]],
  ["!has(a) && b == '1'", [{ b: '1' }], [{ a: '1', b: '1' }, {}]],
  ["!(has(a) && b == '1')", [{}, { a: '1' }], [{ a: '1', b: '1' }]],
  ["has == 'x'", [{ has: 'x' }], [{}]],
  ["all == 'x'", [{ all: 'x' }], [{}]],
  ["global != 'x'", [{}], [{ global: 'x' }]],
  ["in == 'x'", [{ in: 'x' }], [{}]],
  ["not in {'x'}", [{ not: 'x' }], [{}]],
  ["contains contains 'x'", [{ contains: 'axb' }], [{}]],
  ["hash == 'x'", [{ hash: 'x' }], [{}]],
  ['has(has)', [{ has: '' }], [{}]],
  [
    "projectcalico.org/route-reflector_1.0 == 'true'",
    [{ 'projectcalico.org/route-reflector_1.0': 'true' }],
    [{}],
  ],
  ["node-role.kubernetes.io/a == ''", [{ 'node-role.kubernetes.io/a': '' }], [{}]],
  ["a == 'line\nbreak'", [{ a: 'line\nbreak' }], [{ a: 'line' }]],
  ['has(constructor) || has(toString)', [{ constructor: 'x' }], [{}]],
  ["constructor == 'x' || toString contains ''", [], [{}]],
];

for (const [text, those, others] of MEANINGS) {
  test(`selector ${JSON.stringify(text)} finds what Calico finds`, () => {
    const { matches, requirement } = selector(text);
    for (const labels of those) {
      assert.equal(matches(labels), true, JSON.stringify(labels));
      if (requirement === undefined) continue;
      const value = labels[requirement.label];
      assert.ok(value !== undefined && (requirement.values?.includes(value) ?? true));
    }
    for (const labels of others) assert.equal(matches(labels), false, JSON.stringify(labels));
  });
}

/** Text, and where (counted from 0) and why it is no selector. */
const FAULTS: readonly (readonly [string, number, RegExp])[] = [
  ["rack = 'a'", 5, /^expected "==", found "= 'a'"$/],
  ["rack == 'a' & has(b)", 12, /expected "&&"/],
  ["rack == 'a' | has(b)", 12, /expected "\|\|"/],
  ['rack == a', 8, /expected a quoted string, found "a"/],
  ['rack == true', 8, /expected a quoted string/],
  ["rack == 'a", 8, /expected ' at the end of this string/],
  ['rack == "a\'', 8, /expected " at the end/],
  ["rack == 'a' has(b)", 12, /expected "&&", "\|\|" or the end/],
  ["rack == 'a')", 11, /expected "&&", "\|\|" or the end, found "\)"/],
  ["(rack == 'a'", 12, /expected "\)", "&&" or "\|\|", found the end/],
  ['rack', 4, /expected an operator .*, found the end/],
  ['rack ==', 7, /expected a quoted string, found the end/],
  ["rack inx {'a'}", 5, /expected an operator/],
  ["a in_b {'a'}", 2, /expected an operator/],
  ["a not inn {'x'}", 2, /expected an operator/],
  ["a containsx 'b'", 2, /expected an operator/],
  ["a in 'x'", 5, /expected "\{"/],
  ["a in {'x' 'y'}", 10, /expected "," or "\}"/],
  ['a in {,}', 6, /expected a quoted string or "\}", found ",}"/],
  ["a in {'x',,}", 10, /expected a quoted string, found ",}"/],
  ["a in {'x'", 9, /expected "," or "\}", found the end/],
  ['a in {b}', 6, /expected a quoted string or "\}"/],
  ['has (a)', 4, /expected an operator/],
  ['has()', 4, /expected the name of a label/],
  ['has(a b)', 6, /expected "\)", found "b\)"/],
  ['has(a', 5, /expected "\)", found the end/],
  ["has('a')", 4, /expected the name of a label/],
  ['all(x)', 4, /expected "\)"/],
  ['all ()', 4, /expected an operator/],
  ['()', 1, /expected a label, has\(\), all\(\) or "\("/],
  ['!', 1, /expected a label/],
  ['&& has(a)', 0, /expected a label/],
  ['has(a) &&', 9, /expected a label/],
  ["a == 'x' ||", 11, /expected a label/],
  ["'a' == 'x'", 0, /expected a label/],
  ['a !b', 2, /expected an operator/],
  ["a ! = 'x'", 4, /expected "=="/],
  ['has(a)\n&& has(b)', 6, /a line break/],
  ["a == 'x'\n", 8, /a line break/],
  ["a\u00a0== 'x'", 1, /expected an operator/],
  ['$x', 0, /has no meaning here/],
  [`has(${'a'.repeat(513)})`, 4, /513 letters; 512 is the most/],
  [`${'a'.repeat(513)} == 'x'`, 0, /513 letters/],
  [`${'('.repeat(501)}has(a)${')'.repeat(501)}`, 500, /more than 500 parentheses/],
];

for (const [text, position, message] of FAULTS) {
  test(`${JSON.stringify(text.slice(0, 40))} is no selector, and the place of the fault is told`, () => {
    const parsed = parseSelector(text);
    assert.ok(!isSelector(parsed), 'it parsed');
    assert.match(parsed.message, message);
    assert.equal(parsed.position, position);
  });
}

test('a label of 512 letters and 500 parentheses are still a selector', () => {
  selector(`has(${'a'.repeat(512)})`);
  selector(`${'('.repeat(500)}has(a)${')'.repeat(500)}`);
});

test('a fault is shown with its line and a caret under the place', () => {
  const show = (text: string) => {
    const parsed = parseSelector(text);
    assert.ok(!isSelector(parsed));
    return `${describeFault(text, parsed)}\n${showFault(text, parsed)}`;
  };
  assert.equal(show("rack = 'a'"), `expected "==", found "= 'a'" (column 6)\n    rack = 'a'\n         ^`);
  assert.equal(
    show('has(a) &&\thas(b) & has(c)'),
    `expected "&&", found "& has(c)" (column 18)\n    has(a) && has(b) & has(c)\n                     ^`,
  );
  assert.equal(
    show("a == 'x\ny' has(b)"),
    'expected "&&", "||" or the end, found "has(b)" (line 2, column 4)\n    y\' has(b)\n       ^',
  );
  const long = `has(${'a'.repeat(100)}) & has(${'b'.repeat(100)})`;
  const [, line, caret] = show(long).split('\n');
  assert.equal(line?.[caret?.indexOf('^') ?? -1], '&');
  assert.ok((line?.length ?? 0) < 140);
  assert.equal(show('has(a\u001b[2J)').includes('\u001b'), false);
});

test('whoever is found by a label that it has was meant; by negation, or as everybody, was not', () => {
  const labels = { 'route-reflector': 'true', rack: 'a' };
  for (const text of [
    'has(route-reflector)',
    "rack == 'a'",
    "rack in {'a'}",
    "rack starts with 'a'",
    "has(route-reflector) && zone != 'b'",
    'all() && has(rack)',
    "zone == 'b' || rack == 'a'",
  ]) {
    assert.equal(selector(text).means(labels), true, text);
  }
  for (const text of [
    'all()',
    'global()',
    '',
    '!has(zone)',
    "rack != 'b'",
    "rack not in {'b'}",
    "!(rack != 'a')",
    "zone == 'b'",
    "has(route-reflector) && rack == 'b'",
    "zone == 'b' || rack != 'b'",
    '!has(zone) && all()',
  ]) {
    assert.equal(selector(text).means(labels), false, text);
  }
});

const LABEL_NAMES = ['a', 'b', 'has', 'in', 'x/y-z_0.1', 'constructor', '__proto__'];
const VALUES = ['', 'x', 'xy', 'yx', 'y', "it's", 'say "so"'];
const anyLabels: fc.Arbitrary<Labels> = fc
  .array(fc.tuple(fc.constantFrom(...LABEL_NAMES), fc.constantFrom(...VALUES)), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries));

interface Sample {
  readonly text: string;
  /** What an evaluator that never saw the code under test says. */
  readonly expected: (labels: ReadonlyMap<string, string>) => boolean;
}

const blank = fc.constantFrom('', ' ', '\t', '  ');
const quotedValue = fc.constantFrom(...VALUES).map((value) => ({
  value,
  quoted: value.includes("'") ? `"${value}"` : value.includes('"') ? `'${value}'` : `'${value}'`,
}));

const atom: fc.Arbitrary<Sample> = fc
  .record({
    label: fc.constantFrom(...LABEL_NAMES),
    value: quotedValue,
    more: fc.array(quotedValue, { maxLength: 3 }),
    operator: fc.constantFrom(
      '==',
      '!=',
      'contains',
      'starts with',
      'endswith',
      'in',
      'notin',
      'has',
      'all',
      'global',
    ),
    s: blank,
    comma: fc.boolean(),
  })
  .map(({ label, value: { value, quoted }, more, operator, s, comma }): Sample => {
    const list = `{${s}${more.map((one) => one.quoted).join(`${s},${s}`)}${comma && more.length > 0 ? ',' : ''}}`;
    const isIn = (labels: ReadonlyMap<string, string>) => more.some((one) => one.value === labels.get(label));
    switch (operator) {
      case '==':
        return { text: `${label}${s}==${s}${quoted}`, expected: (labels) => labels.get(label) === value };
      case '!=':
        return { text: `${label}${s}!=${s}${quoted}`, expected: (labels) => labels.get(label) !== value };
      case 'contains':
        return {
          text: `${label} contains${s}${quoted}`,
          expected: (labels) => labels.has(label) && (labels.get(label) ?? '').indexOf(value) >= 0,
        };
      case 'starts with':
        return {
          text: `${label} starts with${s}${quoted}`,
          expected: (labels) =>
            labels.has(label) && (labels.get(label) ?? '').slice(0, value.length) === value,
        };
      case 'endswith':
        return {
          text: `${label} endswith${s}${quoted}`,
          expected: (labels) => {
            const own = labels.get(label);
            return (
              own !== undefined &&
              own.length >= value.length &&
              own.slice(own.length - value.length) === value
            );
          },
        };
      case 'in':
        return { text: `${label} in${s}${list}`, expected: isIn };
      case 'notin':
        return { text: `${label} not${s}in${s}${list}`, expected: (labels) => !isIn(labels) };
      case 'has':
        return { text: `has(${s}${label}${s})`, expected: (labels) => labels.has(label) };
      default:
        return { text: `${operator}(${s})`, expected: () => true };
    }
  });

/** Built inside out, with only the parentheses that the precedence of `!`, `&&` and `||` asks for. */
const { or: anySelector } = fc.letrec<{ or: Sample; and: Sample; operation: Sample }>((tie) => ({
  or: fc.tuple(blank, fc.array(tie('and'), { minLength: 1, maxLength: 3 })).map(([s, parts]) => ({
    text: parts.map((part) => part.text).join(`${s}||${s}`),
    expected: (labels) => parts.some((part) => part.expected(labels)),
  })),
  and: fc.tuple(blank, fc.array(tie('operation'), { minLength: 1, maxLength: 3 })).map(([s, parts]) => ({
    text: parts.map((part) => part.text).join(`${s}&&${s}`),
    expected: (labels) => parts.every((part) => part.expected(labels)),
  })),
  operation: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc.tuple(fc.integer({ min: 0, max: 3 }), blank, atom).map(([bangs, s, inner]) => ({
      text: `${`!${s}`.repeat(bangs)}${inner.text}`,
      expected: (labels: ReadonlyMap<string, string>) => (bangs % 2 === 1) !== inner.expected(labels),
    })),
    fc.tuple(fc.integer({ min: 0, max: 2 }), blank, tie('or')).map(([bangs, s, inner]) => ({
      text: `${'!'.repeat(bangs)}(${s}${inner.text}${s})`,
      expected: (labels: ReadonlyMap<string, string>) => (bangs % 2 === 1) !== inner.expected(labels),
    })),
  ),
}));

test('any selector finds exactly what an independent evaluator finds, and never without its requirement', () => {
  let found = 0;
  let missed = 0;
  fc.assert(
    fc.property(anySelector, fc.array(anyLabels, { minLength: 1, maxLength: 6 }), (sample, many) => {
      const { matches, means, requirement } = selector(sample.text);
      for (const labels of many) {
        const expected = sample.expected(new Map(Object.entries(labels)));
        assert.equal(matches(labels), expected, `${sample.text} of ${JSON.stringify(labels)}`);
        if (expected) found++;
        else missed++;
        if (!expected) assert.equal(means(labels), false, 'only what is found can be meant');
        if (!expected || requirement === undefined) continue;
        assert.ok(Object.hasOwn(labels, requirement.label));
        const value = labels[requirement.label] ?? '';
        assert.ok(requirement.values?.includes(value) ?? true);
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(found > 1000 && missed > 1000, `${found} found, ${missed} missed`);
});

/** The positive atoms of an expression, ones under a `!` left out. */
function positiveLabels(expression: Expression): readonly string[] {
  if (expression.type === 'and' || expression.type === 'or')
    return expression.operands.flatMap(positiveLabels);
  if (expression.type === 'has') return [expression.label];
  if (expression.type === 'text') return expression.operator === '!=' ? [] : [expression.label];
  if (expression.type === 'set') return expression.operator === 'in' ? [expression.label] : [];
  return [];
}

test('nobody without one of the labels that are asked for is ever meant', () => {
  fc.assert(
    fc.property(anySelector, anyLabels, (sample, labels) => {
      const { means, expression } = selector(sample.text);
      if (!means(labels)) return;
      assert.ok(positiveLabels(expression).some((label) => Object.hasOwn(labels, label)));
    }),
  );
});

test('no text at all throws: it parses or has a fault within it', () => {
  const piece = fc.constantFrom(
    ...['a', 'has(', 'all()', ')', '(', '{', '}', ',', '!', '!=', '==', '=', '&&', '&', '||', '|', "'", '"'],
    ...[' ', '\t', '\n', 'in', 'not', 'not in', 'contains', 'starts with', "'x'", '"y"', 'é', '\u0000', '𝕏'],
  );
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 20 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseSelector(text);
      if (isSelector(parsed)) {
        parsed.matches({ a: 'x' });
        return;
      }
      assert.ok(parsed.position >= 0 && parsed.position <= text.length);
      assert.match(
        `${describeFault(text, parsed)}\n${showFault(text, parsed)}`,
        /^.+ \(.*column \d+\)\n {4}.*\n {4} *\^$/,
      );
    }),
    { numRuns: 5000 },
  );
});

test('100,000 nodes are asked in far less than they take to arrive', (context) => {
  const nodes = Array.from({ length: 100_000 }, (_, index) => ({
    'kubernetes.io/hostname': `n${index}`,
    'topology.kubernetes.io/zone': `z${index % 3}`,
    rack: `r${index % 1000}`,
    ...(index % 1000 === 0 ? { 'route-reflector': 'true' } : {}),
  }));
  const { matches } = selector(
    "!has(route-reflector) && rack in {'r1', 'r2'} && topology.kubernetes.io/zone != 'z9'",
  );
  const start = performance.now();
  const found = nodes.filter(matches).length;
  context.diagnostic(`${(performance.now() - start).toFixed(1)} ms`);
  assert.equal(found, 200);
});
