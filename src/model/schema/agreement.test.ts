/**
 * Schemas and readers say the same of every field: what the schema lets in is read whole, and what it refuses is
 * reported by the reader, at the same field. Fields are taken from the schemas, so that a new one is tested by being
 * declared.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { isJsonObject } from '../json.ts';
import { isUnset } from '../reading.ts';
import { type Json, type JsonObject, KINDS, type Kind, type Resource } from '../resource.ts';
import { validateResource } from '../validate.ts';
import { SCHEMAS } from './schemas.ts';
import type { Field, Fields, Shape } from './shape.ts';

interface Samples {
  readonly good: readonly Json[];
  readonly bad: readonly Json[];
}

function samplesOf(shape: Shape): Samples {
  switch (shape.type) {
    case 'text':
      return { good: ['x', 'a-b.c'], bad: [7, true, { a: 'x' }] };
    case 'secret-name':
      return { good: ['tor'], bad: [7, { name: 'x' }] };
    case 'choice':
      return {
        good: [...shape.of, ...(shape.anyCase ? shape.of.map((one) => one.toLowerCase()) : [])],
        bad: ['nonsense', 7],
      };
    case 'flag':
      return { good: [true, false], bad: ['true', 1, {}] };
    case 'integer':
      return {
        good: [shape.low, shape.high, String(shape.high)],
        bad: [shape.low - 1, shape.high + 1, shape.low + 0.5, 'many', true],
      };
    case 'as-number':
      return {
        good: [1, 4294967295, '64512', '1.10', ...(shape.zeroIsUnset ? [0, '0'] : [])],
        bad: [
          -1,
          4294967296,
          1.5,
          '1.2.3',
          '65536.0',
          '0x10',
          'sixty',
          true,
          ...(shape.zeroIsUnset ? [] : [0]),
        ],
      };
    case 'address':
    case 'host-address': {
      const four: Json[] = ['10.0.0.9'];
      const six: Json[] = ['fd00::9', 'FD00:0::9'];
      const good = shape.family === 6 ? six : shape.family === 4 ? four : ['192.0.2.9'];
      const other = shape.family === 6 ? four : shape.family === 4 ? six : [];
      const more = shape.type === 'host-address' ? good.map((one) => `${one}/24`) : [];
      return { good: [...good, ...more], bad: [...other, 'host', '10.0.0', '10.0.0.1%eth0', 7] };
    }
    case 'endpoint':
      return {
        good: ['192.0.2.1', '192.0.2.1:1790', 'fd00::1', '[fd00::1]:1790'],
        bad: ['host', '192.0.2.1:0', '192.0.2.1:65536', '[192.0.2.1]:179', 'fe80::1%eth0', '224.0.0.5', 7],
      };
    case 'prefix':
      return {
        good: shape.family === 6 ? ['fd00::/8'] : ['10.0.0.0/8', '10.65.1.9/26'],
        bad: ['10.0.0.0', '10.0.0.0/33', 'x/8', 7],
      };
    case 'cluster-id':
      return { good: ['1.0.0.1', '244.0.0.1'], bad: ['0.0.0.0', '1', 'rack', 7] };
    case 'duration':
      return { good: ['90s', '2m30s', '1h'], bad: ['90', '-5s', 'soon', 7] };
    case 'selector':
      return { good: ['all()', "has(a) && b in {'c'}"], bad: ["rack = 'a'", 'has(', 7] };
    case 'community':
      return { good: ['65000:1', '65000:1:2'], bad: ['65000', '70000:1', 'x:y', 7] };
    case 'interface':
      return {
        good: ['eth0', 'eth*'],
        bad: ['much-too-long-name', 'a b', '', 7].filter((one) => one !== ''),
      };
    case 'texts':
      return { good: [{ a: 'b' }], bad: ['x'] };
    case 'list':
      return { good: [], bad: ['x', 7] };
    case 'object':
      return {
        good: [],
        bad: shape.secret ? ['hunter2', { secretKeyRef: { name: 'hunter2' } }] : ['x', 7],
      };
    case 'anything':
      return { good: [], bad: [] };
    default:
      return shape satisfies never;
  }
}

/** What has to stand beside a field so that it alone is judged; `undefined` takes a field of the base away. */
const BASES: Partial<Record<Kind, JsonObject>> = {
  BGPPeer: { peerIP: '192.0.2.1', asNumber: 65001 },
  IPPool: { cidr: '10.65.0.0/16' },
  RouteReflector: { ipv4: '192.0.2.250', ipv6: 'fd00::250' },
  BlockAffinity: { node: 'n1', cidr: '10.65.0.0/26' },
};
const BESIDE: Readonly<Record<string, Readonly<Record<string, Json | undefined>>>> = {
  'BGPPeer spec.peerSelector': { peerIP: undefined, asNumber: undefined },
  'BGPPeer spec.localWorkloadSelector': { peerIP: undefined },
};
/** The same inside lists and objects, by the last two names of the path. */
const SIBLINGS: Readonly<Record<string, JsonObject>> = {
  'importV4.cidr': { matchOperator: 'In' },
  'exportV4.cidr': { matchOperator: 'In' },
  'importV6.cidr': { matchOperator: 'In' },
  'exportV6.cidr': { matchOperator: 'In' },
  'importV4.matchOperator': { cidr: '10.0.0.0/8' },
  'exportV4.matchOperator': { cidr: '10.0.0.0/8' },
  'importV6.matchOperator': { cidr: 'fd00::/8' },
  'exportV6.matchOperator': { cidr: 'fd00::/8' },
  'importV4.prefixLength': { cidr: '0.0.0.0/0', matchOperator: 'In' },
  'exportV4.prefixLength': { cidr: '0.0.0.0/0', matchOperator: 'In' },
  'importV6.prefixLength': { cidr: '::/0', matchOperator: 'In' },
  'exportV6.prefixLength': { cidr: '::/0', matchOperator: 'In' },
};

