/**
 * What an update group numbers and tells: prefixes, or where its peers take several paths to one prefix (RFC 7911),
 * routes. A group keeps by this number what it told, and a batch writes it.
 */
import type { Family } from '../../../bgp/index.ts';

export interface ToldTable {
  readonly family: Family;
  /** Whether four octets of path identifier precede each prefix on the wire. */
  readonly addPath: boolean;
  /** Numbers in use are below this. */
  readonly bound: number;
  /** Writes the NLRI (path identifier where there are some, length octet, address octets); returns the offset after it. */
  writeNlri(id: number, target: Uint8Array, at: number): number;
}
