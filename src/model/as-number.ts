/** Autonomous system numbers: 32 bits (RFC 6793), in plain and in dotted text (RFC 5396 asdot+). */

/** 1..4294967295. */
export type AsNumber = number & { readonly __asNumber: true };

/** What Calico uses where neither the node nor the global configuration names an AS. */
export const DEFAULT_AS_NUMBER = 64512 as AsNumber;

/**
 * A decimal number, decimal text, or dotted `high.low` text with both parts 0..65535.
 * AS 0 is reserved (RFC 7607) and is refused here; Calico stores it for "not set", readers map it before.
 * @returns undefined where it is no AS number
 */
export function parseAsNumber(value: unknown): AsNumber | undefined {
  if (typeof value === 'number') return inRange(value);
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,10}$/.test(value)) return inRange(Number(value));
  const dotted = /^(\d{1,5})\.(\d{1,5})$/.exec(value);
  if (dotted === null) return undefined;
  const high = Number(dotted[1]);
  const low = Number(dotted[2]);
  return high > 0xffff || low > 0xffff ? undefined : inRange(high * 65536 + low);
}

function inRange(value: number): AsNumber | undefined {
  return Number.isInteger(value) && value >= 1 && value <= 0xffffffff ? (value as AsNumber) : undefined;
}