interface Case {
  readonly kind: Kind;
  readonly field: Field;
  /** `spec.peers[0].ip` */
  readonly path: string;
  readonly make: (value: Json) => JsonObject;
}

/** Every honoured field, with a spec in which it alone is what is judged. */
function* casesOf(
  kind: Kind,
  fields: Fields,
  path: string,
  parent: string,
  wrap: (object: JsonObject) => JsonObject,
): Generator<Case> {
  for (const [name, field] of Object.entries(fields)) {
    if (field.standing !== 'honoured') continue;
    const required = Object.entries(fields).filter(([other, { required }]) => required && other !== name);
    const beside: JsonObject = {
      ...Object.fromEntries(required.map(([other, { shape }]) => [other, sampleOf(shape)])),
      ...SIBLINGS[`${parent}.${name}`],
    };
    const here = `${path}.${name}`;
    const put = (value: Json): JsonObject => wrap({ ...beside, [name]: value });
    yield { kind, field, path: here, make: put };
    yield* deeper(kind, field.shape, here, name, put);
  }
}

function* deeper(
  kind: Kind,
  shape: Shape,
  path: string,
  parent: string,
  put: (value: Json) => JsonObject,
): Generator<Case> {
  if (shape.type === 'object' && !shape.secret) yield* casesOf(kind, shape.fields, path, parent, put);
  if (shape.type !== 'list') return;
  const item: Field = { shape: shape.of, since: '', standing: 'honoured', description: '' };
  if (shape.of.type === 'object')
    yield* casesOf(kind, shape.of.fields, `${path}[0]`, parent, (object) => put([object]));
  else yield { kind, field: item, path: `${path}[0]`, make: (value) => put([value]) };
}

function sampleOf(shape: Shape): Json {
  if (shape.type === 'list') return [sampleOf(shape.of)];
  if (shape.type === 'object')
    return Object.fromEntries(
      Object.entries(shape.fields)
        .filter(([, { required }]) => required)
        .map(([name, field]) => [name, sampleOf(field.shape)]),
    );
  return samplesOf(shape).good[0] ?? null;
}

