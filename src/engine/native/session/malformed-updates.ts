/**
 * What was wrong with a peer's UPDATEs and did not end its session, told as RFC 7606 section 6 asks: the error, the routes
 * that it is about, and the octets. Who makes an error makes it again, so one of a kind is told at most once in ten
 * minutes of a session, with how often it came.
 */
import { type Action, formatPrefix, type Malformation, readNlri, type Update } from '../../../bgp/index.ts';
import type { Clock } from '../peer-link.ts';

export interface MalformedUpdate {
  readonly action: Action;
  /** `ORIGIN: value 9 is undefined (RFC 7606 section 7.1)`. */
  readonly what: string;
  /** The routes that were withdrawn for it or lack an attribute now, twenty at most. */
  readonly prefixes: readonly string[];
  /** The message in hex, its first 4096 octets. */
  readonly octets: string;
  /** How many errors of this kind were not told since the last one that was. */
  readonly untold: number;
}

export interface MalformedUpdates {
  /** @param message the UPDATE, header included */
  note(update: Update, message: Uint8Array): void;
}

const AGAIN_MS = 600_000;
const MOST_PREFIXES = 20;
const MOST_OCTETS = 4096;

export function createMalformedUpdates(
  clock: Pick<Clock, 'now'>,
  tell: (malformed: MalformedUpdate) => void,
): MalformedUpdates {
  /** By clause, of which there are few, whatever a peer comes up with. */
  const told = new Map<string, { readonly at: number; untold: number }>();

  function isNews({ clause }: Malformation): boolean {
    const before = told.get(clause);
    if (before === undefined || clock.now() - before.at >= AGAIN_MS) return true;
    before.untold++;
    return false;
  }

  return {
    note(update, message) {
      for (const one of update.malformed) {
        if (!isNews(one)) continue;
        const { name, action, clause, what } = one;
        const untold = told.get(clause)?.untold ?? 0;
        told.set(clause, { at: clock.now(), untold: 0 });
        tell({
          action,
          what: `${name}: ${what} (${clause})`,
          prefixes: prefixesOf(update),
          octets: Buffer.from(message.subarray(0, MOST_OCTETS)).toString('hex'),
          untold,
        });
      }
    },
  };
}

function prefixesOf({ treatedAsWithdraw, withdrawn, announced }: Update): readonly string[] {
  const blocks = treatedAsWithdraw ? withdrawn : announced.map(({ nlri }) => nlri);
  return blocks
    .flatMap(readNlri)
    .slice(0, MOST_PREFIXES)
    .map(({ prefix }) => formatPrefix(prefix));
}
