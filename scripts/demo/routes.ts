/** Routes out of BIRD 2's `show route all`: what BGP says, whatever BIRD makes of the next hop. */
import type { LearnedRoute } from './view.ts';

/**
 * @param lines of the reply, without codes
 * @returns the BGP routes, each prefix and next hop once
 */
export function parseRoutes(lines: readonly string[]): readonly LearnedRoute[] {
  const routes = new Map<string, LearnedRoute>();
  let prefix = '';
  for (const line of lines) {
    const named = /^(\S+\/\d+)\s/.exec(line);
    if (named !== null) prefix = named[1] ?? '';
    const hop = /^\s*BGP\.next_hop: (\S+)/.exec(line);
    if (hop?.[1] !== undefined) routes.set(`${prefix} ${hop[1]}`, { prefix, nextHop: hop[1] });
  }
  return [...routes.values()];
}
