/** What somebody meant who typed a kind where a verb belongs: `calico-rr bgppeers`. */
import type { CommanderError } from 'commander';
import { nearestOf } from '../model/spelling.ts';
import { findKind, RESOURCE_KINDS } from './resources/kinds.ts';

/** A sentence, which counts for more than what commander suggests; undefined where there is none. */
export function suggestionFor(error: CommanderError, words: readonly string[]): string | undefined {
  const [first = '', near] = error.message.split('\n');
  const unknown = /^error: unknown command '([^']+)'$/.exec(first)?.[1];
  if (unknown === undefined) return undefined;
  const kinds = RESOURCE_KINDS.flatMap(({ aliases }) => aliases.slice(0, 2));
  const kind = findKind(unknown) === undefined ? nearestOf(unknown, kinds) : unknown;
  // A verb that is near counts for more than a kind that is.
  if (kind === undefined || (near !== undefined && kind !== unknown)) return undefined;
  // `nodes get` is `get nodes`, and a name may follow.
  const rest = words.slice(words.indexOf(unknown) + 1).filter((word) => word !== 'get');
  return `Did you mean calico-rr ${['get', kind, ...rest].join(' ')}?`;
}
