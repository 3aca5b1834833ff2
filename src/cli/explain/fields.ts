/**
 * What a kind or one of its fields is for, from the schemas: `explain bgppeer.spec.reversePeering`. The words are those
 * of docs/reference.
 */
import { CalicoRrError } from '../../model/errors.ts';
import { KINDS, type Kind } from '../../model/resource.ts';
import { METADATA } from '../../model/schema/metadata.ts';
import { SCHEMAS } from '../../model/schema/schemas.ts';
import type { Field, Fields, KindSchema } from '../../model/schema/shape.ts';
import {
  describeDefault,
  describeShape,
  describeSince,
  describeStanding,
  fieldsIn,
} from '../../model/schema/words.ts';
import { nearestOf } from '../../model/spelling.ts';
import { wrapped } from '../wrap.ts';

/**
 * @param path a kind, and the way to a field of it, each name in any case: `bgppeer`, `bgppeer.spec.password`. Lists
 * need no brackets
 * @param kindOf what a name of a kind means; the verb gives it the aliases
 * @throws E_USAGE where there is no such kind or field, with the one that is near
 */
export function explainField(path: string, kindOf: (name: string) => Kind | undefined = kindByName): string {
  const [kindName = '', ...names] = path.split('.').map((name) => name.replace(/\[\d*\]$/, ''));
  const kind = kindOf(kindName);
  if (kind === undefined) {
    const known = Object.keys(KINDS);
    const near = nearestOf(kindName, known);
    throw new CalicoRrError('E_USAGE', `there is no kind ${JSON.stringify(kindName)} to explain`, {
      hint: near === undefined ? `There are ${known.join(', ')}.` : `Did you mean ${near.toLowerCase()}?`,
    });
  }
  const schema = SCHEMAS[kind];
  if (names.length === 0) return explainKind(kind, schema);
  const whole = wholeOf(schema);
  // Whoever leaves out "spec" means a field of it.
  const stated = Object.keys(whole).some((part) => part === names[0]?.toLowerCase());
  return explainStep(kind, whole, stated ? names : ['spec', ...names]);
}

function kindByName(name: string): Kind | undefined {
  const plain = name.toLowerCase();
  for (const kind of Object.keys(KINDS)) {
    const small = kind.toLowerCase();
    if (isKind(kind) && (small === plain || `${small}s` === plain || `${small}es` === plain)) return kind;
  }
  return undefined;
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

/** The kind as an object with metadata, spec and status. */
function wholeOf({ spec, status }: KindSchema): Fields {
  const part = (fields: Fields | 'anything' | undefined, description: string): Field | undefined =>
    fields === undefined
      ? undefined
      : {
          shape: fields === 'anything' ? { type: 'anything' } : { type: 'object', fields },
          since: 'v3.0',
          standing: 'honoured',
          description,
        };
  const parts = {
    metadata: part(METADATA, 'What it is called, and what is noted of it.'),
    spec: part(spec, 'What is wanted.'),
    status: part(status, 'What is told of it.'),
  };
  return Object.fromEntries(
    Object.entries(parts).flatMap(([name, field]) => (field === undefined ? [] : [[name, field]])),
  );
}

function explainKind(kind: Kind, schema: KindSchema): string {
  const { spec, rules, example } = schema;
  return [
    `KIND      ${kind}`,
    `VERSION   ${KINDS[kind]}`,
    `NAME      ${wrapped(schema.names, 10)}`,
    '',
    wrapped(schema.description, 0),
    ...(spec === 'anything' ? [] : ['', 'FIELDS of spec', ...fieldLines(spec)]),
    ...(rules.length === 0 ? [] : ['', 'RULES', ...rules.map(({ says }) => `  ${wrapped(says, 2)}`)]),
    ...(example === undefined
      ? []
      : [
          '',
          'EXAMPLE',
          ...example
            .trimEnd()
            .split('\n')
            .map((line) => `  ${line}`),
        ]),
  ].join('\n');
}

function explainStep(kind: Kind, whole: Fields, names: readonly string[]): string {
  let fields: Fields | undefined = whole;
  let field: Field | undefined;
  const path: string[] = [];
  for (const name of names) {
    const known: readonly string[] = Object.keys(fields ?? {});
    const found: string | undefined = known.find((one) => one.toLowerCase() === name.toLowerCase());
    if (fields === undefined || found === undefined) throw noSuchField(kind, path, name, known);
    field = fields[found];
    if (field === undefined) throw noSuchField(kind, path, name, known);
    path.push(found);
    fields = fieldsIn(field.shape);
  }
  if (field === undefined) throw noSuchField(kind, path, '', Object.keys(whole));
  return describeField(kind, path.join('.'), field);
}

function noSuchField(
  kind: Kind,
  path: readonly string[],
  name: string,
  known: readonly string[],
): CalicoRrError {
  const where = [kind.toLowerCase(), ...path].join('.');
  const near = nearestOf(name, known);
  const hint =
    near !== undefined
      ? `Did you mean ${where}.${near}?`
      : known.length === 0
        ? `${where} has no fields of its own.`
        : `It has ${known.join(', ')}.`;
  return new CalicoRrError('E_USAGE', `${where} has no field ${JSON.stringify(name)}`, { hint });
}

function describeField(kind: Kind, path: string, field: Field): string {
  const { word, note } = describeStanding(field);
  const absent = field.required ? 'not allowed' : describeDefault(field);
  const inner = fieldsIn(field.shape);
  return [
    `KIND      ${kind}`,
    `FIELD     ${path}`,
    `VALUE     ${describeShape(field.shape)}`,
    ...(absent === undefined ? [] : [`ABSENT    ${wrapped(absent, 10)}`]),
    `SINCE     ${describeSince(field)}`,
    `HERE      ${wrapped(note === undefined ? word : `${word}: ${note}`, 10)}`,
    '',
    wrapped(field.description, 0),
    ...(inner === undefined ? [] : ['', 'FIELDS', ...fieldLines(inner)]),
    ...rulesAbout(SCHEMAS[kind], path),
  ].join('\n');
}

/** Every kind and every field of its spec, as `explain` takes them: `bgppeer`, `bgppeer.spec.password`. */
export function fieldPaths(): readonly string[] {
  return Object.keys(KINDS).flatMap((kind) => {
    const name = kind.toLowerCase();
    if (!isKind(kind)) return [];
    const { spec } = SCHEMAS[kind];
    return spec === 'anything' ? [name] : [name, ...pathsIn(spec, `${name}.spec`)];
  });
}

function pathsIn(fields: Fields, above: string): readonly string[] {
  return Object.entries(fields).flatMap(([name, { shape }]) => {
    const path = `${above}.${name}`;
    return [path, ...pathsIn(fieldsIn(shape) ?? {}, path)];
  });
}

/** Rules that name the field in their words. */
function rulesAbout({ rules }: KindSchema, path: string): readonly string[] {
  const name = path.split('.').at(-1) ?? '';
  const about = rules.filter(({ says }) => says.split(/\W+/).includes(name));
  return about.length === 0 ? [] : ['', 'RULES', ...about.map(({ says }) => `  ${wrapped(says, 2)}`)];
}

function fieldLines(fields: Fields): readonly string[] {
  const names = Object.keys(fields);
  const width = Math.max(...names.map((name) => name.length)) + 4;
  return Object.entries(fields).map(([name, field]) => {
    const mark = field.standing === 'honoured' ? '' : ` (${describeStanding(field).word})`;
    return `  ${name.padEnd(width - 2)}${wrapped(`${field.description}${mark}`, width)}`;
  });
}
