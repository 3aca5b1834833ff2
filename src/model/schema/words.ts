/** Schemas in words, for the pages of docs/reference and for `calico-rr explain`. */
import { oneOf } from './one-of.ts';
import type { Field, Fields, Shape, Standing } from './shape.ts';

/** What a value has to be, in a few words. */
export function describeShape(shape: Shape): string {
  switch (shape.type) {
    case 'text':
      return 'text';
    case 'choice':
      return oneOf(shape.of);
    case 'flag':
      return 'true or false';
    case 'integer':
      return `${shape.low} to ${shape.high}`;
    case 'as-number':
      return 'AS number';
    case 'address':
      return shape.family === undefined ? 'IP address' : `IPv${shape.family} address`;
    case 'host-address':
      return `IPv${shape.family} address, with or without /length`;
    case 'endpoint':
      return 'IP address, with or without a port';
    case 'prefix':
      return shape.family === undefined ? 'CIDR' : `IPv${shape.family} CIDR`;
    case 'cluster-id':
      return 'cluster ID, such as 1.0.0.1';
    case 'duration':
      return 'duration, such as 90s';
    case 'selector':
      return 'selector';
    case 'community':
      return 'community';
    case 'interface':
      return 'name of an interface';
    case 'secret-name':
      return 'name of a password';
    case 'object':
      return 'object';
    case 'list':
      return `list: ${describeShape(shape.of)}${describeBounds(shape.min, shape.max)}`;
    case 'texts':
      return 'text by name';
    case 'anything':
      return 'anything';
    default:
      return shape satisfies never;
  }
}

function describeBounds(min: number | undefined, max: number | undefined): string {
  if (min === undefined && max === undefined) return '';
  if (min === max) return `, exactly ${min}`;
  return min === undefined ? `, at most ${max}` : `, ${min} to ${max}`;
}

const STANDINGS: Readonly<Record<Standing, string>> = {
  honoured: 'honoured',
  reported: 'reported',
  enterprise: 'reported',
  accepted: 'accepted',
};

/** `honoured`, `reported` or `accepted`, and what there is to say about that. */
export function describeStanding({ standing, note }: Field): {
  readonly word: string;
  readonly note: string | undefined;
} {
  const own = standing === 'enterprise' ? 'only Calico Enterprise has it' : note;
  return { word: STANDINGS[standing], note: own };
}

/** What an absent field means; undefined where there is nothing to say. */
export function describeDefault({ default: value }: Field): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `Calico v3.16`, or `calico-rr 0.1`. */
export function describeSince({ since }: Field): string {
  if (since === 'Enterprise') return 'Calico Enterprise';
  return since.startsWith('v') ? `Calico ${since}` : `calico-rr ${since}`;
}

/** The fields inside a field: of an object, or of the objects of a list. */
export function fieldsIn(shape: Shape): Fields | undefined {
  const inner = shape.type === 'list' ? shape.of : shape;
  return inner.type === 'object' ? inner.fields : undefined;
}

/** The name of a field as a path has it: `peers[]` for a list of objects. */
export function stepOf(name: string, shape: Shape): string {
  return shape.type === 'list' && fieldsIn(shape) !== undefined ? `${name}[]` : name;
}
