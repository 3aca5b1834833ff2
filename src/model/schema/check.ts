/**
 * Whether a value is what a schema asks for. What counts as an AS number, a selector or an address is decided by the
 * same functions that the readers use, so that both say the same of the same value, in the same words.
 */
import { familyOf, isSpeakerAddress, parseAddress, parsePrefix } from '../address.ts';
import { readCommunity } from '../bgp-filter.ts';
import { readClusterId } from '../node.ts';
import {
  asObject,
  type Findings,
  isUnset,
  quote,
  readAsNumber,
  readEndpoint,
  readFlag,
  readHostAddress,
  readInteger,
  readSeconds,
  readSelector,
  readText,
  reject,
} from '../reading.ts';
import type { Json, JsonObject } from '../resource.ts';
import { readSecretKeyRef } from '../secret-reference.ts';
import { oneOf } from './one-of.ts';
import type { Fields, Shape } from './shape.ts';

/** Finds every value of `object` that its field cannot have, and every field that is missing. Unknown ones pass. */
export function checkFields(findings: Findings, object: JsonObject, fields: Fields, path: string): void {
  for (const [name, field] of Object.entries(fields)) {
    const value = object[name];
    if (!isUnset(value)) checkValue(findings, value, field.shape, `${path}.${name}`);
    else if (field.required) reject(findings, 'bad-field', `${path}.${name}`, 'is missing.');
  }
}

/** @param value one that is set */
function checkValue(findings: Findings, value: Json, shape: Shape, path: string): void {
  switch (shape.type) {
    case 'anything':
      return;
    case 'text':
      checkText(findings, value, path, shape.longest);
      return;
    case 'secret-name':
      if (typeof value !== 'string')
        reject(findings, 'missing-password', path, 'is not the name of a password.');
      return;
    case 'choice':
      checkChoice(findings, value, shape.of, shape.anyCase === true, path);
      return;
    case 'flag':
      readFlag(findings, value, path);
      return;
    case 'integer':
      readInteger(findings, value, path, [shape.low, shape.high]);
      return;
    case 'as-number':
      readAsNumber(findings, value, path, shape.zeroIsUnset === true);
      return;
    case 'address':
      checkAddress(findings, value, shape, path);
      return;
    case 'host-address':
      readHostAddress(findings, value, path, shape.family);
      return;
    case 'endpoint':
      readEndpoint(findings, value, path);
      return;
    case 'prefix': {
      const prefix = typeof value === 'string' ? parsePrefix(value) : undefined;
      if (prefix === undefined || (shape.family !== undefined && familyOf(prefix) !== shape.family)) {
        const what = shape.family === undefined ? 'a CIDR' : `an IPv${shape.family} CIDR`;
        reject(findings, 'bad-prefix', path, `is ${quote(value)}, not ${what}.`);
      }
      return;
    }
    case 'cluster-id':
      readClusterId(findings, value, path);
      return;
    case 'duration':
      readSeconds(findings, value, path);
      return;
    case 'selector':
      readSelector(findings, value, path);
      return;
    case 'community':
      readCommunity(findings, value, path);
      return;
    case 'interface':
      if (
        typeof value !== 'string' ||
        !/^[A-Za-z0-9_.*-]{1,15}$/.test(value) ||
        (shape.notAll === true && value === '*')
      )
        reject(findings, 'bad-field', path, `is ${quote(value)}, not the name of an interface.`);
      return;
    case 'texts':
      checkTexts(findings, value, path);
      return;
    case 'object': {
      const object = asObject(value);
      if (shape.secret === true) readSecretKeyRef(findings, object, path);
      else if (object === undefined)
        reject(findings, 'bad-field', path, `is ${quote(value)}, not an object.`);
      else checkFields(findings, object, shape.fields, path);
      return;
    }
    case 'list':
      checkList(findings, value, shape, path);
      return;
    default:
      shape satisfies never;
  }
}

function checkText(findings: Findings, value: Json, path: string, longest: number | undefined): void {
  const read = readText(findings, value, path);
  if (read !== null && longest !== undefined && read.length > longest)
    reject(findings, 'bad-field', path, `has ${read.length} characters; ${longest} fit.`);
}

function checkChoice(
  findings: Findings,
  value: Json,
  of: readonly string[],
  anyCase: boolean,
  path: string,
): void {
  const known = (text: string): boolean =>
    of.some((one) => one === text || (anyCase && one.toLowerCase() === text.toLowerCase()));
  if (typeof value === 'string' && known(value)) return;
  reject(findings, 'bad-field', path, `is ${quote(value)}, not ${oneOf(of)}.`);
}

function checkAddress(
  findings: Findings,
  value: Json,
  shape: Extract<Shape, { readonly type: 'address' }>,
  path: string,
): void {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address === undefined || (shape.family !== undefined && familyOf(address) !== shape.family)) {
    const what = shape.family === undefined ? 'an IP address' : `an IPv${shape.family} address`;
    reject(findings, 'bad-address', path, `is ${quote(value)}, not ${what}.`);
  } else if (shape.speaker === true && !isSpeakerAddress(address)) {
    readHostAddress(findings, value, path, familyOf(address));
  }
}

function checkTexts(findings: Findings, value: Json, path: string): void {
  const object = asObject(value);
  if (object === undefined) {
    reject(findings, 'bad-field', path, `is ${quote(value)}, not an object.`);
    return;
  }
  for (const [key, text] of Object.entries(object)) {
    if (typeof text === 'object')
      reject(findings, 'bad-field', `${path}.${key}`, 'is no text.', 'Put its value in quotes.');
  }
}

function checkList(
  findings: Findings,
  value: Json,
  { of, min = 0, max = Number.POSITIVE_INFINITY }: Extract<Shape, { readonly type: 'list' }>,
  path: string,
): void {
  if (!Array.isArray(value)) {
    reject(findings, 'bad-field', path, `is ${quote(value)}, not a list.`);
    return;
  }
  const items: readonly Json[] = value;
  if (items.length < min || items.length > max)
    reject(findings, 'bad-field', path, `has ${items.length} items, not ${min} to ${max}.`);
  for (const [index, item] of items.entries()) checkValue(findings, item, of, `${path}[${index}]`);
}
