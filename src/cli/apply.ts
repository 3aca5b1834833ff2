/** `apply`: resources as files say them, new or not. */
import type { Command } from 'commander';
import { programName } from './program-name.ts';
import { addDatastoreOptions, addFileOptions, addWriteOptions } from './resource-options.ts';
import type { WriteFlags } from './resources/run-write.ts';

export function addApply(program: Command): void {
  const verb = program
    .command('apply')
    .description('create the resources of files, or replace them where they exist');
  addFileOptions(verb, 'the documents');
  addWriteOptions(verb);
  addDatastoreOptions(verb).action(async (flags: WriteFlags) => {
    const { runWrite } = await import('./resources/run-write.ts');
    await runWrite('apply', flags, programName());
  });
}
