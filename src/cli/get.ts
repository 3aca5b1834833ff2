/** `get`: shows resources. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import {
  addAllNamespaces,
  addDatastoreOptions,
  addFileOptions,
  addScopeOptions,
} from './resource-options.ts';
import type { GetFlags } from './resources/run-get.ts';

export function addGet(program: Command): void {
  // calicoctl's -l is its log level.
  const selector = programName() === 'calicoctl' ? '--selector <SELECTOR>' : '-l, --selector <SELECTOR>';
  const verb = program
    .command('get')
    .description('show resources: all of a kind, those named, or those in files')
    .argument(
      '[KIND]',
      'node, bgppeer, bgpconfiguration, bgpfilter, ippool, caliconodestatus, routereflector',
    )
    .argument('[NAME...]', 'names; without any, all')
    .option('-o, --output <FORMAT>', 'yaml, json, wide, name, custom-columns=A,B or jsonpath=TEMPLATE')
    .option('--export', 'leave out what belongs to this cluster alone (with a name)')
    .option(selector, 'only those whose labels match');
  addAllNamespaces(addScopeOptions(addFileOptions(verb, 'show what these files name')));
  addDatastoreOptions(verb).action(
    async (kind: string | undefined, names: readonly string[], flags: GetFlags) => {
      const { runGet } = await import('./resources/run-get.ts');
      await runGet(kind, names, flags, programName());
    },
  );
}
