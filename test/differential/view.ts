/** What a peer holds, in a form that is the same wherever it was played: addresses of the reflector as a word. */
import { decodeAttributes, formatAddress, formatAsPath, formatRouterId } from '../../src/bgp/index.ts';
import type { Speaker } from '../interop/speaker.ts';
import type { Actor } from './actor.ts';
import type { Ground } from './ground.ts';

/**
 * Attributes by prefix, as lines that people read. Marks are left out. Who takes several paths has a line for each, in
 * an order that does not hang on their identifiers: those are each engine's own.
 */
export type Held = ReadonlyMap<string, string>;

const MARKS = /^(192\.0\.2\.|2001:db8:ffff:)/;

export function heldBy(
  player: Actor & { readonly speaker: Speaker; readonly up: boolean },
  ground: Ground,
): Held {
  if (!player.up) return new Map();
  if (player.speaker.state !== 'Established') {
    throw new Error(`the session of peer ${player.host} ended: ${player.speaker.states.join(' ')}`);
  }
  const own = ground.address(player.spec.family, 1);
  const held = new Map<string, string[]>();
  for (const [key, { attributes, nextHop }] of player.speaker.routes) {
    if (MARKS.test(key)) continue;
    const [prefix = key] = key.split(' ');
    const address = formatAddress(nextHop.subarray(0, 16));
    const line = `next hop ${address === own ? 'reflector' : address}, ${inWords(attributes)}`;
    held.set(prefix, [...(held.get(prefix) ?? []), line]);
  }
  const sorted = [...held].sort(([one], [other]) => (one < other ? -1 : 1));
  return new Map(sorted.map(([prefix, lines]) => [prefix, lines.sort().join('\n    ')]));
}

function inWords(bytes: Uint8Array): string {
  const {
    nextHop: _shownAlready,
    asPath,
    originatorId,
    clusterList,
    unknown,
    ...rest
  } = decodeAttributes(bytes);
  const words: unknown = {
    asPath: asPath === null ? null : formatAsPath(asPath),
    originatorId: originatorId === null ? null : formatRouterId(originatorId),
    clusterList: clusterList.map(formatRouterId),
    ...rest,
    communities: [...rest.communities].sort((one, other) => one - other),
    extendedCommunities: rest.extendedCommunities.map(String),
    unknown: unknown.map(
      ({ code, flags, value }) => `${code}/${flags}/${Buffer.from(value).toString('hex')}`,
    ),
  };
  return JSON.stringify(words);
}

/** Where two ways to play a scenario differ, in lines; empty where they do not. */
export function differences(
  one: readonly ReadonlyMap<string, Held>[],
  other: readonly ReadonlyMap<string, Held>[],
  names: readonly [string, string],
): readonly string[] {
  const lines: string[] = [];
  one.forEach((look, index) => {
    for (const [peer, held] of look) {
      const beside = other[index]?.get(peer) ?? new Map<string, string>();
      for (const prefix of new Set([...held.keys(), ...beside.keys()])) {
        const [first, second] = [held.get(prefix) ?? 'nothing', beside.get(prefix) ?? 'nothing'];
        if (first === second) continue;
        lines.push(
          `look ${index + 1}, ${peer}, ${prefix}`,
          `  ${names[0]}: ${first}`,
          `  ${names[1]}: ${second}`,
        );
      }
    }
  });
  return lines;
}
