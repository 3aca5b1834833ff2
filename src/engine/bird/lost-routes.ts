/** Which routes a narrower `acceptPrefixes` bound would drop, told before it is applied. */
import type { Prefix } from '../../model/address.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import { type ControlSocket, MAX_REQUEST_BYTES } from './control-socket.ts';
import type { ResolvedRenderOptions } from './options.ts';
import { acceptedPrefixes, admits, prefixSet } from './prefix-bounds.ts';
import { parseRoutes } from './replies.ts';

/** A table of 250,000 paths takes BIRD and us some seconds to tell; the daemon goes on routing meanwhile. */
const TIMEOUT_MS = 60_000;

/** @param running the state that runs, or undefined where that is not known: every bound is narrower then */
export async function lostRoutesOf(
  control: ControlSocket,
  config: SpeakerConfig,
  running: SpeakerConfig | undefined,
  options: ResolvedRenderOptions,
): Promise<readonly { readonly session: string; readonly prefix: string }[]> {
  const next = acceptedPrefixes(config, options);
  if (next === undefined) return [];
  const now = running === undefined ? undefined : acceptedPrefixes(running, options);
  if (now?.every((prefix) => admits(next, prefix)) === true) return [];
  const bounded = new Set(
    config.sessions.filter((session) => session.kind !== 'reflector').map((session) => session.name),
  );
  const lost: { session: string; prefix: string }[] = [];
  for (const table of ['master4', 'master6']) {
    const reply = await control.request(showRoutes(table, next), TIMEOUT_MS);
    for (const route of parseRoutes(reply)) {
      if (bounded.has(route.protocol) && !admits(next, route.prefix)) {
        lost.push({ session: route.protocol, prefix: route.prefix });
      }
    }
  }
  return lost;
}

/** BIRD leaves out what is within the bounds, where the bounds are few enough for one request. */
function showRoutes(table: string, next: readonly Prefix[]): string {
  const family = table === 'master4' ? 4 : 6;
  const set = prefixSet(next.filter((prefix) => prefix.includes(':') === (family === 6)));
  const all = `show route table ${table}`;
  if (set === undefined) return all;
  const filtered = `${all} where !(net ~ ${set})`;
  return Buffer.byteLength(filtered) < MAX_REQUEST_BYTES ? filtered : all;
}
