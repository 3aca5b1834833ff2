/** JSON text (RFC 8259) into the plain values that resources are made of. */
import type { Json, JsonObject } from './resource.ts';

/** @returns the value, or undefined where `text` is no JSON */
export function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
