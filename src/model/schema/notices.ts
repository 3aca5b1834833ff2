/**
 * What readers say of fields that they do not read: one that there is none of is a typing error, and one that has no
 * effect here is told so, because whoever set it relies on it.
 */
import { asObject, type Findings, isUnset, warn } from '../reading.ts';
import type { Json, JsonObject, Kind } from '../resource.ts';
import { nearestOf } from '../spelling.ts';
import { SCHEMAS } from './schemas.ts';
import type { Field, Fields, Shape } from './shape.ts';

/** Warns of every field of `spec`, however deep, that is set and that has no meaning, or no effect here. */
export function noticeFields(findings: Findings, spec: JsonObject, kind: Kind): void {
  const fields = SCHEMAS[kind].spec;
  if (fields !== 'anything') noticeIn(findings, spec, fields, 'spec', { kind });
}

/** The same for any object; `kind` is where to look for a field that stands in the wrong place. */
export function noticeIn(
  findings: Findings,
  object: JsonObject,
  fields: Fields,
  path: string,
  { kind }: { readonly kind: Kind },
): void {
  for (const [key, value] of Object.entries(object)) {
    if (!Object.hasOwn(fields, key)) {
      if (findings.problems.some(({ field }) => field === `${path}.${key}`)) continue;
      warn(
        findings,
        'unknown-field',
        `${path}.${key}`,
        'has no meaning and is passed over.',
        hintFor(kind, key, Object.keys(fields)),
      );
      continue;
    }
    const field = fields[key];
    if (field === undefined || isUnset(value)) continue;
    if (field.standing === 'reported' || field.standing === 'enterprise') {
      noticeEffect(findings, `${path}.${key}`, value, field);
    }
    if (hasFields(field.shape)) noticeDeeper(findings, value, field.shape, `${path}.${key}`, { kind });
  }
}

function noticeDeeper(
  findings: Findings,
  value: Json,
  shape: Shape,
  path: string,
  where: { readonly kind: Kind },
): void {
  if (shape.type === 'object') {
    const object = asObject(value);
    if (object !== undefined) noticeIn(findings, object, shape.fields, path, where);
  } else if (shape.type === 'list' && Array.isArray(value)) {
    for (const [index, item] of value.entries())
      noticeDeeper(findings, item, shape.of, `${path}[${index}]`, where);
  }
}

function hasFields(shape: Shape): boolean {
  return shape.type === 'object' || (shape.type === 'list' && hasFields(shape.of));
}

function noticeEffect(
  findings: Findings,
  field: string,
  value: Json,
  { standing, note, quietly }: Field,
): void {
  if (standing === 'enterprise') {
    warn(
      findings,
      'not-supported',
      field,
      'belongs to Calico Enterprise and has no effect.',
      'Leave it out.',
    );
  } else if (value !== quietly) {
    warn(findings, 'not-supported', field, `has no effect: ${note}.`);
  }
}

/** A misspelt field, or one that stands in another place than its own. */
function hintFor(kind: Kind, key: string, known: readonly string[]): string | undefined {
  const near = nearestOf(key, known);
  if (near !== undefined) return `Did you mean ${near}?`;
  const { spec } = SCHEMAS[kind];
  const place = spec === 'anything' ? undefined : placeOf(key, spec, 'spec');
  return place === undefined ? undefined : `${key} stands in ${place}.`;
}

/** The object that has a field of this name; the outermost of several. */
function placeOf(key: string, fields: Fields, path: string): string | undefined {
  if (Object.hasOwn(fields, key)) return path;
  for (const [name, { shape }] of Object.entries(fields)) {
    const inner = shape.type === 'list' ? shape.of : shape;
    if (inner.type !== 'object') continue;
    const place = placeOf(key, inner.fields, `${path}.${name}${shape.type === 'list' ? '[]' : ''}`);
    if (place !== undefined) return place;
  }
  return undefined;
}
