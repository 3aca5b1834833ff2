/** `validate`: whether documents are what they mean to be, without a datastore. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addFileOptions } from './resource-options.ts';
import type { ValidateFlags } from './resources/run-validate.ts';

const AFTER_HELP = `
Exit status: 0 all can be written, 1 something is wrong with one of them, 2 a wrong command line.

Examples:
  calico-rr validate -f peers.yaml
  calico-rr validate -R -f cluster/ -o json
  calico-rr validate -f peers.yaml --etcd-api v2
`;

export function addValidate(program: Command): void {
  const verb = program
    .command('validate')
    .description('find everything that is wrong with the documents of files, without a datastore')
    .option('--skip-empty', 'no error where the files hold nothing')
    .option('--etcd-api <v2|v3>', 'v2: also what etcd v2 has no place for (as with DATASTORE_TYPE=etcdv2)')
    .option('-o, --output <FORMAT>', 'json: every fault with its place')
    .addHelpText('after', AFTER_HELP);
  addFileOptions(verb, 'the documents');
  verb.action(async (flags: ValidateFlags) => {
    const { runValidate } = await import('./resources/run-validate.ts');
    await runValidate(flags, programName());
  });
}
