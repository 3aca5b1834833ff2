/** The BIRD configuration of a speaker as `run` would load it, passwords masked unless asked for. */
import { openSecrets } from '../agent/secrets.ts';
import { findPasswords } from '../agent/session-passwords.ts';
import { renderBird } from '../engine/bird/bird-engine.ts';
import type { Problem } from '../model/problem.ts';
import { type RenderFlags, readRenderSettings } from './run-settings.ts';
import { findSpeaker, type SourceFlags } from './speaker-source.ts';

export async function renderSpeaker(
  name: string,
  flags: SourceFlags & RenderFlags & { readonly showSecrets?: boolean },
): Promise<{ readonly text: string; readonly problems: readonly Problem[] }> {
  const settings = readRenderSettings(process.env, flags);
  const { view, problems } = await findSpeaker(name, flags);
  const config = view.config();
  const options = { instance: config.speaker, ...settings };
  if (flags.showSecrets !== true) return { text: renderBird(config, options), problems };
  const found = findPasswords(config, openSecrets(settings.secretsFile));
  return {
    text: renderBird(found.config, options, found.passwords),
    problems: [...problems, ...found.problems],
  };
}
