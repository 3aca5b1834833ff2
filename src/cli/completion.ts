/** `completion SHELL`: prints the script that makes a shell complete our words. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes verbs, flags, kinds and names in a shell')
    .argument('<bash|zsh|fish>', 'the shell')
    .action(async (wanted: string) => {
      const { completionScript, SHELLS } = await import('./completion/scripts.ts');
      const { CalicoRrError } = await import('../model/errors.ts');
      const shell = SHELLS.find((one) => one === wanted);
      if (shell === undefined)
        throw new CalicoRrError('E_USAGE', `there is no completion for ${JSON.stringify(wanted)}`, {
          hint: `There is one for ${SHELLS.join(', ')}.`,
        });
      process.stdout.write(completionScript(shell, programName()));
    });
}

/** The word by which the scripts ask us; no verb, because its words are not to be read as flags. */
export const ASKED_BY_SHELL = '__complete';

/** Prints what may stand at the last word. Never fails: a shell in the middle of a line is no place for a message. */
export async function answerShell(program: Command, words: readonly string[]): Promise<void> {
  const { complete, readTyped } = await import('./completion/candidates.ts');
  const { namesFrom } = await import('./completion/names.ts');
  const typed = readTyped(program, words.slice(0, -1));
  const found = await complete(typed, words.at(-1) ?? '', namesFrom(typed, programName())).catch(() => []);
  const text =
    found === 'files'
      ? ':files\n'
      : found.map(({ word, note }) => `${note ? `${word}\t${note}` : word}\n`).join('');
  // A datastore that does not answer holds nobody up.
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  process.exit(0);
}
