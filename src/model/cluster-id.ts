/** Route reflector cluster IDs (RFC 4456 section 7): 32 bits, written like an IPv4 address. */
import { isIPv4 } from 'node:net';

export type ClusterId = string & { readonly __clusterId: true };

/** @returns undefined where `text` is no cluster ID; 0.0.0.0 is none, though BIRD would take it */
export function parseClusterId(text: string): ClusterId | undefined {
  return isIPv4(text) && text !== '0.0.0.0' ? (text as ClusterId) : undefined;
}
