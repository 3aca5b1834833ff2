/** `create`: new resources; one that is there already is an error. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addDatastoreOptions, addFileOptions, addWriteOptions } from './resource-options.ts';
import type { WriteFlags } from './resources/run-write.ts';

export function addCreate(program: Command): void {
  const verb = program
    .command('create')
    .description('create the resources of files; what exists already is an error')
    .option('--skip-exists', 'pass over what exists already');
  addFileOptions(verb, 'the documents');
  addWriteOptions(verb);
  addDatastoreOptions(verb).action(async (flags: WriteFlags) => {
    const { runWrite } = await import('./resources/run-write.ts');
    await runWrite('create', flags, programName());
  });
}