function resource(kind: Kind, spec: JsonObject): Resource {
  const name = kind === 'BGPConfiguration' ? 'default' : 'x';
  return { apiVersion: KINDS[kind], kind, metadata: { name }, spec };
}

const KINDS_READ: readonly Kind[] = [
  'Node',
  'BGPPeer',
  'BGPConfiguration',
  'BGPFilter',
  'IPPool',
  'BlockAffinity',
  'RouteReflector',
];

const cases = KINDS_READ.flatMap((kind) => {
  const { spec } = SCHEMAS[kind];
  assert.notEqual(spec, 'anything');
  return spec === 'anything'
    ? []
    : [
        ...casesOf(kind, spec, 'spec', kind, (object) => {
          const [name = ''] = Object.keys(object).slice(-1);
          const base: Readonly<Record<string, Json | undefined>> = {
            ...BASES[kind],
            ...BESIDE[`${kind} spec.${name}`],
            ...object,
          };
          const stated = Object.entries(base).flatMap(([key, value]) =>
            value === undefined ? [] : [[key, value] as const],
          );
          return Object.fromEntries(stated);
        }),
      ];
});

test('the schemas hold fields to compare', () => assert.ok(cases.length > 150, String(cases.length)));

for (const { kind, field, path, make } of cases) {
  // A community's name counts, too; a range of a RouteReflector is judged by the address of its peer.
  const good = path.endsWith('communities[0]') ? ['65000:1'] : samplesOf(field.shape).good;
  for (const value of good) {
    test(`${kind} ${path} may be ${JSON.stringify(value)}: the schema lets it in and the reader reads it`, () => {
      const made = resource(kind, make(value));
      const faults = validateResource(made, { strict: true }).filter(({ code, severity }) => {
        // Communities without a name of their own, and names that nothing uses, are another rule's concern.
        return severity === 'error' && code !== 'conflict' && code !== 'self-peer';
      });
      assert.deepEqual(faults, [], JSON.stringify(made.spec));
    });
  }
  for (const value of samplesOf(field.shape).bad) {
    test(`${kind} ${path} cannot be ${JSON.stringify(value)}: schema and reader both say so, there`, () => {
      const made = resource(kind, make(value));
      for (const strict of [true, false]) {
        const problems = validateResource(made, { strict });
        const found = problems.some(
          ({ field: at, severity }) =>
            severity === 'error' && (at === path || at?.startsWith(`${path}.`) || at?.startsWith(`${path}[`)),
        );
        assert.ok(found, `strict ${strict}: ${JSON.stringify(problems)} for ${JSON.stringify(made.spec)}`);
      }
      assert.doesNotMatch(JSON.stringify(validateResource(made, { strict: true })), /hunter2/);
    });
  }
}

for (const [kind, schema] of Object.entries(SCHEMAS)) {
  for (const rule of schema.rules) {
    test(`${kind}: ${rule.says}`, () => {
      const problems = validateResource(resource(kindOf(kind), rule.example), { strict: true });
      const errors = problems.filter(({ severity }) => severity === 'error');
      assert.deepEqual(
        errors.map(({ field = '' }) => field),
        [rule.field],
        JSON.stringify(errors),
      );
    });
  }
  const { example } = schema;
  if (example !== undefined)
    test(`the example of ${kind} is valid`, () => {
      const document: unknown = parse(example);
      assert.ok(isJson(document) && isJsonObject(document) && isJsonObject(document.spec));
      assert.ok(isJsonObject(document.metadata) && typeof document.metadata.name === 'string');
      const made = resource(kindOf(kind), document.spec);
      const named = { ...made, metadata: { name: document.metadata.name } };
      assert.deepEqual(validateResource(named, { strict: true }), []);
      assert.ok(!isUnset(document.kind) && document.kind === kind && document.apiVersion === made.apiVersion);
    });
}

function kindOf(text: string): Kind {
  const found = KINDS_READ.concat('CalicoNodeStatus', 'RouteReflectorStatus', 'CustomFilter').find(
    (kind) => kind === text,
  );
  assert.ok(found, text);
  return found;
}

function isJson(value: unknown): value is Json {
  return value !== undefined;
}
