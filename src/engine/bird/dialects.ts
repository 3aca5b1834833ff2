/**
 * The files that a dialect of BIRD needs for a speaker: one for BIRD 2; two for BIRD 1 and Calico's fork of it, which
 * have a daemon for each family. Named as BIRD 2 and Calico name them.
 */
import type { Family } from '../../model/address.ts';
import type { SpeakerConfig } from '../../topology/speaker-config.ts';
import { hasFamily } from './node-role.ts';
import type { RenderOptions } from './options.ts';
import { renderBird } from './render.ts';

export { tunnelWarnings } from './kernel-export.ts';
export type { Dialect } from './options.ts';

export interface BirdFile {
  /** `bird.conf`, `bird.cfg` or `bird6.cfg`. */
  readonly name: string;
  /** The one family that it is for; null: both. */
  readonly family: Family | null;
  readonly text: string;
}

/**
 * The files, IPv4 first; none for a family in which the speaker has neither an address nor a session.
 * @param passwords TCP-MD5 passwords by session name; absent: every password is shown as `********`
 */
export function birdFiles(
  config: SpeakerConfig,
  options: RenderOptions,
  passwords?: ReadonlyMap<string, string>,
): readonly BirdFile[] {
  if (options.dialect === undefined || options.dialect === 'bird2') {
    return [{ name: 'bird.conf', family: null, text: renderBird(config, options, passwords) }];
  }
  return ([4, 6] as const)
    .filter((family) => hasFamily(config, family))
    .map((family) => ({
      name: family === 4 ? 'bird.cfg' : 'bird6.cfg',
      family,
      text: renderBird(onlyFamily(config, family), options, passwords),
    }));
}

/** What is left of a speaker in a daemon that knows one family. */
function onlyFamily(config: SpeakerConfig, family: Family): SpeakerConfig {
  return {
    ...config,
    ipv4: family === 4 ? config.ipv4 : null,
    ipv6: family === 6 ? config.ipv6 : null,
    customFilters: config.customFilters.filter((filter) => filter.family === family),
    sessions: config.sessions.filter((session) => session.family === family),
  };
}
