/**
 * The BIRD configuration of a speaker as `run` would load it, passwords masked unless asked for; or in another dialect,
 * for a BIRD that others run. What needs two files is printed as two, each under a line with its name.
 */
import type { SecretSource } from '../agent/secret-source.ts';
import { openSecrets } from '../agent/secrets.ts';
import { findPasswords, passwordNames, type SessionPasswords } from '../agent/session-passwords.ts';
import { type BirdFile, birdFiles, tunnelWarnings } from '../engine/bird/dialects.ts';
import { CalicoRrError } from '../model/errors.ts';
import type { Problem } from '../model/problem.ts';
import type { SpeakerConfig } from '../topology/speaker-config.ts';
import {
  type RenderFlags,
  type RenderSettings,
  readAddPaths,
  readDialect,
  readFamily,
  readRenderSettings,
} from './run-settings.ts';
import { findSpeaker, type SourceFlags } from './speaker-source.ts';

interface Flags extends SourceFlags, RenderFlags {
  readonly showSecrets?: boolean;
  readonly dialect?: string;
  readonly family?: string;
}

export async function renderSpeaker(
  name: string,
  flags: Flags,
): Promise<{ readonly text: string; readonly problems: readonly Problem[] }> {
  const settings = readRenderSettings(process.env, flags);
  const dialect = readDialect(flags.dialect);
  const family = readFamily(flags.family, dialect);
  const { view, problems, beyond } = await findSpeaker(name, flags);
  const config = view.config();
  const addPaths = readAddPaths(flags.addPaths, 'bird');
  const options = { instance: config.speaker, dialect, addPaths, ...settings };
  const found = flags.showSecrets === true ? await passwordsOf(config, flags, settings) : undefined;
  const files = birdFiles(found?.config ?? config, options, found?.passwords);
  const asked = family === null ? files : files.filter((file) => file.family === family);
  if (asked.length === 0) {
    throw new CalicoRrError(
      'E_NOT_FOUND',
      `${config.speaker} has no IPv${family} address and no session over IPv${family}`,
      {
        hint: 'Leave --family out to see the files that it needs.',
      },
    );
  }
  const text = asked.length === 1 ? asked.map((file) => file.text) : asked.map(titled);
  return {
    text: text.join('\n'),
    problems: [...problems, ...tunnelWarnings(config, options), ...(found?.problems ?? []), ...beyond()],
  };
}

async function passwordsOf(
  config: SpeakerConfig,
  flags: SourceFlags,
  settings: RenderSettings,
): Promise<SessionPasswords> {
  const secrets = await openSecretsOf(flags, settings);
  try {
    await secrets.expect(passwordNames(config));
    return findPasswords(config, secrets);
  } finally {
    await secrets.close();
  }
}

/** Files have no Secrets beside them. */
async function openSecretsOf(flags: SourceFlags, settings: RenderSettings): Promise<SecretSource> {
  const file = openSecrets(settings.secretsFile);
  if (flags.file !== undefined) return file;
  const { settingsForVerb } = await import('./resources/open.ts');
  const { openSecretSources } = await import('./secret-sources.ts');
  const datastore = await settingsForVerb(flags, process.env);
  return openSecretSources(datastore, file, settings.secretsNamespace, null);
}

/** A comment, so that a file that is cut out with it is still a good one. */
function titled(file: BirdFile): string {
  return `# ==> ${file.name} <==\n${file.text}`;
}
