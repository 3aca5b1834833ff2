/**
 * What a field of a resource may hold, since when, and what becomes of it here: the words in which the schemas beside
 * this file are written. Validation (validate.ts), the notices that readers give (notices.ts), the CRD manifest, the
 * pages of docs/reference and `calico-rr explain` all come from them.
 */
import type { Family } from '../address.ts';
import type { Json, JsonObject } from '../resource.ts';

/** What a value has to be. What counts as one of these is decided by the readers in reading.ts. */
export type Shape =
  | { readonly type: 'text'; readonly longest?: number }
  | { readonly type: 'choice'; readonly of: readonly string[]; readonly anyCase?: true }
  | { readonly type: 'flag' }
  | { readonly type: 'integer'; readonly low: number; readonly high: number }
  | { readonly type: 'as-number'; readonly zeroIsUnset?: true }
  /** An address alone, without a prefix length. */
  | { readonly type: 'address'; readonly family?: Family; readonly speaker?: true }
  /** An address of a host, with or without the prefix length of its network. */
  | { readonly type: 'host-address'; readonly family: Family }
  /** `IP`, `IPv4:port` or `[IPv6]:port`. */
  | { readonly type: 'endpoint' }
  | { readonly type: 'prefix'; readonly family?: Family }
  | { readonly type: 'cluster-id' }
  | { readonly type: 'duration' }
  | { readonly type: 'selector' }
  | { readonly type: 'community' }
  /** The name of a network interface, `*` for any letters. */
  | { readonly type: 'interface'; readonly notAll?: true }
  /** The name of a password, which is never quoted in a message: it may be the password itself. */
  | { readonly type: 'secret-name' }
  | ObjectShape
  | { readonly type: 'list'; readonly of: Shape; readonly min?: number; readonly max?: number }
  /** Labels or annotations: text by name. */
  | { readonly type: 'texts' }
  | { readonly type: 'anything' };

export interface ObjectShape {
  readonly type: 'object';
  readonly fields: Fields;
  /** A reference to a password: in its place nothing is quoted. */
  readonly secret?: true;
}

export type Fields = Readonly<Record<string, Field>>;

/**
 * `honoured`: it does what it says. `reported`: accepted and kept, and a warning says that it has no effect here.
 * `enterprise`: the same, because only Calico Enterprise has it. `accepted`: accepted and kept; it says nothing about
 * BGP sessions or routes.
 */
export type Standing = 'honoured' | 'reported' | 'enterprise' | 'accepted';

export interface Field {
  readonly shape: Shape;
  /** Version of Calico that brought it; of our own kinds, that of calico-rr. */
  readonly since: string;
  readonly standing: Standing;
  /** One or two sentences. */
  readonly description: string;
  /** How it is honoured, or why it is not; a sentence's rest, without a full stop. */
  readonly note?: string;
  /** What an absent field means, as a value or in words. */
  readonly default?: Json;
  readonly required?: true;
  /** The field beside it that holds the same, said once in the documentation. */
  readonly like?: string;
  /** Honoured without a word where it has this value, the same as not set. */
  readonly quietly?: string;
}

/** Something that holds between several fields. */
export interface Rule {
  readonly says: string;
  /** The field that is named when it is broken. */
  readonly field: string;
  /** A spec that breaks it and nothing else; tests prove that it is refused for this. */
  readonly example: JsonObject;
  /** True where `spec` breaks it; absent where the kind's reader holds the rule itself, for agents too. */
  readonly broken?: (spec: JsonObject) => boolean;
  /** The same in CEL, with `self` for spec; for kinds whose CRD is ours. */
  readonly cel?: string;
}

export interface KindSchema {
  readonly description: string;
  /** What its objects are called. */
  readonly names: string;
  readonly spec: Fields | 'anything';
  readonly status?: Fields | 'anything';
  readonly rules: readonly Rule[];
  /** A document that shows the kind at work; tests prove that it is valid. */
  readonly example?: string;
}

type More = Pick<Field, 'note' | 'default' | 'required' | 'quietly' | 'like'>;

export function honoured(since: string, shape: Shape, description: string, more: More = {}): Field {
  return { shape, since, standing: 'honoured', description, ...more };
}

export function accepted(since: string, shape: Shape, description: string, more: More = {}): Field {
  return { shape, since, standing: 'accepted', description, ...more };
}

/** @param note why it has no effect */
export function reported(
  since: string,
  shape: Shape,
  description: string,
  note: string,
  more: More = {},
): Field {
  return { shape, since, standing: 'reported', description, note, ...more };
}

export function enterprise(description: string): Field {
  return { shape: { type: 'anything' }, since: 'Enterprise', standing: 'enterprise', description };
}

export const text: Shape = { type: 'text' };
export const flag: Shape = { type: 'flag' };
export const anything: Shape = { type: 'anything' };

export function choice(...of: readonly string[]): Shape {
  return { type: 'choice', of };
}

export function integer(low: number, high: number): Shape {
  return { type: 'integer', low, high };
}

export function list(of: Shape, bounds: { readonly min?: number; readonly max?: number } = {}): Shape {
  return { type: 'list', of, ...bounds };
}

export function object(fields: Fields): ObjectShape {
  return { type: 'object', fields };
}

/** `{secretKeyRef: {name, key}}`, as Kubernetes names a part of a Secret. */
export const passwordReference: ObjectShape = {
  type: 'object',
  secret: true,
  fields: {
    secretKeyRef: honoured(
      'v3.16',
      object({
        name: honoured('v3.16', text, 'Name of the Secret.', { required: true }),
        key: honoured('v3.16', text, 'Name of the value in it.', { required: true }),
        optional: accepted('v3.16', flag, 'Without effect: a password that is asked for is needed.'),
      }),
      'Names the password: a Secret of the agent’s namespace, or an entry of the secrets file.',
      { required: true },
    ),
  },
};
