/** `calico-rr check`: what is wrong with a cluster, from its datastore or from files. Touches nothing. */
import type { Command } from 'commander';
import { CALICO_VERSION_FLAG, CALICO_VERSION_HELP } from './calico-version.ts';
import { addDatastoreOrConfig, type DatastoreOrConfig } from './datastore-flags.ts';

export interface CheckFlags extends DatastoreOrConfig {
  readonly file?: readonly string[];
  readonly minReflectors: string;
  readonly optmemMax?: string;
  readonly strict?: boolean;
  readonly output?: string;
  readonly calicoVersion?: string;
}

const AFTER_HELP = `
Exit status: 0 nothing that fails, 1 the check could not be made, 2 a wrong command line, 3 an error was found (with
--strict: or a warning).

Examples:
  calico-rr check
  calico-rr check -f examples/rack --strict
  calico-rr check -f cluster.yaml -f peers/ -o json
`;

export function addCheck(program: Command): void {
  const verb = program
    .command('check')
    .description('find what is wrong with all speakers together, before it does harm')
    .option(
      '-f, --file <FILE|DIR>',
      'read resources from files instead of the datastore; may be given again',
      (path: string, paths: readonly string[] | undefined) => [...(paths ?? []), path],
    )
    .option('--min-reflectors <NUMBER>', 'reflectors that every node should have', '2')
    .option('--optmem-max <BYTES>', "net.core.optmem_max of the speakers' kernels; bounds their passwords")
    .option('--strict', 'fail for warnings, too')
    .option('-o, --output <FORMAT>', 'json: problems, and the pairs of nodes that are apart')
    .option(CALICO_VERSION_FLAG, CALICO_VERSION_HELP)
    .addHelpText('after', AFTER_HELP)
    .action(async (flags: CheckFlags) => {
      const { runCheck } = await import('./run-check.ts');
      const { text, exitCode } = await runCheck(flags);
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
  addDatastoreOrConfig(verb);
}
