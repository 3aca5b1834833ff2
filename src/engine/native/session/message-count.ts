/** How many messages octets hold, by their headers alone. */
const LENGTH_AT = 16;

/** @param chunk whole messages, one after the other (RFC 4271 section 4.1) */
export function countMessages(chunk: Uint8Array): number {
  let count = 0;
  for (let at = 0; at + LENGTH_AT + 2 < chunk.length; count++) {
    const length = ((chunk[at + LENGTH_AT] ?? 0) << 8) | (chunk[at + LENGTH_AT + 1] ?? 0);
    if (length === 0) throw new RangeError('a message of no octets');
    at += length;
  }
  return count;
}
