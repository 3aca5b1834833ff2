/** `delete`: resources by name, or those that files name. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import {
  addChangeOptions,
  addDatastoreOptions,
  addFileOptions,
  addScopeOptions,
} from './resource-options.ts';
import type { DeleteFlags } from './resources/run-delete.ts';

export function addDelete(program: Command): void {
  const verb = program
    .command('delete')
    .description('delete resources by name, or those that files name')
    .argument(
      '[KIND]',
      'node, bgppeer, bgpconfiguration, bgpfilter, ippool, caliconodestatus, routereflector',
    )
    .argument('[NAME...]', 'names')
    .option('-s, --skip-not-exists', 'pass over what does not exist');
  addScopeOptions(addFileOptions(verb, 'delete what these files name'));
  addChangeOptions(verb);
  addDatastoreOptions(verb).action(
    async (kind: string | undefined, names: readonly string[], flags: DeleteFlags) => {
      const { runDelete } = await import('./resources/run-delete.ts');
      await runDelete(kind, names, flags, programName());
    },
  );
}
