/** What an API server refuses to store: bad names and labels, and what the schema of a custom resource forbids. */
import { isIPv4, isIPv6 } from 'node:net';
import { isJsonObject } from '../../../src/model/json.ts';
import type { Json, JsonObject } from '../../../src/model/resource.ts';
import type { Cause } from './refusals.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NAME_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const NAME_PART_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function bad(field: string, value: string, why: string, reason = 'FieldValueInvalid'): Cause {
  return { reason, message: `Invalid value: "${value}": ${why}`, field };
}

export function checkMetadata(metadata: JsonObject): readonly Cause[] {
  const causes: Cause[] = [];
  const name = typeof metadata.name === 'string' ? metadata.name : '';
  if (!SUBDOMAIN.test(name) || name.length > 253) causes.push(bad('metadata.name', name, SUBDOMAIN_TEXT));
  for (const [field, values] of [
    ['metadata.labels', metadata.labels],
    ['metadata.annotations', metadata.annotations],
  ] as const) {
    if (!isJsonObject(values)) continue;
    for (const [key, value] of Object.entries(values)) {
      causes.push(...checkKey(field, key));
      if (field === 'metadata.labels' && (!LABEL_VALUE.test(String(value)) || String(value).length > 63))
        causes.push(bad(field, String(value), LABEL_VALUE_TEXT));
    }
  }
  return causes;
}

function checkKey(field: string, key: string): readonly Cause[] {
  const causes: Cause[] = [];
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  if (slash >= 0 && !SUBDOMAIN.test(key.slice(0, slash)))
    causes.push(bad(field, key, `prefix part ${SUBDOMAIN_TEXT}`));
  if (name === '') causes.push(bad(field, key, 'name part must be non-empty'));
  if (!NAME_PART.test(name)) causes.push(bad(field, key, NAME_PART_TEXT));
  return causes;
}

/** What a structural schema says of a value; in the server's words as far as they were recorded. */
export function checkSchema(schema: JsonObject, value: Json, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  const type = typeof schema.type === 'string' ? schema.type : undefined;
  if (value === null)
    return schema.nullable === true || type === undefined ? [] : [wrongType(path, type, value)];
  if (type !== undefined && !isOfType(type, value)) return [wrongType(path, type, value)];
  if (
    schema['x-kubernetes-int-or-string'] === true &&
    !isOfType('integer', value) &&
    typeof value !== 'string'
  )
    return [wrongType(path, 'integer,string', value)];
  if (Array.isArray(schema.enum) && !schema.enum.includes(value))
    causes.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${schema.enum.map((one) => JSON.stringify(one)).join(', ')}`,
      field: path,
    });
  if (typeof value === 'number') causes.push(...checkNumber(schema, value, path));
  if (typeof value === 'string') causes.push(...checkText(schema, value, path));
  if (Array.isArray(value)) {
    const { items } = schema;
    if (typeof schema.maxItems === 'number' && value.length > schema.maxItems)
      causes.push({
        reason: 'FieldValueTooMany',
        message: `Too many: ${value.length}: must have at most ${schema.maxItems} items`,
        field: path,
      });
    if (isJsonObject(items))
      for (const [index, item] of value.entries())
        causes.push(...checkSchema(items, item, `${path}[${index}]`));
  } else if (isJsonObject(value)) {
    const properties = isJsonObject(schema.properties) ? schema.properties : {};
    for (const required of Array.isArray(schema.required) ? schema.required : [])
      if (!(String(required) in value))
        causes.push({
          reason: 'FieldValueRequired',
          message: 'Required value',
          field: join(path, String(required)),
        });
    for (const [key, child] of Object.entries(value)) {
      const childSchema = properties[key];
      if (isJsonObject(childSchema)) causes.push(...checkSchema(childSchema, child, join(path, key)));
    }
  }
  return causes;
}

function checkNumber(schema: JsonObject, value: number, path: string): readonly Cause[] {
  if (typeof schema.minimum === 'number' && value < schema.minimum)
    return [bad(path, String(value), `${path} in body should be greater than or equal to ${schema.minimum}`)];
  if (typeof schema.maximum === 'number' && value > schema.maximum)
    return [bad(path, String(value), `${path} in body should be less than or equal to ${schema.maximum}`)];
  return [];
}

function checkText(schema: JsonObject, value: string, path: string): readonly Cause[] {
  const causes: Cause[] = [];
  if (typeof schema.pattern === 'string' && !new RegExp(schema.pattern).test(value))
    causes.push(bad(path, value, `${path} in body should match '${schema.pattern}'`));
  if (typeof schema.maxLength === 'number' && value.length > schema.maxLength)
    causes.push(bad(path, value, `${path} in body should be at most ${schema.maxLength} chars long`));
  if (schema.format === 'ipv4' && !isIPv4(value))
    causes.push(bad(path, value, `${path} in body must be of type ipv4: "${value}"`));
  if (schema.format === 'ipv6' && !isIPv6(value))
    causes.push(bad(path, value, `${path} in body must be of type ipv6: "${value}"`));
  return causes;
}

function isOfType(type: string, value: Json): boolean {
  switch (type) {
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    case 'object':
      return isJsonObject(value);
    case 'array':
      return Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function wrongType(path: string, type: string, value: Json): Cause {
  const is = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const message = `Invalid value: "${is}": ${path} in body must be of type ${type}: "${is}"`;
  return { reason: 'FieldValueTypeInvalid', message, field: path };
}

/** The value without what the schema does not know, as the server stores it; `onUnknown` hears each field. */
export function prune(
  schema: JsonObject,
  value: Json,
  path: string,
  onUnknown: (path: string) => void,
): Json {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return value;
  if (Array.isArray(value)) {
    const items = isJsonObject(schema.items) ? schema.items : {};
    return value.map((item, index) => prune(items, item, `${path}[${index}]`, onUnknown));
  }
  if (!isJsonObject(value)) return value;
  if (isJsonObject(schema.additionalProperties)) return value;
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const kept: Record<string, Json> = {};
  for (const [key, child] of Object.entries(value)) {
    const childSchema = properties[key];
    if (isJsonObject(childSchema)) kept[key] = prune(childSchema, child, join(path, key), onUnknown);
    else if (path === '' && ['apiVersion', 'kind', 'metadata'].includes(key)) kept[key] = child;
    else onUnknown(join(path, key));
  }
  return kept;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
