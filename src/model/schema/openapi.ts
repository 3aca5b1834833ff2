/** A schema as OpenAPI v3 of a CustomResourceDefinition (structural), with the rules of one field in CEL. */
import type { Json, JsonObject } from '../resource.ts';
import type { Field, Fields, KindSchema, Shape } from './shape.ts';
import { describeDefault } from './words.ts';

const INT32 = 2147483647;

/** The `openAPIV3Schema` of a kind whose CRD is ours. */
export function openApiOf({ description, spec, status, rules }: KindSchema): JsonObject {
  const cel = rules.flatMap((rule) =>
    rule.cel === undefined ? [] : [{ rule: rule.cel, message: rule.says }],
  );
  const specSchema = spec === 'anything' ? ANYTHING : openApiOfFields(spec);
  return {
    description,
    type: 'object',
    ...(spec === 'anything' ? {} : { required: ['spec'] }),
    properties: {
      spec: cel.length === 0 ? specSchema : { ...specSchema, 'x-kubernetes-validations': cel },
      ...(status === undefined ? {} : { status: status === 'anything' ? ANYTHING : openApiOfFields(status) }),
    },
  };
}

const ANYTHING: JsonObject = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

function openApiOfFields(fields: Fields): JsonObject {
  const required = Object.entries(fields).flatMap(([name, field]) => (field.required ? [name] : []));
  return {
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, openApiOfField(field)]),
    ),
  };
}

function openApiOfField(field: Field): JsonObject {
  const absent = describeDefault(field);
  const description = absent === undefined ? field.description : `${field.description} Absent: ${absent}.`;
  return { description, ...openApiOfShape(field.shape) };
}

function openApiOfShape(shape: Shape): JsonObject {
  switch (shape.type) {
    case 'text':
      return { type: 'string', ...(shape.longest === undefined ? {} : { maxLength: shape.longest }) };
    case 'secret-name':
      return { type: 'string', maxLength: 253 };
    case 'choice':
      return shape.anyCase ? { type: 'string' } : { type: 'string', enum: shape.of };
    case 'flag':
      return { type: 'boolean' };
    case 'integer':
      return {
        type: 'integer',
        ...(shape.high > INT32 ? { format: 'int64' } : {}),
        minimum: shape.low,
        maximum: shape.high,
      };
    case 'as-number':
      return {
        'x-kubernetes-int-or-string': true,
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        pattern: '^([0-9]{1,10}|[0-9]{1,5}\\.[0-9]{1,5})$',
        minimum: shape.zeroIsUnset ? 0 : 1,
        maximum: 4294967295,
      };
    case 'address':
      return shape.family === undefined
        ? { type: 'string', maxLength: 45 }
        : { type: 'string', format: `ipv${shape.family}`, maxLength: shape.family === 4 ? 15 : 45 };
    case 'host-address':
    case 'prefix':
      return { type: 'string', maxLength: 49 };
    case 'endpoint':
      return { type: 'string', minLength: 2, maxLength: 53 };
    case 'cluster-id':
      return {
        type: 'string',
        format: 'ipv4',
        maxLength: 15,
        'x-kubernetes-validations': [
          { rule: "self != '0.0.0.0'", message: 'the cluster ID 0.0.0.0 is none' },
        ],
      };
    case 'duration':
    case 'selector':
    case 'community':
    case 'interface':
      return { type: 'string' };
    case 'object':
      return openApiOfFields(shape.fields);
    case 'list':
      return {
        type: 'array',
        ...(shape.min === undefined ? {} : { minItems: shape.min }),
        ...(shape.max === undefined ? {} : { maxItems: shape.max }),
        items: openApiOfShape(shape.of),
      };
    case 'texts':
      return { type: 'object', additionalProperties: { type: 'string' } };
    case 'anything':
      return { 'x-kubernetes-preserve-unknown-fields': true } satisfies Readonly<Record<string, Json>>;
    default:
      return shape satisfies never;
  }
}
