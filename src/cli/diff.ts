/** `diff`: what `apply` of files would change, in resources and in sessions. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addDatastoreOptions, addFileOptions } from './resource-options.ts';
import type { DiffFlags } from './resources/run-diff.ts';

const AFTER_HELP = `
Exit status: 0 nothing differs, 1 something does, 2 or more: it could not be told.

Examples:
  calico-rr diff -f peers.yaml
  calico-rr get bgppeers -o yaml | calico-rr diff -f -
`;

export function addDiff(program: Command): void {
  const verb = program
    .command('diff')
    .description(
      'show what apply of these files would change, which sessions and which routes; writes nothing',
    )
    .option('--skip-empty', 'no error where the files hold nothing')
    .addHelpText('after', AFTER_HELP);
  addFileOptions(verb, 'the documents');
  addDatastoreOptions(verb).action(async (flags: DiffFlags) => {
    const { runDiff } = await import('./resources/run-diff.ts');
    await runDiff(flags, programName());
  });
}
